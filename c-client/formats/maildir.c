/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The "maildir" format: the table of its functions, opening and closing, and
 * finding the files of messages.
 */
#include "c-client/formats/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/formats/maildir_append.h"
#include "c-client/formats/maildir_expunge.h"
#include "c-client/formats/maildir_flush.h"
#include "c-client/formats/maildir_folders.h"
#include "c-client/formats/maildir_link.h"
#include "c-client/formats/maildir_place.h"
#include "c-client/formats/maildir_sync.h"
#include "c-client/store/account.h"
#include "c-client/store/box.h"
#include "c-client/store/watch.h"

#include "c-client/base/banned.h"

static void
fd_close(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

static void
directories_close(struct maildir *m)
{
	maildir_lock_drop(&m->lock);
	maildir_reader_forget(&m->reader);
	maildir_files_clear(&m->files);
	m->listed = false;
	fd_close(&m->dir);
	fd_close(&m->cur);
	fd_close(&m->new);
	fd_close(&m->tmp);
}

static int
directories_open(struct maildir *m, struct fault *why)
{
	static const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC;
	struct box *box = m->box;

	m->dir = maildir_place_open(box->account, &box->name, why);
	if (m->dir == -1)
		return -1;
	m->cur = openat(m->dir, "cur", flags);
	m->new = openat(m->dir, "new", flags);
	m->tmp = openat(m->dir, "tmp", flags);
	if (m->cur == -1 || m->new == -1) {
		maildir_place_fault(&box->name, why);
		directories_close(m);
		return -1;
	}
	m->writable = m->tmp != -1 &&
	    faccessat(m->cur, ".", W_OK | X_OK, AT_EACCESS) == 0 &&
	    faccessat(m->tmp, ".", W_OK | X_OK, AT_EACCESS) == 0;
	if (!m->writable)
		box->readonly = true;
	return 0;
}

int
maildir_refresh(struct maildir *m, struct fault *why)
{
	struct stat now, st;
	int dir = maildir_place_open(m->box->account, &m->box->name, why);
	bool same;

	if (dir == -1)
		return -1;
	if (fstat(dir, &now) == -1) {
		close(dir);
		return fault_errno(why, "stat %s", m->path);
	}
	close(dir);
	same = m->dir != -1 && fstat(m->dir, &st) == 0 &&
	    st.st_dev == now.st_dev && st.st_ino == now.st_ino;
	if (same)
		return 0;
	directories_close(m);
	return directories_open(m, why);
}

int
maildir_list(struct maildir *m, struct fault *why)
{
	maildir_files_clear(&m->files);
	m->listed = false;
	if (maildir_files_read(&m->files, m->new, true, why) == -1 ||
	    maildir_files_read(&m->files, m->cur, false, why) == -1)
		return -1;
	maildir_files_sort(&m->files);
	m->listed = true;
	return 0;
}

struct maildir_file *
maildir_find(struct maildir *m, const struct record *r)
{
	struct maildir_file *f = maildir_files_find(&m->files, r->digest);
	const struct maildir_file *end = m->files.p + m->files.count;

	/* Two names of one base: one of them may be what it was called before
	 * it was renamed. */
	while (f != NULL && f + 1 < end && memcmp(f[1].digest, r->digest,
	    sizeof r->digest) == 0 && !maildir_is_there(m, f))
		f++;
	return f;
}

int
maildir_dir_of(const struct maildir *m, const struct maildir_file *f)
{
	return f->is_new ? m->new : m->cur;
}

bool
maildir_is_there(const struct maildir *m, const struct maildir_file *f)
{
	struct stat st;

	return fstatat(maildir_dir_of(m, f), maildir_files_name(&m->files, f),
	    &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static int
maildir_open(struct box *box, struct fault *why)
{
	struct maildir *m = memory_zalloc(sizeof *m);

	m->box = box;
	m->dir = m->cur = m->new = m->tmp = -1;
	m->path = maildir_place_path(box->account, &box->name);
	maildir_lock_init(&m->lock);
	maildir_files_init(&m->files);
	maildir_keywords_init(&m->keywords);
	maildir_reader_init(&m->reader);
	box->state = m;
	if (directories_open(m, why) == 0)
		return 0;
	maildir_driver.close(box);
	return -1;
}

static void
maildir_close(struct box *box)
{
	struct maildir *m = box->state;

	if (m == NULL)
		return;
	directories_close(m);
	maildir_reader_clear(&m->reader);
	maildir_keywords_clear(&m->keywords);
	free(m->path);
	free(m);
	box->state = NULL;
}

static void
maildir_watch(struct box *box, struct watch *watch)
{
	static const char *const parts[] = { "new", "cur" };
	const struct maildir *m = box->state;
	struct buf path;

	buf_init(&path, 0);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		buf_reset(&path);
		buf_addf(&path, "%s/%s", m->path, parts[i]);
		watch_directory(watch, buf_string(&path));
	}
	buf_clear(&path);
}

const struct driver maildir_driver = {
	.name = "maildir",
	.probe = maildir_folders_probe,
	.open = maildir_open,
	.close = maildir_close,
	.sync = maildir_sync,
	.read = maildir_read,
	.link = maildir_link,
	.unlink = maildir_unlink,
	.append = maildir_append,
	.expunge = maildir_expunge,
	.flush = maildir_flush,
	.create = maildir_folders_create,
	.remove = maildir_folders_remove,
	.rename = maildir_folders_rename,
	.list = maildir_folders_list,
	.watch = maildir_watch,
};
