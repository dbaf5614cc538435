/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `imapd --check`: looks at all that the server needs from this machine, says
 * what it saw, and for what is wrong the command that mends it.  It changes
 * nothing itself, and works without root as far as that goes.
 */
#ifndef DOCTOR_DOCTOR_H
#define DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <sys/types.h>

struct arguments;
struct auth_user;
struct config;
struct report;
struct service;

/* A user whom no machine has, for logins that must be refused. */
#define DOCTOR_NOBODY	"nobody.imapd-check"

/* What a check may ask.  Strings are never NULL but where that is said. */
struct doctor {
	const struct service *service;
	const struct config *config;	/* as the server would have it */
	const char *config_path;
	bool config_named;	/* --config: a missing file is a fault */
	const char *version;
	uid_t euid;		/* 0: everything can be looked at */
	const char *login;	/* --login USER, or NULL */
	const char *password;	/* his, or NULL */
	const struct auth_user *user;	/* who that is; NULL: there is none, */
	const char *user_trouble;	/* and why */
};

/*
 * Run all checks, in the order of the table, and print the report to standard
 * output; with --dump, print the configuration instead.  Nothing is logged.
 * Returns the exit status: 0, 1 with warnings, 2 where something FAILED.
 */
int doctor_main(const struct service *, const char *version,
    const struct arguments *);

/* For log_to_sink(): lines of the log are for the log, and checks say what
 * matters of them. */
void doctor_drop_line(void *arg, int level, const char *line);

/* What was found last is mended by giving `key` this value: where it stands
 * in the configuration file, else at its end. */
void doctor_mend_key(const struct doctor *, struct report *, const char *key,
    const char *value);

#endif
