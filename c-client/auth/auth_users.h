/* SPDX-License-Identifier: Apache-2.0 */
/* The users file line by line, for who looks whether it is right. */
#ifndef AUTH_AUTH_USERS_H
#define AUTH_AUTH_USERS_H

#include <stdbool.h>
#include <sys/types.h>

#include "c-client/base/span.h"

struct fault;

struct auth_users_line {
	unsigned number;	/* from 1 on */
	bool good;		/* else what is below is not to be used */
	struct span name, hash, home;
	uid_t uid;
	gid_t gid;
};

/*
 * Tell of each line that is no comment.  What is told is wiped afterwards.
 * 0, or -1 and a fault where logins would be refused for the file's sake: it
 * can't be read, or others can write it.
 */
int auth_users_each(const char *file,
    void (*tell)(void *arg, const struct auth_users_line *), void *arg,
    struct fault *);

#endif
