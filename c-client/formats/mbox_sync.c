/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing the index up to date with the mailbox file. */
#include "c-client/formats/mbox_sync.h"

#include <string.h>

#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/clock.h"
#include "c-client/base/digest.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "c-client/formats/mbox.h"
#include "c-client/formats/mbox_base.h"
#include "c-client/formats/mbox_merge.h"
#include "c-client/formats/mbox_note.h"
#include "c-client/formats/mbox_redo.h"
#include "c-client/formats/mbox_scan.h"
#include "c-client/formats/mbox_stamp.h"
#include "c-client/store/box.h"
#include "c-client/store/index.h"
#include "c-client/store/transit.h"

#include "c-client/base/banned.h"

/* Programs that don't lock may write while a scan runs; so often it begins
 * again. */
#define TRIES	5

/* One synchronization, the file being locked. */
struct sync {
	struct mbox *m;
	struct stat st;		/* as the scan began */
	size_t raw_size;	/* the box's stamp, for which the scan is */
	uint8_t raw[BOX_STAMP_MAX];
	bool had_stamp;
	struct mbox_stamp before;	/* the same, taken apart */
	bool settle;		/* doubts are looked into now */
	struct mbox_keywords keywords;
	struct mbox_scan scan;
	struct mbox_merge merge;
	bool note_done;
	struct mbox_note note;
	bool whole;		/* what it speaks of is there */
	struct fault *why;
};

/* Is there nothing to do, or nothing yet?  Costs a stat(2). */
static bool
is_done(struct mbox *m, const struct stat *st)
{
	struct box *box = m->box;
	struct mbox_stamp s;

	if (box->meta.uidvalidity == 0 || m->distrust || !m->looked ||
	    (box->meta.note_size > 0 && m->writable) ||
	    !mbox_stamp_load(box, &s) || !mbox_stamp_holds(&s, st) ||
	    (s.doubtful && mbox_stamp_can_settle(&s)))
		return false;
	box->unsettled = s.doubtful;
	return true;
}

/* What others committed until we had the lock: structure changes under it
 * only, so what is read now is what there is. */
static int
index_refresh_now(struct sync *s)
{
	struct box *box = s->m->box;

	if (box_begin_soft(box, s->why) == -1)
		return -1;
	box_rollback(box);
	s->had_stamp = mbox_stamp_load(box, &s->before);
	s->raw_size = box->meta.stamp_size;
	memcpy(s->raw, box->meta.stamp, s->raw_size);
	return 0;
}

/* An append of ours may have been cut short.  The file may be another one
 * after that. */
static int
note_look(struct sync *s)
{
	struct mbox *m = s->m;

	if (m->box->meta.note_size == 0 || !m->writable ||
	    !m->lock.exclusive)
		return 0;
	s->note_done = true;
	if (!mbox_note_load(m->box, &s->note))
		return 0;
	if (mbox_note_settle(m, &s->note, &s->whole, s->why) == -1)
		return -1;
	if (s->whole) {
		s->merge.ours_from = s->note.offset;
		s->merge.ours_to = s->note.offset + s->note.length;
	}
	return 0;
}

static void
scan_begin(struct sync *s)
{
	const struct box_meta *meta = &s->m->box->meta;
	struct mbox_scan *scan = &s->scan;

	mbox_scan_clear(scan);
	mbox_keywords_clear(&s->keywords);
	mbox_keywords_init(&s->keywords);
	for (size_t i = 0; i < meta->keyword_count; i++)
		mbox_keywords_add(&s->keywords, span_of(meta->keywords[i]));
	*scan = (struct mbox_scan){ .fd = s->m->fd,
	    .to = (uint64_t)s->st.st_size, .now = s->merge.now,
	    .keywords = &s->keywords };
	s->merge.scan = scan;
}

static int
scan_whole(struct sync *s, enum mbox_merge_kind kind)
{
	int status;

	/* What is found is compared with all that is known. */
	if (box_need_all(s->m->box, s->why) == -1)
		return -1;
	scan_begin(s);
	s->merge.kind = kind;
	status = mbox_scan(&s->scan, s->why);
	s->m->octets += s->scan.octets;
	return status;
}

static int
scan_tail(struct sync *s)
{
	int status;

	scan_begin(s);
	s->merge.kind = MBOX_MERGE_TAIL;
	s->scan.from = s->before.size;
	status = mbox_scan(&s->scan, s->why);
	s->m->octets += s->scan.octets;
	/* No separator there: somebody wrote on in the last message. */
	if (status == -1 && s->why->code == FAULT_CORRUPT)
		return scan_whole(s, MBOX_MERGE_FULL);
	return status;
}

/* Read the headers of all known messages once more; *same is false where one
 * is not what it was. */
static int
headers_read(struct sync *s, bool *same)
{
	struct mbox *m = s->m;
	const struct box *box = m->box;
	struct digest *digest = digest_new();
	struct buf head;
	int status = 0;

	buf_init(&head, 0);
	s->scan.messages = memory_grow_array(NULL, box->count + 1,
	    sizeof *s->scan.messages);
	for (size_t i = 0; i < box->count && *same && status == 0; i++) {
		const struct record *r = &box->records[i];
		size_t n = (size_t)r->separator + r->disk_header;
		ssize_t got;

		buf_reset(&head);
		if (r->disk_header > BOUND_MIME_HEADER ||
		    n > r->disk_size) {
			*same = false;
			break;
		}
		got = file_pread_full(m->fd, buf_room(&head, n), n,
		    (off_t)r->place);
		if (got == -1)
			status = fault_errno(s->why, "read %s", m->path);
		else
			*same = (size_t)got == n && mbox_scan_header(head.p,
			    n, r, &s->keywords, digest,
			    &s->scan.messages[s->scan.count++]);
		m->octets += n;
	}
	buf_clear(&head);
	digest_free(digest);
	return status;
}

/* The doubt about the last stamp: was there a change within its tick? */
static int
scan_headers(struct sync *s)
{
	struct mbox_stamp now;
	bool same;

	scan_begin(s);
	s->merge.kind = MBOX_MERGE_FLAGS;
	if (box_need_all(s->m->box, s->why) == -1 ||
	    mbox_stamp_take(s->m->fd, &s->st, &now, s->why) == -1)
		return -1;
	same = now.front == s->before.front && now.tail == s->before.tail;
	if (same && headers_read(s, &same) == -1)
		return -1;
	return same ? 0 : scan_whole(s, MBOX_MERGE_FULL);
}

/* 1: something was scanned; 0: there is nothing to do. */
static int
scan_needed(struct sync *s)
{
	struct mbox *m = s->m;
	bool known = m->box->meta.uidvalidity != 0;
	int status;

	s->merge.now = clock_now();
	s->merge.last = s->had_stamp ? s->before.last : 0;
	if (!known || !s->had_stamp || m->distrust)
		status = scan_whole(s, known ? MBOX_MERGE_FULL :
		    MBOX_MERGE_NEW);
	else if (mbox_stamp_holds(&s->before, &s->st)) {
		if (!s->settle || !s->before.doubtful ||
		    !mbox_stamp_can_settle(&s->before)) {
			m->box->unsettled = s->before.doubtful;
			return 0;
		}
		status = scan_headers(s);
	} else if (!m->box->shared &&
	    mbox_stamp_grown(&s->before, m->fd, &s->st))
		status = scan_tail(s);
	else
		status = scan_whole(s, MBOX_MERGE_FULL);
	return status == -1 ? -1 : 1;
}

/* Does the file have this status still? */
static int
is_still(struct sync *s)
{
	struct stat st;

	if (fstat(s->m->fd, &st) == -1)
		return fault_errno(s->why, "stat %s", s->m->path);
	if (st.st_size != s->st.st_size ||
	    memcmp(&st.st_mtim, &s->st.st_mtim, sizeof st.st_mtim) != 0 ||
	    memcmp(&st.st_ctim, &s->st.st_ctim, sizeof st.st_ctim) != 0)
		return fault_set(s->why, FAULT_CHANGED,
		    "%s was changed while it was read", s->m->path);
	return 0;
}

/* The last UID that the file says: of what was looked at, or as it was. */
static uint32_t
last_of(const struct sync *s)
{
	const struct mbox_scan *scan = &s->scan;

	/* An INBOX that had been missing: they are strangers' words. */
	if (s->merge.kind == MBOX_MERGE_FULL && !s->had_stamp)
		return 0;
	if (s->merge.kind == MBOX_MERGE_TAIL ||
	    s->merge.kind == MBOX_MERGE_FLAGS)
		return s->before.last;
	return scan->based &&
	    scan->uidvalidity == s->m->box->meta.uidvalidity ? scan->last :
	    0;
}

/* An append that turned out to be whole may be a part of a move. */
static void
arrival_note(const struct sync *s)
{
	struct box *box = s->m->box;
	uint32_t first = 0, last = 0;
	size_t n = 0;

	if (!s->whole || s->note.transit == 0)
		return;
	for (size_t i = box->count; i-- > 0;) {
		const struct record *r = box_at(box, i);

		if (r == NULL || r->place < s->merge.ours_from)
			break;
		if (r->place >= s->merge.ours_to)
			continue;
		first = r->uid;
		last = n++ == 0 ? r->uid : last;
	}
	if (n > 0 && n == s->note.count && last - first == n - 1)
		transit_arrive(box, s->note.transit, first, n);
}

/* Everything that was found out goes into the index in one step. */
static int
sync_commit(struct sync *s, bool scanned)
{
	struct box *box = s->m->box;
	struct mbox_stamp now;

	if (is_still(s) == -1 || (scanned &&
	    mbox_stamp_take(s->m->fd, &s->st, &now, s->why) == -1))
		return -1;
	if (box_begin(box, s->why) == -1)
		return -1;
	/* Somebody was here who holds no lock, or the index was thrown
	 * away. */
	if (s->raw_size != box->meta.stamp_size ||
	    memcmp(s->raw, box->meta.stamp, s->raw_size) != 0) {
		fault_set(s->why, FAULT_CHANGED, "the index was changed");
		goto fail;
	}
	if (scanned) {
		if (mbox_merge(box, &s->merge, s->why) == -1)
			goto fail;
		/* What was there before has not been looked at. */
		if (s->merge.kind == MBOX_MERGE_TAIL && s->before.doubtful)
			now.doubtful = 1;
		now.last = last_of(s);
		mbox_stamp_store(box, &now);
	}
	if (s->note_done) {
		arrival_note(s);
		mbox_note_store(box, NULL);
	}
	if (box_commit(box, s->why) == -1)
		return -1;
	s->m->distrust = false;
	return 0;
fail:
	box_rollback(box);
	return -1;
}

static int
sync_once(struct mbox *m, bool settle, struct fault *why)
{
	struct sync s = { .m = m, .settle = settle, .why = why };
	int status = -1, scanned;

	mbox_keywords_init(&s.keywords);
	if (index_refresh_now(&s) == -1 || note_look(&s) == -1)
		goto out;
	if (fstat(m->fd, &s.st) == -1) {
		fault_errno(why, "stat %s", m->path);
		goto out;
	}
	if ((scanned = scan_needed(&s)) == -1)
		goto out;
	status = 0;
	if (scanned || s.note_done)
		status = sync_commit(&s, scanned);
out:
	mbox_scan_clear(&s.scan);
	mbox_keywords_clear(&s.keywords);
	return status;
}

int
mbox_sync_locked(struct mbox *m, bool settle, struct fault *why)
{
	int status = -1;

	if (m->lock.exclusive && mbox_redo_is_there(m) &&
	    mbox_redo_recover(m, why) == -1)
		return -1;
	m->looked = m->lock.exclusive || !mbox_redo_is_there(m);
	for (int i = 0; i < TRIES && status == -1; i++) {
		status = sync_once(m, settle, why);
		if (status == -1 && why->code != FAULT_CHANGED)
			break;
	}
	return status;
}

/* The lock, tried once.  What a crash has left has to be mended. */
static int
lock_try(struct mbox *m, struct fault *why)
{
	uint32_t timeout = m->lock.timeout;
	bool redo = mbox_redo_is_there(m);
	bool mend = m->writable && (m->box->meta.note_size != 0 || redo);
	struct stat st;
	int status;

	m->lock.timeout = 0;
	status = mbox_lock(m, mend ? MBOX_LOCK_WRITE : MBOX_LOCK_SCAN, &st,
	    why);
	/* On a full disk a torn append has to wait, and mail is read all the
	 * same; half a rewrite would have messages numbered anew. */
	if (status == -1 && mend && !redo && why->code == FAULT_QUOTA)
		status = mbox_lock(m, MBOX_LOCK_SCAN, &st, why);
	m->lock.timeout = timeout;
	return status;
}

/* The last UID in the file is raised, and the stamp is that after it. */
static int
base_raise(struct mbox *m, struct fault *why)
{
	struct box *box = m->box;
	struct mbox_stamp before, now;
	uint32_t last;
	bool named;

	if (mbox_sync_locked(m, true, why) == -1)
		return -1;
	if (!mbox_base_is_low(box) || !mbox_stamp_load(box, &before))
		return 0;
	if (mbox_base_put(m, false, &last, &named, why) == -1 ||
	    mbox_stamp_take_written(m->fd, before.size, &now, why) == -1 ||
	    box_begin(box, why) == -1)
		return -1;
	now.last = last;
	mbox_stamp_store(box, &now);
	box_touch_meta(box);
	return box_commit(box, why);
}

void
mbox_sync_raise(struct mbox *m)
{
	uint32_t timeout = m->lock.timeout;
	struct fault why = { .code = FAULT_NONE };
	struct stat st;

	/* A shared one gets it together with the UIDs (mbox_flush.c). */
	if (!m->writable || m->box->shared || !mbox_base_is_low(m->box) ||
	    !index_is_durable(m->box->index))
		return;
	/* Where somebody else is at it the index has the UIDs all the same. */
	m->lock.timeout = 0;
	if (mbox_lock(m, MBOX_LOCK_WRITE, &st, &why) == 0 &&
	    base_raise(m, &why) == -1)
		log_line(LOG_WARNING, "%s: last UID: %s", m->path, why.text);
	mbox_unlock(m);
	m->lock.timeout = timeout;
}

/*
 * Where many sessions hear of a change at once, one of them scans: the others,
 * while they wait for the lock, find what it put into the index.
 */
static int
sync_shared(struct box *box, struct fault *why)
{
	struct mbox *m = box->state;
	double end = 0;
	struct stat st;
	int status;

	for (;;) {
		if (mbox_refresh(m, &st, why) == -1)
			return -1;
		/* A rewrite may have ended before it began. */
		m->looked = m->looked || !mbox_redo_is_there(m);
		if (is_done(m, &st))
			return 0;
		if (lock_try(m, why) == 0)
			break;
		if (why->code != FAULT_INUSE)
			return -1;
		if (end == 0)
			end = clock_steady() + m->lock.timeout;
		else if (clock_steady() >= end)
			return -1;
		clock_pause();
		if (box_begin(box, why) == -1)
			return -1;
		box_rollback(box);
	}
	status = mbox_sync_locked(m, true, why);
	mbox_unlock(m);
	return status;
}

int
mbox_sync(struct box *box, struct fault *why)
{
	if (sync_shared(box, why) == -1)
		return -1;
	mbox_sync_raise(box->state);
	return 0;
}
