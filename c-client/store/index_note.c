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

/* Make the starts of blobs up to and with the i-th right. */
void
index_note_starts(struct index *ix, size_t i)
{
	for (; ix->starts <= i; ix->starts++) {
		const struct index_blob *before = &ix->blobs[ix->starts];

		ix->blobs[ix->starts].start = ix->starts == 0 ? 0 :
		    before[-1].start + before[-1].count;
	}
}

struct index_blob *
index_note_blob(struct index *ix, size_t i)
{
	size_t low = ix->blob_last, high;

	/* Mostly it is the one that was asked for before. */
	if (low < ix->starts && ix->blobs[low].start <= i &&
	    i - ix->blobs[low].start < ix->blobs[low].count)
		return &ix->blobs[low];
	low = 0;
	while (ix->starts < ix->blob_count && (ix->starts == 0 ||
	    ix->blobs[ix->starts - 1].start +
	    ix->blobs[ix->starts - 1].count <= i))
		index_note_starts(ix, ix->starts);
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
	ix->blob_last = low;
	return &ix->blobs[low];
}

void
index_note_added(struct index *ix, size_t count_now)
{
	struct index_blob *b = ix->blob_count == 0 ? NULL :
	    &ix->blobs[ix->blob_count - 1];

	if (b == NULL || b->count == INDEX_BLOB_RECORDS) {
		int64_t key = b == NULL ? 1 : b->key + 1;

		if (ix->blob_count == ix->blob_cap) {
			ix->blob_cap = ix->blob_cap < 16 ? 16 :
			    ix->blob_cap * 2;
			ix->blobs = memory_grow_array(ix->blobs,
			    ix->blob_cap, sizeof *ix->blobs);
		}
		b = &ix->blobs[ix->blob_count++];
		memset(b, 0, sizeof *b);
		b->key = key;
		b->here = true;
		if (ix->starts == ix->blob_count - 1) {
			b->start = count_now - 1;
			ix->starts++;
		}
	}
	/* The row is written whole; an empty one has nothing to read. */
	b->here = b->here || b->count == 0;
	ix->broken = ix->broken || !b->here;
	b->count++;
	b->dirty = true;
	ix->records_dirty = true;
}

void
index_note_touched(struct index *ix, size_t i)
{
	struct index_blob *b = index_note_blob(ix, i);

	ix->broken = ix->broken || !b->here;
	b->dirty = true;
	ix->records_dirty = true;
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
	struct index_blob *b = index_note_blob(ix, i);

	ix->broken = ix->broken || !b->here;
	note_gone(ix, all->p[i].uid);
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
		note_gone(ix, index_uid(ix, all, i));
	if (forget) {
		ix->forget = true;
		ix->removed_count = 0;
	}
	index_records_clear_blobs(ix);
	ix->cleared = ix->records_dirty = true;
}

bool
index_note_must_repack(const struct index *ix,
    const struct index_records *all)
{
	return ix->blob_count > all->count / INDEX_BLOB_RECORDS * 2 + 16;
}

void
index_note_repack(struct index *ix, const struct index_records *all)
{
	index_records_clear_blobs(ix);
	for (size_t i = 1; i <= all->count; i++)
		index_note_added(ix, i);
	ix->cleared = ix->records_dirty = true;
}

/* A record that nobody will believe is a fault of ours: the index would be
 * thrown away at each opening. */
static void
check(const struct index *ix, const struct index_records *all,
    const struct index_blob *b, const struct box_meta *m)
{
	if (b->count == 0 || index_need_is_sane(all->p + b->start,
	    b->count, 0, m->uidnext, m->highestmodseq))
		return;
	log_line(LOG_ERR, "Index %s: a record near UID %u is not well-formed",
	    ix->file == NULL ? "in memory" : ix->file, all->p[b->start].uid);
#ifdef SANITIZED
	abort();
#endif
}

static int
put(struct index *ix, sqlite3_stmt *s, const struct index_blob *b,
    struct span brief, struct span packed)
{
	int rc;

	sqlite3_bind_int64(s, 1, b->key);
	sqlite3_bind_int64(s, 2, (int64_t)b->change);
	sqlite3_bind_blob(s, 3, brief.p, (int)brief.n, SQLITE_STATIC);
	sqlite3_bind_blob(s, 4, packed.p, (int)packed.n, SQLITE_STATIC);
	rc = index_run(ix, INDEX_RECORDS_PUT);
	sqlite3_clear_bindings(s);
	return rc;
}

int
index_note_write(struct index *ix, const struct index_records *all,
    const struct box_meta *m, uint64_t change)
{
	sqlite3_stmt *s = index_statement(ix, INDEX_RECORDS_PUT);
	struct buf packed, brief;
	int rc = SQLITE_OK;

	if (s == NULL)
		return sqlite3_extended_errcode(ix->db);
	if (ix->blob_count > 0)
		index_note_starts(ix, ix->blob_count - 1);
	buf_init(&packed, 0);
	buf_init(&brief, 0);
	for (size_t i = 0; rc == SQLITE_OK && i < ix->blob_count; i++) {
		struct index_blob *b = &ix->blobs[i];
		const struct record *r = all->p + b->start;

		if (!b->dirty)
			continue;
		check(ix, all, b, m);
		buf_reset(&packed);
		buf_reset(&brief);
		index_pack_write(&packed, b->count == 0 ? NULL : r,
		    b->count);
		index_brief_make(b, b->count == 0 ? NULL : r);
		b->sum = index_sum(packed.p, packed.n, (uint64_t)b->key);
		b->change = change;
		index_brief_write(&brief, b);
		rc = put(ix, s, b, buf_span(&brief), buf_span(&packed));
	}
	buf_clear(&packed);
	buf_clear(&brief);
	for (size_t i = 0; rc == SQLITE_OK && i < ix->blob_count; i++)
		ix->blobs[i].dirty = false;
	return rc;
}
