/* SPDX-License-Identifier: Apache-2.0 */
/* Notes of moves: rows of the table that has the mailbox's own numbers. */
#include <assert.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/store/box.h"
#include "c-client/store/index_private.h"

#include "c-client/base/banned.h"

size_t
index_transit_list(struct index *ix, struct arena *arena,
    struct index_transit out[static INDEX_TRANSITS])
{
	sqlite3_stmt *s = index_statement(ix, INDEX_TRANSIT_LIST);
	size_t n = 0;

	if (s == NULL)
		return 0;
	while (n < INDEX_TRANSITS && sqlite3_step(s) == SQLITE_ROW) {
		struct span data = { sqlite3_column_blob(s, 2),
		    (size_t)sqlite3_column_bytes(s, 2) };
		int64_t id = sqlite3_column_int64(s, 0);

		if (data.p == NULL || data.n > INDEX_TRANSIT_MAX ||
		    (uint64_t)sqlite3_column_int64(s, 1) !=
		    index_sum(data.p, data.n, (uint64_t)id))
			data = (struct span){ "", 0 };
		out[n].id = (uint64_t)id;
		out[n++].data = arena_span(arena, data);
	}
	sqlite3_reset(s);
	return n;
}

void
index_transit_put(struct index *ix, uint64_t id, struct span data)
{
	assert(ix->transit == 0 && id > 1 && id <= INT64_MAX);
	ix->transit = id;
	buf_reset(&ix->transit_data);
	buf_addspan(&ix->transit_data, data);
	ix->meta_dirty = true;
}

int
index_transit_write(struct index *ix, struct box_meta *m)
{
	bool drop = ix->transit_data.n == 0;
	enum index_statement which = drop ? INDEX_TRANSIT_DROP :
	    INDEX_TRANSIT_PUT;
	sqlite3_stmt *s = index_statement(ix, which);
	sqlite3_stmt *any = index_statement(ix, INDEX_TRANSIT_ANY);
	int rc;

	if (s == NULL || any == NULL)
		return sqlite3_extended_errcode(ix->db);
	sqlite3_bind_int64(s, 1, (int64_t)ix->transit);
	if (!drop) {
		sqlite3_bind_int64(s, 2, (int64_t)index_sum(
		    ix->transit_data.p, ix->transit_data.n, ix->transit));
		sqlite3_bind_blob(s, 3, ix->transit_data.p,
		    (int)ix->transit_data.n, SQLITE_STATIC);
	}
	rc = index_run(ix, which);
	sqlite3_clear_bindings(s);
	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(any);
	m->transits = rc == SQLITE_ROW;
	sqlite3_reset(any);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}
