/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing messages from a maildir.  The files go first, then the records:
 * killed in between, the next synchronization finds out what is gone.  Lines
 * in the list of UIDs stay until it is written anew.
 */
#include "c-client/formats/maildir_expunge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/memory.h"
#include "c-client/formats/maildir.h"
#include "c-client/formats/maildir_sync.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

/* Names are read once more so often in all: files may be renamed without
 * end. */
#define LISTS		8u

/* Seconds until somebody hears of long work, and between two times. */
#define TELL_FIRST	2.0
#define TELL_AGAIN	1.0

struct work {
	struct maildir *m;
	uint32_t *gone;		/* UIDs whose files are gone */
	size_t count;
	bool in_new;		/* one of them was there */
	unsigned listed;	/* how often names were read once more */
	double tell;		/* when it is told next */
	struct fault *why;
};

static void
progress_tell(struct work *w, uint64_t done, uint64_t total)
{
	struct progress *p = w->m->box->progress;

	if (p == NULL || done % 64 != 0 || file_clock() < w->tell)
		return;
	p->tell(p, done, total);
	w->tell = file_clock() + TELL_AGAIN;
}

/* 1: it is not there any more, for sure; 0: left alone; -1 with errno. */
static int
file_remove(struct work *w, const struct record *r)
{
	struct maildir *m = w->m;

	for (;;) {
		const struct maildir_file *f = maildir_find(m, r);

		if (f != NULL && unlinkat(maildir_dir_of(m, f),
		    maildir_files_name(&m->files, f), 0) == 0) {
			w->in_new = w->in_new || f->is_new;
			return 1;
		}
		if (f != NULL && errno != ENOENT)
			return -1;
		/* It may have another name by now. */
		if (w->listed > 0 && f == NULL)
			return 1;
		if (w->listed++ == LISTS)
			return 0;
		if (maildir_list(m, w->why) == -1) {
			errno = EIO;
			return -1;
		}
	}
}

static int
files_remove(struct work *w, const uint32_t *uids, size_t count,
    bool deleted_only)
{
	struct maildir *m = w->m;

	if (!m->listed && maildir_list(m, w->why) == -1)
		return -1;
	for (size_t i = 0; i < count; i++) {
		ptrdiff_t at = box_find(m->box, uids[i]);
		const struct record *r;
		int removed;

		if (at == -1)
			continue;
		r = &m->box->records[at];
		if (deleted_only && (r->flags & FLAG_DELETED) == 0)
			continue;
		removed = file_remove(w, r);
		if (removed == -1)
			return fault_errno(w->why, "remove a message");
		if (removed == 1)
			w->gone[w->count++] = r->uid;
		progress_tell(w, i, count);
	}
	return 0;
}

static int
records_remove(struct work *w)
{
	struct maildir *m = w->m;
	struct box *box = m->box;
	size_t *gone, n = 0;

	if (w->count == 0)
		return 0;
	if (file_sync_directory(m->cur) == -1 || (w->in_new &&
	    file_sync_directory(m->new) == -1))
		return fault_errno(w->why, "sync %s", m->path);
	if (box_begin_soft(box, w->why) == -1)
		return -1;
	gone = memory_grow_array(NULL, w->count, sizeof *gone);
	for (size_t i = 0; i < w->count; i++) {
		ptrdiff_t at = box_find(box, w->gone[i]);

		if (at != -1)
			gone[n++] = (size_t)at;
	}
	box_remove_many(box, gone, n);
	free(gone);
	if (maildir_sync_stamp(m, 0, w->why) == -1) {
		box_rollback(box);
		return -1;
	}
	return box_commit(box, w->why);
}

int
maildir_expunge(struct box *box, const uint32_t *uids, size_t count,
    bool deleted_only, struct fault *why)
{
	struct work w = { .m = box->state, .why = why,
	    .tell = file_clock() + TELL_FIRST };
	int status, committed;

	if (maildir_sync_lock(w.m, true, why) == -1)
		return -1;
	w.gone = memory_grow_array(NULL, count, sizeof *w.gone);
	status = maildir_sync_locked(w.m, false, why);
	if (status == 0) {
		status = files_remove(&w, uids, count, deleted_only);
		committed = records_remove(&w);
		status = status == -1 ? -1 : committed;
	}
	maildir_lock_drop(&w.m->lock);
	free(w.gone);
	return status;
}
