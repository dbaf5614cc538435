/* SPDX-License-Identifier: Apache-2.0 */
/* xinetd.conf(5): blocks of attributes, defaults, and files of more. */
#ifndef DOCTOR_XINETD_CONF_H
#define DOCTOR_XINETD_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "c-client/base/span.h"

struct entries;
struct entry;

/* Files and directories that a configuration names; more are left out. */
#define XINETD_INCLUDES	32

struct xinetd_conf {
	struct entries *list;
	struct {
		const char *path;
		bool directory;
	} include[XINETD_INCLUDES];
	size_t includes;
	struct span disabled[XINETD_INCLUDES];	/* ids that defaults switch
						 * off */
	size_t disabled_n;
	unsigned together, per_source;		/* of the defaults */
};

/* Begin with an empty list of entries. */
void xinetd_conf_init(struct xinetd_conf *, struct entries *);

/*
 * Add the service blocks of `text`, the contents of `file` (both must live as
 * long as the entries).  What it includes is added to the list above for the
 * caller to read; he goes on until there is no more, which is bounded.
 */
void xinetd_conf_parse(struct xinetd_conf *, const char *file,
    struct span text);

/* Give the entries what the defaults, which may stand anywhere, have said. */
void xinetd_conf_finish(struct xinetd_conf *);

#endif
