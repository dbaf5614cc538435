/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records that are read when somebody asks for them, and what can be said of
 * those that were not.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "c-client/store/index_pack.h"
#include "c-client/store/index_private.h"

#include "c-client/base/banned.h"

/* Who reads one after the other gets so many blobs at a time in the end. */
#define AHEAD_MAX	64u

bool
index_need_is_sane(const struct record *r, size_t n, uint32_t above,
    uint32_t uidnext, uint64_t modseq)
{
	const uint64_t large = UINT64_C(1) << 62;
	unsigned bad = 0;

	for (size_t i = 0; i < n; i++, r++) {
		bad |= r->uid <= above;
		above = r->uid;
		bad |= r->place > large;
		bad |= r->disk_size > large;
		bad |= r->wire_size > large;
		bad |= r->wire_header > r->wire_size;
		bad |= (uint64_t)r->disk_header + r->separator > r->disk_size;
		bad |= r->modseq > modseq;
		bad |= r->flags > (FLAG_ALL_SYSTEM | FLAG_OLD);
		bad |= r->flags_seen > (FLAG_ALL_SYSTEM | FLAG_OLD);
		bad |= r->uid_seen != 0 && r->uid_seen != r->uid;
	}
	return bad == 0 && above < uidnext;
}

/* Flags are next to each other, so that few pages have them; what is new comes
 * to the end of the table. */
int64_t
index_need_key(enum index_part part, size_t k, uint32_t j)
{
	int64_t blob = (int64_t)(k * INDEX_GROUP_BLOBS + j);

	return part == INDEX_PART_FLAGS ? blob : blob + (INT64_C(1) << 40);
}

static int
no_statement(struct index *ix)
{
	return ix->db == NULL ? SQLITE_ABORT :
	    sqlite3_extended_errcode(ix->db);
}

int
index_need_briefs(struct index *ix, size_t k, struct index_group *g)
{
	sqlite3_stmt *s = index_statement(ix, INDEX_BRIEFS_GET);
	int rc;

	if (s == NULL)
		return no_statement(ix);
	sqlite3_bind_int64(s, 1, (int64_t)k);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		const char *p = sqlite3_column_blob(s, 0);
		struct span row = { p, (size_t)sqlite3_column_bytes(s, 0) };
		int got = index_group_read(g, k, row);

		rc = got == 1 ? SQLITE_OK : got == 0 ? SQLITE_ABORT :
		    SQLITE_CORRUPT;
	} else if (rc == SQLITE_DONE) {
		rc = SQLITE_ABORT;
	}
	sqlite3_reset(s);
	return rc;
}

/* The row of one blob, of this part. */
static int
take_row(sqlite3_stmt *s, int64_t key, enum index_part part,
    const struct index_blob *b, struct record *r)
{
	const char *p = sqlite3_column_blob(s, 1);
	struct span packed = { p, (size_t)sqlite3_column_bytes(s, 1) };
	size_t count;

	if (sqlite3_column_int64(s, 0) != key ||
	    index_sum(p, packed.n, (uint64_t)key) != b->sums[part])
		return SQLITE_ABORT;
	if (!index_pack_count(packed, part, INDEX_BLOB_RECORDS, &count) ||
	    count != b->count)
		return SQLITE_CORRUPT;
	index_pack_read(packed, part, b->place, r);
	return SQLITE_OK;
}

/* Both parts, while the records are near. */
static int
take_blob(sqlite3_stmt *const s[INDEX_PARTS], size_t k, uint32_t j,
    struct index_blob *b, struct record *out, uint32_t uidnext,
    uint64_t modseq)
{
	for (unsigned part = 0; part < INDEX_PARTS; part++) {
		int rc = sqlite3_step(s[part]);

		if (rc == SQLITE_ROW)
			rc = take_row(s[part], index_need_key(part, k, j),
			    part, b, out);
		else if (rc == SQLITE_DONE)
			rc = SQLITE_ABORT;
		if (rc != SQLITE_OK)
			return rc;
	}
	if (b->count > 0 && (out[0].uid != b->first ||
	    out[b->count - 1].uid != b->last ||
	    !index_need_is_sane(out, b->count, 0, uidnext, modseq)))
		return SQLITE_CORRUPT;
	b->here = true;
	return SQLITE_OK;
}

int
index_need_read(struct index *ix, size_t k, struct index_group *g,
    uint32_t from, uint32_t to, struct record *out, uint32_t uidnext,
    uint64_t modseq)
{
	sqlite3_stmt *s[INDEX_PARTS] = {
		[INDEX_PART_MAIL] = index_statement(ix, INDEX_RECORDS_READ),
		[INDEX_PART_FLAGS] = index_statement(ix, INDEX_FLAGS_READ),
	};
	int rc = SQLITE_OK;

	if (from == to)
		return SQLITE_OK;
	if (s[0] == NULL || s[1] == NULL)
		return no_statement(ix);
	for (unsigned part = 0; part < INDEX_PARTS; part++) {
		sqlite3_bind_int64(s[part], 1, index_need_key(part, k, from));
		sqlite3_bind_int64(s[part], 2, index_need_key(part, k,
		    to - 1));
	}
	for (; from < to && rc == SQLITE_OK; from++) {
		rc = take_blob(s, k, from, &g->blobs[from], out, uidnext,
		    modseq);
		out += g->blobs[from].count;
	}
	for (unsigned part = 0; part < INDEX_PARTS; part++)
		sqlite3_reset(s[part]);
	return rc;
}

/* Read the missing ones of a group's blobs [from, to). */
static int
read_missing(struct index *ix, struct index_records *all,
    struct index_group *g, uint32_t from, uint32_t to)
{
	size_t k = (size_t)(g - ix->groups);
	int rc = SQLITE_OK;

	while (from < to && rc == SQLITE_OK) {
		uint32_t end = from;

		while (end < to && !g->blobs[end].here)
			end++;
		if (end > from)
			rc = index_need_read(ix, k, g, from, end,
			    all->p + g->start + g->blobs[from].start,
			    ix->uidnext, ix->highestmodseq);
		for (from = end; from < to && g->blobs[from].here;)
			from++;
	}
	return rc;
}

int
index_need_rest(struct index *ix, struct index_records *all)
{
	int rc = SQLITE_OK;

	for (size_t k = 0; k < ix->group_count && rc == SQLITE_OK; k++) {
		struct index_group *g = &ix->groups[k];

		if (g->blobs == NULL)
			rc = index_need_briefs(ix, k, g);
		if (rc == SQLITE_OK)
			rc = read_missing(ix, all, g, 0, g->blob_count);
	}
	return rc;
}

void
index_set_lazy(struct index *ix, bool lazy)
{
	ix->lazy = lazy;
}

/* How many blobs are read at once, if the one with this key is the first that
 * is missing: the longer somebody goes on and on, the more. */
static size_t
ahead(struct index *ix, size_t key)
{
	if (key != ix->ahead_at || ix->ahead == 0)
		ix->ahead = 1;
	else if (ix->ahead < AHEAD_MAX)
		ix->ahead *= 2;
	ix->ahead_at = key + ix->ahead;
	return ix->ahead;
}

/* Nobody has committed anything since what is in memory was read? */
static bool
is_newest(struct index *ix)
{
	int64_t version;

	return index_data_version(ix, &version) == SQLITE_OK &&
	    version == ix->data_version;
}

/* Are the records [i, end) in the array? */
static bool
are_here(struct index *ix, size_t i, size_t end)
{
	while (i < end) {
		struct index_group *g = index_note_group(ix, i);
		const struct index_blob *b = g->blobs == NULL ? NULL :
		    index_note_blob(ix, g, i);

		if (b == NULL || !b->here)
			return false;
		i = g->start + b->start + b->count;
	}
	return true;
}

/* Those of one group that are missing, of [i, end); for a single one some of
 * those behind it too. */
static int
need_in(struct index *ix, struct index_records *all, struct index_group *g,
    size_t i, size_t end)
{
	size_t k = (size_t)(g - ix->groups);
	uint32_t from, to;
	int rc;

	if (g->blobs == NULL && (rc = index_need_briefs(ix, k, g)) !=
	    SQLITE_OK)
		return rc;
	from = (uint32_t)(index_note_blob(ix, g, i) - g->blobs);
	to = (uint32_t)(index_note_blob(ix, g, end - 1) - g->blobs) + 1;
	if (end - i == 1 && !g->blobs[from].here) {
		size_t n = ahead(ix, k * INDEX_GROUP_BLOBS + from);

		to = n < g->blob_count - from ? from + (uint32_t)n :
		    g->blob_count;
	}
	return read_missing(ix, all, g, from, to);
}

int
index_need(struct index *ix, struct index_records *all, size_t i, size_t n)
{
	size_t end;
	int rc = SQLITE_OK;

	if (n == 0 || i >= all->count)
		return 1;
	end = n > all->count - i ? all->count : i + n;
	if (are_here(ix, i, end))
		return 1;
	if (!ix->loaded)
		return 0;
	if (end - i == all->count)
		index_records_want_huge(all);
	index_start_clock(ix);
	while (i < end && rc == SQLITE_OK) {
		struct index_group *g = index_note_group(ix, i);
		size_t last = g->start + g->count;

		if (last > end)
			last = end;
		rc = need_in(ix, all, g, i, last);
		i = last;
	}
	if (rc == SQLITE_OK)
		return 1;
	/* A row that is another one than its brief says, and nobody wrote it:
	 * that is damage. */
	if (rc == SQLITE_ABORT && !ix->writing && !is_newest(ix))
		return 0;
	ix->damaged = rc == SQLITE_ABORT || index_is_damage(rc);
	ix->broken = ix->writing;
	return -1;
}

bool
index_is_damaged(const struct index *ix)
{
	return ix->damaged;
}

bool
index_has(struct index *ix, size_t i)
{
	return are_here(ix, i, i + 1);
}

void
index_here(struct index *ix, size_t i, size_t *from, size_t *to)
{
	struct index_group *g = index_note_group(ix, i);
	const struct index_blob *b = index_note_blob(ix, g, i);
	const struct index_blob *end = g->blobs + g->blob_count;

	*from = g->start + b->start;
	for (; b < end && b->here; b++)
		*to = g->start + b->start + b->count;
}

void
index_let_go(struct index *ix, struct index_records *all)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from, to;

	if (!ix->lazy || ix->writing || !ix->loaded || all->p == NULL)
		return;
	for (size_t k = 0; k < ix->group_count; k++) {
		struct index_group *g = &ix->groups[k];

		for (uint32_t j = 0; g->blobs != NULL && j < g->blob_count;
		    j++)
			g->blobs[j].here = g->blobs[j].count == 0;
	}
	/* The pages are given back, the addresses stay. */
	from = ((uintptr_t)all->p + page - 1) / page * page;
	to = (uintptr_t)(all->p + all->cap) / page * page;
	if (from < to)
		madvise((void *)from, to - from, MADV_DONTNEED);
}

static uint32_t
first_of(const struct index_group *g, const struct index_blob *b,
    const struct index_records *all)
{
	return b->here ? all->p[g->start + b->start].uid : b->first;
}

uint32_t
index_uid(struct index *ix, const struct index_records *all, size_t i)
{
	struct index_group *g = index_note_group(ix, i);
	const struct index_blob *b;

	/* One that has gaps has its blobs. */
	if (g->blobs == NULL)
		return g->first + (uint32_t)(i - g->start);
	b = index_note_blob(ix, g, i);
	return b->here ? all->p[i].uid :
	    index_brief_uid(b, i - g->start - b->start);
}

/* The UIDs of the blob that has record i, for the next ones too. */
static void
walk_to(struct index *ix, const struct index_records *all,
    struct index_walk *w, struct index_group *g, size_t i)
{
	const struct index_blob *b = index_note_blob(ix, g, i);

	w->from = g->start + b->start;
	w->to = w->from + b->count;
	if (!b->here)
		index_brief_uids(b, w->uids);
	for (size_t k = 0; b->here && k < b->count; k++)
		w->uids[k] = all->p[w->from + k].uid;
}

size_t
index_walk(struct index *ix, const struct index_records *all,
    struct index_walk *w, size_t i, uint32_t *uid)
{
	size_t end = i + 1;

	if (i < w->from || i >= w->to) {
		struct index_group *g = index_note_group(ix, i);

		if (g->blobs == NULL) {
			*uid = index_uid(ix, all, i);
			return g->start + g->count - i;
		}
		walk_to(ix, all, w, g, i);
	}
	*uid = w->uids[i - w->from];
	while (end < w->to && w->uids[end - w->from] == *uid + (end - i))
		end++;
	return end - i;
}

static size_t
find_here(const struct record *r, size_t high, uint32_t uid)
{
	size_t low = 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* In a group whose briefs are there. */
static size_t
find_in(const struct index_group *g, const struct index_records *all,
    uint32_t uid)
{
	uint32_t low = 0, high = g->blob_count;
	const struct index_blob *b;
	size_t at;

	/* The last blob that begins at this UID or before it; for an empty
	 * one the one before it answers. */
	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2, full = mid;

		while (full > low && g->blobs[full].count == 0)
			full--;
		if (full > low && first_of(g, &g->blobs[full], all) > uid)
			high = full;
		else
			low = mid;
	}
	while (low > 0 && g->blobs[low].count == 0)
		low--;
	b = &g->blobs[low];
	at = g->start + b->start;
	return at + (b->here ? find_here(all->p + at, b->count, uid) :
	    index_brief_find(b, uid));
}

size_t
index_find(struct index *ix, const struct index_records *all, uint32_t uid)
{
	size_t low = 0, high = ix->group_count;
	const struct index_group *g;

	if (all->count == 0)
		return 0;
	/* Likewise the last group, by its first record. */
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2, full = mid;

		while (full > low && ix->groups[full].count == 0)
			full--;
		if (full > low &&
		    index_uid(ix, all, ix->groups[full].start) > uid)
			high = full;
		else
			low = mid;
	}
	while (low > 0 && ix->groups[low].count == 0)
		low--;
	g = &ix->groups[low];
	if (g->blobs != NULL)
		return find_in(g, all, uid);
	return g->start + (uid <= g->first ? 0 : uid > g->last ? g->count :
	    uid - g->first);
}

size_t
index_next_unseen(struct index *ix, const struct index_records *all, size_t i)
{
	while (i < all->count) {
		struct index_group *g = index_note_group(ix, i);
		const struct index_blob *b;
		size_t end, start;

		if (g->blobs == NULL) {
			if (i != g->start)
				return i;
			if (g->unseen > 0)
				return i + g->first_unseen;
			i += g->count;
			continue;
		}
		b = index_note_blob(ix, g, i);
		start = g->start + b->start;
		end = start + b->count;
		if (!b->here && i == start) {
			if (b->unseen > 0)
				return start + b->first_unseen;
			i = end;
			continue;
		}
		if (!b->here)
			return i;
		for (; i < end; i++)
			if ((all->p[i].flags & FLAG_SEEN) == 0)
				return i;
	}
	return all->count;
}

size_t
index_quiet(struct index *ix, size_t i, uint64_t modseq)
{
	struct index_group *g = index_note_group(ix, i);
	const struct index_blob *b;

	if (g->blobs == NULL)
		return g->modseq > modseq ? 0 : g->start + g->count - i;
	b = index_note_blob(ix, g, i);
	return b->here || b->modseq > modseq ? 0 :
	    g->start + b->start + b->count - i;
}

struct sums {
	size_t unseen, unwritten;
	uint64_t octets;
};

static void
sum_records(struct sums *sums, const struct record *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sums->unseen += (r[i].flags & FLAG_SEEN) == 0;
		sums->unwritten += !index_brief_is_written(&r[i]);
		sums->octets += r[i].wire_size;
	}
}

static struct sums
sums_of(const struct index *ix, const struct index_records *all)
{
	struct sums sums = { .unseen = 0 };

	for (size_t k = 0; k < ix->group_count; k++) {
		const struct index_group *g = &ix->groups[k];

		if (g->blobs == NULL) {
			sums.unseen += g->unseen;
			sums.unwritten += g->unwritten;
			sums.octets += g->octets;
			continue;
		}
		for (uint32_t j = 0; j < g->blob_count; j++) {
			const struct index_blob *b = &g->blobs[j];

			if (b->here) {
				sum_records(&sums, all->p + g->start +
				    b->start, b->count);
				continue;
			}
			sums.unseen += b->unseen;
			sums.unwritten += b->unwritten;
			sums.octets += b->octets;
		}
	}
	return sums;
}

size_t
index_unwritten(struct index *ix, const struct index_records *all)
{
	return sums_of(ix, all).unwritten;
}

void
index_sums(struct index *ix, const struct index_records *all, size_t *unseen,
    uint64_t *octets)
{
	struct sums sums = sums_of(ix, all);

	*unseen = sums.unseen;
	*octets = sums.octets;
}
