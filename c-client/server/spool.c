/* SPDX-License-Identifier: Apache-2.0 */
/* The user's file in the spool.  Runs as root, so it follows no link. */
#include "c-client/server/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/auth/auth.h"
#include "c-client/base/buf.h"
#include "c-client/base/config.h"
#include "c-client/base/log.h"

#include "c-client/base/banned.h"

#define GROUPS_MAX	1024

/* Could the user make files in a directory with this owner and mode? */
static bool
user_can_write(const struct auth_user *user, const struct stat *st)
{
	gid_t groups[GROUPS_MAX];
	int n = GROUPS_MAX;

	if (st->st_uid == user->uid)
		return (st->st_mode & (S_IWUSR | S_IXUSR)) ==
		    (S_IWUSR | S_IXUSR);
	if (getgrouplist(user->name, user->gid, groups, &n) == -1)
		n = 0;
	for (int i = 0; i < n; i++)
		if (groups[i] == st->st_gid)
			return (st->st_mode & (S_IWGRP | S_IXGRP)) ==
			    (S_IWGRP | S_IXGRP);
	return (st->st_mode & (S_IWOTH | S_IXOTH)) == (S_IWOTH | S_IXOTH);
}

/*
 * Make the file, empty and the user's.  It is root's and unreadable until it
 * has its owner, and O_EXCL means that nobody put something else there.
 */
static bool
make_file(int spool, const struct auth_user *user)
{
	const struct group *mail = getgrnam("mail");
	gid_t gid = mail == NULL ? user->gid : mail->gr_gid;
	mode_t mode = mail == NULL ? 0600 : 0660;
	int fd = openat(spool, user->name, O_WRONLY | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, 0600);
	bool made = fd != -1;

	if (!made)
		return errno == EEXIST;
	if (fchown(fd, user->uid, gid) == -1 || fchmod(fd, mode) == -1) {
		unlinkat(spool, user->name, 0);
		made = false;
	}
	close(fd);
	return made;
}

/* True if there is a file now, or the user can make it. */
static bool
prepare_in(int spool, const struct auth_user *user)
{
	struct stat st;

	if (fstatat(spool, user->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISREG(st.st_mode);
	if (errno != ENOENT || fstat(spool, &st) == -1)
		return false;
	if (geteuid() != 0)
		return faccessat(spool, ".", W_OK | X_OK, AT_EACCESS) == 0;
	if (user_can_write(user, &st))
		return true;
	if (make_file(spool, user))
		return true;
	log_line(LOG_WARNING, "can't make the spool file of user=%s: %s",
	    user->name, strerror(errno));
	return false;
}

const char *
spool_prepare(const struct config *c, const struct auth_user *user)
{
	struct buf path;
	bool there;
	int spool;

	if (user->name[0] == '\0' || user->name[0] == '.' ||
	    strchr(user->name, '/') != NULL)
		return NULL;
	spool = open(c->mail_spool, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (spool == -1)
		return NULL;
	there = prepare_in(spool, user);
	close(spool);
	if (!there)
		return NULL;
	buf_init(&path, 0);
	buf_adds(&path, c->mail_spool);
	buf_addc(&path, '/');
	buf_adds(&path, user->name);
	return buf_string(&path);
}

bool
spool_is_writable(const struct config *c)
{
	return faccessat(AT_FDCWD, c->mail_spool, W_OK | X_OK,
	    AT_EACCESS) == 0;
}
