/* SPDX-License-Identifier: Apache-2.0 */
/* Locks on a mailbox file.  Tries both, waits for none. */
#include "c-client/formats/mbox_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lockfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/clock.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/log.h"
#include "c-client/base/span.h"
#include "c-client/base/trip.h"

#include "c-client/base/banned.h"

enum tried { TRIED_OK, TRIED_BUSY, TRIED_IMPOSSIBLE, TRIED_FAULT };

void
mbox_lock_init(struct mbox_lock *l, const char *path, uint32_t timeout,
    bool dot_wanted)
{
	*l = (struct mbox_lock){ .path = path, .timeout = timeout,
	    .dot_wanted = dot_wanted, .fd = -1 };
}

static bool
dot_name(const struct mbox_lock *l, char name[PATH_MAX])
{
	int n = snprintf(name, PATH_MAX, "%s.lock", l->path);

	return n > 0 && n < PATH_MAX;
}

/* The pid in a dot-lock, 0 if there is none to be read. */
static long
dot_holder(const struct mbox_lock *l)
{
	char name[PATH_MAX], text[32];
	uint64_t pid = 0;
	ssize_t n;
	int fd;

	if (!dot_name(l, name))
		return 0;
	fd = open(name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC |
	    O_NOCTTY);
	if (fd == -1)
		return 0;
	n = file_read_full(fd, text, sizeof text);
	close(fd);
	if (n <= 0 || !span_number(span_trim((struct span){ text,
	    (size_t)n }), INT32_MAX, &pid))
		return 0;
	return (long)pid;
}

static enum tried
dot_try(const struct mbox_lock *l, struct fault *why)
{
	char name[PATH_MAX];
	struct stat st;
	int status;

	if (!dot_name(l, name)) {
		fault_set(why, FAULT_CANNOT, "name of the lock is too long");
		return TRIED_IMPOSSIBLE;
	}
	/* The library would open what has this name, and wait for ever if it
	 * is a FIFO. */
	if (lstat(name, &st) == 0 && !S_ISREG(st.st_mode)) {
		fault_set(why, FAULT_CANNOT, "%s is no regular file", name);
		return TRIED_IMPOSSIBLE;
	}
	errno = 0;
	status = TRIP("mbox_lock.dot") ? L_ERROR :
	    lockfile_create(name, 0, L_PID);
	switch (status) {
	case L_SUCCESS:
		return TRIED_OK;
	case L_MAXTRYS:
		return TRIED_BUSY;
	default:
		if (errno == ENOSPC || errno == EDQUOT || errno == EIO) {
			fault_errno(why, "lock %s", name);
			return TRIED_FAULT;
		}
		fault_set(why, FAULT_CANNOT, "lock %s: %s (%d)", name,
		    errno != 0 ? strerror(errno) : "not possible", status);
		return TRIED_IMPOSSIBLE;
	}
}

static enum tried
fcntl_try(int fd, bool exclusive, struct fault *why)
{
	struct flock fl = { .l_type = exclusive ? F_WRLCK : F_RDLCK,
	    .l_whence = SEEK_SET };

	while (TRIP("mbox_lock.fcntl") ||
	    fcntl(fd, F_OFD_SETLK, &fl) == -1) {
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == EACCES)
			return TRIED_BUSY;
		fault_errno(why, "lock the mailbox");
		return TRIED_FAULT;
	}
	return TRIED_OK;
}

static long
fcntl_holder(int fd, bool exclusive)
{
	struct flock fl = { .l_type = exclusive ? F_WRLCK : F_RDLCK,
	    .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_GETLK, &fl) == -1 || fl.l_type == F_UNLCK ||
	    fl.l_pid < 0)
		return 0;
	return fl.l_pid;
}

static void
dot_drop(struct mbox_lock *l)
{
	char name[PATH_MAX];

	if (l->has_dot && dot_name(l, name)) {
		TRIP_KILL("mbox_lock.dot_drop");
		lockfile_remove(name);
	}
	l->has_dot = false;
}

void
mbox_lock_hand(const struct mbox_lock *l, long pid)
{
	char name[PATH_MAX], text[32];
	int fd, n = snprintf(text, sizeof text, "%-10ld\n", pid);

	if (!l->has_dot || !dot_name(l, name))
		return;
	fd = open(name, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC |
	    O_NOCTTY);
	if (fd == -1)
		return;
	/* One write over what is there: nobody sees an empty lock. */
	if (file_pwrite_full(fd, text, (size_t)n, 0) == -1)
		log_line(LOG_NOTICE, "%s: %s", name, strerror(errno));
	close(fd);
}

static enum tried
dot_step(struct mbox_lock *l, bool writing, struct fault *why)
{
	enum tried got = dot_try(l, why);

	if (got == TRIED_IMPOSSIBLE) {
		l->dot_impossible = true;
		log_line(LOG_NOTICE, "%s; the fcntl lock alone is used",
		    why->text);
		return TRIED_OK;
	}
	/* To read, a full disk must do. */
	if (got == TRIED_FAULT && !writing)
		return TRIED_OK;
	l->has_dot = got == TRIED_OK;
	return got;
}

/* Both, or none. */
static enum tried
both_try(struct mbox_lock *l, int fd, enum mbox_lock_kind kind, long *holder,
    struct fault *why)
{
	bool writing = kind == MBOX_LOCK_WRITE;
	enum tried got = TRIED_OK;

	if (kind != MBOX_LOCK_READ && l->dot_wanted && !l->dot_impossible)
		got = dot_step(l, writing, why);
	if (got == TRIED_BUSY)
		*holder = dot_holder(l);
	if (got != TRIED_OK)
		return got;
	got = fcntl_try(fd, writing, why);
	if (got == TRIED_OK) {
		l->fd = fd;
		l->exclusive = writing;
		return got;
	}
	*holder = fcntl_holder(fd, writing);
	dot_drop(l);
	return got;
}

int
mbox_lock_take(struct mbox_lock *l, int fd, enum mbox_lock_kind kind,
    struct fault *why)
{
	double end = 0;
	long holder = 0;

	for (;;) {
		enum tried got = both_try(l, fd, kind, &holder, why);

		TRIP_KILL("mbox_lock.tried");
		if (got == TRIED_OK)
			return 0;
		if (got == TRIED_FAULT)
			return -1;
		if (end == 0)
			end = clock_steady() + l->timeout;
		else if (clock_steady() >= end)
			break;
		clock_pause();
	}
	if (holder > 0)
		return fault_set(why, FAULT_INUSE,
		    "mailbox is locked by process %ld", holder);
	return fault_set(why, FAULT_INUSE, "mailbox is locked");
}

void
mbox_lock_drop(struct mbox_lock *l)
{
	struct flock fl = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	TRIP_KILL("mbox_lock.drop");
	if (l->fd != -1)
		fcntl(l->fd, F_OFD_SETLK, &fl);
	l->fd = -1;
	l->exclusive = false;
	dot_drop(l);
}
