/* SPDX-License-Identifier: Apache-2.0 */
/* Removing messages from a mailbox file. */
#include "c-client/formats/mbox_expunge.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/formats/mbox.h"
#include "c-client/formats/mbox_base.h"
#include "c-client/formats/mbox_change.h"
#include "c-client/formats/mbox_flush.h"
#include "c-client/formats/mbox_names.h"
#include "c-client/formats/mbox_sync.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

/* So much behind a gap is not moved if it can be helped: cutting blocks out
 * costs little, but has the file read from the disk again. */
#ifdef TRIPS
#define CUT_LEAST	(24u * 1024)
#else
#define CUT_LEAST	(256u * 1024 * 1024)
#endif

/* More gaps cost more than moving. */
#define CUTS_MAX	8u

/* File systems that can do it (statfs(2)). */
#define EXT4_MAGIC	0xEF53
#define XFS_MAGIC	0x58465342

struct expunge {
	struct mbox *m;
	size_t *gone;		/* records, ascending */
	size_t count;
	bool looked;
	struct mbox_base base;	/* if looked */
	struct mbox_change change;
	struct fault *why;
};

/* Which records are meant, now that nobody else can change anything. */
static void
choose(struct expunge *e, const uint32_t *uids, size_t count,
    bool deleted_only)
{
	const struct box *box = e->m->box;

	e->gone = memory_grow_array(NULL, count + 1, sizeof *e->gone);
	for (size_t i = 0; i < count; i++) {
		ptrdiff_t at = box_find(box, uids[i]);

		if (at >= 0 && (!deleted_only ||
		    (box->records[at].flags & FLAG_DELETED) != 0))
			e->gone[e->count++] = (size_t)at;
	}
}

/* A mailbox without messages keeps its numbers in the internal data; the
 * spool's file has none of that, since other programs show it as mail. */
static void
plan_empty(struct expunge *e)
{
	struct mbox_change *c = &e->change;
	const struct box *box = e->m->box;

	c->last = 0;
	if (!box->name.inbox)
		mbox_change_internal_new(c, mbox_base_last(box));
}

static int
base_look(struct expunge *e)
{
	if (e->looked)
		return 0;
	e->looked = true;
	return mbox_base_look(e->m, &e->base, e->why);
}

/* May this message's header be written anew?  Not with keywords whose names
 * are not in the base; the next session that leaves sees to these. */
static int
may_make(struct expunge *e, size_t i, bool *may)
{
	const struct record *r = &e->m->box->records[i];
	struct mbox_change *c = &e->change;

	*may = i == c->base || mbox_flush_is_due(r, c->last != 0);
	if (!*may || c->base != SIZE_MAX || !mbox_flush_has_keywords(r))
		return 0;
	if (base_look(e) == -1)
		return -1;
	*may = e->base.named;
	return 0;
}

/* A message that stays, behind one that goes or that stays. */
static int
plan_stay(struct expunge *e, size_t i, bool behind_gone)
{
	struct mbox_change *c = &e->change;
	struct span head;
	bool may, made = false;

	if (may_make(e, i, &may) == -1 || (may &&
	    mbox_change_make(c, i, c->gap, &made, e->why) == -1))
		return -1;
	if (made)
		return 0;
	/* The numbers are in the index; the next session that leaves writes
	 * them. */
	if (i == c->base) {
		c->base = SIZE_MAX;
		c->last = 0;
	}
	if (behind_gone && mbox_change_look(c, i, &head, e->why) == -1)
		return -1;
	mbox_change_keep(c, i);
	return 0;
}

/* The first one that stays takes over what the first one says. */
static void
plan_base(struct expunge *e, bool internal)
{
	struct mbox_change *c = &e->change;
	size_t first = 0;

	while (first < e->count && e->gone[first] == first)
		first++;
	if (first > 0 && first < e->m->box->count && !internal &&
	    c->last != 0)
		c->base = first;
}

/* Octets of whole blocks in [from, to). */
static uint64_t
blocks_in(uint64_t from, uint64_t to, uint64_t block)
{
	uint64_t first = (from + block - 1) / block * block;
	uint64_t last = to / block * block;

	return last > first ? last - first : 0;
}

/* Is it worth cutting?  *block is the size that the file system cuts by. */
static bool
is_for_cutting(const struct expunge *e, uint64_t *block)
{
	const struct box *box = e->m->box;
	size_t gaps = 0, last = e->gone[e->count - 1];
	struct statfs fs;

	for (size_t i = 0; i < e->count; i++)
		gaps += i == 0 || e->gone[i] != e->gone[i - 1] + 1;
	if (e->m->no_cuts || gaps > CUTS_MAX || last + 1 == box->count ||
	    e->change.plan.old_end - box->records[last + 1].place <
	    CUT_LEAST || fstatfs(e->m->fd, &fs) == -1 || fs.f_bsize < 512 ||
	    fs.f_bsize > 64 * 1024)
		return false;
	*block = (uint64_t)fs.f_bsize;
	return fs.f_type == EXT4_MAGIC || fs.f_type == XFS_MAGIC;
}

/*
 * Blocks are cut out of the gaps, and the header behind each takes up what is
 * left of it.  *done is false where one of them can't: then nothing is planned.
 */
static int
plan_cuts(struct expunge *e, uint64_t block, bool *done)
{
	struct mbox_change *c = &e->change;
	const struct box *box = e->m->box;
	uint64_t from = c->size;
	size_t next = 0;

	*done = true;
	c->plan.block = block;
	for (size_t i = c->first; i < box->count && *done; i++) {
		const struct record *r = &box->records[i];
		struct span head;
		uint64_t cut;

		if (next < e->count && e->gone[next] == i) {
			if (mbox_change_look(c, i, &head, e->why) == -1)
				return -1;
			mbox_change_remove(c, i);
			next++;
			continue;
		}
		if (next == 0 || e->gone[next - 1] != i - 1) {
			mbox_change_keep(c, i);
			from = r->place + r->disk_size;
			continue;
		}
		/* A header that must become longer gets one block more. */
		cut = blocks_in(from, r->place, block);
		if (mbox_change_stretch(c, i, r->place - from - cut, done,
		    e->why) == -1 || (!*done && cut > 0 &&
		    mbox_change_stretch(c, i, r->place - from - cut + block,
		    done, e->why) == -1))
			return -1;
		from = r->place + r->disk_size;
	}
	return 0;
}

static int
plan(struct expunge *e)
{
	struct mbox_change *c = &e->change;
	const struct box *box = e->m->box;
	bool internal, done = false;
	uint64_t block;
	size_t next = 0;

	if (e->gone[0] == 0 && base_look(e) == -1)
		return -1;
	internal = e->gone[0] == 0 && e->base.internal;
	plan_base(e, internal);
	if (is_for_cutting(e, &block)) {
		if (plan_cuts(e, block, &done) == -1)
			return -1;
		if (done)
			return 0;
		mbox_change_end(c);
		mbox_change_begin(c, e->m, e->gone[0]);
		plan_base(e, internal);
	}
	for (size_t i = c->first; i < box->count; i++) {
		struct span head;
		bool behind_gone = next > 0 && e->gone[next - 1] == i - 1;

		if (next == e->count || e->gone[next] != i) {
			if (plan_stay(e, i, behind_gone) == -1)
				return -1;
			continue;
		}
		if (mbox_change_look(c, i, &head, e->why) == -1)
			return -1;
		mbox_change_remove(c, i);
		next++;
	}
	if (e->count == box->count && !internal)
		plan_empty(e);
	return 0;
}

static int
expunge_locked(struct expunge *e, uint32_t uidvalidity,
    const uint32_t *uids, size_t count, bool deleted_only)
{
	int status;

	if (mbox_sync_locked(e->m, false, e->why) == -1)
		return -1;
	/* The same numbers mean other messages. */
	if (e->m->box->meta.uidvalidity != uidvalidity)
		return fault_set(e->why, FAULT_EXPUNGED,
		    "%s: UIDVALIDITY has changed", e->m->path);
	choose(e, uids, count, deleted_only);
	if (e->count == 0)
		return 0;
	mbox_change_begin(&e->change, e->m, e->gone[0]);
	status = plan(e);
	if (status == 0)
		status = mbox_change_run(&e->change, e->why);
	if (status == 0)
		status = mbox_change_commit(&e->change, e->why);
	mbox_change_end(&e->change);
	return status;
}

static int
expunge_once(struct box *box, const uint32_t *uids, size_t count,
    bool deleted_only, struct fault *why)
{
	struct expunge e = { .m = box->state, .why = why };
	uint32_t uidvalidity = box->meta.uidvalidity;
	struct fault ignored;
	struct stat st;
	int status;

	if (mbox_lock(e.m, MBOX_LOCK_WRITE, &st, why) == -1)
		return -1;
	status = expunge_locked(&e, uidvalidity, uids, count, deleted_only);
	/* What is there now?  A scribe that was killed may have left so little
	 * to do that mending it was the rest. */
	if (status == -1 && mbox_sync_locked(e.m, false, &ignored) == 0 &&
	    box->meta.uidvalidity == uidvalidity) {
		e.count = 0;
		free(e.gone);
		choose(&e, uids, count, deleted_only);
		if (e.count == 0)
			status = 0;
	}
	mbox_unlock(e.m);
	free(e.gone);
	return status;
}

int
mbox_expunge(struct box *box, const uint32_t *uids, size_t count,
    bool deleted_only, struct fault *why)
{
	int status = expunge_once(box, uids, count, deleted_only, why);

	/* The index was not what the file is; now it is.  Or blocks could not
	 * be cut out. */
	if (status == -1 && why->code == FAULT_CANNOT)
		((struct mbox *)box->state)->no_cuts = true;
	if (status == -1 && (why->code == FAULT_CHANGED ||
	    why->code == FAULT_CANNOT))
		status = expunge_once(box, uids, count, deleted_only, why);
	return status;
}
