/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that put an entry of a super-server right, whichever it is. */
#ifndef DOCTOR_ENTRY_MEND_H
#define DOCTOR_ENTRY_MEND_H

#include <stdbool.h>

struct entry;
struct report;
struct superserver;
struct superservers;

/* What is to become of an entry.  NULL and false are: stays as it is. */
struct entry_mend {
	const char *service;
	const char *protocol;	/* of inetd */
	const char *user;
	const char *path;
	const char *program;	/* its argv[0] */
	bool no_arguments;
	bool everywhere;	/* no address */
	bool enabled;
	bool limits;		/* those that a mail server needs */
	bool input;		/* systemd: the connection as descriptor 0 */
	bool accept;		/* systemd: a process for each connection */
};

/*
 * The command for the finding that was added last.  inetd gets a new line, so
 * what is wrong in several ways is mended whichever command is run; xinetd new
 * attributes; systemd a file beside its unit.  What runs is told.
 */
void entry_mend(struct report *, const struct superservers *,
    const struct entry *, const struct entry_mend *);

/* Take the entry out of use. */
void entry_mend_off(struct report *, const struct superservers *,
    const struct entry *);

/* What makes this super-server read its files, or run: for the end of another
 * command, "" if there is no such. */
const char *entry_mend_tell(struct report *, const struct superserver *);

#endif
