/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsed data in the index: rows of several neighbouring messages' texts.
 *
 * A row's data is: the mailbox's UIDVALIDITY, the number of texts, as many
 * UIDs, as many ends (offsets into what follows), the texts; numbers have 32
 * bits.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "c-client/base/buf.h"
#include "c-client/base/clock.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/base/trip.h"
#include "c-client/store/box.h"
#include "c-client/store/index_private.h"

#include "c-client/base/banned.h"

/* Whatever SQLite may say is there: the largest row put() makes is one text
 * of INDEX_TEXT_MAX beside small ones. */
#define ROW_MAX		(INDEX_TEXT_MAX + INDEX_CHUNK_OCTETS + 4096u)

/* A put waits no longer for the lock, seconds. */
#define PATIENCE	1

static int64_t
key_of(unsigned kind, uint32_t uid)
{
	return (int64_t)kind << 32 | uid;
}

/* Check a row and point the chunk into p. */
static bool
unpack(const struct index *ix, struct index_chunk *chunk, const char *p,
    size_t n, uint32_t first)
{
	uint32_t head[2], count, end = 0;
	size_t numbers;

	if (n < sizeof head || n > ROW_MAX)
		return false;
	memcpy(head, p, sizeof head);
	/* Another session may have renumbered the mailbox, and these be texts
	 * of other messages than the caller means. */
	if (head[0] != ix->uidvalidity)
		return false;
	count = head[1];
	if (count == 0 || count > INDEX_CHUNK_MESSAGES)
		return false;
	numbers = (size_t)count * 2;
	if (n < sizeof head + numbers * sizeof(uint32_t))
		return false;
	if (chunk->numbers_cap < numbers) {
		chunk->numbers_cap = (size_t)INDEX_CHUNK_MESSAGES * 2;
		chunk->numbers = memory_grow_array(chunk->numbers,
		    chunk->numbers_cap, sizeof *chunk->numbers);
	}
	memcpy(chunk->numbers, p + sizeof head,
	    numbers * sizeof(uint32_t));
	chunk->count = count;
	chunk->uids = chunk->numbers;
	chunk->ends = chunk->numbers + count;
	chunk->bytes = p + sizeof head + numbers * sizeof(uint32_t);
	n -= sizeof head + numbers * sizeof(uint32_t);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 ? chunk->uids[0] != first :
		    chunk->uids[i] <= chunk->uids[i - 1])
			return false;
		if (chunk->ends[i] < end || chunk->ends[i] > n)
			return false;
		end = chunk->ends[i];
	}
	return end == n;
}

/* The row at or before the UID.  SQLITE_NOTFOUND: none, or of another kind. */
static int
read_at(struct index *ix, unsigned kind, uint32_t uid,
    struct index_chunk *chunk)
{
	sqlite3_stmt *s = index_statement(ix, INDEX_PARSED_AT);
	int64_t key;
	size_t n;
	const void *p;
	int rc;

	chunk->count = 0;
	if (s == NULL)
		return SQLITE_ERROR;
	sqlite3_bind_int64(s, 1, key_of(kind, uid));
	rc = sqlite3_step(s);
	key = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
	if (rc != SQLITE_ROW || key < key_of(kind, 0)) {
		sqlite3_reset(s);
		return rc == SQLITE_ROW || rc == SQLITE_DONE ?
		    SQLITE_NOTFOUND : rc;
	}
	p = sqlite3_column_blob(s, 2);
	n = (size_t)sqlite3_column_bytes(s, 2);
	rc = SQLITE_CORRUPT;
	if (n <= ROW_MAX && (uint64_t)sqlite3_column_int64(s, 1) ==
	    index_sum(p, n, (uint64_t)key)) {
		if (chunk->store_cap < n) {
			chunk->store_cap = n + n / 2;
			chunk->store = memory_grow(chunk->store,
			    chunk->store_cap);
		}
		if (n > 0)
			memcpy(chunk->store, p, n);
		if (unpack(ix, chunk, chunk->store, n, (uint32_t)key))
			rc = SQLITE_OK;
		else
			chunk->count = 0;
	}
	sqlite3_reset(s);
	return rc;
}

/* Place of the UID in the chunk, or where it would be. */
static size_t
place_of(const struct index_chunk *chunk, uint32_t uid)
{
	size_t low = 0, high = chunk->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (chunk->uids[mid] < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int
index_parsed_get(struct index *ix, uint32_t uid, unsigned kind,
    struct index_chunk *chunk, size_t *at)
{
	index_start_clock(ix);
	if (ix->writing || read_at(ix, kind, uid, chunk) != SQLITE_OK)
		return 0;
	*at = place_of(chunk, uid);
	return *at < chunk->count && chunk->uids[*at] == uid;
}

struct span
index_chunk_text(const struct index_chunk *chunk, size_t at)
{
	uint32_t start = at == 0 ? 0 : chunk->ends[at - 1];

	return (struct span){ chunk->bytes + start,
	    chunk->ends[at] - start };
}

void
index_chunk_clear(struct index_chunk *chunk)
{
	free(chunk->numbers);
	free(chunk->store);
	memset(chunk, 0, sizeof *chunk);
}

/* Texts on their way into rows. */
struct batch {
	struct index *ix;
	unsigned kind;
	const struct index_records *records;
	uint32_t uids[INDEX_CHUNK_MESSAGES];
	uint32_t ends[INDEX_CHUNK_MESSAGES];
	uint32_t count;
	struct buf bytes, row;
};

static int
batch_write(struct batch *b)
{
	sqlite3_stmt *s = index_statement(b->ix, INDEX_PARSED_PUT);
	int64_t key;
	int rc;

	if (b->count == 0)
		return SQLITE_OK;
	if (s == NULL)
		return sqlite3_extended_errcode(b->ix->db);
	key = key_of(b->kind, b->uids[0]);
	buf_reset(&b->row);
	buf_add(&b->row, &b->ix->uidvalidity, sizeof b->ix->uidvalidity);
	buf_add(&b->row, &b->count, sizeof b->count);
	buf_add(&b->row, b->uids, b->count * sizeof b->uids[0]);
	buf_add(&b->row, b->ends, b->count * sizeof b->ends[0]);
	buf_addspan(&b->row, buf_span(&b->bytes));
	sqlite3_bind_int64(s, 1, key);
	sqlite3_bind_int64(s, 2, key_of(b->kind, b->uids[b->count - 1]));
	sqlite3_bind_int64(s, 3, (int64_t)index_sum(b->row.p, b->row.n,
	    (uint64_t)key));
	sqlite3_bind_blob(s, 4, b->row.p, (int)b->row.n, SQLITE_STATIC);
	rc = index_run(b->ix, INDEX_PARSED_PUT);
	sqlite3_clear_bindings(s);
	b->count = 0;
	buf_reset(&b->bytes);
	return rc;
}

/* Is the UID of a message that is still there? */
static bool
is_alive(struct index *ix, const struct index_records *all, uint32_t uid)
{
	size_t i;

	if (all == NULL)
		return true;
	i = index_find(ix, all, uid);
	return i < all->count && index_uid(ix, all, i) == uid;
}

static int
batch_add(struct batch *b, uint32_t uid, struct span text)
{
	int rc = SQLITE_OK;

	if (text.n > INDEX_TEXT_MAX || !is_alive(b->ix,
	    b->records, uid))
		return SQLITE_OK;
	if (b->count == INDEX_CHUNK_MESSAGES || (b->count > 0 &&
	    b->bytes.n + text.n > INDEX_CHUNK_OCTETS))
		rc = batch_write(b);
	buf_addspan(&b->bytes, text);
	b->uids[b->count] = uid;
	b->ends[b->count++] = (uint32_t)b->bytes.n;
	return rc;
}

/* The first UID of the row after this one, 2^32 if there is none. */
static int
next_first(struct index *ix, unsigned kind, uint32_t uid, uint64_t *first)
{
	sqlite3_stmt *s = index_statement(ix, INDEX_PARSED_AFTER);
	int rc;

	if (s == NULL)
		return sqlite3_extended_errcode(ix->db);
	sqlite3_bind_int64(s, 1, key_of(kind, uid));
	rc = sqlite3_step(s);
	*first = UINT64_C(1) << 32;
	if (rc == SQLITE_ROW &&
	    sqlite3_column_int64(s, 0) < key_of(kind + 1, 0))
		*first = (uint64_t)(sqlite3_column_int64(s, 0) -
		    key_of(kind, 0));
	sqlite3_reset(s);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
drop(struct index *ix, unsigned kind, uint32_t first)
{
	sqlite3_stmt *s = index_statement(ix, INDEX_PARSED_DROP);

	if (s == NULL)
		return sqlite3_extended_errcode(ix->db);
	sqlite3_bind_int64(s, 1, key_of(kind, first));
	return index_run(ix, INDEX_PARSED_DROP);
}

/* Rows that do not check are found by their key and go. */
static int
drop_damaged(struct index *ix, unsigned kind, uint32_t uid)
{
	sqlite3_stmt *s = index_statement(ix, INDEX_PARSED_AT);
	int64_t key;

	if (s == NULL)
		return sqlite3_extended_errcode(ix->db);
	sqlite3_bind_int64(s, 1, key_of(kind, uid));
	key = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	return drop(ix, kind, (uint32_t)key);
}

/* Take the row that begins at `first` into the batch if it is no larger than
 * what is left of one: who reads backwards shall not leave a row a message. */
static int
take_next(struct batch *b, struct index_chunk *row, uint64_t first)
{
	int rc;

	if (first > UINT32_MAX || b->count == 0)
		return SQLITE_OK;
	rc = read_at(b->ix, b->kind, (uint32_t)first, row);
	if (rc != SQLITE_OK || row->count + b->count > INDEX_CHUNK_MESSAGES ||
	    row->ends[row->count - 1] + b->bytes.n > INDEX_CHUNK_OCTETS)
		return rc == SQLITE_CORRUPT ? SQLITE_OK : rc;
	rc = drop(b->ix, b->kind, (uint32_t)first);
	for (size_t i = 0; rc == SQLITE_OK && i < row->count; i++)
		rc = batch_add(b, row->uids[i], index_chunk_text(row, i));
	return rc;
}

static int
put_all(struct batch *b, struct index_chunk *base, const uint32_t *uids,
    const struct span *texts, size_t n)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; rc == SQLITE_OK && i < n;) {
		uint64_t limit;
		size_t old = 0;

		rc = read_at(b->ix, b->kind, uids[i], base);
		if (rc == SQLITE_CORRUPT)
			rc = drop_damaged(b->ix, b->kind, uids[i]);
		else if (rc == SQLITE_NOTFOUND)
			rc = SQLITE_OK;
		if (rc == SQLITE_OK)
			rc = next_first(b->ix, b->kind, uids[i], &limit);
		if (rc != SQLITE_OK)
			break;
		/* A row that is full and ends before the new ones stays. */
		if (base->count > 0 &&
		    uids[i] > base->uids[base->count - 1] &&
		    (base->count == INDEX_CHUNK_MESSAGES ||
		    base->ends[base->count - 1] + texts[i].n >
		    INDEX_CHUNK_OCTETS))
			base->count = 0;
		if (base->count > 0)
			rc = drop(b->ix, b->kind, base->uids[0]);
		for (; rc == SQLITE_OK && i < n && uids[i] < limit; i++) {
			for (; old < base->count && base->uids[old] < uids[i]
			    && rc == SQLITE_OK; old++)
				rc = batch_add(b, base->uids[old],
				    index_chunk_text(base, old));
			if (old < base->count && base->uids[old] == uids[i])
				old++;
			if (rc == SQLITE_OK)
				rc = batch_add(b, uids[i], texts[i]);
		}
		for (; rc == SQLITE_OK && old < base->count; old++)
			rc = batch_add(b, base->uids[old],
			    index_chunk_text(base, old));
		if (rc == SQLITE_OK)
			rc = take_next(b, base, limit);
		if (rc == SQLITE_OK)
			rc = batch_write(b);
	}
	return rc;
}

/* Has the mailbox been renumbered, or the index begun anew, since the texts
 * were read? */
static int
check_uidvalidity(struct index *ix, uint32_t uidvalidity)
{
	struct box_meta m = { .uidnext = 1 };
	struct index_state state;
	int rc;

	rc = index_meta_get(ix, &m, &state);
	free(state.groups);
	return rc == SQLITE_OK && (m.uidvalidity != uidvalidity ||
	    ix->uidvalidity != uidvalidity) ? SQLITE_ABORT : rc;
}

int
index_parsed_put(struct index *ix, unsigned kind, uint32_t uidvalidity,
    const struct index_records *records, const uint32_t *uids,
    const struct span *texts, size_t n, struct fault *why)
{
	struct batch b = { .ix = ix, .kind = kind, .records = records };
	struct index_chunk base = { 0 };
	int rc;

	if (n == 0 || ix->writing)
		return 0;
	buf_init(&b.bytes, 0);
	buf_init(&b.row, 0);
	ix->deadline = clock_steady() + PATIENCE;
	/* What is lost when the machine stops is parsed again. */
	rc = index_schema_sync(ix, true);
	if (rc == SQLITE_OK)
		rc = index_run(ix, INDEX_BEGIN_WRITE);
	if (rc == SQLITE_OK && index_file_moved(ix))
		rc = SQLITE_ABORT;
	if (rc == SQLITE_OK)
		rc = check_uidvalidity(ix, uidvalidity);
	if (rc == SQLITE_OK)
		rc = put_all(&b, &base, uids, texts, n);
	if (rc == SQLITE_OK)
		rc = TRIP("index_parsed.commit") ? SQLITE_IOERR :
		    index_run(ix, INDEX_COMMIT);
	else if (ix->db != NULL && sqlite3_get_autocommit(ix->db) == 0)
		index_run(ix, INDEX_ROLLBACK);
	index_chunk_clear(&base);
	buf_clear(&b.bytes);
	buf_clear(&b.row);
	return rc == SQLITE_OK ? 0 : index_fault(ix, rc, "keep", why);
}

int
index_parsed_forget(struct index *ix, uint32_t first, uint32_t last)
{
	sqlite3_stmt *s = index_statement(ix, INDEX_PARSED_DROP_RANGE);
	int rc = SQLITE_OK;

	if (s == NULL)
		return sqlite3_extended_errcode(ix->db);
	for (unsigned kind = 0; rc == SQLITE_OK && kind < INDEX_KINDS;
	    kind++) {
		sqlite3_bind_int64(s, 1, key_of(kind, first));
		sqlite3_bind_int64(s, 2, key_of(kind, last));
		sqlite3_bind_int64(s, 3, key_of(kind, last));
		rc = index_run(ix, INDEX_PARSED_DROP_RANGE);
	}
	return rc;
}

/* Is any message in [first, last] there? */
static bool
any_alive(struct index *ix, const struct index_records *all, uint32_t first,
    uint32_t last)
{
	size_t i = index_find(ix, all, first);

	return i < all->count && index_uid(ix, all, i) <= last;
}

int
index_parsed_prune(struct index *ix, const struct index_records *all)
{
	sqlite3_stmt *s = index_statement(ix, INDEX_PARSED_KEYS);
	int64_t *dead = NULL;
	size_t count = 0, cap = 0;
	int rc;

	if (s == NULL)
		return sqlite3_extended_errcode(ix->db);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		int64_t key = sqlite3_column_int64(s, 0);
		int64_t last = sqlite3_column_int64(s, 1);

		if (any_alive(ix, all, (uint32_t)key, (uint32_t)last))
			continue;
		if (count == cap) {
			cap = cap == 0 ? 64 : cap * 2;
			dead = memory_grow_array(dead, cap, sizeof *dead);
		}
		dead[count++] = key;
	}
	sqlite3_reset(s);
	rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
	s = index_statement(ix, INDEX_PARSED_DROP);
	for (size_t i = 0; s != NULL && rc == SQLITE_OK && i < count; i++) {
		sqlite3_bind_int64(s, 1, dead[i]);
		rc = index_run(ix, INDEX_PARSED_DROP);
	}
	free(dead);
	return rc;
}
