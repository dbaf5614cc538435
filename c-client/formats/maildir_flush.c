/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing flags and keywords into the names of a maildir's files.  A file that
 * another program has renamed since it was looked at is left to the next
 * synchronization, which merges what both want.
 */
#include "c-client/formats/maildir_flush.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/memory.h"
#include "c-client/base/trip.h"
#include "c-client/formats/maildir.h"
#include "c-client/formats/maildir_name.h"
#include "c-client/formats/maildir_sync.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

/* A message whose file has what its record wanted. */
struct done {
	uint32_t uid;
	uint16_t flags;
	struct keywords keywords;
};

struct work {
	struct maildir *m;
	struct done *done;
	size_t count;
	bool listed_again;
	struct buf name;
	struct fault *why;
};

static bool
differs(const struct record *r)
{
	return ((r->flags ^ r->flags_seen) & FLAG_ALL_SYSTEM) != 0 ||
	    memcmp(&r->keywords, &r->keywords_seen, sizeof r->keywords) != 0;
}

static size_t
count_different(const struct box *box)
{
	size_t n = 0;

	for (size_t i = 0; i < box->count; i++)
		n += differs(&box->records[i]);
	return n;
}

/* Letters for all keywords that are wanted. */
static int
keywords_write(struct work *w)
{
	struct maildir *m = w->m;
	const struct box *box = m->box;
	bool added = false;

	if (maildir_keywords_read(&m->keywords, m->dir, w->why) == -1)
		return -1;
	for (size_t i = 0; i < box->count; i++)
		if (differs(&box->records[i]))
			added = maildir_keywords_add(m->box, &m->keywords,
			    &box->records[i].keywords) || added;
	if (!added || maildir_keywords_write(&m->keywords, m->dir, w->why) ==
	    0)
		return 0;
	/* Another program is writing it: these keywords wait. */
	return w->why->code == FAULT_INUSE ?
	    maildir_keywords_read(&m->keywords, m->dir, w->why) : -1;
}

/* Does the name say what was last seen of it? */
static bool
is_as_seen(const struct work *w, const struct record *r, struct span letters)
{
	const struct maildir *m = w->m;
	uint32_t now, seen;
	bool passed, was_passed, missing;
	uint16_t flags = maildir_name_flags(letters, &now, &passed);

	seen = maildir_keywords_letters(m->box, &m->keywords,
	    &r->keywords_seen, &was_passed, &missing);
	now &= maildir_keywords_known(&m->keywords);
	/* $Forwarded is a letter, or P, or both. */
	return flags == (r->flags_seen & FLAG_ALL_SYSTEM) &&
	    (now == seen || passed || was_passed);
}

/* 1: renamed, or it had the name; 0: left alone; -1 with errno. */
static int
file_rename(struct work *w, const struct record *r, struct done *done)
{
	struct maildir *m = w->m;
	struct maildir_file *f = maildir_find(m, r);
	struct maildir_name parts;
	const char *name;
	uint32_t letters;
	bool passed, missing;

	if (f == NULL)
		return 0;
	name = maildir_files_name(&m->files, f);
	maildir_name_parse((struct span){ name, f->name_n }, &parts);
	if (!is_as_seen(w, r, parts.letters))
		return 0;
	letters = maildir_keywords_letters(m->box, &m->keywords,
	    &r->keywords, &passed, &missing);
	buf_reset(&w->name);
	maildir_name_write(&w->name, parts.base, parts.letters, r->flags,
	    letters, maildir_keywords_known(&m->keywords), passed);
	if ((strcmp(name, buf_string(&w->name)) != 0 || f->is_new) &&
	    (TRIP("maildir_flush.rename") || renameat(maildir_dir_of(m, f),
	    name, m->cur, buf_string(&w->name)) == -1))
		return -1;
	maildir_files_rename(&m->files, f, buf_span(&w->name), false);
	*done = (struct done){ r->uid, r->flags, r->keywords };
	if (missing)
		done->keywords = maildir_keywords_bits(m->box, &m->keywords,
		    letters, passed);
	return 1;
}

static int
files_rename(struct work *w)
{
	struct maildir *m = w->m;
	const struct box *box = m->box;

	if (!m->listed && maildir_list(m, w->why) == -1)
		return -1;
	for (size_t i = 0; i < box->count; i++) {
		const struct record *r = &box->records[i];
		int status;

		if (!differs(r))
			continue;
		status = file_rename(w, r, &w->done[w->count]);
		/* Renamed or gone since: look once, then leave it. */
		if (status == -1 && errno == ENOENT && !w->listed_again) {
			w->listed_again = true;
			if (maildir_list(m, w->why) == -1)
				return -1;
			status = file_rename(w, r, &w->done[w->count]);
		}
		if (status == -1 && errno != ENOENT)
			return fault_errno(w->why, "rename a message");
		w->count += status == 1;
	}
	return 0;
}

static int
seen_commit(struct work *w)
{
	struct maildir *m = w->m;
	struct box *box = m->box;

	if (w->count == 0)
		return 0;
	if (file_sync_directory(m->cur) == -1)
		return fault_errno(w->why, "sync %s", m->path);
	if (box_begin_soft(box, w->why) == -1)
		return -1;
	for (size_t i = 0; i < w->count; i++) {
		ptrdiff_t at = box_find(box, w->done[i].uid);

		if (at == -1)
			continue;
		box->records[at].flags_seen = w->done[i].flags;
		box->records[at].keywords_seen = w->done[i].keywords;
		box_touch(box, (size_t)at);
	}
	if (maildir_sync_stamp(m, 0, w->why) == -1) {
		box_rollback(box);
		return -1;
	}
	return box_commit(box, w->why);
}

static int
flush_locked(struct work *w)
{
	int status, committed;

	if (maildir_sync_locked(w->m, false, w->why) == -1 ||
	    keywords_write(w) == -1)
		return -1;
	w->done = memory_grow_array(NULL, count_different(w->m->box) + 1,
	    sizeof *w->done);
	status = files_rename(w);
	/* What was renamed is known, whatever became of the rest. */
	committed = seen_commit(w);
	free(w->done);
	return status == -1 ? -1 : committed;
}

int
maildir_flush(struct box *box, bool leaving, struct fault *why)
{
	struct work w = { .m = box->state, .why = why };
	int status;

	(void)leaving;
	if (box_unwritten(box) == 0 || count_different(box) == 0)
		return 0;
	if (maildir_sync_lock(w.m, true, why) == -1)
		return -1;
	buf_init(&w.name, 0);
	status = flush_locked(&w);
	maildir_lock_drop(&w.m->lock);
	buf_clear(&w.name);
	return status;
}
