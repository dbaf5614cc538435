/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May this user in, and who is he to the system?  One variant a file:
 * auth_pam.c, auth_shadow.c, auth_users.c.  Runs in the monitor only.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include <sys/types.h>

struct config;
struct fault;

struct auth_user {
	char name[256];		/* as the user data base spells it */
	char home[1024];
	uid_t uid;
	gid_t gid;
};

enum auth_result {
	AUTH_YES,
	AUTH_NO,		/* wrong, unknown, expired, locked, uid 0 */
	AUTH_TEMPORARY		/* the data base could not be asked */
};

/*
 * Have PAM's modules loaded, where they are asked, so that each child of this
 * process finds them there.  None of them is run.
 */
void auth_prepare(const struct config *, const char *service);

/*
 * Check a password.  `service` is the PAM service name, `host` the client's
 * address as text, or "".  AUTH_YES fills *user.  On the others `why` says
 * for the log what happened.  Unknown users cost as much time as wrong
 * passwords.  Uid 0 is AUTH_NO always (decisions.md 5).
 */
enum auth_result auth_check(const struct config *, const char *service,
    const char *name, const char *password, const char *host,
    struct auth_user *user, struct fault *why);

/*
 * Who is this, were he let in?  For who looks at a user's files; AUTH_NO where
 * there is nobody of that name.
 */
enum auth_result auth_find(const struct config *, const char *name,
    struct auth_user *user, struct fault *why);

/*
 * After AUTH_YES: become the user for good (groups, gid, uid, umask 077,
 * home as directory, clean environment), verified.  With PAM its credentials
 * are set first, and with pam_session a parent stays behind to close the
 * session; this call returns in the process that is to serve the user.
 * Returns -1 if any of it fails: the caller must exit.
 */
int auth_become(const struct config *, const struct auth_user *,
    struct fault *why);

#endif
