/* SPDX-License-Identifier: Apache-2.0 */
/* The user who runs the program, and his mail. */
#ifndef API_USER_H
#define API_USER_H

#include <stdbool.h>

#include "c-client/mail.h"
#include "c-client/store/account.h"
#include "c-client/store/name.h"

struct arena;

struct user {
	struct account account;
	struct arena *keep;	/* lives as long as this */
	struct arena *scratch;	/* as one call of the interface */
	unsigned depth;		/* calls that are not over: one, and those by
				 * the program's functions */
};

/*
 * The configuration of the servers counts here too; it is read once.  NULL
 * after mm_log() where the user has no name or no home.
 */
struct user *user_new(void);
void user_free(struct user *);	/* NULL is allowed */

/*
 * A name as the program gives it: what names are on the wire.  False after
 * mm_log(), which says that `what` can't be done, where it can't be one.  It
 * lives until the scratch is reset.  user_name_new() is for what is to be made.
 */
bool user_name(struct user *, char *text, const char *what, struct name *);
bool user_name_new(struct user *, char *text, const char *what,
    struct name *);

#endif
