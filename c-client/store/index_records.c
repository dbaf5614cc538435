/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in memory, and the blobs of up to INDEX_BLOB_RECORDS of them that
 * are the rows on disk.  Blobs are in the order of their keys; one whose
 * messages are all gone stays as an empty row until the next repack.
 */
#include <stdlib.h>
#include <string.h>

#include "c-client/base/memory.h"
#include "c-client/store/box.h"
#include "c-client/store/index_private.h"

#include "c-client/base/banned.h"

/* Blobs that come after this one are packed anew long before. */
#define KEY_SANE	(INT64_C(1) << 40)

/* Rows as they were read, before they are believed. */
struct rows {
	struct index_blob *blobs;
	size_t count, cap;
	struct record *records;
	size_t record_count, record_cap;
};

static void
rows_clear(struct rows *rows)
{
	free(rows->blobs);
	free(rows->records);
}

static void
grow_records(struct record **p, size_t *cap, size_t want)
{
	if (want <= *cap)
		return;
	*cap = want > *cap + *cap / 2 ? want : *cap + *cap / 2;
	*p = memory_grow_array(*p, *cap, sizeof **p);
}

static void
grow_blobs(struct index_blob **p, size_t *cap, size_t want)
{
	if (want <= *cap)
		return;
	*cap = want > *cap * 2 ? want : *cap * 2;
	*p = memory_grow_array(*p, *cap, sizeof **p);
}

/* Are these records such as this version writes, with ascending UIDs above
 * `above`? */
static bool
are_sane(const struct record *r, size_t n, uint32_t above,
    const struct box_meta *m)
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
		bad |= r->modseq > m->highestmodseq;
		bad |= r->flags > (FLAG_ALL_SYSTEM | FLAG_OLD);
		bad |= r->flags_seen > (FLAG_ALL_SYSTEM | FLAG_OLD);
		bad |= r->spare != 0;
	}
	return bad == 0 && above < m->uidnext;
}

/* Read the rows of a statement that is bound; `expected` records to make room
 * for.  The last one's UID is not below the next one's first. */
static int
read_rows(sqlite3_stmt *s, struct rows *rows, size_t expected,
    const struct box_meta *m)
{
	int64_t key = 0;
	int rc;

	grow_records(&rows->records, &rows->record_cap, expected + 1);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		size_t n = (size_t)sqlite3_column_bytes(s, 2);
		const void *p = sqlite3_column_blob(s, 2);
		size_t count = n / sizeof(struct record);
		struct index_blob *b;
		struct record *r;

		if (sqlite3_column_int64(s, 0) <= key ||
		    sqlite3_column_int64(s, 0) > KEY_SANE ||
		    n % sizeof(struct record) != 0 ||
		    count > INDEX_BLOB_RECORDS)
			break;
		key = sqlite3_column_int64(s, 0);
		if ((uint64_t)sqlite3_column_int64(s, 1) !=
		    index_sum(p, n, (uint64_t)key))
			break;
		grow_blobs(&rows->blobs, &rows->cap, rows->count + 1);
		grow_records(&rows->records, &rows->record_cap,
		    rows->record_count + count);
		r = rows->records + rows->record_count;
		if (n > 0)
			memcpy(r, p, n);
		if (!are_sane(r, count, rows->record_count == 0 ? 0 :
		    r[-1].uid, m))
			break;
		b = &rows->blobs[rows->count++];
		memset(b, 0, sizeof *b);
		b->key = key;
		b->start = rows->record_count;
		b->count = (uint32_t)count;
		rows->record_count += count;
	}
	sqlite3_reset(s);
	return rc == SQLITE_DONE ? SQLITE_OK :
	    rc == SQLITE_ROW ? SQLITE_CORRUPT : rc;
}

int
index_records_load(struct index *ix, struct index_records *all, size_t count,
    const struct box_meta *m)
{
	sqlite3_stmt *s = index_statement(ix, INDEX_RECORDS_ALL);
	struct rows rows = { 0 };
	int rc;

	if (s == NULL)
		return sqlite3_extended_errcode(ix->db);
	/* What is in memory is of no use any more, but for when this fails.
	 * `count` has passed its checksum only: a false one may not take all
	 * memory. */
	rc = read_rows(s, &rows, count < 1000000 ? count : 1000000, m);
	if (rc == SQLITE_OK && rows.record_count != count)
		rc = SQLITE_CORRUPT;
	if (rc != SQLITE_OK) {
		rows_clear(&rows);
		return rc;
	}
	free(all->p);
	all->p = rows.records;
	all->count = rows.record_count;
	all->cap = rows.record_cap;
	free(ix->blobs);
	ix->blobs = rows.blobs;
	ix->blob_count = ix->starts = rows.count;
	ix->blob_cap = rows.cap;
	return SQLITE_OK;
}

/* Make the starts of blobs up to and with the i-th right. */
static void
find_starts(struct index *ix, size_t i)
{
	for (; ix->starts <= i; ix->starts++) {
		const struct index_blob *before = &ix->blobs[ix->starts];

		ix->blobs[ix->starts].start = ix->starts == 0 ? 0 :
		    before[-1].start + before[-1].count;
	}
}

/*
 * Put the old blobs and the changed ones together in new arrays.  Both are in
 * the order of their keys; a changed one takes the old one's place.
 */
static void
merge(const struct index *ix, const struct index_records *all,
    const struct rows *changed, struct rows *out, size_t count)
{
	size_t i = 0, j = 0;

	grow_records(&out->records, &out->record_cap, count);
	while (i < ix->blob_count || j < changed->count) {
		const struct index_blob *b = &ix->blobs[i];
		const struct record *from = all->p;
		struct index_blob *to;

		if (i == ix->blob_count || (j < changed->count &&
		    changed->blobs[j].key <= ix->blobs[i].key)) {
			if (i < ix->blob_count &&
			    changed->blobs[j].key == ix->blobs[i].key)
				i++;
			b = &changed->blobs[j++];
			from = changed->records;
		} else {
			i++;
		}
		grow_blobs(&out->blobs, &out->cap, out->count + 1);
		to = &out->blobs[out->count++];
		*to = *b;
		to->start = out->record_count;
		grow_records(&out->records, &out->record_cap,
		    out->record_count + b->count);
		if (b->count > 0)
			memcpy(out->records + out->record_count,
			    from + b->start, b->count * sizeof *from);
		out->record_count += b->count;
	}
}

static ptrdiff_t
blob_of_key(const struct index *ix, int64_t key)
{
	size_t low = 0, high = ix->blob_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ix->blobs[mid].key < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low < ix->blob_count && ix->blobs[low].key == key ?
	    (ptrdiff_t)low : -1;
}

/* Did only contents change?  Then nothing has to move. */
static bool
same_places(const struct index *ix, const struct rows *changed)
{
	for (size_t i = 0; i < changed->count; i++) {
		ptrdiff_t at = blob_of_key(ix, changed->blobs[i].key);

		if (at == -1 ||
		    ix->blobs[at].count != changed->blobs[i].count)
			return false;
	}
	return true;
}

/* The changed rows were checked among themselves; now the borders. */
static bool
borders_are_sane(const struct index_records *all, size_t at, size_t count)
{
	if (count == 0)
		return true;
	return (at == 0 || all->p[at - 1].uid < all->p[at].uid) &&
	    (at + count >= all->count ||
	    all->p[at + count - 1].uid < all->p[at + count].uid);
}

static void
swap_in_place(const struct index *ix, struct index_records *all,
    const struct rows *changed)
{
	struct record spare[INDEX_BLOB_RECORDS];

	for (size_t i = 0; i < changed->count; i++) {
		const struct index_blob *b = &changed->blobs[i];
		size_t n = b->count * sizeof spare[0];
		struct record *to, *from;

		if (b->count == 0)
			continue;
		to = all->p + ix->blobs[blob_of_key(ix, b->key)].start;
		from = changed->records + b->start;
		memcpy(spare, to, n);
		memcpy(to, from, n);
		memcpy(from, spare, n);
	}
}

/* False, with nothing changed, where the order of the UIDs would be lost. */
static bool
put_in_place(const struct index *ix, struct index_records *all,
    const struct rows *changed)
{
	bool sane = true;

	swap_in_place(ix, all, changed);
	for (size_t i = 0; sane && i < changed->count; i++) {
		const struct index_blob *b = &changed->blobs[i];

		sane = borders_are_sane(all,
		    ix->blobs[blob_of_key(ix, b->key)].start, b->count);
	}
	if (!sane)
		swap_in_place(ix, all, changed);
	return sane;
}

int
index_records_load_changed(struct index *ix, struct index_records *all,
    size_t count, const struct box_meta *m)
{
	sqlite3_stmt *s = index_statement(ix, INDEX_RECORDS_CHANGED);
	struct rows changed = { 0 }, out = { 0 };
	int rc;

	if (s == NULL)
		return sqlite3_extended_errcode(ix->db);
	sqlite3_bind_int64(s, 1, (int64_t)ix->change);
	rc = read_rows(s, &changed, 0, m);
	if (rc != SQLITE_OK) {
		rows_clear(&changed);
		return rc;
	}
	if (ix->blob_count > 0)
		find_starts(ix, ix->blob_count - 1);
	if (all->count == count && same_places(ix, &changed)) {
		if (!put_in_place(ix, all, &changed))
			rc = SQLITE_CORRUPT;
		rows_clear(&changed);
		return rc;
	}
	merge(ix, all, &changed, &out, count);
	rows_clear(&changed);
	if (out.record_count != count ||
	    !are_sane(out.records, out.record_count, 0, m)) {
		rows_clear(&out);
		return SQLITE_CORRUPT;
	}
	free(all->p);
	all->p = out.records;
	all->count = out.record_count;
	all->cap = out.record_cap;
	free(ix->blobs);
	ix->blobs = out.blobs;
	ix->blob_count = ix->starts = out.count;
	ix->blob_cap = out.cap;
	return SQLITE_OK;
}

/* The blob that has record i.  Empty ones have none. */
static struct index_blob *
blob_of(struct index *ix, size_t i)
{
	size_t low = 0, high;

	while (ix->starts < ix->blob_count && (ix->starts == 0 ||
	    ix->blobs[ix->starts - 1].start +
	    ix->blobs[ix->starts - 1].count <= i))
		find_starts(ix, ix->starts);
	/* The last one that starts at i or before it and is not empty. */
	high = ix->starts;
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (ix->blobs[mid].start <= i)
			low = mid;
		else
			high = mid;
	}
	while (ix->blobs[low].count == 0)
		low--;
	return &ix->blobs[low];
}

void
index_records_grow(struct index_records *all, size_t want)
{
	grow_records(&all->p, &all->cap, want);
}

void
index_note_added(struct index *ix, size_t count_now)
{
	struct index_blob *b = ix->blob_count == 0 ? NULL :
	    &ix->blobs[ix->blob_count - 1];

	if (b == NULL || b->count == INDEX_BLOB_RECORDS) {
		int64_t key = b == NULL ? 1 : b->key + 1;

		grow_blobs(&ix->blobs, &ix->blob_cap, ix->blob_count + 1);
		b = &ix->blobs[ix->blob_count++];
		memset(b, 0, sizeof *b);
		b->key = key;
		if (ix->starts == ix->blob_count - 1) {
			b->start = count_now - 1;
			ix->starts++;
		}
	}
	b->count++;
	b->dirty = true;
	ix->records_dirty = true;
}

void
index_note_touched(struct index *ix, size_t i)
{
	blob_of(ix, i)->dirty = true;
	ix->records_dirty = true;
}

void
index_note_removed(struct index *ix, const struct index_records *all,
    size_t i)
{
	struct index_blob *b = blob_of(ix, i);

	if (ix->removed_count == ix->removed_cap) {
		ix->removed_cap = ix->removed_cap == 0 ? 64 :
		    ix->removed_cap * 2;
		ix->removed = memory_grow_array(ix->removed, ix->removed_cap,
		    sizeof *ix->removed);
	}
	ix->removed[ix->removed_count++] = all->p[i].uid;
	b->count--;
	b->dirty = true;
	ix->starts = (size_t)(b - ix->blobs) + 1;
	ix->records_dirty = true;
}

void
index_note_removed_all(struct index *ix, const struct index_records *all,
    bool forget)
{
	for (size_t i = all->count; !forget && i-- > 0;)
		index_note_removed(ix, all, i);
	if (forget) {
		ix->forget = true;
		ix->removed_count = 0;
	}
	ix->blob_count = ix->starts = 0;
	ix->cleared = ix->records_dirty = true;
}

bool
index_records_must_repack(const struct index *ix,
    const struct index_records *all)
{
	return ix->blob_count > all->count / INDEX_BLOB_RECORDS * 2 + 16;
}

void
index_records_repack(struct index *ix, const struct index_records *all)
{
	ix->blob_count = ix->starts = 0;
	for (size_t i = 1; i <= all->count; i++)
		index_note_added(ix, i);
	ix->cleared = ix->records_dirty = true;
}

int
index_records_write(struct index *ix, const struct index_records *all,
    uint64_t change)
{
	sqlite3_stmt *s = index_statement(ix, INDEX_RECORDS_PUT);
	int rc = SQLITE_OK;

	if (s == NULL)
		return sqlite3_extended_errcode(ix->db);
	if (ix->blob_count > 0)
		find_starts(ix, ix->blob_count - 1);
	for (size_t i = 0; rc == SQLITE_OK && i < ix->blob_count; i++) {
		struct index_blob *b = &ix->blobs[i];
		const void *p = b->count == 0 ? (const void *)"" :
		    all->p + b->start;
		size_t n = b->count * sizeof *all->p;

		if (!b->dirty)
			continue;
		sqlite3_bind_int64(s, 1, b->key);
		sqlite3_bind_int64(s, 2, (int64_t)change);
		sqlite3_bind_int64(s, 3, (int64_t)index_sum(p, n,
		    (uint64_t)b->key));
		sqlite3_bind_blob(s, 4, p, (int)n, SQLITE_STATIC);
		rc = sqlite3_step(s);
		sqlite3_reset(s);
		rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
	}
	sqlite3_clear_bindings(s);
	for (size_t i = 0; rc == SQLITE_OK && i < ix->blob_count; i++)
		ix->blobs[i].dirty = false;
	return rc;
}
