/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in memory, and the blobs of up to INDEX_BLOB_RECORDS of them that
 * are the rows on disk.  Blobs are in the order of their keys; one whose
 * messages are all gone stays as an empty row until the next repack.
 *
 * What is read here is their briefs; records are read at once only where they
 * were in memory before, or where all are wanted.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "c-client/base/memory.h"
#include "c-client/store/box.h"
#include "c-client/store/index_private.h"

#include "c-client/base/banned.h"

/* Blobs that come after this one are packed anew long before. */
#define KEY_SANE	(INT64_C(1) << 40)

/* Some room for arrivals: to move all records takes milliseconds. */
#define ROOM	256

/* Of most machines; where it is another one, nothing is lost. */
#define HUGE_PAGE	((size_t)2 * 1024 * 1024)

/* Blobs as they were read, before they are believed; and records of theirs, as
 * if these blobs were all. */
struct rows {
	struct index_blob *blobs;
	size_t count, cap;
	size_t record_count;
	struct record *records;
	size_t record_cap;
};

static void
rows_clear(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		index_brief_clear(&rows->blobs[i]);
	free(rows->blobs);
	free(rows->records);
}

void
index_records_clear_blobs(struct index *ix)
{
	for (size_t i = 0; i < ix->blob_count; i++)
		index_brief_clear(&ix->blobs[i]);
	ix->blob_count = ix->starts = 0;
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

static int
by_key(const void *a, const void *b)
{
	const struct index_blob *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

/* Briefs of all blobs that were changed after that commit. */
static int
read_briefs(sqlite3_stmt *s, int64_t after, struct rows *rows)
{
	int rc;

	sqlite3_bind_int64(s, 1, after);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		int64_t key = sqlite3_column_int64(s, 0);
		uint64_t change = (uint64_t)sqlite3_column_int64(s, 1);
		const char *p = sqlite3_column_blob(s, 2);
		struct span packed = { p,
		    (size_t)sqlite3_column_bytes(s, 2) };

		grow_blobs(&rows->blobs, &rows->cap, rows->count + 1);
		if (key <= 0 || key > KEY_SANE || !index_brief_read(packed,
		    key, change, &rows->blobs[rows->count]))
			break;
		rows->record_count += rows->blobs[rows->count++].count;
	}
	sqlite3_reset(s);
	if (rc != SQLITE_DONE)
		return rc == SQLITE_ROW ? SQLITE_CORRUPT : rc;
	/* Mostly they are in order. */
	for (size_t i = 1; i < rows->count; i++) {
		if (rows->blobs[i - 1].key < rows->blobs[i].key)
			continue;
		qsort(rows->blobs, rows->count, sizeof *rows->blobs, by_key);
		break;
	}
	return SQLITE_OK;
}

/* Do these make `count` records of ascending UIDs?  Their starts are set. */
static bool
set_starts(struct index_blob *blobs, size_t n, size_t count,
    const struct box_meta *m)
{
	size_t start = 0;
	uint32_t above = 0;

	for (size_t i = 0; i < n; i++) {
		struct index_blob *b = &blobs[i];

		b->start = start;
		start += b->count;
		if (i > 0 && b->key <= blobs[i - 1].key)
			return false;
		if (b->count == 0)
			continue;
		if (b->first <= above || b->modseq > m->highestmodseq)
			return false;
		above = b->last;
	}
	return start == count && above < m->uidnext;
}

int
index_records_load(struct index *ix, struct index_records *all, size_t count,
    const struct box_meta *m)
{
	sqlite3_stmt *s = index_statement(ix, INDEX_RECORDS_BRIEF);
	struct rows rows = { 0 };
	int rc;

	if (s == NULL)
		return sqlite3_extended_errcode(ix->db);
	rc = read_briefs(s, -1, &rows);
	if (rc == SQLITE_OK && !set_starts(rows.blobs, rows.count, count, m))
		rc = SQLITE_CORRUPT;
	if (rc == SQLITE_OK) {
		rows.record_cap = count + ROOM;
		rows.records = new_array(rows.record_cap, ix->lazy);
		if (!ix->lazy)
			rc = index_need_read(ix, rows.blobs, 0, rows.count,
			    rows.records, m->uidnext, m->highestmodseq);
		/* In one transaction nobody else comes between. */
		if (rc == SQLITE_ABORT)
			rc = SQLITE_CORRUPT;
	}
	if (rc != SQLITE_OK) {
		rows_clear(&rows);
		return rc;
	}
	ix->changed_from = 0;
	free(all->p);
	all->p = rows.records;
	all->count = count;
	all->cap = rows.record_cap;
	index_records_clear_blobs(ix);
	free(ix->blobs);
	ix->blobs = rows.blobs;
	ix->blob_count = ix->starts = rows.count;
	ix->blob_cap = rows.cap;
	return SQLITE_OK;
}

/* What becomes of the blobs: one of the old, or of the changed ones. */
struct source {
	const struct index_blob *old;		/* NULL: there was none */
	const struct index_blob *changed;	/* NULL: it stays */
};

/*
 * Put the old blobs and the changed ones together.  Both are in the order of
 * their keys; a changed one takes the old one's place.
 */
static struct source *
merge(const struct index *ix, const struct rows *changed, struct rows *out)
{
	size_t most = ix->blob_count + changed->count, i = 0, j = 0;
	struct source *from = memory_grow_array(NULL, most + 1, sizeof *from);

	grow_blobs(&out->blobs, &out->cap, most + 1);
	while (i < ix->blob_count || j < changed->count) {
		struct source *f = &from[out->count];

		f->old = i < ix->blob_count && (j == changed->count ||
		    ix->blobs[i].key <= changed->blobs[j].key) ?
		    &ix->blobs[i] : NULL;
		f->changed = j < changed->count && (f->old == NULL ||
		    f->old->key == changed->blobs[j].key) ?
		    &changed->blobs[j] : NULL;
		i += f->old != NULL;
		j += f->changed != NULL;
		out->blobs[out->count++] = f->changed != NULL ? *f->changed :
		    *f->old;
	}
	return from;
}

/* Should the records of a changed blob be read now? */
static bool
is_wanted(const struct index *ix, const struct index_blob *b)
{
	struct index_blob key = { .key = b->key };
	const struct index_blob *old = ix->blob_count == 0 ? NULL :
	    bsearch(&key, ix->blobs, ix->blob_count, sizeof key, by_key);

	return !ix->lazy || (old != NULL && old->here);
}

static int
read_wanted(struct index *ix, struct rows *changed, const struct box_meta *m)
{
	int rc = SQLITE_OK;
	size_t start = 0;

	changed->records = memory_grow_array(NULL, changed->record_count + 1,
	    sizeof *changed->records);
	for (size_t i = 0; i < changed->count; i++) {
		changed->blobs[i].start = start;
		start += changed->blobs[i].count;
	}
	/* Those that follow each other are mostly rows that do so too. */
	for (size_t i = 0; rc == SQLITE_OK && i < changed->count; i++)
		if (is_wanted(ix, &changed->blobs[i]))
			rc = index_need_read(ix, changed->blobs, i, i + 1,
			    changed->records, m->uidnext, m->highestmodseq);
	return rc == SQLITE_ABORT ? SQLITE_CORRUPT : rc;
}

static void
move(struct index_records *all, const struct index_blob *from,
    const struct index_blob *to)
{
	if (from->here && from->count > 0)
		memmove(all->p + to->start, all->p + from->start,
		    from->count * sizeof *all->p);
}

/* What stays goes to its new place: first what goes to the front, from the
 * front on, then what goes to the end, from the end on, so that nothing is
 * overwritten before it has moved. */
static void
move_all(struct index_records *all, const struct source *from,
    const struct rows *to)
{
	for (size_t i = 0; i < to->count; i++)
		if (from[i].changed == NULL &&
		    to->blobs[i].start < from[i].old->start)
			move(all, from[i].old, &to->blobs[i]);
	for (size_t i = to->count; i-- > 0;)
		if (from[i].changed == NULL &&
		    to->blobs[i].start > from[i].old->start)
			move(all, from[i].old, &to->blobs[i]);
}

/* The first record that is another one.  In a blob that has become longer what
 * was there is mostly the same: arrivals fill it up. */
static size_t
first_changed(const struct source *from, const struct rows *to,
    const struct index_records *all, const struct rows *changed)
{
	const struct index_blob *old, *new;
	size_t i = 0, k = 0;

	while (i < to->count && from[i].changed == NULL)
		i++;
	if (i == to->count)
		return SIZE_MAX;
	old = from[i].old;
	new = from[i].changed;
	while (old != NULL && old->here && new->here && k < old->count &&
	    k < new->count && memcmp(all->p + old->start + k,
	    changed->records + new->start + k, sizeof *all->p) == 0)
		k++;
	return to->blobs[i].start + k;
}

/* The new order, which was checked, takes the place of the old one. */
static void
put(struct index *ix, struct index_records *all, const struct source *from,
    struct rows *changed, struct rows *out, size_t count)
{
	size_t first = first_changed(from, out, all, changed);

	if (first < ix->changed_from)
		ix->changed_from = first;
	grow_records(&all->p, &all->cap, count + 1);
	move_all(all, from, out);
	for (size_t i = 0; i < out->count; i++) {
		const struct index_blob *b = from[i].changed;

		if (b == NULL)
			continue;
		if (b->here && b->count > 0)
			memcpy(all->p + out->blobs[i].start,
			    changed->records + b->start,
			    b->count * sizeof *all->p);
		if (from[i].old != NULL)
			free(from[i].old->gaps);
	}
	all->count = count;
	free(ix->blobs);
	ix->blobs = out->blobs;
	ix->blob_count = ix->starts = out->count;
	ix->blob_cap = out->cap;
	/* Their gaps have a new owner. */
	changed->count = 0;
}

int
index_records_load_changed(struct index *ix, struct index_records *all,
    size_t count, const struct box_meta *m)
{
	sqlite3_stmt *s = index_statement(ix, INDEX_RECORDS_BRIEF);
	struct rows changed = { 0 }, out = { 0 };
	struct source *from;
	int rc;

	if (s == NULL)
		return sqlite3_extended_errcode(ix->db);
	if (ix->blob_count > 0)
		index_note_starts(ix, ix->blob_count - 1);
	rc = read_briefs(s, (int64_t)ix->change, &changed);
	if (rc == SQLITE_OK)
		rc = read_wanted(ix, &changed, m);
	if (rc != SQLITE_OK) {
		rows_clear(&changed);
		return rc;
	}
	from = merge(ix, &changed, &out);
	if (set_starts(out.blobs, out.count, count, m))
		put(ix, all, from, &changed, &out, count);
	else {
		free(out.blobs);
		rc = SQLITE_CORRUPT;
	}
	free(from);
	rows_clear(&changed);
	return rc;
}

void
index_records_grow(struct index_records *all, size_t want)
{
	grow_records(&all->p, &all->cap, want);
}
