/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all variants share: which names can be users at all, that root is
 * none, and how the process becomes the user.
 */
#include "c-client/auth/auth.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/auth/auth_kind.h"
#include "c-client/base/build.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"

#include "c-client/base/banned.h"

/* The longest passwd entry that is taken. */
#define PASSWD_MAX	(1024u * 1024)

int
auth_passwd(const char *name, struct passwd *pw, char **room,
    struct fault *why)
{
	struct passwd *found = NULL;
	int error = ERANGE;

	*room = NULL;
	for (size_t n = 4096; error == ERANGE && n <= PASSWD_MAX; n *= 4) {
		*room = memory_grow(*room, n);
		error = getpwnam_r(name, pw, *room, n, &found);
	}
	if (found != NULL)
		return 1;
	free(*room);
	*room = NULL;
	/* Some C libraries and NSS modules say this way that there's none. */
	if (error == 0 || error == ENOENT || error == ESRCH ||
	    error == EBADF || error == EPERM)
		return 0;
	errno = error;
	return fault_errno(why, "passwd entry");
}

enum auth_result
auth_fill(struct auth_user *user, const struct passwd *pw, struct fault *why)
{
	int name = snprintf(user->name, sizeof user->name, "%s", pw->pw_name);
	int home = snprintf(user->home, sizeof user->home, "%s",
	    pw->pw_dir[0] == '/' ? pw->pw_dir : "/");

	user->uid = pw->pw_uid;
	user->gid = pw->pw_gid;
	if (name < (int)sizeof user->name && home < (int)sizeof user->home)
		return AUTH_YES;
	fault_set(why, FAULT_LIMIT, "user or home name too long");
	return AUTH_NO;
}

/*
 * Could this be a user?  Blanks are allowed (some directories have them), but
 * what could play tricks in a file name, a users file or a log is not.
 */
static bool
is_name(const char *name)
{
	if (name[0] == '\0' || name[0] == '.' || name[0] == '-' ||
	    strlen(name) > 255)
		return false;
	for (; *name != '\0'; name++)
		if ((unsigned char)*name < ' ' || *name == 0x7f ||
		    strchr("/:*", *name) != NULL)
			return false;
	return true;
}

/* Does the system know `name` as root? */
static bool
is_root(const char *name)
{
	struct passwd pw;
	char *room;
	bool root = auth_passwd(name, &pw, &room, NULL) == 1 &&
	    pw.pw_uid == 0;

	free(room);
	return root;
}

static enum auth_result
ask(const struct config *c, const char *service, const char *name,
    const char *password, const char *host, struct auth_user *user,
    struct fault *why)
{
	(void)service;
	(void)host;
	switch (c->auth) {
#if WITH_PAM
	case CONFIG_AUTH_PAM:
		return auth_pam_check(service, name, password, host, user,
		    why);
#endif
	case CONFIG_AUTH_SHADOW:
		return auth_shadow_check(name, password, user, why);
	case CONFIG_AUTH_USERS:
		return auth_users_check(c->users_file, name, password, user,
		    why);
	default:
		fault_set(why, FAULT_CANNOT, "no user data base: set auth = "
		    "pam, shadow or users:FILE in the configuration");
		return AUTH_TEMPORARY;
	}
}

void
auth_prepare(const struct config *c, const char *service)
{
#if WITH_PAM
	if (c->auth == CONFIG_AUTH_PAM && geteuid() == 0)
		auth_pam_prepare(service);
#else
	(void)c;
	(void)service;
#endif
}

enum auth_result
auth_check(const struct config *c, const char *service, const char *name,
    const char *password, const char *host, struct auth_user *user,
    struct fault *why)
{
	enum auth_result result;
	bool possible = is_name(name) && password[0] != '\0';

	memset(user, 0, sizeof *user);
	fault_set(why, FAULT_AUTH, "wrong user or password");
	/* Whether root's password was right must not show in anything, so it
	 * is not tried; the work is done all the same. */
	if (!possible || is_root(name)) {
		ask(c, service, possible ? name : "nobody@nowhere",
		    "not the password of anybody", host, user, NULL);
		memset(user, 0, sizeof *user);
		if (possible)
			fault_set(why, FAULT_PERM, "root never logs in");
		return AUTH_NO;
	}
	result = ask(c, service, name, password, host, user, why);
	if (result == AUTH_YES && user->uid == 0) {
		fault_set(why, FAULT_PERM, "uid 0 never logs in");
		result = AUTH_NO;
	}
	if (result == AUTH_YES && geteuid() != 0 && user->uid != geteuid()) {
		fault_set(why, FAULT_PERM, "this server runs as uid %lu and "
		    "can serve no other (uid %lu)", (unsigned long)geteuid(),
		    (unsigned long)user->uid);
		result = AUTH_NO;
	}
	if (result != AUTH_YES)
		memset(user, 0, sizeof *user);
	return result;
}

enum auth_result
auth_find(const struct config *c, const char *name, struct auth_user *user,
    struct fault *why)
{
	enum auth_result result;
	struct passwd pw;
	char *room;
	int found;

	memset(user, 0, sizeof *user);
	if (c->auth == CONFIG_AUTH_USERS)
		return auth_users_find(c->users_file, name, user, why);
	if ((found = auth_passwd(name, &pw, &room, why)) == 1) {
		result = auth_fill(user, &pw, why);
		free(room);
		return result;
	}
	if (found == 0)
		fault_set(why, FAULT_NOTFOUND, "the system has no such user");
	return found == 0 ? AUTH_NO : AUTH_TEMPORARY;
}

/*
 * The groups of the system's user; a name that only the users file knows (or
 * knows with another uid) has the one group that is written there.
 */
static int
set_groups(const struct auth_user *user, struct fault *why)
{
	struct passwd pw;
	char *room;
	bool known = auth_passwd(user->name, &pw, &room, NULL) == 1 &&
	    pw.pw_uid == user->uid;
	int rc;

	free(room);
	rc = known ? initgroups(user->name, user->gid) :
	    setgroups(1, &user->gid);
	return rc == 0 ? 0 : fault_errno(why, "groups of %s", user->name);
}

static int
set_ids(const struct auth_user *user, struct fault *why)
{
	uid_t uid = user->uid, r, e, s;
	gid_t gid = user->gid, rg, eg, sg;

	if (setresgid(gid, gid, gid) == -1 || setresuid(uid, uid, uid) == -1)
		return fault_errno(why, "becoming %s", user->name);
	if (getresuid(&r, &e, &s) == -1 || getresgid(&rg, &eg, &sg) == -1 ||
	    r != uid || e != uid || s != uid || rg != gid || eg != gid ||
	    sg != gid || uid == 0 || setuid(0) == 0 || seteuid(0) == 0)
		return fault_set(why, FAULT_PERM, "becoming %s: root was not "
		    "given up", user->name);
	return 0;
}

/* Nothing of the starter's environment reaches the session but the zone. */
static int
set_environment(const struct auth_user *user, struct fault *why)
{
	const char *zone = getenv("TZ");
	char *kept = zone == NULL ? NULL : memory_string(zone);
	int rc = 0;

	if (clearenv() != 0 || setenv("HOME", user->home, 1) != 0 ||
	    setenv("USER", user->name, 1) != 0 ||
	    setenv("LOGNAME", user->name, 1) != 0 ||
	    setenv("PATH", "/usr/bin:/bin", 1) != 0 ||
	    (kept != NULL && setenv("TZ", kept, 1) != 0))
		rc = fault_errno(why, "environment");
	free(kept);
	return rc;
}

/* Mail in the spool can be read without a home; somebody has to know. */
static int
enter_home(const struct auth_user *user, struct fault *why)
{
	if (chdir(user->home) == 0)
		return 0;
	log_line(LOG_WARNING, "home %s of %s: %s; serving without it",
	    user->home, user->name, strerror(errno));
	return chdir("/") == 0 ? 0 : fault_errno(why, "chdir /");
}

int
auth_become(const struct config *c, const struct auth_user *user,
    struct fault *why)
{
	bool root = geteuid() == 0;

	if (user->uid == 0)
		return fault_set(why, FAULT_PERM, "uid 0 never logs in");
	if (root && (set_groups(user, why) == -1 ||
	    setresgid(user->gid, user->gid, user->gid) == -1))
		return -1;
#if WITH_PAM
	if (c->auth == CONFIG_AUTH_PAM &&
	    auth_pam_become(c->pam_session && root, why) == -1)
		return -1;
#else
	(void)c;
#endif
	if (root && set_ids(user, why) == -1)
		return -1;
	if (!root && user->uid != geteuid())
		return fault_set(why, FAULT_PERM, "not root, so not %s",
		    user->name);
	/* The change of uid made the process dumpable by the system's
	 * default, and it may still hold what root knew. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return fault_errno(why, "prctl");
	umask(077);
	if (set_environment(user, why) == -1)
		return -1;
	return enter_home(user, why);
}
