/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in memory, and the blobs of up to INDEX_BLOB_RECORDS of them that
 * are the rows on disk.  Blobs are in the order of their keys; one whose
 * messages are all gone stays as an empty row until the next repack.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "c-client/base/memory.h"
#include "c-client/store/box.h"
#include "c-client/store/index_pack.h"
#include "c-client/store/index_private.h"

#include "c-client/base/banned.h"

/* Blobs that come after this one are packed anew long before. */
#define KEY_SANE	(INT64_C(1) << 40)

#define ROOM	256

/* Of most machines; where it is another one, nothing is lost. */
#define HUGE_PAGE	((size_t)2 * 1024 * 1024)

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

/*
 * Room for many records.  A session is a new process, and to give it so much
 * memory in pages of 4 KiB takes longer than to read it all.
 */
static struct record *
huge_array(size_t count)
{
	size_t n = count * sizeof(struct record);
	void *p;

	n = (n + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	if (posix_memalign(&p, HUGE_PAGE, n) != 0)
		memory_exhausted(n);
	/* A system that has none gives others. */
	madvise(p, n, MADV_HUGEPAGE);
	return p;
}

bool
index_records_are_sane(const struct record *r, size_t n, uint32_t above,
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
		bad |= r->uid_seen != 0 && r->uid_seen != r->uid;
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

	/* Some room for arrivals: to move all records takes milliseconds. */
	if (expected * sizeof *rows->records >= HUGE_PAGE) {
		rows->record_cap = expected + ROOM;
		rows->records = huge_array(rows->record_cap);
	} else {
		grow_records(&rows->records, &rows->record_cap, expected + 1);
	}
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		const char *p = sqlite3_column_blob(s, 2);
		struct span packed = { p, (size_t)sqlite3_column_bytes(s, 2) };
		size_t count;
		struct index_blob *b;
		struct record *r;

		if (sqlite3_column_int64(s, 0) <= key ||
		    sqlite3_column_int64(s, 0) > KEY_SANE ||
		    !index_pack_count(packed, INDEX_BLOB_RECORDS, &count))
			break;
		key = sqlite3_column_int64(s, 0);
		if ((uint64_t)sqlite3_column_int64(s, 1) !=
		    index_sum(p, packed.n, (uint64_t)key))
			break;
		grow_blobs(&rows->blobs, &rows->cap, rows->count + 1);
		grow_records(&rows->records, &rows->record_cap,
		    rows->record_count + count);
		r = rows->records + rows->record_count;
		index_pack_read(packed, r);
		if (!index_records_are_sane(r, count,
		    rows->record_count == 0 ? 0 : r[-1].uid, m))
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
	ix->changed_from = 0;
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

/*
 * Put the old blobs from the i-th on and the changed ones from the j-th on
 * together.  Both are in the order of their keys; a changed one takes the old
 * one's place.
 */
static void
merge(const struct index *ix, size_t i, const struct index_records *all,
    const struct rows *changed, size_t j, struct rows *out)
{
	while (i < ix->blob_count || j < changed->count) {
		const struct index_blob *b;
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
			b = &ix->blobs[i++];
		}
		grow_blobs(&out->blobs, &out->cap, out->count + 1);
		to = &out->blobs[out->count++];
		*to = *b;
		grow_records(&out->records, &out->record_cap,
		    out->record_count + b->count);
		if (b->count > 0)
			memcpy(out->records + out->record_count,
			    from + b->start, b->count * sizeof *from);
		out->record_count += b->count;
	}
}

/* Index of the first blob with a key not below this one. */
static size_t
place_of_key(const struct index *ix, int64_t key)
{
	size_t low = 0, high = ix->blob_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ix->blobs[mid].key < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* How many of the changed blobs, from the first on, did change in contents
 * only, so that nothing has to move for them? */
static size_t
count_same_places(const struct index *ix, const struct rows *changed)
{
	size_t i = 0;

	for (; i < changed->count; i++) {
		size_t at = place_of_key(ix, changed->blobs[i].key);

		if (at == ix->blob_count ||
		    ix->blobs[at].key != changed->blobs[i].key ||
		    ix->blobs[at].count != changed->blobs[i].count)
			break;
	}
	return i;
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

/* Exchange the first `n` changed blobs with what they take the place of. */
static void
swap_in_place(const struct index *ix, struct index_records *all,
    const struct rows *changed, size_t n)
{
	struct record spare[INDEX_BLOB_RECORDS];

	for (size_t i = 0; i < n; i++) {
		const struct index_blob *b = &changed->blobs[i];
		size_t octets = b->count * sizeof spare[0];
		struct record *to, *from;

		if (b->count == 0)
			continue;
		to = all->p + ix->blobs[place_of_key(ix, b->key)].start;
		from = changed->records + b->start;
		memcpy(spare, to, octets);
		memcpy(to, from, octets);
		memcpy(from, spare, octets);
	}
}

static bool
in_place_is_sane(const struct index *ix, const struct index_records *all,
    const struct rows *changed, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct index_blob *b = &changed->blobs[i];

		if (!borders_are_sane(all, ix->blobs[place_of_key(ix,
		    b->key)].start, b->count))
			return false;
	}
	return true;
}

/* Replace blobs and records from blob `at` on. */
static void
put_tail(struct index *ix, struct index_records *all, size_t at,
    const struct rows *tail)
{
	size_t start = at == ix->blob_count ? all->count :
	    ix->blobs[at].start;

	grow_blobs(&ix->blobs, &ix->blob_cap, at + tail->count);
	if (tail->count > 0)
		memcpy(ix->blobs + at, tail->blobs,
		    tail->count * sizeof *ix->blobs);
	ix->blob_count = at + tail->count;
	ix->starts = at;
	grow_records(&all->p, &all->cap, start + tail->record_count);
	if (tail->record_count > 0)
		memcpy(all->p + start, tail->records,
		    tail->record_count * sizeof *all->p);
	all->count = start + tail->record_count;
}

/*
 * Most changes are of two kinds: flags, which change blobs in place, and
 * arrivals, which change the end.  What comes behind the first blob that
 * became longer or shorter is put together anew.
 */
static int
apply_changed(struct index *ix, struct index_records *all,
    struct rows *changed, size_t count, const struct box_meta *m)
{
	size_t n = count_same_places(ix, changed), at, start;
	struct rows tail = { 0 };
	uint32_t above;
	bool sane;

	at = n == changed->count ? ix->blob_count :
	    place_of_key(ix, changed->blobs[n].key);
	start = at == ix->blob_count ? all->count : ix->blobs[at].start;
	merge(ix, at, all, changed, n, &tail);
	swap_in_place(ix, all, changed, n);
	above = start == 0 ? 0 : all->p[start - 1].uid;
	sane = start + tail.record_count == count && above < m->uidnext &&
	    index_records_are_sane(tail.records, tail.record_count, above, m);
	if (sane) {
		size_t was = all->count;

		/* Borders within what stays, without the old tail. */
		all->count = start;
		sane = in_place_is_sane(ix, all, changed, n);
		all->count = was;
	}
	if (sane) {
		size_t from = n == 0 ? start : ix->blobs[place_of_key(ix,
		    changed->blobs[0].key)].start;

		/* In the first blob of the tail what is there already is
		 * mostly the same: arrivals fill it up. */
		while (n == 0 && from < all->count &&
		    from - start < tail.record_count && memcmp(&all->p[from],
		    &tail.records[from - start], sizeof *all->p) == 0)
			from++;
		if (from < ix->changed_from)
			ix->changed_from = from;
		put_tail(ix, all, at, &tail);
	} else
		swap_in_place(ix, all, changed, n);
	rows_clear(&tail);
	return sane ? SQLITE_OK : SQLITE_CORRUPT;
}

int
index_records_load_changed(struct index *ix, struct index_records *all,
    size_t count, const struct box_meta *m)
{
	sqlite3_stmt *s = index_statement(ix, INDEX_RECORDS_CHANGED);
	struct rows changed = { 0 };
	int rc;

	if (s == NULL)
		return sqlite3_extended_errcode(ix->db);
	sqlite3_bind_int64(s, 1, (int64_t)ix->change);
	rc = read_rows(s, &changed, 0, m);
	if (rc == SQLITE_OK) {
		if (ix->blob_count > 0)
			index_note_starts(ix, ix->blob_count - 1);
		rc = apply_changed(ix, all, &changed, count, m);
	}
	rows_clear(&changed);
	return rc;
}

void
index_records_grow(struct index_records *all, size_t want)
{
	grow_records(&all->p, &all->cap, want);
}
