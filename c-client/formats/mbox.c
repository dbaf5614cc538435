/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The "unix" format: the table of its functions, and opening and closing of
 * mailbox files.
 */
#include "c-client/formats/mbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/formats/mbox_append.h"
#include "c-client/formats/mbox_expunge.h"
#include "c-client/formats/mbox_flush.h"
#include "c-client/formats/mbox_names.h"
#include "c-client/formats/mbox_sync.h"
#include "c-client/store/account.h"
#include "c-client/store/box.h"
#include "c-client/store/place.h"
#include "c-client/store/watch.h"

#include "c-client/base/banned.h"

char *
mbox_path(const struct account *account, const struct name *name)
{
	struct buf path;

	if (name->inbox)
		return memory_string(account->spool);
	buf_init(&path, 0);
	place_path(account, name, &path);
	buf_addc(&path, '\0');
	return path.p;
}

/*
 * The spool may be a directory in which everybody makes files: a link there
 * is followed only where its owner could as well have moved the mailbox.
 */
static int
spool_stat(const char *path, struct stat *st)
{
	if (lstat(path, st) == -1)
		return -1;
	if (!S_ISLNK(st->st_mode))
		return 0;
	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		errno = EPERM;
		return -1;
	}
	return stat(path, st);
}

int
mbox_stat(const struct account *account, const struct name *name,
    struct stat *st)
{
	if (name->inbox)
		return spool_stat(account->spool, st);
	return place_stat(account, name, st);
}

/* What it means that a mailbox's file can't be had. */
static int
open_fault(const struct name *name, struct fault *why)
{
	int e = errno;

	if (e == ENOENT || e == ENOTDIR)
		return fault_set(why, FAULT_NOTFOUND, "no mailbox %s",
		    name->path);
	if (e == EACCES || e == EPERM || e == EROFS || e == EXDEV ||
	    e == ELOOP)
		return fault_set(why, FAULT_PERM, "open %s: %s", name->path,
		    strerror(e));
	return fault_errno(why, "open %s", name->path);
}

int
mbox_open_file(const struct account *account, const struct name *name,
    int flags, struct stat *st, struct fault *why)
{
	int fd;

	flags |= O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	if (mbox_stat(account, name, st) == -1)
		return open_fault(name, why);
	if (!S_ISREG(st->st_mode))
		return fault_set(why, FAULT_BADNAME, "%s is no regular file",
		    name->path);
	if (name->inbox)
		fd = open(account->spool, flags);
	else
		fd = place_open(account, name, flags, 0);
	if (fd == -1)
		return open_fault(name, why);
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	close(fd);
	return fault_set(why, FAULT_BADNAME, "%s is no regular file",
	    name->path);
}

/* For reading and writing if that may be, else for reading. */
static int
file_open(struct mbox *m, struct fault *why)
{
	struct box *box = m->box;
	struct stat st;
	int fd;

	m->writable = true;
	fd = mbox_open_file(box->account, &box->name, O_RDWR, &st, why);
	if (fd == -1 && why->code == FAULT_PERM) {
		m->writable = false;
		fd = mbox_open_file(box->account, &box->name, O_RDONLY, &st,
		    why);
	}
	if (fd == -1)
		return -1;
	m->fd = fd;
	m->dev = st.st_dev;
	m->ino = st.st_ino;
	if (!m->writable)
		box->readonly = true;
	return 0;
}

static void
file_close(struct mbox *m)
{
	mbox_lock_drop(&m->lock);
	if (m->fd != -1)
		close(m->fd);
	m->fd = -1;
	m->reader.filled = m->reader.is_open = false;
}

int
mbox_refresh(struct mbox *m, struct stat *st, struct fault *why)
{
	struct box *box = m->box;

	for (int i = 0; i < 8; i++) {
		if (mbox_stat(box->account, &box->name, st) == -1) {
			if (errno != ENOENT)
				return open_fault(&box->name, why);
			file_close(m);
			return fault_set(why, FAULT_NOTFOUND, "%s is gone",
			    m->path);
		}
		if (m->fd != -1 && st->st_dev == m->dev &&
		    st->st_ino == m->ino)
			return 0;
		file_close(m);
		if (file_open(m, why) == -1 && why->code != FAULT_NOTFOUND)
			return -1;
	}
	return fault_set(why, FAULT_INUSE, "%s changes all the time",
	    m->path);
}

int
mbox_lock(struct mbox *m, enum mbox_lock_kind kind, struct stat *st,
    struct fault *why)
{
	for (int i = 0; i < 8; i++) {
		int fd;

		if (mbox_refresh(m, st, why) == -1)
			return -1;
		fd = m->fd;
		if (kind == MBOX_LOCK_WRITE && !m->writable)
			return fault_set(why, FAULT_READONLY,
			    "%s can't be written", m->path);
		if (mbox_lock_take(&m->lock, fd, kind, why) == -1)
			return -1;
		/* Is it still the file with this name? */
		if (mbox_stat(m->box->account, &m->box->name, st) == 0 &&
		    st->st_dev == m->dev && st->st_ino == m->ino)
			return 0;
		mbox_unlock(m);
	}
	return fault_set(why, FAULT_INUSE, "%s changes all the time",
	    m->path);
}

void
mbox_unlock(struct mbox *m)
{
	mbox_lock_drop(&m->lock);
}

int
mbox_open_as(struct mbox *m, struct box *box, struct fault *why)
{
	m->box = box;
	m->fd = -1;
	m->path = mbox_path(box->account, &box->name);
	mbox_lock_init(&m->lock, m->path, box->account->lock_timeout,
	    box->account->dot_lock);
	mbox_reader_init(&m->reader);
	box->state = m;
	if (file_open(m, why) == 0)
		return 0;
	mbox_driver.close(box);
	return -1;
}

static int
mbox_open(struct box *box, struct fault *why)
{
	return mbox_open_as(memory_zalloc(sizeof(struct mbox)), box, why);
}

static void
mbox_close(struct box *box)
{
	struct mbox *m = box->state;

	if (m == NULL)
		return;
	file_close(m);
	mbox_reader_clear(&m->reader);
	free(m->path);
	free(m);
	box->state = NULL;
}

static void
mbox_watch(struct box *box, struct watch *watch)
{
	struct mbox *m = box->state;

	watch_file(watch, m->path);
}

static int
mbox_add(struct box *box, struct append_item *items, size_t count,
    struct fault *why)
{
	if (mbox_append(box, items, count, why) == -1)
		return -1;
	mbox_sync_raise(box->state);
	return 0;
}

const struct driver mbox_driver = {
	.name = "unix",
	.probe = mbox_probe,
	.open = mbox_open,
	.close = mbox_close,
	.sync = mbox_sync,
	.read = mbox_read,
	.form = mbox_append_form,
	.append = mbox_add,
	.expunge = mbox_expunge,
	.flush = mbox_flush,
	.create = mbox_create,
	.remove = mbox_remove,
	.rename = mbox_rename,
	.list = driver_list_none,
	.watch = mbox_watch,
};
