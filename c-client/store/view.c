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

static void
reserve(struct view *v, size_t count)
{
	size_t room = v->room < 64 ? 64 : v->room;

	if (count <= v->room)
		return;
	while (room < count)
		room *= 2;
	v->uids = memory_grow_array(v->uids, room, sizeof *v->uids);
	v->recent = memory_grow(v->recent, room);
	v->room = room;
}

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
	const struct box *box = v->box;
	size_t i = v->last == UINT32_MAX ? box->count :
	    box_find_from(box, v->last + 1), old;

	if (i == box->count)
		return;
	reserve(v, v->count + (box->count - i));
	box_uids(box, i, box->count - i, v->uids + v->count);
	old = box_find_from(box, first);
	old = old < i ? 0 : old - i;
	memset(v->recent + v->count, 0, old);
	memset(v->recent + v->count + old, 1, box->count - i - old);
	v->recent_count += box->count - i - old;
	v->count += box->count - i;
	v->last = v->uids[v->count - 1];
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
	free(v->uids);
	free(v->recent);
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

/*
 * Walk the view and the records together.  Messages that are gone are told,
 * and leave the arrays, if they may; the numbers of changed ones are those
 * after that.
 */
/* Was the record changed since the view was told?  One that can't be read now
 * counts as changed: it is read again when it is told. */
static bool
is_changed(const struct view *v, size_t at, size_t *quiet_to)
{
	const struct record *r;

	if (at >= *quiet_to)
		*quiet_to = at + box_quiet(v->box, at, v->told);
	if (at < *quiet_to)
		return false;
	r = box_at(v->box, at);
	return r == NULL || r->modseq > v->told;
}

static void
compare(struct view *v, bool may_expunge, struct arena *arena,
    struct view_changes *out)
{
	const struct box *box = v->box;
	size_t start = unchanged(v), at = start, kept = start, all = v->count;
	size_t expunged = 0, changed = 0, quiet_to = 0;
	size_t base = start < box->count ? start : box->count;
	uint32_t *uids = memory_grow_array(NULL, box->count - base + 1,
	    sizeof *uids);

	/* Each message is in one of the lists at most: one from the front,
	 * one from the end. */
	v->spare = memory_grow_array(v->spare, all - start + 1,
	    sizeof *v->spare);
	box_uids(box, base, box->count - base, uids);
	for (size_t i = start; i < all; i++) {
		uint32_t uid = v->uids[i], number = (uint32_t)kept + 1;
		bool gone;

		while (at < box->count && uids[at - base] < uid)
			at++;
		gone = at >= box->count || uids[at - base] != uid;
		if (gone && may_expunge) {
			v->spare[expunged++] = number;
			out->recent |= v->recent[i];
			v->recent_count -= v->recent[i];
			continue;
		}
		out->hidden |= gone;
		if (!gone && is_changed(v, at, &quiet_to))
			v->spare[all - start - ++changed] = number;
		v->uids[kept] = uid;
		v->recent[kept] = v->recent[i];
		kept++;
	}
	v->count = kept;
	free(uids);
	for (size_t i = 0; i < changed / 2; i++) {
		uint32_t *p = v->spare + all - start - changed;
		uint32_t other = p[i];

		p[i] = p[changed - 1 - i];
		p[changed - 1 - i] = other;
	}
	out->expunged = hand_out(v, arena, v->spare, expunged, 0);
	out->expunged_count = expunged;
	out->flags = hand_out(v, arena, v->spare + all - start - changed,
	    changed, all - start - changed);
	out->flags_count = changed;
	if (out->expunged != v->spare &&
	    out->flags != v->spare + all - start - changed) {
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
view_number(const struct view *v, uint32_t uid)
{
	size_t low = 0, high = v->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (v->uids[mid] < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < v->count && v->uids[low] == uid ? (uint32_t)low + 1 : 0;
}

const struct record *
view_record(const struct view *v, uint32_t number)
{
	const struct record *r;
	size_t at;

	if (number == 0 || number > v->count)
		return NULL;
	/* Mostly nothing is gone. */
	if (number <= v->box->count &&
	    box_uid(v->box, number - 1) == v->uids[number - 1] &&
	    (r = box_at(v->box, number - 1)) != NULL)
		return r;
	return box_record(v->box, v->uids[number - 1], &at);
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
