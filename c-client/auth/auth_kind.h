/* SPDX-License-Identifier: Apache-2.0 */
/* The variants of auth_check(), a file each.  For auth/ only. */
#ifndef AUTH_AUTH_KIND_H
#define AUTH_AUTH_KIND_H

#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>

#include "c-client/auth/auth.h"

/*
 * auth_pam.c: PAM service `service`, whose file must exist.  The transaction
 * stays open after AUTH_YES for auth_pam_become().
 */
enum auth_result auth_pam_check(const char *service, const char *name,
    const char *password, const char *host, struct auth_user *user,
    struct fault *why);

/* auth_pam.c: load the modules of that service, and keep them. */
void auth_pam_prepare(const char *service);

/* auth_shadow.c: getspnam(3) and what its fields say about the account. */
enum auth_result auth_shadow_check(const char *name, const char *password,
    struct auth_user *user, struct fault *why);

/*
 * auth_users.c: a file of lines `name:crypt:uid:gid:home`.  It must be a
 * regular file of root's or of ours that nobody else can write.
 */
enum auth_result auth_users_check(const char *file, const char *name,
    const char *password, struct auth_user *user, struct fault *why);

/* The same without a password.  AUTH_NO: there is no such name. */
enum auth_result auth_users_find(const char *file, const char *name,
    struct auth_user *user, struct fault *why);

/*
 * auth_pam.c, in auth_become() between groups and uid: set credentials, and
 * open a session if `session` says so.  In the latter case the process forks;
 * the parent waits for the child, closes the session and exits with the
 * child's status, and the call returns in the child.  0, or -1 and a fault.
 */
int auth_pam_become(bool session, struct fault *why);

/* auth.c: fill *user from a passwd entry.  AUTH_NO with a fault if its home
 * is too long a name. */
enum auth_result auth_fill(struct auth_user *user, const struct passwd *,
    struct fault *why);

/*
 * auth.c: getpwnam(3) with room of its own.  1 and *pw, which lives as long
 * as *room (to be freed); 0: no such user; -1 and a fault: can't be asked.
 */
int auth_passwd(const char *name, struct passwd *pw, char **room,
    struct fault *why);

#endif
