/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of a server. */
#ifndef SERVER_ARGUMENTS_H
#define SERVER_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "c-client/base/bounds.h"
#include "c-client/server/connection.h"

struct fault;

struct arguments {
	const char *config;	/* --config FILE, or NULL */
	enum connection_tls tls; /* --tls, --no-tls */
	bool version, help;
	bool check, json, dump;	/* --check, and how it is printed */
	const char *login;	/* --login USER, or NULL */
	size_t listeners;	/* --listen ADDRESS:PORT[,tls|,plain] */
	struct {
		struct netaddr address;
		enum connection_tls tls;
	} listen[BOUND_LISTENERS];
};

/* Returns 0, or -1 with a fault that names what is wrong.  Options are
 * written `--name VALUE` or `--name=VALUE`. */
int arguments_parse(struct arguments *, int argc, char **argv,
    struct fault *why);

/* The file that is to be read, whether or not it was named. */
const char *arguments_config(const struct arguments *);

/* What --help says about them, a line each. */
extern const char arguments_help[];

#endif
