/* SPDX-License-Identifier: Apache-2.0 */
/* The lock on a maildir's list of UIDs. */
#include "c-client/formats/maildir_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/clock.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/trip.h"
#include "c-client/formats/maildir_name.h"

#include "c-client/base/banned.h"

/* A lock file of this age, seconds, was left behind, whoever made it. */
#define STALE		300

#define OWNER_MAX	300

void
maildir_lock_init(struct maildir_lock *lock)
{
	*lock = (struct maildir_lock){ .dir = -1 };
}

/* "PID:HOST", as Dovecot writes into such files. */
static size_t
owner_write(char out[OWNER_MAX])
{
	char host[256] = "";

	if (gethostname(host, sizeof host - 1) == -1)
		host[0] = '\0';
	return (size_t)snprintf(out, OWNER_MAX, "%ld:%s", (long)getpid(),
	    host);
}

/* Was the file left behind?  Its maker is a dead process of this machine, or
 * it has been there for long. */
static bool
is_stale(int dir, const struct stat *st)
{
	char text[OWNER_MAX] = "", host[256] = "", *end;
	int fd = openat(dir, MAILDIR_LOCK, O_RDONLY | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC);
	long pid;

	if (st->st_ctim.tv_sec <= time(NULL) - STALE) {
		if (fd != -1)
			close(fd);
		return true;
	}
	if (fd == -1)
		return false;
	if (file_read_full(fd, text, sizeof text - 1) <= 0)
		text[0] = '\0';
	close(fd);
	pid = strtol(text, &end, 10);
	if (pid <= 0 || *end != ':' ||
	    gethostname(host, sizeof host - 1) == -1 ||
	    strcmp(end + 1, host) != 0)
		return false;
	return kill((pid_t)pid, 0) == -1 && errno == ESRCH;
}

static void
stale_remove(int dir)
{
	struct stat st, now;

	if (fstatat(dir, MAILDIR_LOCK, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    is_stale(dir, &st) && fstatat(dir, MAILDIR_LOCK, &now,
	    AT_SYMLINK_NOFOLLOW) == 0 && now.st_ino == st.st_ino &&
	    memcmp(&now.st_ctim, &st.st_ctim, sizeof st.st_ctim) == 0)
		unlinkat(dir, MAILDIR_LOCK, 0);
}

/* A file with our name in it, in tmp. */
static int
owner_make(int dir, const char *path, struct fault *why)
{
	char owner[OWNER_MAX];
	size_t n = owner_write(owner);
	int fd = TRIP("maildir_lock.create") ? -1 : openat(dir, path,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int status = 0;

	if (fd == -1)
		return fault_errno(why, "make %s", path);
	if (file_write_full(fd, owner, n) == -1)
		status = fault_errno(why, "write %s", path);
	close(fd);
	return status;
}

/*
 * 1: made, or there can be none; 0: it is there; -1 with the fault.  It gets
 * its name when it says whose it is: a process that was killed in between would
 * leave a lock that nobody can tell to be left.
 */
static int
file_make(struct maildir_lock *lock, int dir, struct fault *why)
{
	struct buf path;
	int status;

	buf_init(&path, 0);
	buf_adds(&path, "tmp/");
	maildir_name_begin(&path);
	maildir_name_end(&path, 0);
	status = owner_make(dir, buf_string(&path), why);
	if (status == 0) {
		if (!TRIP("maildir_lock.link") && linkat(dir,
		    buf_string(&path), dir, MAILDIR_LOCK, 0) == 0)
			lock->has_file = true;
		else if (errno != EEXIST)
			status = fault_errno(why, "make " MAILDIR_LOCK);
		TRIP_KILL("maildir_lock.unlink");
	}
	unlinkat(dir, buf_string(&path), 0);
	buf_clear(&path);
	if (status == -1)
		return why->code == FAULT_PERM ? 1 : -1;
	return lock->has_file;
}

/* The same three answers. */
static int
try(struct maildir_lock *lock, int dir, bool file, struct fault *why)
{
	int status;

	/* A file system that can't do it has none of our locks but the file:
	 * NFS wants a descriptor that is open for writing. */
	if ((TRIP("maildir_lock.flock") ||
	    flock(dir, LOCK_EX | LOCK_NB) == -1) && errno != EBADF &&
	    errno != EOPNOTSUPP && errno != ENOLCK && errno != EINVAL)
		return errno == EWOULDBLOCK || errno == EINTR ? 0 :
		    fault_errno(why, "lock a maildir");
	lock->dir = dir;
	if (!file)
		return 1;
	status = file_make(lock, dir, why);
	if (status == 0)
		stale_remove(dir);
	if (status != 1)
		maildir_lock_drop(lock);
	return status;
}

int
maildir_lock_take(struct maildir_lock *lock, int dir, bool file,
    uint32_t timeout, struct fault *why)
{
	double end = clock_steady() + timeout;
	int status;

	while ((status = try(lock, dir, file, why)) == 0) {
		if (clock_steady() > end)
			return fault_set(why, FAULT_INUSE,
			    "another program has " MAILDIR_LOCK);
		clock_pause();
	}
	return status == 1 ? 0 : -1;
}

void
maildir_lock_drop(struct maildir_lock *lock)
{
	if (lock->dir == -1)
		return;
	TRIP_KILL("maildir_lock.drop");
	if (lock->has_file)
		unlinkat(lock->dir, MAILDIR_LOCK, 0);
	flock(lock->dir, LOCK_UN);
	maildir_lock_init(lock);
}
