/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rows of `records` a transaction has to write: the caller says what he
 * did to the array, and here it is known in which blob that is.
 */
#include <stdlib.h>
#include <string.h>

#include "c-client/base/buf.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "c-client/store/box.h"
#include "c-client/store/index_pack.h"
#include "c-client/store/index_private.h"

#include "c-client/base/banned.h"

struct index_group *
index_note_group(struct index *ix, size_t i)
{
	size_t low = ix->group_last, high = ix->group_count;

	/* Mostly it is the one that was asked for before. */
	if (low < high && ix->groups[low].start <= i &&
	    i - ix->groups[low].start < ix->groups[low].count)
		return &ix->groups[low];
	/* The last one that starts at i or before it; of those that start
	 * there it is the one that is not empty. */
	low = 0;
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (ix->groups[mid].start <= i)
			low = mid;
		else
			high = mid;
	}
	ix->group_last = low;
	return &ix->groups[low];
}

struct index_blob *
index_note_blob(struct index *ix, struct index_group *g, size_t i)
{
	uint32_t low = ix->blob_last, high = g->blob_count;

	i -= g->start;
	if (low < high && g->blobs[low].start <= i &&
	    i - g->blobs[low].start < g->blobs[low].count)
		return &g->blobs[low];
	low = 0;
	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (g->blobs[mid].start <= i)
			low = mid;
		else
			high = mid;
	}
	ix->blob_last = low;
	return &g->blobs[low];
}

static struct index_group *
new_group(struct index *ix, size_t start)
{
	struct index_group *g;

	if (ix->group_count == ix->group_cap) {
		ix->group_cap = ix->group_cap < 8 ? 8 : ix->group_cap * 2;
		ix->groups = memory_grow_array(ix->groups, ix->group_cap,
		    sizeof *ix->groups);
	}
	g = &ix->groups[ix->group_count++];
	index_group_new(g);
	g->start = start;
	return g;
}

void
index_note_added(struct index *ix, size_t count_now)
{
	struct index_group *g = ix->group_count == 0 ? NULL :
	    &ix->groups[ix->group_count - 1];
	struct index_blob *b;

	ix->records_dirty = true;
	if (g == NULL || (g->blob_count == INDEX_GROUP_BLOBS &&
	    g->blobs != NULL && g->blobs[g->blob_count - 1].count ==
	    INDEX_BLOB_RECORDS))
		g = new_group(ix, count_now - 1);
	g->dirty = true;
	g->count++;
	/* The rows are written whole. */
	if (g->blobs == NULL) {
		ix->broken = true;
		return;
	}
	b = g->blob_count == 0 ? NULL : &g->blobs[g->blob_count - 1];
	if (b == NULL || b->count == INDEX_BLOB_RECORDS) {
		b = &g->blobs[g->blob_count++];
		*b = (struct index_blob){ .start = g->count - 1 };
	}
	/* An empty one has nothing to read. */
	b->here = b->here || b->count == 0;
	ix->broken = ix->broken || !b->here;
	b->count++;
	b->dirty = true;
}

/* The blob of a record that was changed; NULL where it was not read. */
static struct index_blob *
touch(struct index *ix, struct index_group *g, size_t i)
{
	struct index_blob *b = g->blobs == NULL ? NULL :
	    index_note_blob(ix, g, i);

	ix->records_dirty = true;
	g->dirty = true;
	if (b == NULL || !b->here)
		ix->broken = true;
	if (b != NULL)
		b->dirty = true;
	return b;
}

void
index_note_touched(struct index *ix, size_t i)
{
	touch(ix, index_note_group(ix, i), i);
}

static void
note_gone(struct index *ix, uint32_t uid)
{
	if (ix->removed_count == ix->removed_cap) {
		ix->removed_cap = ix->removed_cap == 0 ? 64 :
		    ix->removed_cap * 2;
		ix->removed = memory_grow_array(ix->removed, ix->removed_cap,
		    sizeof *ix->removed);
	}
	ix->removed[ix->removed_count++] = uid;
}

void
index_note_removed(struct index *ix, const struct index_records *all,
    size_t i)
{
	struct index_group *g = index_note_group(ix, i);
	struct index_blob *b = touch(ix, g, i);

	note_gone(ix, all->p[i].uid);
	if (b != NULL)
		b->count--;
	for (; b != NULL && b + 1 < g->blobs + g->blob_count; b++)
		b[1].start--;
	g->count--;
	for (; g + 1 < ix->groups + ix->group_count; g++)
		g[1].start--;
}

void
index_note_removed_all(struct index *ix, const struct index_records *all,
    bool forget)
{
	for (size_t i = all->count; !forget && i-- > 0;)
		note_gone(ix, index_uid(ix, all, i));
	if (forget) {
		ix->forget = true;
		ix->removed_count = 0;
	}
	index_records_clear_groups(ix);
	ix->cleared = ix->records_dirty = true;
}

bool
index_note_must_repack(const struct index *ix,
    const struct index_records *all)
{
	size_t blobs = 0;

	for (size_t k = 0; k < ix->group_count; k++)
		blobs += ix->groups[k].blob_count;
	return blobs > all->count / INDEX_BLOB_RECORDS * 2 + 16;
}

void
index_note_repack(struct index *ix, const struct index_records *all)
{
	index_records_clear_groups(ix);
	for (size_t i = 1; i <= all->count; i++)
		index_note_added(ix, i);
	ix->cleared = ix->records_dirty = true;
}

/* A record that nobody will believe is a fault of ours: the index would be
 * thrown away at each opening. */
static void
check(const struct index *ix, const struct record *r, size_t n,
    const struct box_meta *m)
{
	if (n == 0 || index_need_is_sane(r, n, 0, m->uidnext,
	    m->highestmodseq))
		return;
	log_line(LOG_ERR, "Index %s: a record near UID %u is not well-formed",
	    ix->file == NULL ? "in memory" : ix->file, r->uid);
#ifdef SANITIZED
	abort();
#endif
}

static int
put(struct index *ix, enum index_statement which, int64_t key,
    const struct buf *data)
{
	sqlite3_stmt *s = index_statement(ix, which);
	int rc;

	if (s == NULL)
		return sqlite3_extended_errcode(ix->db);
	sqlite3_bind_int64(s, 1, key);
	sqlite3_bind_blob(s, 2, data->p, (int)data->n, SQLITE_STATIC);
	rc = index_run(ix, which);
	sqlite3_clear_bindings(s);
	return rc;
}

/* The parts of a blob.  One that is as it was in the database is not written:
 * STORE leaves one part as it is, and an expunge both of those behind it. */
static int
write_blob(struct index *ix, size_t k, uint32_t j, const struct record *r,
    struct buf *out)
{
	struct index_blob *b = &ix->groups[k].blobs[j];
	int rc = SQLITE_OK;

	for (unsigned part = 0; part < INDEX_PARTS && rc == SQLITE_OK;
	    part++) {
		int64_t key = index_need_key(part, k, j);
		uint64_t sum;

		buf_reset(out);
		index_pack_write(out, part, r, b->count, b->place);
		sum = index_sum(out->p, out->n, (uint64_t)key);
		if (b->change == 0 || sum != b->sums[part])
			rc = put(ix, INDEX_RECORDS_PUT, key, out);
		b->sums[part] = sum;
	}
	return rc;
}

/* Those rows of the k-th group that changed. */
static int
write_group(struct index *ix, size_t k, const struct index_records *all,
    const struct box_meta *m, uint64_t change)
{
	struct index_group *g = &ix->groups[k];
	struct buf out;
	int rc = SQLITE_OK;

	buf_init(&out, 0);
	for (uint32_t j = 0; j < g->blob_count && rc == SQLITE_OK; j++) {
		struct index_blob *b = &g->blobs[j];
		const struct record *r = b->count == 0 ? NULL :
		    all->p + g->start + b->start;

		if (!b->dirty)
			continue;
		check(ix, r, b->count, m);
		index_brief_make(b, r);
		rc = write_blob(ix, k, j, r, &out);
		b->change = change;
		b->dirty = false;
	}
	if (rc == SQLITE_OK) {
		buf_reset(&out);
		index_group_write(g, k, change, &out);
		g->dirty = false;
		rc = put(ix, INDEX_BRIEFS_PUT, (int64_t)k, &out);
	}
	buf_clear(&out);
	return rc;
}

int
index_note_write(struct index *ix, const struct index_records *all,
    const struct box_meta *m, uint64_t change)
{
	int rc = SQLITE_OK;

	for (size_t k = 0; k < ix->group_count && rc == SQLITE_OK; k++)
		if (ix->groups[k].dirty)
			rc = write_group(ix, k, all, m, change);
	return rc;
}
