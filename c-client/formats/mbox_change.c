/* SPDX-License-Identifier: Apache-2.0 */
/* Planning what moves in a mailbox file, and taking it over into the index. */
#include "c-client/formats/mbox_change.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "c-client/base/bounds.h"
#include "c-client/base/clock.h"
#include "c-client/base/digest.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "c-client/base/trip.h"
#include "c-client/formats/mbox.h"
#include "c-client/formats/mbox_base.h"
#include "c-client/formats/mbox_names.h"
#include "c-client/formats/mbox_redo.h"
#include "c-client/formats/mbox_scan.h"
#include "c-client/formats/mbox_scribe.h"
#include "c-client/formats/mbox_stamp.h"
#include "c-client/formats/mbox_sync.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

/* The segment that is the internal data. */
#define INTERNAL	(SIZE_MAX - 1)

static int
make_segment(struct mbox_plan *, const struct mbox_segment *, struct span old,
    struct buf *out, struct fault *);

static void
tell(struct mbox_plan *plan, uint64_t done, uint64_t total)
{
	struct mbox_change *c = (struct mbox_change *)plan;

	mbox_scribe_tell(c->scribe, done, total);
}

void
mbox_change_begin(struct mbox_change *c, struct mbox *m, size_t first)
{
	const struct box *box = m->box;
	struct mbox_stamp stamp;
	const struct record *r = first < box->count ? &box->records[first] :
	    NULL;

	*c = (struct mbox_change){ .m = m, .first = first, .base = SIZE_MAX };
	c->moved = memory_zalloc((box->count - first + 1) *
	    sizeof *c->moved);
	mbox_stamp_load(box, &stamp);
	c->last = stamp.last;
	c->plan.old_end = stamp.size;
	c->plan.start = c->size = r == NULL ? stamp.size : r->place;
	c->plan.make = make_segment;
	c->plan.tell = tell;
	c->digest = digest_new();
	buf_init(&c->head, 0);
	buf_init(&c->internal, 0);
	mbox_keywords_init(&c->none);
}

void
mbox_change_end(struct mbox_change *c)
{
	mbox_plan_clear(&c->plan);
	free(c->moved);
	digest_free(c->digest);
	buf_clear(&c->head);
	buf_clear(&c->internal);
	mbox_keywords_clear(&c->none);
}

/* The file is not what index and stamp say of it. */
static int
mismatch(struct mbox_change *c, struct fault *why)
{
	c->m->distrust = true;
	return fault_set(why, FAULT_CHANGED, "%s: no such message there",
	    c->m->path);
}

int
mbox_change_look(struct mbox_change *c, size_t i, struct span *head,
    struct fault *why)
{
	const struct box *box = c->m->box;
	const struct record *r = &box->records[i];
	size_t n = (size_t)r->separator + r->disk_header;
	uint64_t end = r->place + r->disk_size;
	struct mbox_message read;
	ssize_t got;

	/* Numbers of the index are hostile until they fit each other. */
	if (r->separator < 6 || r->disk_header > BOUND_MIME_HEADER ||
	    n > r->disk_size || end > c->plan.old_end ||
	    end != (i + 1 < box->count ? box->records[i + 1].place :
	    c->plan.old_end))
		return mismatch(c, why);
	buf_reset(&c->head);
	got = file_pread_full(c->m->fd, buf_room(&c->head, n), n,
	    (off_t)r->place);
	if (got == -1)
		return fault_errno(why, "read %s", c->m->path);
	c->m->octets += n;
	if ((size_t)got != n || !mbox_scan_header(c->head.p, n, r, &c->none,
	    c->digest, &read))
		return mismatch(c, why);
	c->head.n = n;
	*head = buf_span(&c->head);
	return 0;
}

void
mbox_change_said(const struct mbox_change *c, size_t i, bool uid,
    struct mbox_said *said)
{
	const struct box *box = c->m->box;
	const struct record *r = &box->records[i];

	*said = (struct mbox_said){ .meta = &box->meta, .flags = r->flags,
	    .keywords = r->keywords, .uid = uid ? r->uid : 0,
	    .front = i == 0 };
	if (i == c->base) {
		said->uidvalidity = box->meta.uidvalidity;
		said->last = c->last;
	}
}

static struct mbox_moved *
moved_of(struct mbox_change *c, size_t i)
{
	return &c->moved[i - c->first];
}

void
mbox_change_remove(struct mbox_change *c, size_t i)
{
	moved_of(c, i)->gone = true;
	c->gap += c->m->box->records[i].disk_size;
}

void
mbox_change_keep(struct mbox_change *c, size_t i)
{
	const struct record *r = &c->m->box->records[i];

	*moved_of(c, i) = (struct mbox_moved){ .place = c->size,
	    .disk_header = r->disk_header };
	mbox_plan_copy(&c->plan, r->place, r->disk_size);
	c->size += r->disk_size;
}

static void
internal_make(struct mbox_change *c, uint32_t last, size_t least)
{
	const struct box_meta *meta = &c->m->box->meta;
	int64_t now = clock_now();

	mbox_names_internal(&c->internal, meta, last, 0, now);
	if (c->internal.n < least) {
		size_t pad = least - c->internal.n;

		buf_reset(&c->internal);
		mbox_names_internal(&c->internal, meta, last, pad, now);
	}
}

void
mbox_change_internal(struct mbox_change *c)
{
	uint64_t old = c->m->box->records[0].place;

	internal_make(c, c->last, (size_t)old);
	c->plan.start = 0;
	c->size = c->internal.n;
	mbox_plan_make(&c->plan, 0, old, c->internal.n, INTERNAL);
}

void
mbox_change_internal_new(struct mbox_change *c, uint32_t last)
{
	internal_make(c, last, 0);
	if (c->internal.n > c->gap)
		return;
	c->last = last;
	mbox_plan_make(&c->plan, c->plan.old_end, 0, c->internal.n, INTERNAL);
	c->size += c->internal.n;
}

/* The separator as it was, and a new header: `pad` blanks more in it. */
static bool
header_make(const struct mbox_change *c, size_t i, struct span old,
    size_t pad, struct buf *out)
{
	size_t line = c->m->box->records[i].separator;
	struct mbox_said said;

	mbox_change_said(c, i, c->last != 0, &said);
	buf_addspan(out, span_slice(old, 0, line));
	return mbox_room_write(span_slice(old, line, old.n), &said, pad, out);
}

/*
 * Octets of the header when it is made anew, at least as many as it has: a plan
 * that grows moves nothing towards the beginning.  *n is 0 where it can't be.
 */
static int
made_size(struct mbox_change *c, size_t i, uint64_t *old, uint64_t *n,
    struct fault *why)
{
	struct span head;
	struct buf new;

	if (mbox_change_look(c, i, &head, why) == -1)
		return -1;
	buf_init(&new, 0);
	*old = head.n;
	*n = !header_make(c, i, head, 0, &new) ? 0 :
	    new.n < head.n ? head.n : new.n;
	buf_clear(&new);
	return 0;
}

static void
make(struct mbox_change *c, size_t i, uint64_t old, uint64_t n)
{
	const struct record *r = &c->m->box->records[i];
	struct mbox_said said;

	mbox_change_said(c, i, c->last != 0, &said);
	*moved_of(c, i) = (struct mbox_moved){ .place = c->size, .made = true,
	    .disk_header = (uint32_t)(n - r->separator), .uid = said.uid,
	    .flags = said.flags, .keywords = said.keywords };
	mbox_plan_make(&c->plan, r->place, old, n, i);
	mbox_plan_copy(&c->plan, r->place + old, r->disk_size - old);
	c->size += n + r->disk_size - old;
	c->gap -= n - old;
}

int
mbox_change_make(struct mbox_change *c, size_t i, uint64_t grow, bool *made,
    struct fault *why)
{
	uint64_t old, n;

	if (made_size(c, i, &old, &n, why) == -1)
		return -1;
	*made = n > 0 && n - old <= grow;
	if (*made)
		make(c, i, old, n);
	return 0;
}

int
mbox_change_stretch(struct mbox_change *c, size_t i, uint64_t more,
    bool *made, struct fault *why)
{
	uint64_t old, n;

	if (made_size(c, i, &old, &n, why) == -1)
		return -1;
	*made = n > 0 && n - old <= more;
	if (*made)
		make(c, i, old, old + more);
	return 0;
}

static int
make_segment(struct mbox_plan *plan, const struct mbox_segment *s,
    struct span old, struct buf *out, struct fault *why)
{
	struct mbox_change *c = (struct mbox_change *)plan;
	struct buf new;
	bool good;

	/* Made in the session: it says which process, and when. */
	if (s->message == INTERNAL) {
		buf_addspan(out, buf_span(&c->internal));
		return 0;
	}
	buf_init(&new, 0);
	good = header_make(c, s->message, old, 0, &new);
	if (good && new.n < s->n) {
		size_t pad = (size_t)s->n - new.n;

		buf_reset(&new);
		good = header_make(c, s->message, old, pad, &new);
	}
	buf_addspan(out, buf_span(&new));
	buf_clear(&new);
	return good ? 0 : fault_set(why, FAULT_IO,
	    "a header can't be made any more");
}

/* In the scribe. */
static int
work(void *arg, struct mbox_scribe *scribe, struct fault *why)
{
	struct mbox_change *c = arg;
	struct mbox_redo redo = { .fd = -1, .dir = -1 };
	uint64_t total = 0;
	int status;

	c->scribe = scribe;
	for (size_t i = 0; i < c->plan.count; i++)
		if (c->plan.block == 0 ||
		    c->plan.segments[i].message != MBOX_SEGMENT_COPY)
			total += c->plan.segments[i].n;
	/* The file's end alone is cut off in one step. */
	if (c->plan.count > 0 &&
	    mbox_redo_open(c->m, total, &redo, why) == -1 &&
	    (c->plan.grows || c->plan.block > 0 || why->code == FAULT_IO))
		return -1;
	status = mbox_rewrite(c->m->fd, &redo, &c->plan, why);
	if (status == 0)
		mbox_redo_remove(&redo);
	else
		mbox_redo_close(&redo);
	return status;
}

/* What is moved as it is has been looked at by nobody: but if no octet is left
 * out between two messages, none can be lost. */
static bool
is_gapless(const struct mbox_change *c)
{
	const struct box *box = c->m->box;
	uint64_t at = c->first < box->count ? box->records[c->first].place :
	    c->plan.start;

	/* But what is in front of the first one is not touched, or made. */
	if (at != c->plan.start && c->internal.n == 0)
		return false;
	for (size_t i = c->first; i < box->count; i++) {
		const struct record *r = &box->records[i];

		if (r->place != at || r->disk_size > c->plan.old_end - at)
			return false;
		at += r->disk_size;
	}
	return at == c->plan.old_end;
}

int
mbox_change_run(struct mbox_change *c, struct fault *why)
{
	struct fault mend;

	if (!is_gapless(c))
		return mismatch(c, why);
	c->plan.new_end = c->size;
	if (box_harden(c->m->box, why) == -1)
		return -1;
	if (mbox_scribe_run(c->m, work, c, why) == 0) {
		TRIP_KILL("mbox_change.done");
		return 0;
	}
	c->m->distrust = true;
	if (mbox_redo_is_there(c->m) &&
	    mbox_redo_recover(c->m, &mend) == -1)
		log_line(LOG_ERR, "%s: not mended yet: %s", c->m->path,
		    mend.text);
	return -1;
}

static void
record_move(struct box *box, size_t i, const struct mbox_moved *moved)
{
	struct record *r = &box->records[i];
	struct record was = *r;

	r->place = moved->place;
	if (moved->made) {
		r->disk_size += moved->disk_header;
		r->disk_size -= r->disk_header;
		r->disk_header = moved->disk_header;
		r->flags_seen = moved->flags | FLAG_OLD;
		r->flags |= FLAG_OLD;
		r->keywords_seen = moved->keywords;
		r->uid_seen = moved->uid;
	}
	if (memcmp(&was, r, sizeof was) != 0)
		box_touch(box, i);
}

int
mbox_change_commit(struct mbox_change *c, struct fault *why)
{
	struct box *box = c->m->box;
	size_t count = box->count, n = 0;
	size_t *gone = memory_grow_array(NULL, count - c->first + 1,
	    sizeof *gone);
	uint32_t uidvalidity = box->meta.uidvalidity;
	struct mbox_stamp now;
	int status = -1;

	if (mbox_stamp_take_written(c->m->fd, c->size, &now, why) == -1 ||
	    box_begin(box, why) == -1)
		goto out;
	/* Messages come and go under the mailbox's lock only; but the index
	 * may have been thrown away. */
	if (box->count != count || box->meta.uidvalidity != uidvalidity) {
		box_rollback(box);
		c->m->distrust = true;
		status = mbox_sync_locked(c->m, false, why);
		goto out;
	}
	for (size_t i = c->first; i < count; i++) {
		if (moved_of(c, i)->gone)
			gone[n++] = i;
		else
			record_move(box, i, moved_of(c, i));
	}
	box_remove_many(box, gone, n);
	now.last = c->last;
	mbox_stamp_store(box, &now);
	box_touch_meta(box);
	status = box_commit(box, why);
out:
	free(gone);
	return status;
}
