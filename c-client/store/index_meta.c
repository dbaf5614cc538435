/* SPDX-License-Identifier: Apache-2.0 */
/* The row of a mailbox's own numbers, packed and checked. */
#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/memory.h"
#include "c-client/store/box.h"
#include "c-client/store/index_private.h"

#include "c-client/base/banned.h"

/* Beyond this a clock was not only wrong: nobody can count on from there. */
#define MODSEQ_SANE	(UINT64_C(1) << 62)

/* What follows is the groups' summaries, stamp, note, and the keyword names,
 * each with a NUL. */
struct packed {
	uint32_t format;
	uint32_t record_size;
	uint32_t uidvalidity;
	uint32_t uidnext;
	uint32_t first_recent;
	uint32_t stamp_size;
	uint32_t note_size;
	uint32_t keyword_count;
	uint64_t highestmodseq;
	uint64_t modseq_floor;
	uint64_t change;
	uint64_t layout;
	uint64_t count;		/* of records */
	uint64_t blobs;		/* how many there are */
	uint64_t marks;		/* of MARK_* */
};

#define MARK_SOFT	1u	/* this commit was not synced */
#define MARK_TRANSITS	2u	/* the table has more rows than this one */

bool
index_keyword_is_valid(struct span text)
{
	if (text.n == 0 || text.n > BOUND_KEYWORD)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c <= ' ' || c >= 0x7f ||
		    strchr("(){%*\"\\]", c) != NULL)
			return false;
	}
	return true;
}

/* Names that were known before keep their place in memory. */
static const char *
keep_name(struct index *ix, const struct box_meta *old, size_t i,
    const char *p, size_t n)
{
	if (i < old->keyword_count && strlen(old->keywords[i]) == n &&
	    memcmp(old->keywords[i], p, n) == 0)
		return old->keywords[i];
	return arena_string(ix->strings, p, n);
}

/* The summaries, taken from the front. */
static bool
unpack_groups(struct span *data, uint64_t blobs, struct index_state *state)
{
	uint64_t n = blobs / INDEX_GROUP_BLOBS +
	    (blobs % INDEX_GROUP_BLOBS != 0);

	if (n > data->n / INDEX_GROUP_PACKED)
		return false;
	state->groups = memory_grow_array(NULL, n + 1, sizeof *state->groups);
	for (; state->group_count < n; blobs -= INDEX_GROUP_BLOBS) {
		if (!index_group_unpack(data->p, blobs < INDEX_GROUP_BLOBS ?
		    (uint32_t)blobs : INDEX_GROUP_BLOBS,
		    &state->groups[state->group_count]))
			return false;
		state->group_count++;
		*data = span_slice(*data, INDEX_GROUP_PACKED, data->n);
	}
	return true;
}

static bool
unpack(struct index *ix, struct span data, const struct box_meta *old,
    struct box_meta *m, struct packed *head, struct index_state *state)
{
	if (data.n < sizeof *head)
		return false;
	memcpy(head, data.p, sizeof *head);
	data = span_slice(data, sizeof *head, data.n);
	if (head->format != INDEX_FORMAT ||
	    head->record_size != sizeof(struct record) ||
	    head->stamp_size > BOX_STAMP_MAX ||
	    head->note_size > BOX_STAMP_MAX ||
	    head->keyword_count > BOUND_KEYWORDS || head->uidnext == 0 ||
	    head->first_recent > head->uidnext ||
	    head->highestmodseq > MODSEQ_SANE ||
	    head->modseq_floor > head->highestmodseq ||
	    head->count >= head->uidnext ||
	    (head->uidvalidity == 0 && head->count > 0) ||
	    !unpack_groups(&data, head->blobs, state) ||
	    data.n < (size_t)head->stamp_size + head->note_size)
		return false;
	memset(m, 0, sizeof *m);
	m->uidvalidity = head->uidvalidity;
	m->uidnext = head->uidnext;
	m->first_recent = head->first_recent;
	m->highestmodseq = head->highestmodseq;
	m->modseq_floor = head->modseq_floor;
	m->transits = (head->marks & MARK_TRANSITS) != 0;
	m->stamp_size = head->stamp_size;
	memcpy(m->stamp, data.p, m->stamp_size);
	m->note_size = head->note_size;
	memcpy(m->note, data.p + m->stamp_size, m->note_size);
	data = span_slice(data, m->stamp_size + m->note_size, data.n);
	for (size_t i = 0; i < head->keyword_count; i++) {
		ptrdiff_t end = span_find_char(data, '\0');

		if (end == -1 || !index_keyword_is_valid(span_slice(data, 0,
		    (size_t)end)))
			return false;
		m->keywords[i] = keep_name(ix, old, i, data.p, (size_t)end);
		m->keyword_count++;
		data = span_slice(data, (size_t)end + 1, data.n);
	}
	return data.n == 0;
}

/*
 * Read the row.  `m` has what was known before; it is written to only on
 * SQLITE_OK.  No row: a new index, all 0 but uidnext.  The state's groups are
 * the caller's in any case.
 */
int
index_meta_get(struct index *ix, struct box_meta *m,
    struct index_state *state)
{
	sqlite3_stmt *s = index_statement(ix, INDEX_BOX_GET);
	struct box_meta got;
	struct packed head = { 0 };
	struct span data;
	int rc;

	memset(state, 0, sizeof *state);
	if (s == NULL)
		return sqlite3_extended_errcode(ix->db);
	rc = sqlite3_step(s);
	if (rc == SQLITE_DONE) {
		memset(m, 0, sizeof *m);
		m->uidnext = m->first_recent = 1;
		ix->soft_last = false;
		sqlite3_reset(s);
		return SQLITE_OK;
	}
	if (rc == SQLITE_ROW) {
		data.p = sqlite3_column_blob(s, 1);
		data.n = (size_t)sqlite3_column_bytes(s, 1);
		rc = data.p != NULL && (uint64_t)sqlite3_column_int64(s, 0) ==
		    index_sum(data.p, data.n, 0) &&
		    unpack(ix, data, m, &got, &head, state) ?
		    SQLITE_OK : SQLITE_CORRUPT;
	}
	sqlite3_reset(s);
	if (rc != SQLITE_OK)
		return rc;
	*m = got;
	ix->soft_last = (head.marks & MARK_SOFT) != 0;
	state->change = head.change;
	state->layout = head.layout;
	state->count = (size_t)head.count;
	return SQLITE_OK;
}

int
index_meta_put(struct index *ix, const struct box_meta *m, uint64_t change,
    uint64_t layout, size_t count)
{
	sqlite3_stmt *s = index_statement(ix, INDEX_BOX_PUT);
	struct packed head = {
		.format = INDEX_FORMAT,
		.record_size = sizeof(struct record),
		.uidvalidity = m->uidvalidity,
		.uidnext = m->uidnext,
		.first_recent = m->first_recent,
		.stamp_size = (uint32_t)m->stamp_size,
		.note_size = (uint32_t)m->note_size,
		.keyword_count = (uint32_t)m->keyword_count,
		.highestmodseq = m->highestmodseq,
		.modseq_floor = m->modseq_floor,
		.change = change,
		.layout = layout,
		.count = count,
		.marks = (ix->soft ? MARK_SOFT : 0) |
		    (m->transits ? MARK_TRANSITS : 0),
	};
	struct buf b;
	int rc;

	if (s == NULL)
		return sqlite3_extended_errcode(ix->db);
	buf_init(&b, 0);
	for (size_t k = 0; k < ix->group_count; k++)
		head.blobs += ix->groups[k].blob_count;
	buf_add(&b, &head, sizeof head);
	for (size_t k = 0; k < ix->group_count; k++)
		index_group_pack(&b, &ix->groups[k]);
	buf_add(&b, m->stamp, m->stamp_size);
	buf_add(&b, m->note, m->note_size);
	for (size_t i = 0; i < m->keyword_count; i++)
		buf_add(&b, m->keywords[i], strlen(m->keywords[i]) + 1);
	sqlite3_bind_int64(s, 1, (int64_t)index_sum(b.p, b.n, 0));
	sqlite3_bind_blob(s, 2, b.p, (int)b.n, SQLITE_STATIC);
	rc = index_run(ix, INDEX_BOX_PUT);
	buf_clear(&b);
	ix->soft_last = ix->soft;
	return rc;
}
