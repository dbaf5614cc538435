/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adding messages to a maildir, all or none.
 *
 * They are written into tmp and synced before any lock is taken; then they get
 * their names in cur, the list of UIDs and the index say what they are.  One
 * that was killed in between has left a message that the client was not told
 * of; of several, a note in the index makes sure that it is all or none.
 */
#include "c-client/formats/maildir_append.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/clock.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/memory.h"
#include "c-client/base/trip.h"
#include "c-client/formats/maildir.h"
#include "c-client/formats/maildir_name.h"
#include "c-client/formats/maildir_note.h"
#include "c-client/formats/maildir_place.h"
#include "c-client/formats/maildir_scan.h"
#include "c-client/formats/maildir_sync.h"
#include "c-client/formats/maildir_uidlist.h"
#include "c-client/store/account.h"
#include "c-client/store/append.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

#define PIECE		(64u * 1024)

/* More messages than these are synced together: the whole file system once is
 * sooner done than a file at a time. */
#define SYNC_EACH	8u

/* One message on its way. */
struct letter {
	struct buf tmp;		/* its name in tmp, without sizes */
	struct buf name;	/* in cur; the first `base_n` octets are its
				 * base */
	size_t base_n;
	bool in_tmp, in_cur;
	struct record record;
};

struct work {
	struct maildir *m;
	struct append_item *items;
	struct letter *letters;
	size_t count;
	bool noted;		/* the index has a note of it */
	struct buf begin;	/* of all names */
	struct fault *why;
};

/* A line end of the client's becomes LF; a CR that is one more than its LF
 * needs stays, with what belongs to it. */
static size_t
lines_convert(char *out, const char *p, size_t n, char *before, bool *held)
{
	char *q = out;

	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		if (*held && c != '\n')
			*q++ = '\r';
		*held = c == '\r' && *before != '\r';
		if (!*held)
			*q++ = c;
		*before = c;
	}
	return (size_t)(q - out);
}

static int
octets_write(int fd, const struct append_item *item, struct fault *why)
{
	char *in = memory_alloc(PIECE), *out = memory_alloc(PIECE + 2);
	char before = '\0';
	bool held = false;
	int status = 0;

	for (uint64_t at = 0; at < item->size && status == 0;) {
		size_t n = item->size - at < PIECE ?
		    (size_t)(item->size - at) : PIECE, got;

		status = append_read(item, at, in, n, why);
		if (status == -1)
			break;
		at += n;
		got = lines_convert(out, in, n, &before, &held);
		if (at == item->size && held)
			out[got++] = '\r';
		if (file_write_full(fd, out, got) == -1)
			status = fault_errno(why, "write a message");
	}
	free(in);
	free(out);
	return status;
}

/* Few are synced one by one. */
static int
letter_sync(struct work *w, int fd)
{
	return w->count <= SYNC_EACH && (TRIP("maildir_append.sync") ||
	    account_sync(w->m->box->account, fd) == -1) ?
	    fault_errno(w->why, "write a message") : 0;
}

static int
letter_write(struct work *w, struct letter *l, const struct append_item *item)
{
	struct timespec times[2] = { { 0, UTIME_NOW },
	    { (time_t)item->date, 0 } };
	int fd, status = -1;

	fd = TRIP("maildir_append.create") ? -1 : openat(w->m->tmp,
	    buf_string(&l->tmp), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd == -1)
		return fault_errno(w->why, "make a file in %s/tmp",
		    w->m->path);
	l->in_tmp = true;
	if (maildir_place_give_mode(w->m->tmp, buf_string(&l->tmp), false) ==
	    -1)
		fault_errno(w->why, "make a file in %s/tmp", w->m->path);
	else if (octets_write(fd, item, w->why) == 0)
		status = futimens(fd, times) == -1 ?
		    fault_errno(w->why, "write a message") :
		    letter_sync(w, fd);
	if (close(fd) == -1 && status == 0)
		status = fault_errno(w->why, "write a message");
	return status;
}

/* The file is there, as another message's.  What was kept stays: if this fails
 * all begins once more. */
static int
letter_link(struct work *w, struct letter *l, const struct append_item *item)
{
	int tmp = w->m->tmp, fd, status;

	if (TRIP("maildir_append.link") || linkat(tmp, item->kept, tmp,
	    buf_string(&l->tmp), 0) == -1)
		return fault_errno(w->why, "make a file in %s/tmp",
		    w->m->path);
	l->in_tmp = true;
	if ((fd = maildir_scan_open(tmp, buf_string(&l->tmp), w->why)) == -1)
		return -1;
	status = letter_sync(w, fd);
	close(fd);
	return status;
}

/* Whole, and on disk where they are few, under a name that is nobody else's. */
static int
letter_make(struct work *w, size_t i)
{
	struct letter *l = &w->letters[i];
	const struct append_item *item = &w->items[i];

	buf_addspan(&l->tmp, buf_span(&w->begin));
	maildir_name_end(&l->tmp, i);
	if ((item->kept != NULL ? letter_link(w, l, item) :
	    letter_write(w, l, item)) == -1)
		return -1;
	return maildir_scan(w->m->tmp, buf_string(&l->tmp), true, &l->record,
	    w->why);
}

/* All of them, before any lock is taken. */
static int
letters_write(struct work *w)
{
	for (size_t i = 0; i < w->count; i++)
		if (letter_make(w, i) == -1)
			return -1;
	if (w->count > SYNC_EACH && !w->m->box->account->relaxed &&
	    (TRIP("maildir_append.sync_all") || syncfs(w->m->tmp) == -1))
		return fault_errno(w->why, "sync %s", w->m->path);
	return 0;
}

/* Names of keywords, and the note: durable before the first file has its
 * name. */
static int
note_commit(struct work *w)
{
	struct box *box = w->m->box;
	size_t keywords = 0;

	for (size_t i = 0; i < w->count; i++)
		keywords += w->items[i].keyword_count;
	if (keywords == 0 && !w->noted)
		return 0;
	if ((w->count > 1 ? box_begin(box, w->why) :
	    box_begin_soft(box, w->why)) == -1)
		return -1;
	for (size_t i = 0; i < w->count; i++)
		for (size_t k = 0; k < w->items[i].keyword_count; k++)
			if (box_keyword_add(box, w->items[i].keywords[k],
			    w->why) == -1) {
				box_rollback(box);
				return -1;
			}
	if (w->noted)
		maildir_note_store(box, buf_span(&w->begin), w->count,
		    append_transit(w->items));
	return box_commit(box, w->why);
}

/* Letters for the keywords.  Where the file with their names can't be written
 * they are in the index alone. */
static void
keywords_write(struct work *w)
{
	struct maildir *m = w->m;
	struct fault ignored = { .code = FAULT_NONE };
	bool added = false;

	for (size_t i = 0; i < w->count; i++) {
		struct keywords bits = append_keywords(m->box, &w->items[i]);

		added = maildir_keywords_add(m->box, &m->keywords, &bits) ||
		    added;
	}
	if (added && maildir_keywords_write(&m->keywords, m->dir,
	    &ignored) == -1)
		maildir_keywords_read(&m->keywords, m->dir, &ignored);
}

/* What the file will be called, and what its record says of flags. */
static void
letter_name(struct work *w, size_t i)
{
	struct letter *l = &w->letters[i];
	struct record *r = &l->record;
	const struct maildir *m = w->m;
	uint32_t known = maildir_keywords_known(&m->keywords), letters;
	bool passed, missing;
	struct buf base;

	r->flags = r->flags_seen = w->items[i].flags;
	r->keywords = append_keywords(m->box, &w->items[i]);
	letters = maildir_keywords_letters(m->box, &m->keywords,
	    &r->keywords, &passed, &missing);
	r->keywords_seen = missing ? maildir_keywords_bits(m->box,
	    &m->keywords, letters, passed) : r->keywords;
	buf_init(&base, 0);
	buf_addf(&base, "%s,S=%" PRIu64 ",W=%" PRIu64, buf_string(&l->tmp),
	    r->disk_size, r->wire_size);
	l->base_n = base.n;
	maildir_files_digest(buf_span(&base), r->digest);
	maildir_name_write(&l->name, buf_span(&base), (struct span){ "", 0 },
	    r->flags, letters, known, passed);
	buf_clear(&base);
}

static int
letters_move(struct work *w)
{
	struct maildir *m = w->m;

	for (size_t i = 0; i < w->count; i++) {
		struct letter *l = &w->letters[i];

		letter_name(w, i);
		if (TRIP("maildir_append.rename") || renameat(m->tmp,
		    buf_string(&l->tmp), m->cur, buf_string(&l->name)) == -1)
			return fault_errno(w->why, "rename a message");
		l->in_tmp = false;
		l->in_cur = true;
	}
	if (file_sync_directory(m->cur) == -1)
		return fault_errno(w->why, "sync %s/cur", m->path);
	return 0;
}

/* They get the next UIDs, in the list. */
static int
list_write(struct work *w)
{
	struct maildir *m = w->m;
	uint32_t uid = m->box->meta.uidnext;
	struct stat st;
	struct buf lines;
	int status;

	if (uid > UINT32_MAX - 2 - w->count)
		return fault_set(w->why, FAULT_LIMIT, "no UIDs are left");
	for (size_t i = 0; i < w->count; i++)
		w->letters[i].record.uid = w->letters[i].record.uid_seen =
		    uid++;
	if (!m->lock.has_file)
		return 0;
	if (fstatat(m->dir, MAILDIR_UIDLIST, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return fault_set(w->why, FAULT_CHANGED, "the list is gone");
	buf_init(&lines, 0);
	for (size_t i = 0; i < w->count; i++)
		maildir_uidlist_line(&lines, w->letters[i].record.uid,
		    (struct span){ "", 0 }, span_slice(buf_span(
		    &w->letters[i].name), 0, w->letters[i].base_n));
	status = maildir_uidlist_append(m->dir, buf_span(&lines), &st,
	    w->why);
	buf_clear(&lines);
	return status;
}

/* Would all that the index is told be found again in the names of files and
 * in the list? */
static bool
is_in_files(const struct work *w)
{
	if (append_transit(w->items) != 0)
		return false;
	for (size_t i = 0; i < w->count; i++) {
		const struct record *r = &w->letters[i].record;

		if (memcmp(&r->keywords, &r->keywords_seen,
		    sizeof r->keywords) != 0 || r->zone != w->items[i].zone)
			return false;
	}
	return w->m->lock.has_file;
}

static int
records_commit(struct work *w)
{
	struct maildir *m = w->m;
	struct box *box = m->box;
	int64_t now = clock_now();

	if ((is_in_files(w) ? box_begin_soft(box, w->why) :
	    box_begin(box, w->why)) == -1)
		return -1;
	/* The index was thrown away by somebody: all begins anew. */
	if (box->meta.uidnext != w->letters[0].record.uid ||
	    box->meta.uidvalidity == 0) {
		box_rollback(box);
		return fault_set(w->why, FAULT_CHANGED,
		    "the index was changed");
	}
	for (size_t i = 0; i < w->count; i++) {
		struct record *r = &w->letters[i].record;

		r->date = w->items[i].date;
		r->zone = w->items[i].zone;
		r->saved = now;
		box_add(box, r);
		w->items[i].uid = r->uid;
	}
	box->meta.uidnext += (uint32_t)w->count;
	append_arrive(w->items, w->count);
	box->meta.note_size = 0;
	if (maildir_sync_stamp(m, m->lock.has_file ? (uint32_t)w->count : 0,
	    w->why) == -1) {
		box_rollback(box);
		return -1;
	}
	return box_commit(box, w->why);
}

static int
append_locked(struct work *w)
{
	struct maildir *m = w->m;

	if (maildir_sync_locked(m, false, w->why) == -1 ||
	    maildir_keywords_read(&m->keywords, m->dir, w->why) == -1 ||
	    note_commit(w) == -1)
		return -1;
	keywords_write(w);
	if (letters_move(w) == -1 || list_write(w) == -1)
		return -1;
	TRIP_KILL("maildir_append.listed");
	if (records_commit(w) == -1)
		return -1;
	for (size_t i = 0; i < w->count; i++) {
		struct letter *l = &w->letters[i];

		l->in_cur = false;
		if (m->listed)
			maildir_files_insert(&m->files, buf_span(&l->name),
			    false);
	}
	return 0;
}

/* What is not told to the client is not there either. */
static void
letters_clear(struct work *w)
{
	struct maildir *m = w->m;

	for (size_t i = 0; i < w->count; i++) {
		struct letter *l = &w->letters[i];

		if (l->in_tmp)
			unlinkat(m->tmp, buf_string(&l->tmp), 0);
		if (l->in_cur) {
			TRIP_KILL("maildir_append.undo");
			unlinkat(m->cur, buf_string(&l->name), 0);
		}
		buf_clear(&l->tmp);
		buf_clear(&l->name);
	}
	free(w->letters);
	buf_clear(&w->begin);
}

static int
append_once(struct box *box, struct append_item *items, size_t count,
    struct fault *why)
{
	struct work w = { .m = box->state, .items = items, .count = count,
	    .why = why };
	int status = maildir_refresh(w.m, why);

	w.noted = count > 1 || append_transit(items) != 0;
	if (status == 0 && !w.m->writable)
		status = fault_set(why, FAULT_READONLY,
		    "%s can't be written", w.m->path);
	w.letters = memory_zalloc(count * sizeof *w.letters);
	maildir_name_begin(&w.begin);
	if (status == 0)
		status = letters_write(&w);
	if (status == 0 && (status = maildir_sync_lock(w.m, true, why)) == 0)
		status = append_locked(&w);
	letters_clear(&w);
	maildir_lock_drop(&w.m->lock);
	return status;
}

int
maildir_append(struct box *box, struct append_item *items, size_t count,
    struct fault *why)
{
	int status;

	if (count == 0)
		return 0;
	status = append_once(box, items, count, why);
	/* Somebody threw the index away, or wrote the list without a lock. */
	if (status == -1 && why->code == FAULT_CHANGED)
		status = append_once(box, items, count, why);
	return status;
}
