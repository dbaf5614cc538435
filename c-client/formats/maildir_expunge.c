/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing messages from a maildir, all or none.  The files are renamed into
 * tmp, from where they can be taken back, then the records go, then the files:
 * killed in between, the next synchronization finds out what is gone.  Lines
 * in the list of UIDs stay until it is written anew.
 */
#include "c-client/formats/maildir_expunge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/memory.h"
#include "c-client/base/trip.h"
#include "c-client/formats/maildir.h"
#include "c-client/formats/maildir_sync.h"
#include "c-client/store/box.h"
#include "c-client/store/progress.h"

#include "c-client/base/banned.h"

/* Names are read once more so often in all: files may be renamed without
 * end. */
#define LISTS		8u

/* A message whose file was taken out of the mailbox. */
struct taken {
	uint32_t uid;
	int dir;		/* where it was; -1: it was gone */
	size_t at;		/* its name, in `names` */
};

struct work {
	struct maildir *m;
	struct taken *taken;
	size_t count;
	struct buf names;
	unsigned listed;	/* how often names were read once more */
	struct progress_pace pace;
	struct fault *why;
};

/*
 * 1: it is not in the mailbox any more; 0: left alone; -1 with errno.  Where it
 * was is kept, for who has to take it back.
 */
static int
file_take(struct work *w, const struct record *r, struct taken *t)
{
	struct maildir *m = w->m;

	for (;;) {
		const struct maildir_file *f = maildir_find(m, r);

		t->uid = r->uid;
		t->dir = f == NULL ? -1 : maildir_dir_of(m, f);
		t->at = w->names.n;
		if (f != NULL) {
			buf_adds(&w->names, maildir_files_name(&m->files, f));
			buf_addc(&w->names, '\0');
			if (!TRIP("maildir_expunge.take") && renameat(t->dir,
			    w->names.p + t->at, m->tmp, w->names.p + t->at) ==
			    0)
				return 1;
			if (errno != ENOENT)
				return -1;
		}
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
files_take(struct work *w, const uint32_t *uids, size_t count,
    bool deleted_only)
{
	struct maildir *m = w->m;

	if (!m->listed && maildir_list(m, w->why) == -1)
		return -1;
	for (size_t i = 0; i < count; i++) {
		ptrdiff_t at = box_find(m->box, uids[i]);
		const struct record *r;
		int taken;

		if (at == -1)
			continue;
		r = &m->box->records[at];
		if (deleted_only && (r->flags & FLAG_DELETED) == 0)
			continue;
		taken = file_take(w, r, &w->taken[w->count]);
		if (taken == -1)
			return fault_errno(w->why, "remove a message");
		w->count += taken == 1;
		progress_step(&w->pace, i, count);
	}
	TRIP_KILL("maildir_expunge.taken");
	if (w->count > 0 && (file_sync_directory(m->cur) == -1 ||
	    file_sync_directory(m->new) == -1))
		return fault_errno(w->why, "sync %s", m->path);
	return 0;
}

/* All of them where they were: none was removed. */
static void
files_put_back(struct work *w)
{
	for (size_t i = 0; i < w->count; i++) {
		const struct taken *t = &w->taken[i];
		const char *name = w->names.p + t->at;

		TRIP_KILL("maildir_expunge.put_back");
		if (t->dir != -1)
			renameat(w->m->tmp, name, t->dir, name);
	}
}

/* What can't be removed from tmp now is when it is old. */
static void
files_remove(struct work *w)
{
	for (size_t i = 0; i < w->count; i++) {
		TRIP_KILL("maildir_expunge.unlink");
		if (w->taken[i].dir != -1)
			unlinkat(w->m->tmp, w->names.p + w->taken[i].at, 0);
	}
}

static int
records_remove(struct work *w)
{
	struct maildir *m = w->m;
	struct box *box = m->box;
	size_t *gone, n = 0;

	if (w->count == 0)
		return 0;
	if (box_begin_soft(box, w->why) == -1)
		return -1;
	gone = memory_grow_array(NULL, w->count, sizeof *gone);
	for (size_t i = 0; i < w->count; i++) {
		ptrdiff_t at = box_find(box, w->taken[i].uid);

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
	    .pace = progress_begin(box->progress) };
	int status;

	if (maildir_sync_lock(w.m, true, why) == -1)
		return -1;
	w.taken = memory_grow_array(NULL, count + 1, sizeof *w.taken);
	status = maildir_sync_locked(w.m, false, why);
	if (status == 0) {
		status = files_take(&w, uids, count, deleted_only);
		if (status == 0)
			status = records_remove(&w);
		if (status == 0)
			files_remove(&w);
		else
			files_put_back(&w);
	}
	maildir_lock_drop(&w.m->lock);
	buf_clear(&w.names);
	free(w.taken);
	return status;
}
