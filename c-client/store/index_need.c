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

/* The row of one blob. */
static int
take_row(sqlite3_stmt *s, struct index_blob *b, struct record *r,
    uint32_t uidnext, uint64_t modseq)
{
	const char *p = sqlite3_column_blob(s, 2);
	struct span packed = { p, (size_t)sqlite3_column_bytes(s, 2) };
	size_t count;

	if (sqlite3_column_int64(s, 0) != b->key ||
	    (uint64_t)sqlite3_column_int64(s, 1) != b->change)
		return SQLITE_ABORT;
	if (index_sum(p, packed.n, (uint64_t)b->key) != b->sum ||
	    !index_pack_count(packed, INDEX_BLOB_RECORDS, &count) ||
	    count != b->count)
		return SQLITE_CORRUPT;
	index_pack_read(packed, r);
	if (count > 0 && (r[0].uid != b->first ||
	    r[count - 1].uid != b->last ||
	    !index_need_is_sane(r, count, 0, uidnext, modseq)))
		return SQLITE_CORRUPT;
	b->here = true;
	return SQLITE_OK;
}

int
index_need_read(struct index *ix, struct index_blob *blobs, size_t from,
    size_t to, struct record *base, uint32_t uidnext, uint64_t modseq)
{
	sqlite3_stmt *s = index_statement(ix, INDEX_RECORDS_READ);
	int rc = SQLITE_OK;

	if (from == to)
		return SQLITE_OK;
	if (s == NULL)
		return ix->db == NULL ? SQLITE_ABORT :
		    sqlite3_extended_errcode(ix->db);
	sqlite3_bind_int64(s, 1, blobs[from].key);
	sqlite3_bind_int64(s, 2, blobs[to - 1].key);
	for (; from < to && rc == SQLITE_OK; from++) {
		rc = sqlite3_step(s);
		if (rc == SQLITE_ROW)
			rc = take_row(s, &blobs[from],
			    base + blobs[from].start, uidnext, modseq);
		else if (rc == SQLITE_DONE)
			rc = SQLITE_ABORT;
	}
	sqlite3_reset(s);
	return rc;
}

/* Read the missing ones of the blobs [from, to). */
static int
read_missing(struct index *ix, struct index_records *all, size_t from,
    size_t to)
{
	int rc = SQLITE_OK;

	while (from < to && rc == SQLITE_OK) {
		size_t end = from;

		while (end < to && !ix->blobs[end].here)
			end++;
		rc = index_need_read(ix, ix->blobs, from, end, all->p,
		    ix->uidnext, ix->highestmodseq);
		for (from = end; from < to && ix->blobs[from].here;)
			from++;
	}
	return rc;
}

int
index_need_rest(struct index *ix, struct index_records *all)
{
	if (ix->blob_count == 0)
		return SQLITE_OK;
	index_note_starts(ix, ix->blob_count - 1);
	return read_missing(ix, all, 0, ix->blob_count);
}

void
index_set_lazy(struct index *ix, bool lazy)
{
	ix->lazy = lazy;
}

/* How many blobs are read at once, if this one is the first that is missing:
 * the longer somebody goes on and on, the more. */
static size_t
ahead(struct index *ix, size_t blob)
{
	if (blob != ix->ahead_at || ix->ahead == 0)
		ix->ahead = 1;
	else if (ix->ahead < AHEAD_MAX)
		ix->ahead *= 2;
	ix->ahead_at = blob + ix->ahead;
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

int
index_need(struct index *ix, struct index_records *all, size_t i, size_t n)
{
	size_t from, to;
	int rc;

	if (n == 0 || i >= all->count)
		return 1;
	if (n > all->count - i)
		n = all->count - i;
	to = (size_t)(index_note_blob(ix, i + n - 1) - ix->blobs) + 1;
	from = (size_t)(index_note_blob(ix, i) - ix->blobs);
	while (from < to && ix->blobs[from].here)
		from++;
	if (from == to)
		return 1;
	if (!ix->loaded)
		return 0;
	if (to - from == 1 && n == 1) {
		to = from + ahead(ix, from);
		if (to > ix->blob_count)
			to = ix->blob_count;
		index_note_starts(ix, to - 1);
	}
	if (n == all->count)
		index_records_want_huge(all);
	index_start_clock(ix);
	rc = read_missing(ix, all, from, to);
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
	return index_note_blob(ix, i)->here;
}

void
index_here(struct index *ix, size_t i, size_t *from, size_t *to)
{
	const struct index_blob *b = index_note_blob(ix, i);
	size_t k = (size_t)(b - ix->blobs);

	*from = b->start;
	for (; k < ix->blob_count && ix->blobs[k].here; k++) {
		index_note_starts(ix, k);
		*to = ix->blobs[k].start + ix->blobs[k].count;
	}
}

void
index_let_go(struct index *ix, struct index_records *all)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from, to;

	if (!ix->lazy || ix->writing || !ix->loaded || all->p == NULL)
		return;
	for (size_t i = 0; i < ix->blob_count; i++)
		ix->blobs[i].here = ix->blobs[i].count == 0;
	/* The pages are given back, the addresses stay. */
	from = ((uintptr_t)all->p + page - 1) / page * page;
	to = (uintptr_t)(all->p + all->cap) / page * page;
	if (from < to)
		madvise((void *)from, to - from, MADV_DONTNEED);
}

void
index_uids(struct index *ix, const struct index_records *all, size_t i,
    size_t n, uint32_t *out)
{
	uint32_t uids[INDEX_BLOB_RECORDS];
	struct index_blob *b;
	size_t at, k;

	for (; n > 0; n -= k, i += k) {
		b = index_note_blob(ix, i);
		at = i - b->start;
		k = b->count - at < n ? b->count - at : n;
		if (b->here) {
			for (size_t j = 0; j < k; j++)
				*out++ = all->p[i + j].uid;
			continue;
		}
		if (k == b->count - at) {
			index_brief_uids(b, at, out);
		} else {
			index_brief_uids(b, at, uids);
			memcpy(out, uids, k * sizeof *out);
		}
		out += k;
	}
}

uint32_t
index_uid(struct index *ix, const struct index_records *all, size_t i)
{
	uint32_t uid;

	index_uids(ix, all, i, 1, &uid);
	return uid;
}

static uint32_t
first_of(const struct index_blob *b, const struct index_records *all)
{
	return b->here ? all->p[b->start].uid : b->first;
}

static size_t
find_here(const struct index_blob *b, const struct index_records *all,
    uint32_t uid)
{
	size_t low = 0, high = b->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (all->p[b->start + mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t
index_find(struct index *ix, const struct index_records *all, uint32_t uid)
{
	size_t low = 0, high = ix->blob_count, at;
	const struct index_blob *b;

	if (all->count == 0)
		return 0;
	index_note_starts(ix, ix->blob_count - 1);
	/* The last blob that begins at this UID or before it; for an empty
	 * one the one before it answers. */
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2, full = mid;

		while (full > low && ix->blobs[full].count == 0)
			full--;
		if (full > low && first_of(&ix->blobs[full], all) > uid)
			high = full;
		else
			low = mid;
	}
	while (low > 0 && ix->blobs[low].count == 0)
		low--;
	b = &ix->blobs[low];
	at = b->here ? find_here(b, all, uid) : index_brief_find(b, uid);
	return b->start + at;
}

size_t
index_next_unseen(struct index *ix, const struct index_records *all, size_t i)
{
	while (i < all->count) {
		const struct index_blob *b = index_note_blob(ix, i);
		size_t end = b->start + b->count;

		if (!b->here && i == b->start) {
			if (b->unseen > 0)
				return b->start + b->first_unseen;
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
	const struct index_blob *b = index_note_blob(ix, i);

	return b->here || b->modseq > modseq ? 0 : b->start + b->count - i;
}

size_t
index_unwritten(struct index *ix, const struct index_records *all)
{
	size_t n = 0;

	if (ix->blob_count > 0)
		index_note_starts(ix, ix->blob_count - 1);
	for (size_t k = 0; k < ix->blob_count; k++) {
		const struct index_blob *b = &ix->blobs[k];

		if (!b->here) {
			n += b->unwritten;
			continue;
		}
		for (size_t i = b->start; i < b->start + b->count; i++)
			n += !index_brief_is_written(&all->p[i]);
	}
	return n;
}

void
index_sums(struct index *ix, const struct index_records *all, size_t *unseen,
    uint64_t *octets)
{
	*unseen = 0;
	*octets = 0;
	if (ix->blob_count > 0)
		index_note_starts(ix, ix->blob_count - 1);
	for (size_t k = 0; k < ix->blob_count; k++) {
		const struct index_blob *b = &ix->blobs[k];

		if (!b->here) {
			*unseen += b->unseen;
			*octets += b->octets;
			continue;
		}
		for (size_t i = b->start; i < b->start + b->count; i++) {
			*unseen += (all->p[i].flags & FLAG_SEEN) == 0;
			*octets += all->p[i].wire_size;
		}
	}
}
