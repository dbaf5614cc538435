/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/passwd and /etc/shadow, or what NSS has in their place. */
#include <errno.h>
#include <shadow.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "c-client/auth/auth_crypt.h"
#include "c-client/auth/auth_kind.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"

#include "c-client/base/banned.h"

#define SHADOW_MAX	(1024u * 1024)
#define DAY_SECS	86400

/* 1 and *sp, 0 if there is none, -1 and a fault if it can't be asked. */
static int
shadow_entry(const char *name, struct spwd *sp, char **room,
    struct fault *why)
{
	struct spwd *found = NULL;
	int error = ERANGE;

	*room = NULL;
	for (size_t n = 4096; error == ERANGE && n <= SHADOW_MAX; n *= 4) {
		*room = memory_grow(*room, n);
		error = getspnam_r(name, sp, *room, n, &found);
	}
	if (found != NULL)
		return 1;
	if (error == 0 || error == ENOENT || error == ESRCH)
		return 0;
	errno = error;
	return fault_errno(why, "shadow entry (auth = shadow needs root)");
}

/*
 * May the account be used today?  Days since 1970, as shadow(5) counts them;
 * a field that is empty there is -1 here.  Nobody can change a password over
 * IMAP, so one that has to be changed first closes the account.
 */
static bool
in_force(const struct spwd *sp, struct fault *why)
{
	long today = (long)(time(NULL) / DAY_SECS);

	if (sp->sp_expire > 0 && today >= sp->sp_expire)
		fault_set(why, FAULT_PERM, "the account has expired");
	else if (sp->sp_lstchg == 0)
		fault_set(why, FAULT_PERM, "the password must be changed");
	else if (sp->sp_lstchg > 0 && sp->sp_max >= 0 &&
	    today - sp->sp_lstchg > sp->sp_max)
		fault_set(why, FAULT_PERM, sp->sp_inact >= 0 &&
		    today - sp->sp_lstchg - sp->sp_max > sp->sp_inact ?
		    "the account is inactive: its password expired" :
		    "the password has expired");
	else
		return true;
	return false;
}

/* The hash of the account in *hash; false if it can't be asked. */
static enum auth_result
decide(const struct passwd *pw, const struct spwd *sp, const char *password,
    struct fault *why)
{
	const char *hash = sp != NULL ? sp->sp_pwdp :
	    pw != NULL ? pw->pw_passwd : NULL;

	if (!auth_crypt_matches(password, hash))
		return AUTH_NO;
	return sp == NULL || in_force(sp, why) ? AUTH_YES : AUTH_NO;
}

enum auth_result
auth_shadow_check(const char *name, const char *password,
    struct auth_user *user, struct fault *why)
{
	enum auth_result result = AUTH_TEMPORARY;
	struct passwd pw;
	struct spwd sp;
	char *pw_room, *sp_room = NULL;
	int known = auth_passwd(name, &pw, &pw_room, why), shadowed = 0;

	if (known == 1)
		shadowed = shadow_entry(name, &sp, &sp_room, why);
	if (known != -1 && shadowed != -1)
		result = decide(known ? &pw : NULL, shadowed ? &sp : NULL,
		    password, why);
	if (result == AUTH_YES)
		result = auth_fill(user, &pw, why);
	if (sp_room != NULL)
		explicit_bzero(sp_room, 4096);
	free(sp_room);
	free(pw_room);
	return result;
}
