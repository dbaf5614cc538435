/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adding messages to a mailbox file, all or none.
 *
 * The order is what keeps mail: what will be written is noted in the index;
 * it is written behind the end of the file; what is there now is scanned like
 * any other mail, synced, and put into the index together with the new stamp
 * and without the note.  Killed anywhere in between, the next who opens
 * the mailbox finds a note, and either all of it or something to cut off.
 */
#include "c-client/formats/mbox_append.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "c-client/base/buf.h"
#include "c-client/base/bounds.h"
#include "c-client/base/clock.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "c-client/base/trip.h"
#include "c-client/formats/mbox.h"
#include "c-client/formats/mbox_format.h"
#include "c-client/formats/mbox_names.h"
#include "c-client/formats/mbox_note.h"
#include "c-client/formats/mbox_scan.h"
#include "c-client/formats/mbox_stamp.h"
#include "c-client/formats/mbox_sync.h"
#include "c-client/store/account.h"
#include "c-client/store/append.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

/* Written at once; and so much is kept formatted, to be written without doing
 * it a second time. */
#define PIECE		(1024u * 1024)
#define FORMED		(64u * 1024)
#define KEEP_MAX	BOUND_WHOLE

/* One message that is not longer costs one sync, that of the file. */
#define ALONE_MAX	(256u * 1024)

/* Two uses: to measure and hash, and to write. */
struct out {
	struct mbox_sink sink;	/* first: the functions get this */
	XXH3_state_t *hash;	/* NULL: writing */
	uint64_t length;
	struct buf kept;	/* measuring: all of it, while it is small */
	bool all_kept;
	const struct account *account;
	int fd;
	uint64_t at;		/* where the next piece goes */
};

struct work {
	struct mbox *m;
	struct append_item *items;
	size_t count;
	struct buf sender;
	struct out out;
	struct mbox_note note;
	struct mbox_keywords keywords;
	struct mbox_scan scan;
	struct stat st;
	struct fault *why;
};

static int
measure_write(struct mbox_sink *sink, const char *p, size_t n,
    struct fault *why)
{
	struct out *o = (struct out *)sink;

	(void)why;
	XXH3_128bits_update(o->hash, p, n);
	o->length += n;
	if (o->all_kept && o->length > KEEP_MAX) {
		o->all_kept = false;
		buf_clear(&o->kept);
	}
	if (o->all_kept)
		buf_add(&o->kept, p, n);
	return 0;
}

static int
piece_flush(struct out *o, struct fault *why)
{
	if (TRIP("mbox_append.write") ||
	    file_pwrite_full(o->fd, o->kept.p, o->kept.n,
	    (off_t)o->at) == -1)
		return fault_errno(why, "write mailbox");
	/* The disk has something to do while the next piece is made. */
	if (o->kept.n >= PIECE)
		account_sync_ahead(o->account, o->fd, o->at, o->kept.n);
	o->at += o->kept.n;
	buf_reset(&o->kept);
	return 0;
}

static int
file_write(struct mbox_sink *sink, const char *p, size_t n,
    struct fault *why)
{
	struct out *o = (struct out *)sink;

	buf_add(&o->kept, p, n);
	return o->kept.n >= PIECE ? piece_flush(o, why) : 0;
}

void
mbox_append_form(struct box *box, const struct append_item *item,
    struct span message, struct buf *out)
{
	struct buf sender;

	buf_init(&sender, 0);
	mbox_note_sender(box->account, &sender);
	mbox_format_whole(item, message, buf_span(&sender), out);
	buf_clear(&sender);
}

/* One that was formatted when it was collected. */
static int
formed_put(const struct append_item *item, char *block, struct work *w)
{
	for (uint64_t off = 0; off < item->size; off += FORMED) {
		size_t n = item->size - off < FORMED ?
		    (size_t)(item->size - off) : FORMED;

		if (append_read(item, off, block, n, w->why) == -1 ||
		    w->out.sink.write(&w->out.sink, block, n, w->why) == -1)
			return -1;
	}
	return 0;
}

static int
format_all(struct work *w)
{
	char *block = memory_alloc(FORMED);
	int status = 0;

	for (size_t i = 0; i < w->count && status == 0; i++)
		status = w->items[i].formed ?
		    formed_put(&w->items[i], block, w) :
		    mbox_format(&w->items[i], buf_span(&w->sender),
		    &w->out.sink, w->why);
	free(block);
	return status;
}

/* What will be written, before any lock is taken. */
static int
measure(struct work *w)
{
	struct out *o = &w->out;
	XXH128_hash_t hash;
	int status;

	mbox_note_sender(w->m->box->account, &w->sender);
	o->sink.write = measure_write;
	o->all_kept = true;
	o->hash = XXH3_createState();
	if (o->hash == NULL)
		memory_exhausted(sizeof *o->hash);
	XXH3_128bits_reset(o->hash);
	status = format_all(w);
	hash = XXH3_128bits_digest(o->hash);
	XXH3_freeState(o->hash);
	o->hash = NULL;
	w->note.format = MBOX_NOTE_FORMAT;
	w->note.count = (uint32_t)w->count;
	w->note.length = o->length;
	w->note.transit = append_transit(w->items);
	w->note.hash[0] = hash.low64;
	w->note.hash[1] = hash.high64;
	return status;
}

int
mbox_append_gap(const struct mbox *m, uint64_t size, const char **gap,
    struct fault *why)
{
	size_t n = size < 3 ? (size_t)size : 3;
	char end[3] = { '\n', '\n', '\n' };

	if (file_pread_full(m->fd, end + 3 - n, n, (off_t)(size - n)) !=
	    (ssize_t)n)
		return fault_set(why, FAULT_IO, "read the end of %s",
		    m->path);
	if (end[2] != '\n')
		*gap = "\n\n";
	else if (end[1] == '\n' || (end[1] == '\r' && end[0] == '\n'))
		*gap = "";
	else
		*gap = "\n";
	return 0;
}

/*
 * Before the first octet is written: the note, and the names of the keywords.
 * That must outlive a kill; only for what can't be half there, or is so long
 * that it does not matter, is it worth a sync to have it outlive the power too.
 */
static int
note_commit(struct work *w, const char **gap)
{
	struct box *box = w->m->box;

	if (fstat(w->m->fd, &w->st) == -1)
		return fault_errno(w->why, "stat %s", w->m->path);
	w->note.boot = w->count == 1 && w->note.length <= ALONE_MAX ?
	    mbox_note_boot() : 0;
	if (mbox_append_gap(w->m, (uint64_t)w->st.st_size, gap,
	    w->why) == -1 || (w->note.boot != 0 ?
	    box_begin_soft(box, w->why) : box_begin(box, w->why)) == -1)
		return -1;
	for (size_t i = 0; i < w->count; i++)
		for (size_t k = 0; k < w->items[i].keyword_count; k++)
			if (box_keyword_add(box, w->items[i].keywords[k],
			    w->why) == -1) {
				box_rollback(box);
				return -1;
			}
	w->note.end = (uint64_t)w->st.st_size;
	w->note.offset = w->note.end + strlen(*gap);
	mbox_note_store(box, &w->note);
	return box_commit(box, w->why);
}

static int
write_all(struct work *w, const char *gap)
{
	struct out *o = &w->out;

	o->account = w->m->box->account;
	o->fd = w->m->fd;
	o->at = w->note.end;
	if (TRIP("mbox_append.gap") ||
	    file_pwrite_full(o->fd, gap, strlen(gap), (off_t)o->at) == -1)
		return fault_errno(w->why, "write mailbox");
	o->at += strlen(gap);
	if (!o->all_kept) {
		o->sink.write = file_write;
		if (format_all(w) == -1)
			return -1;
	}
	if (piece_flush(o, w->why) == -1)
		return -1;
	if (o->at != w->note.offset + w->note.length)
		return fault_set(w->why, FAULT_IO,
		    "a message changed while it was written");
	return 0;
}

static int
sync_written(struct work *w)
{
	if (TRIP("mbox_append.sync") ||
	    account_sync(w->m->box->account, w->m->fd) == -1)
		return fault_errno(w->why, "sync %s", w->m->path);
	TRIP_KILL("mbox_append.synced");
	return 0;
}

/* Read what was written as everybody else will. */
static int
scan_written(struct work *w)
{
	const struct box_meta *meta = &w->m->box->meta;
	struct mbox_scan *scan = &w->scan;

	if (fstat(w->m->fd, &w->st) == -1)
		return fault_errno(w->why, "stat %s", w->m->path);
	for (size_t i = 0; i < meta->keyword_count; i++)
		mbox_keywords_add(&w->keywords, span_of(meta->keywords[i]));
	*scan = (struct mbox_scan){ .fd = w->m->fd, .from = w->note.offset,
	    .to = (uint64_t)w->st.st_size, .now = clock_now(),
	    .keywords = &w->keywords };
	if (mbox_scan(scan, w->why) == -1)
		return -1;
	if (scan->count != w->count || scan->begin != w->note.offset ||
	    scan->to != w->note.offset + w->note.length || scan->internal)
		return fault_set(w->why, FAULT_IO,
		    "%s: what was written reads as something else",
		    w->m->path);
	return 0;
}

/*
 * Would all that the index is told now be found again by somebody who has only
 * the file, and an index from before?  UIDs would: they ascend in the order of
 * the file.  Flags are not believed in the spool, keywords not anywhere, and
 * that it is a move nothing there tells.
 */
static bool
is_in_file(const struct work *w)
{
	bool spool = w->m->box->name.inbox;

	if (w->note.transit != 0)
		return false;
	for (size_t i = 0; i < w->count; i++) {
		const struct append_item *item = &w->items[i];
		const struct record *r = &w->scan.messages[i].r;
		uint16_t flags = spool ? 0 : r->flags & FLAG_ALL_SYSTEM;

		if (item->keyword_count > 0 || item->flags != flags ||
		    item->date != r->date || item->zone != r->zone)
			return false;
	}
	return true;
}

static int
records_commit(struct work *w)
{
	struct box *box = w->m->box;
	struct mbox_stamp before, now;

	if (mbox_stamp_take(w->m->fd, &w->st, &now, w->why) == -1 ||
	    (is_in_file(w) ? box_begin_soft(box, w->why) :
	    box_begin(box, w->why)) == -1)
		return -1;
	/* The index was thrown away by somebody: all begins anew. */
	if (!mbox_stamp_load(box, &before) || before.size != w->note.end ||
	    box->meta.uidnext > UINT32_MAX - 2 - w->count) {
		box_rollback(box);
		return fault_set(w->why, FAULT_CHANGED,
		    "the index was changed");
	}
	for (size_t i = 0; i < w->count; i++) {
		struct record *r = &w->scan.messages[i].r;

		r->uid = w->items[i].uid = box->meta.uidnext++;
		r->date = w->items[i].date;
		r->zone = w->items[i].zone;
		r->saved = w->scan.now;
		r->flags = (uint16_t)(w->items[i].flags | FLAG_OLD);
		r->keywords = append_keywords(box, &w->items[i]);
		box_add(box, r);
	}
	append_arrive(w->items, w->count);
	/* What was there before may still be doubtful. */
	now.doubtful |= before.doubtful;
	mbox_stamp_store(box, &now);
	mbox_note_store(box, NULL);
	return box_commit(box, w->why);
}

/* Nobody else could add anything: the lock is still ours. */
static void
undo(struct work *w)
{
	struct box *box = w->m->box;
	struct fault ignored = { .code = FAULT_NONE };

	if (TRIP("mbox_append.undo_truncate") ||
	    ftruncate(w->m->fd, (off_t)w->note.end) == -1 ||
	    TRIP("mbox_append.undo_sync") || fdatasync(w->m->fd) == -1) {
		log_line(LOG_ERR, "%s: truncate to %llu: %s", w->m->path,
		    (unsigned long long)w->note.end, strerror(errno));
		return;
	}
	/* Durable: what is appended next must not meet the note of this. */
	if (box_begin(box, &ignored) == -1)
		return;
	mbox_note_store(box, NULL);
	box_commit(box, &ignored);
}

static int
append_locked(struct work *w)
{
	const char *gap = "";

	if (mbox_sync_locked(w->m, false, w->why) == -1 ||
	    note_commit(w, &gap) == -1)
		return -1;
	/* What is read comes from memory, while the disk is at work. */
	if (write_all(w, gap) == 0 && scan_written(w) == 0 &&
	    sync_written(w) == 0 && records_commit(w) == 0)
		return 0;
	undo(w);
	return -1;
}

static int
append_once(struct box *box, struct append_item *items, size_t count,
    struct fault *why)
{
	struct work w = { .m = box->state, .items = items, .count = count,
	    .why = why };
	struct stat st;
	int status = -1;

	mbox_keywords_init(&w.keywords);
	if (measure(&w) == 0 &&
	    mbox_lock(w.m, MBOX_LOCK_WRITE, &st, why) == 0) {
		status = append_locked(&w);
		mbox_unlock(w.m);
	}
	mbox_scan_clear(&w.scan);
	mbox_keywords_clear(&w.keywords);
	buf_clear(&w.out.kept);
	buf_clear(&w.sender);
	return status;
}

int
mbox_append(struct box *box, struct append_item *items, size_t count,
    struct fault *why)
{
	int status;

	if (count == 0)
		return 0;
	status = append_once(box, items, count, why);
	/* Somebody threw the index away, or wrote without a lock. */
	if (status == -1 && why->code == FAULT_CHANGED)
		status = append_once(box, items, count, why);
	return status;
}
