/* SPDX-License-Identifier: Apache-2.0 */
/* Index directories outside network homes.  Runs as root. */
#include "c-client/server/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "c-client/auth/auth.h"
#include "c-client/base/log.h"

#include "c-client/base/banned.h"

/* f_type of statfs(2); <linux/magic.h> doesn't have all of them. */
static const uint32_t network_types[] = {
	0x6969,			/* NFS */
	0x517b,			/* SMB */
	0xff534d42,		/* CIFS */
	0xfe534d42,		/* SMB2 */
	0x01021997,		/* 9p */
	0x5346414f,		/* AFS */
	0x6b414653,		/* kAFS */
	0x65735546,		/* FUSE */
};

static bool
on_network(const char *home)
{
	struct statfs fs;

	/* A FUSE file system of the user's may be closed to root. */
	if (statfs(home, &fs) == -1)
		return errno == EACCES || errno == EPERM;
	for (size_t i = 0; i < sizeof network_types /
	    sizeof network_types[0]; i++)
		if ((uint32_t)fs.f_type == network_types[i])
			return true;
	return false;
}

/* The directory of all users: root's, and nobody else can make names. */
static int
open_top(const char *directory)
{
	struct stat st;
	bool made = mkdir(directory, 0755) == 0;
	int fd;

	if (!made && errno != EEXIST)
		return -1;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	/* Our umask closes it, and the users have to get through it. */
	if ((!made || fchmod(fd, 0755) == 0) && fstat(fd, &st) == 0 &&
	    st.st_uid == geteuid() &&
	    (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

int
cache_make(const char *directory, const struct auth_user *user)
{
	int top = open_top(directory), rc = -1;
	char name[24];
	struct stat st;

	if (top == -1)
		return -1;
	snprintf(name, sizeof name, "%lu", (unsigned long)user->uid);
	if (mkdirat(top, name, 0700) == 0)
		/* Nobody but root can have put another there meanwhile. */
		rc = fchownat(top, name, user->uid, user->gid,
		    AT_SYMLINK_NOFOLLOW);
	else if (errno == EEXIST &&
	    fstatat(top, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		rc = S_ISDIR(st.st_mode) && st.st_uid == user->uid &&
		    (st.st_mode & 077) == 0 ? 0 : -1;
		errno = EPERM;
	}
	close(top);
	return rc;
}

void
cache_prepare(const struct auth_user *user)
{
	if (geteuid() != 0 || !on_network(user->home))
		return;
	if (cache_make(CACHE_DIR, user) == -1)
		log_line(LOG_WARNING, "%s/%lu, for the index of user=%s: %s",
		    CACHE_DIR, (unsigned long)user->uid, user->name,
		    strerror(errno));
}
