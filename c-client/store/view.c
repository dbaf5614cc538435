/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views: what a session was told, compared with what is.  Knows no protocol:
 * the differences are data, and the session says them when it may.
 */
#include "c-client/store/view.h"

#include <stdlib.h>
#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/store/box.h"
#include "c-client/store/box_private.h"
#include "c-client/store/record.h"

#include "c-client/base/banned.h"

/*
 * \Recent for the messages above v->last.  A read-write view takes it for
 * itself, durably, so that no other session has it too; where that can't be
 * written they are recent here, and again in the next session.
 * Returns the first UID that is recent in this view.
 */
static uint32_t
claim_recent(struct view *v, struct fault *why)
{
	struct box *box = v->box;
	uint32_t first = box->meta.first_recent;

	if (v->readonly || first >= box->meta.uidnext || box->count == 0 ||
	    box_uid(box, box->count - 1) < first)
		return first;
	/* What is lost with the power is \Recent once more. */
	if (box_begin_soft(box, why) == -1)
		return first;
	/* Under the lock it may turn out that somebody else was quicker. */
	first = box->meta.first_recent;
	if (first >= box->meta.uidnext) {
		box_rollback(box);
		return first;
	}
	box->meta.first_recent = box->meta.uidnext;
	box_touch_meta(box);
	box_commit(box, why);
	return first;
}

/* Take the records with UIDs above v->last.  `first` is the first UID that is
 * \Recent here. */
static void
take_arrivals(struct view *v, uint32_t first)
{
	struct box *box = v->box;
	struct index_walk walk = { .to = 0 };
	size_t i = v->last == UINT32_MAX ? box->count :
	    box_find_from(box, v->last + 1), old, n;
	uint32_t uid;

	if (i == box->count)
		return;
	old = box_find_from(box, first);
	old = old < i ? i : old;
	for (; i < box->count; i += n) {
		n = box_walk(box, &walk, i, &uid);
		uidruns_add(&v->uids, uid, n);
	}
	v->count = v->uids.count;
	v->last = uidruns_at(&v->uids, v->count - 1, NULL);
	if (old == box->count)
		return;
	uid = box_uid(box, old);
	uidruns_add(&v->recent, uid, (size_t)v->last - uid + 1);
	v->recent_count += box->count - old;
}

/* Everything up to now counts as told. */
static void
settle(struct view *v)
{
	v->told = v->box->meta.highestmodseq;
	v->keywords_told = v->box->meta.keyword_count;
	v->generation = v->box->generation;
}

void
view_free(struct view *v)
{
	if (v == NULL)
		return;
	uidruns_clear(&v->uids);
	uidruns_clear(&v->recent);
	free(v->spare);
	free(v);
}

struct view *
view_new(struct box *box, bool readonly, struct fault *why)
{
	struct view *v = memory_zalloc(sizeof *v);

	v->box = box;
	v->readonly = readonly || box->readonly;
	take_arrivals(v, claim_recent(v, why));
	if (box_is_unsure(box)) {
		view_free(v);
		return NULL;
	}
	v->uidvalidity = box->meta.uidvalidity;
	settle(v);
	return v;
}

/* The message numbers of a list, in the arena; where that is full, in the
 * view until the next time. */
static uint32_t *
hand_out(struct view *v, struct arena *arena, const uint32_t *numbers,
    size_t count, size_t from)
{
	uint32_t *out = arena_alloc(arena, count * sizeof *out);

	if (out == NULL)
		out = v->spare + from;
	if (count > 0)
		memmove(out, numbers, count * sizeof *out);
	return out;
}

/* So many messages from the first on are as they were told: the view's numbers
 * are the records' places, as long as nothing is hidden. */
static size_t
unchanged(const struct view *v)
{
	size_t from;

	if (v->hidden)
		return 0;
	from = box_changed_from(v->box, v->generation);
	return from < v->count ? from : v->count;
}

/* What comes out of comparing: each message is in one of the lists at most; the
 * expunged are in v->spare from the front on, the changed from its end. */
struct differences {
	size_t room, expunged, changed;
	size_t quiet_to;	/* records below this are as they were told */
};

/* Was the record changed since the view was told?  One that can't be read now
 * counts as changed: it is read again when it is told. */
static bool
is_changed(const struct view *v, size_t at)
{
	const struct record *r = box_at(v->box, at);

	return r == NULL || r->modseq > v->told;
}

/* `n` messages that are the records from `at` on. */
static void
take_same(struct view *v, struct differences *d, uint32_t uid, size_t at,
    size_t n)
{
	size_t number = v->uids.count + 1, end = at + n;

	uidruns_add(&v->uids, uid, n);
	for (; at < end; at++, number++) {
		if (at >= d->quiet_to)
			d->quiet_to = at + box_quiet(v->box, at, v->told);
		if (at < d->quiet_to) {
			size_t quiet = (d->quiet_to < end ? d->quiet_to :
			    end) - at - 1;

			at += quiet;
			number += quiet;
		} else if (is_changed(v, at)) {
			v->spare[d->room - ++d->changed] = (uint32_t)number;
		}
	}
}

/* `n` messages that are gone. */
static void
take_gone(struct view *v, struct differences *d, uint32_t uid, size_t n,
    bool may_expunge, struct view_changes *out)
{
	if (!may_expunge) {
		out->hidden = true;
		uidruns_add(&v->uids, uid, n);
		return;
	}
	for (size_t i = 0; i < n; i++, uid++) {
		v->spare[d->expunged++] = (uint32_t)v->uids.count + 1;
		if (!uidruns_has(&v->recent, uid))
			continue;
		out->recent = true;
		v->recent_count--;
	}
}

/*
 * Walk the view and the records together, from the first ones on that may
 * differ.  Messages that are gone are told, and leave the view, if they may;
 * the numbers of changed ones are those after that.
 */
static struct differences
walk(struct view *v, bool may_expunge, size_t start, struct view_changes *out)
{
	struct box *box = v->box;
	struct differences d = { .room = v->count - start + 1 };
	struct index_walk walk = { .to = 0 };
	size_t at = start < box->count ? start : box->count, n, there = 0;
	struct uidruns tail;
	uint32_t first = 0, uid;

	uidruns_split(&v->uids, start, &tail);
	for (size_t i = 0; i < tail.count; i += n) {
		uid = uidruns_at(&tail, i, &n);
		/* The records [at, at + there) have the UIDs from `first`. */
		while (at < box->count) {
			there = box_walk(box, &walk, at, &first);
			if (first >= uid)
				break;
			at += uid - first < there ? uid - first : there;
		}
		if (at == box->count) {
			take_gone(v, &d, uid, n, may_expunge, out);
			continue;
		}
		if (first > uid) {
			n = first - uid < n ? first - uid : n;
			take_gone(v, &d, uid, n, may_expunge, out);
			continue;
		}
		n = there < n ? there : n;
		take_same(v, &d, uid, at, n);
		at += n;
	}
	uidruns_clear(&tail);
	v->count = v->uids.count;
	return d;
}

static void
compare(struct view *v, bool may_expunge, struct arena *arena,
    struct view_changes *out)
{
	size_t start = unchanged(v);
	struct differences d;
	uint32_t *changed;

	v->spare = memory_grow_array(v->spare, v->count - start + 1,
	    sizeof *v->spare);
	d = walk(v, may_expunge, start, out);
	changed = v->spare + d.room - d.changed;
	for (size_t i = 0; i < d.changed / 2; i++) {
		uint32_t other = changed[i];

		changed[i] = changed[d.changed - 1 - i];
		changed[d.changed - 1 - i] = other;
	}
	out->expunged = hand_out(v, arena, v->spare, d.expunged, 0);
	out->expunged_count = d.expunged;
	out->flags = hand_out(v, arena, changed, d.changed,
	    d.room - d.changed);
	out->flags_count = d.changed;
	if (out->expunged != v->spare && out->flags != changed) {
		free(v->spare);
		v->spare = NULL;
	}
}

int
view_sync(struct view *v, bool may_expunge, struct arena *arena,
    struct view_changes *out, struct fault *why)
{
	struct box *box = v->box;
	int status = box_sync(box, why);
	size_t recent = v->recent_count, count;
	uint32_t first;

	*out = (struct view_changes){ .hidden = v->hidden };
	/* No records because they can't be read, or not yet, says nothing
	 * about the messages. */
	if (status == -1 && (box_is_unsure(box) ||
	    box->meta.uidvalidity == 0))
		return status;
	if (box->meta.uidvalidity != v->uidvalidity) {
		out->renumbered = true;
		return status;
	}
	if (box->generation == v->generation && !(v->hidden && may_expunge))
		return status;
	/* This takes the index's lock, and may bring more than box_sync(). */
	first = claim_recent(v, NULL);
	if (box_is_unsure(box))
		return status;
	if (box->meta.uidvalidity != v->uidvalidity) {
		out->renumbered = true;
		return status;
	}
	out->hidden = false;
	compare(v, may_expunge, arena, out);
	count = v->count;
	take_arrivals(v, first);
	out->exists = v->count != count;
	out->recent |= v->recent_count != recent;
	out->keywords = box->meta.keyword_count != v->keywords_told;
	v->hidden = out->hidden;
	settle(v);
	return status;
}

void
view_told(struct view *v, uint64_t before, uint64_t modseq)
{
	struct box *box = v->box;
	const struct record *r;
	size_t quiet;

	if (v->told < before)
		return;
	/* What somebody else changed between has a MODSEQ between. */
	for (size_t i = 0; i < box->count; i += quiet > 0 ? quiet : 1) {
		quiet = box_quiet(box, i, before);
		if (quiet > 0)
			continue;
		r = box_at(box, i);
		if (r == NULL || (r->modseq > before && r->modseq != modseq))
			return;
	}
	if (v->told < modseq)
		v->told = modseq;
}

uint32_t
view_number_from(const struct view *v, uint32_t uid)
{
	return (uint32_t)uidruns_find(&v->uids, uid) + 1;
}

uint32_t
view_number(const struct view *v, uint32_t uid)
{
	return uidruns_has(&v->uids, uid) ? view_number_from(v, uid) : 0;
}

const struct record *
view_record(const struct view *v, uint32_t number)
{
	const struct record *r;
	uint32_t uid;
	size_t at;

	if (number == 0 || number > v->count)
		return NULL;
	uid = view_uid(v, number);
	/* Mostly nothing is gone. */
	if (number <= v->box->count && box_uid(v->box, number - 1) == uid &&
	    (r = box_at(v->box, number - 1)) != NULL)
		return r;
	return box_record(v->box, uid, &at);
}

uint32_t
view_first_unseen(const struct view *v)
{
	const struct box *box = v->box;
	uint32_t number = 0;

	/* What came just now is in the records and not in the view. */
	for (size_t i = box_next_unseen(box, 0); i < box->count &&
	    number == 0; i = box_next_unseen(box, i + 1))
		number = view_number(v, box_uid(box, i));
	return number;
}
