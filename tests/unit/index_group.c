/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of blobs: what goes in comes out, and nothing else is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/buf.h"
#include "c-client/store/index_private.h"

#define CHANGE	9

static unsigned seed = 11;

static unsigned
chance(unsigned below)
{
	return (unsigned)rand_r(&seed) % below;
}

/* So many blobs of random records, some of them empty. */
static void
make(struct index_group *g, uint32_t blobs, unsigned gap, struct buf *row)
{
	struct record r[INDEX_BLOB_RECORDS];
	uint32_t uid = 1, start = 0;

	index_group_new(g);
	for (; g->blob_count < blobs; g->blob_count++) {
		struct index_blob *b = &g->blobs[g->blob_count];
		uint32_t n = chance(3) == 0 ? 0 : chance(INDEX_BLOB_RECORDS +
		    1);

		*b = (struct index_blob){ .start = start, .count = n,
		    .change = 1 + chance(5), .sums = { chance(1000), chance(9) } };
		memset(r, 0, sizeof r);
		for (uint32_t i = 0; i < n; i++) {
			uid += chance(gap);
			r[i] = (struct record){ .uid = uid++, .place = chance(99),
			    .modseq = chance(100), .wire_size = chance(5000),
			    .flags = chance(4) == 0 ? 0 : FLAG_SEEN };
		}
		index_brief_make(b, r);
		start += n;
	}
	index_group_write(g, 3, CHANGE, row);
}

static bool
is_same_blob(const struct index_blob *a, const struct index_blob *b)
{
	for (size_t i = 0; i < a->count; i++)
		if (index_brief_uid(a, i) != index_brief_uid(b, i))
			return false;
	return a->change == b->change && memcmp(a->sums, b->sums, sizeof a->sums) == 0 &&
	    a->place == b->place &&
	    a->modseq == b->modseq && a->octets == b->octets &&
	    a->start == b->start && a->count == b->count &&
	    a->unseen == b->unseen && a->first_unseen == b->first_unseen &&
	    a->unwritten == b->unwritten;
}

static void
round_trip(uint32_t blobs, unsigned gap)
{
	struct buf row, summary, again;
	struct index_group g, back;

	buf_init(&row, 0);
	buf_init(&summary, 0);
	buf_init(&again, 0);
	make(&g, blobs, gap, &row);
	index_group_pack(&summary, &g);
	assert_int_equal(summary.n, INDEX_GROUP_PACKED);
	assert_true(index_group_unpack(summary.p, blobs, &back));
	assert_null(back.blobs);
	assert_int_equal(index_group_read(&back, 3, buf_span(&row)), 1);
	index_group_pack(&again, &back);
	assert_memory_equal(summary.p, again.p, summary.n);
	for (uint32_t i = 0; i < blobs; i++)
		assert_true(is_same_blob(&g.blobs[i], &back.blobs[i]));
	if (gap == 1)
		assert_int_equal(index_group_is_run(&back), back.count > 0);
	index_group_clear(&back);
	/* It is the row of no other group, and of no other commit. */
	assert_int_equal(index_group_read(&back, 4, buf_span(&row)), 0);
	back.change++;
	assert_int_equal(index_group_read(&back, 3, buf_span(&row)), 0);
	assert_null(back.blobs);
	index_group_clear(&g);
	buf_clear(&row);
	buf_clear(&summary);
	buf_clear(&again);
}

static void
test_round_trip(void **state)
{
	static const uint32_t counts[] = { 0, 1, 2, 9, INDEX_GROUP_BLOBS };
	static const unsigned gaps[] = { 1, 2, 300, 100000 };

	(void)state;
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
		for (size_t k = 0; k < sizeof gaps / sizeof gaps[0]; k++)
			for (int n = 0; n < 20; n++)
				round_trip(counts[i], gaps[k]);
}

/* A summary with a right checksum that says another thing than its row, and a
 * row that is cut short or longer. */
static void
test_liars(void **state)
{
	struct index_group g, liar;
	struct buf row, summary;

	(void)state;
	buf_init(&row, 0);
	buf_init(&summary, 0);
	make(&g, 9, 3, &row);
	index_group_pack(&summary, &g);
	/* Behind the commit's number and the checksum. */
	for (size_t i = 16; i < INDEX_GROUP_PACKED; i++) {
		summary.p[i] ^= 1;
		if (index_group_unpack(summary.p, 9, &liar))
			assert_int_equal(index_group_read(&liar, 3,
			    buf_span(&row)), -1);
		summary.p[i] ^= 1;
	}
	assert_true(index_group_unpack(summary.p, 9, &liar));
	for (uint32_t blobs = 8; blobs <= 10; blobs += 2) {
		liar.blob_count = blobs;
		assert_int_equal(index_group_read(&liar, 3, buf_span(&row)),
		    -1);
	}
	liar.blob_count = 9;
	for (size_t i = 0; i < row.n; i++) {
		char *cut = malloc(i + 1);
		struct span part = { cut, i };

		memcpy(cut, row.p, i);
		assert_int_equal(index_group_read(&liar, 3, part), 0);
		liar.sum = index_group_sum(3, CHANGE, part);
		assert_int_equal(index_group_read(&liar, 3, part), -1);
		liar.sum = g.sum;
		free(cut);
	}
	buf_addc(&row, 'x');
	liar.sum = index_group_sum(3, CHANGE, buf_span(&row));
	assert_int_equal(index_group_read(&liar, 3, buf_span(&row)), -1);
	assert_null(liar.blobs);
	index_group_clear(&g);
	buf_clear(&row);
	buf_clear(&summary);
}

static void
test_summaries(void **state)
{
	static const struct {
		uint32_t count, first, last, unseen, first_unseen, unwritten;
		bool good;
	} rows[] = {
		{ 0, 0, 0, 0, 0, 0, true },
		{ 0, 1, 0, 0, 0, 0, false },
		{ 0, 0, 1, 0, 0, 0, false },
		{ 0, 0, 0, 1, 0, 0, false },
		{ 0, 0, 0, 0, 1, 0, false },
		{ 0, 0, 0, 0, 0, 1, false },
		{ 1, 1, 1, 1, 0, 1, true },
		{ 1, 0, 0, 1, 0, 1, false },
		{ 1, 2, 1, 1, 0, 1, false },
		{ 1, 1, 1, 1, 1, 1, false },
		{ 1, 1, 1, 2, 0, 1, false },
		{ 1, 1, 1, 1, 0, 2, false },
		{ 2, 1, 1, 0, 2, 0, false },
		{ 2, 1, 2, 0, 2, 0, true },
		{ 2, 1, UINT32_MAX, 0, 2, 0, true },
		{ 272, 1, 272, 0, 272, 0, true },
		{ 273, 1, 273, 0, 273, 0, false },
		{ UINT32_MAX, 1, UINT32_MAX, 0, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct index_group g = { .count = rows[i].count,
		    .first = rows[i].first, .last = rows[i].last,
		    .unseen = rows[i].unseen,
		    .first_unseen = rows[i].first_unseen,
		    .unwritten = rows[i].unwritten }, back;
		struct buf b;

		buf_init(&b, 0);
		index_group_pack(&b, &g);
		if (index_group_unpack(b.p, 2, &back) != rows[i].good)
			fail_msg("row %zu", i);
		buf_clear(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_liars),
		cmocka_unit_test(test_summaries),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
