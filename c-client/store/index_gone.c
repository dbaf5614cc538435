/* SPDX-License-Identifier: Apache-2.0 */
/* Expunged UIDs: written down as ranges, and parsed data of theirs let go. */
#include <stdlib.h>

#include "c-client/base/memory.h"
#include "c-client/store/box.h"
#include "c-client/store/index_private.h"

#include "c-client/base/banned.h"

/* Up to so many ranges the rows of `parsed` are looked up one by one; for more
 * of them all keys are gone through once. */
#define RANGES_FEW	32

static int
compare_uids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The ranges older than the newest INDEX_GONE_MAX go; what they told is not
 * known any more. */
static int
trim(struct index *ix, struct box_meta *m)
{
	sqlite3_stmt *s = index_statement(ix, INDEX_GONE_FLOOR);
	int rc;

	if (s == NULL)
		return sqlite3_extended_errcode(ix->db);
	sqlite3_bind_int64(s, 1, INDEX_GONE_MAX);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL) {
		uint64_t lost = (uint64_t)sqlite3_column_int64(s, 0);

		if (lost > m->modseq_floor && lost <= m->highestmodseq)
			m->modseq_floor = lost;
	}
	sqlite3_reset(s);
	s = index_statement(ix, INDEX_GONE_TRIM);
	if (s == NULL)
		return sqlite3_extended_errcode(ix->db);
	sqlite3_bind_int64(s, 1, INDEX_GONE_MAX);
	return index_run(ix, INDEX_GONE_TRIM);
}

struct range {
	uint32_t first, last;
};

/*
 * The UIDs removed in this transaction as ranges.  One covers all between two
 * messages that are there: what was gone before is gone still.
 */
static struct range *
ranges_of(struct index *ix, const struct index_records *all, size_t *count)
{
	struct range *ranges = memory_grow_array(NULL, ix->removed_count,
	    sizeof *ranges);
	size_t n = 0;

	qsort(ix->removed, ix->removed_count, sizeof *ix->removed,
	    compare_uids);
	for (size_t i = 0, end; i < ix->removed_count; i = end) {
		size_t next = index_find(ix, all, ix->removed[i]);
		uint32_t limit = next == all->count ? UINT32_MAX :
		    index_uid(ix, all, next);

		end = i + 1;
		while (end < ix->removed_count && ix->removed[end] < limit)
			end++;
		ranges[n].first = ix->removed[i];
		ranges[n++].last = ix->removed[end - 1];
	}
	*count = n;
	return ranges;
}

static int
add(struct index *ix, const struct range *range, uint64_t modseq)
{
	sqlite3_stmt *s = index_statement(ix, INDEX_GONE_ADD);

	if (s == NULL)
		return sqlite3_extended_errcode(ix->db);
	sqlite3_bind_int64(s, 1, range->first);
	sqlite3_bind_int64(s, 2, range->last);
	sqlite3_bind_int64(s, 3, (int64_t)modseq);
	return index_run(ix, INDEX_GONE_ADD);
}

/* Write down what was removed in this transaction, with the mailbox's
 * HIGHESTMODSEQ. */
int
index_gone_write(struct index *ix, struct box_meta *m,
    const struct index_records *all)
{
	size_t count, i = 0;
	struct range *ranges = ranges_of(ix, all, &count);
	int rc = SQLITE_OK;

	/* Those that trim() would take away at once aren't written. */
	if (count > INDEX_GONE_MAX) {
		i = count - INDEX_GONE_MAX;
		m->modseq_floor = m->highestmodseq;
	}
	for (; rc == SQLITE_OK && i < count; i++)
		rc = add(ix, &ranges[i], m->highestmodseq);
	for (i = 0; rc == SQLITE_OK && count <= RANGES_FEW && i < count; i++)
		rc = index_parsed_forget(ix, ranges[i].first, ranges[i].last);
	if (rc == SQLITE_OK && count > RANGES_FEW)
		rc = index_parsed_prune(ix, all);
	if (rc == SQLITE_OK)
		rc = trim(ix, m);
	free(ranges);
	return rc;
}
