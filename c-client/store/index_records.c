/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in memory, and the groups of blobs of up to INDEX_BLOB_RECORDS of
 * them that are the rows on disk.  Blobs are in the order of their keys; one
 * whose messages are all gone stays as an empty row until the next repack.
 *
 * What is read here is the groups' summaries, and the briefs of those that have
 * gaps between their UIDs: which UIDs there are is always known.  Other briefs,
 * and records, are read at once only where they were in memory before, or where
 * all are wanted.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "c-client/base/memory.h"
#include "c-client/store/box.h"
#include "c-client/store/index_private.h"

#include "c-client/base/banned.h"

/* Some room for arrivals: to move all records takes milliseconds. */
#define ROOM	256

/* Of most machines; where it is another one, nothing is lost. */
#define HUGE_PAGE	((size_t)2 * 1024 * 1024)

void
index_records_clear_groups(struct index *ix)
{
	for (size_t k = 0; k < ix->group_count; k++)
		index_group_clear(&ix->groups[k]);
	ix->group_count = 0;
}

static void
grow_records(struct record **p, size_t *cap, size_t want)
{
	if (want <= *cap)
		return;
	*cap = want > *cap + *cap / 2 ? want : *cap + *cap / 2;
	*p = memory_grow_array(*p, *cap, sizeof **p);
}

/*
 * Room for many records.  A session is a new process, and to give it so much
 * memory in pages of 4 KiB takes longer than to read it all.  Where they are
 * read one by one most of the pages are never touched.
 */
static struct record *
new_array(size_t count, bool lazy)
{
	size_t n = count * sizeof(struct record);
	void *p;

	if (n < HUGE_PAGE)
		return memory_grow_array(NULL, count, sizeof(struct record));
	n = (n + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	if (posix_memalign(&p, HUGE_PAGE, n) != 0)
		memory_exhausted(n);
	/* A system that has none gives others. */
	madvise(p, n, lazy ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
	return p;
}

void
index_records_want_huge(struct index_records *all)
{
	if (all->count * sizeof *all->p >= HUGE_PAGE &&
	    (uintptr_t)all->p % HUGE_PAGE == 0)
		madvise(all->p, all->count * sizeof *all->p, MADV_HUGEPAGE);
}

/* Do these make so many records of ascending UIDs?  Their starts are set. */
static bool
set_starts(struct index_state *state, const struct box_meta *m)
{
	size_t start = 0;
	uint32_t above = 0;

	for (size_t k = 0; k < state->group_count; k++) {
		struct index_group *g = &state->groups[k];

		g->start = start;
		start += g->count;
		if (g->count == 0)
			continue;
		if (g->first <= above || g->modseq > m->highestmodseq)
			return false;
		above = g->last;
	}
	return start == state->count && above < m->uidnext;
}

/* In one transaction nobody else comes between. */
static int
no_others(int rc)
{
	return rc == SQLITE_ABORT ? SQLITE_CORRUPT : rc;
}

int
index_records_load(struct index *ix, struct index_records *all,
    struct index_state *state, const struct box_meta *m)
{
	struct record *records;
	size_t cap = state->count + ROOM;
	int rc = SQLITE_OK;

	if (!set_starts(state, m))
		return SQLITE_CORRUPT;
	records = new_array(cap, ix->lazy);
	for (size_t k = 0; k < state->group_count && rc == SQLITE_OK; k++) {
		struct index_group *g = &state->groups[k];

		if (!ix->lazy || !index_group_is_run(g))
			rc = index_need_briefs(ix, k, g);
		if (rc == SQLITE_OK && !ix->lazy)
			rc = index_need_read(ix, k, g, 0, g->blob_count,
			    records + g->start, m->uidnext,
			    m->highestmodseq);
	}
	if (rc != SQLITE_OK) {
		for (size_t k = 0; k < state->group_count; k++)
			index_group_clear(&state->groups[k]);
		free(records);
		return no_others(rc);
	}
	ix->changed_from = 0;
	free(all->p);
	all->p = records;
	all->count = state->count;
	all->cap = cap;
	index_records_clear_groups(ix);
	free(ix->groups);
	ix->groups = state->groups;
	ix->group_count = ix->group_cap = state->group_count;
	state->groups = NULL;
	return SQLITE_OK;
}

/* Records that are to be in another place: of the array, or of those that were
 * read. */
struct move {
	size_t from, to, count;
};

/* What becomes of the array when others' changes are taken over. */
struct change {
	struct move *stay;	/* what was in the array */
	size_t stay_count;
	struct move *new;	/* what was read, into `records` */
	size_t new_count;
	struct record *records;
	size_t record_count, record_cap;
	size_t first;		/* the first that is another one, or may be */
};

/* The group as it was; NULL if it is a new one. */
static struct index_group *
old_of(const struct index *ix, size_t k)
{
	return k < ix->group_count ? &ix->groups[k] : NULL;
}

static bool
is_same(const struct index *ix, const struct index_state *state, size_t k)
{
	const struct index_group *old = old_of(ix, k);

	return old != NULL && old->change == state->groups[k].change;
}

/* The briefs of those that changed.  What stays is shared with the old. */
static int
read_groups(struct index *ix, struct index_state *state)
{
	int rc = SQLITE_OK;

	if (state->group_count < ix->group_count)
		return SQLITE_CORRUPT;
	for (size_t k = 0; k < state->group_count && rc == SQLITE_OK; k++) {
		struct index_group *g = &state->groups[k];
		const struct index_group *old = old_of(ix, k);

		if (old != NULL && (old->blob_count > g->blob_count ||
		    (is_same(ix, state, k) && (old->sum != g->sum ||
		    old->blob_count != g->blob_count))))
			rc = SQLITE_CORRUPT;
		else if (is_same(ix, state, k))
			g->blobs = old->blobs;
		else
			rc = index_need_briefs(ix, k, g);
	}
	return rc;
}

static void
note_first(struct change *c, size_t i)
{
	if (i < c->first)
		c->first = i;
}

/* In a blob that has become longer what was there is mostly the same: arrivals
 * fill it up. */
static size_t
same_records(const struct record *old, size_t old_count,
    const struct record *new, size_t new_count)
{
	size_t i = 0;

	while (i < old_count && i < new_count &&
	    memcmp(&old[i], &new[i], sizeof *old) == 0)
		i++;
	return i;
}

/* One blob of a group whose briefs are there, and what it was. */
static int
plan_blob(struct index *ix, const struct index_records *all, size_t k,
    struct index_group *g, uint32_t j, const struct box_meta *m,
    struct change *c)
{
	const struct index_group *og = old_of(ix, k);
	const struct index_blob *old = og != NULL && og->blobs != NULL &&
	    j < og->blob_count ? &og->blobs[j] : NULL;
	struct index_blob *b = &g->blobs[j];
	size_t start = g->start + b->start, from, same = 0;
	int rc;

	if (old != NULL && old->change == b->change) {
		b->here = old->here;
		if (b->here && b->count > 0)
			c->stay[c->stay_count++] = (struct move){
			    og->start + old->start, start, b->count };
		return old->count == b->count ? SQLITE_OK : SQLITE_CORRUPT;
	}
	if (!ix->lazy || (old != NULL && old->here)) {
		from = c->record_count;
		/* An empty blob's is a place too. */
		grow_records(&c->records, &c->record_cap,
		    from + b->count + 1);
		rc = index_need_read(ix, k, g, j, j + 1, c->records + from,
		    m->uidnext, m->highestmodseq);
		if (rc != SQLITE_OK)
			return rc;
		c->record_count += b->count;
		c->new[c->new_count++] = (struct move){ from, start,
		    b->count };
		if (old != NULL && old->here && start < c->first)
			same = same_records(all->p + og->start + old->start,
			    old->count, c->records + from, b->count);
	}
	note_first(c, start + same);
	return SQLITE_OK;
}

static int
plan(struct index *ix, const struct index_records *all,
    const struct index_state *state, const struct box_meta *m,
    struct change *c)
{
	size_t blobs = state->group_count * INDEX_GROUP_BLOBS;
	int rc = SQLITE_OK;

	c->first = SIZE_MAX;
	c->stay = memory_grow_array(NULL, blobs + 1, sizeof *c->stay);
	c->new = memory_grow_array(NULL, blobs + 1, sizeof *c->new);
	for (size_t k = 0; k < state->group_count && rc == SQLITE_OK; k++) {
		struct index_group *g = &state->groups[k];

		for (uint32_t j = 0; g->blobs != NULL && j < g->blob_count &&
		    rc == SQLITE_OK; j++)
			rc = plan_blob(ix, all, k, g, j, m, c);
	}
	return rc;
}

static void
change_clear(struct change *c)
{
	free(c->stay);
	free(c->new);
	free(c->records);
}

static void
move(struct index_records *all, const struct move *m)
{
	memmove(all->p + m->to, all->p + m->from, m->count * sizeof *all->p);
}

/* What stays goes to its new place: first what goes to the front, from the
 * front on, then what goes to the end, from the end on, so that nothing is
 * overwritten before it has moved. */
static void
apply(struct index *ix, struct index_records *all,
    struct index_state *state, const struct change *c)
{
	if (c->first < ix->changed_from)
		ix->changed_from = c->first;
	grow_records(&all->p, &all->cap, state->count + 1);
	for (size_t i = 0; i < c->stay_count; i++)
		if (c->stay[i].to < c->stay[i].from)
			move(all, &c->stay[i]);
	for (size_t i = c->stay_count; i-- > 0;)
		if (c->stay[i].to > c->stay[i].from)
			move(all, &c->stay[i]);
	for (size_t i = 0; i < c->new_count; i++)
		memcpy(all->p + c->new[i].to, c->records + c->new[i].from,
		    c->new[i].count * sizeof *all->p);
	all->count = state->count;
	for (size_t k = 0; k < ix->group_count; k++)
		if (ix->groups[k].blobs != state->groups[k].blobs)
			index_group_clear(&ix->groups[k]);
	free(ix->groups);
	ix->groups = state->groups;
	ix->group_count = ix->group_cap = state->group_count;
	state->groups = NULL;
}

int
index_records_load_changed(struct index *ix, struct index_records *all,
    struct index_state *state, const struct box_meta *m)
{
	struct change c = { .stay = NULL };
	int rc;

	rc = set_starts(state, m) ? read_groups(ix, state) : SQLITE_CORRUPT;
	if (rc == SQLITE_OK)
		rc = plan(ix, all, state, m, &c);
	if (rc == SQLITE_OK)
		apply(ix, all, state, &c);
	for (size_t k = 0; state->groups != NULL && k < state->group_count;
	    k++)
		if (k >= ix->group_count ||
		    state->groups[k].blobs != ix->groups[k].blobs)
			index_group_clear(&state->groups[k]);
	change_clear(&c);
	return no_others(rc);
}

void
index_records_grow(struct index_records *all, size_t want)
{
	grow_records(&all->p, &all->cap, want);
}
