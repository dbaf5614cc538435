/* SPDX-License-Identifier: Apache-2.0 */
/* Packed records: what goes in comes out, and nothing else is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/buf.h"
#include "c-client/store/index_pack.h"
#include "c-client/store/index_private.h"

#define MAX	INDEX_BLOB_RECORDS

static void
one_part(enum index_part part, const struct record *r, size_t n,
    uint64_t place, struct record *back)
{
	struct buf b;
	size_t count;

	buf_init(&b, 0);
	index_pack_write(&b, part, r, n, place);
	assert_true(index_pack_count(buf_span(&b), part, MAX, &count));
	assert_int_equal(count, n);
	index_pack_read(buf_span(&b), part, place, back);
	/* No other length is one, and no record too many. */
	for (size_t i = 0; i < b.n; i++) {
		char *cut = malloc(i + 1);

		memcpy(cut, b.p, i);
		assert_false(index_pack_count((struct span){ cut, i }, part,
		    MAX, &count));
		free(cut);
	}
	if (n > 0)
		assert_false(index_pack_count(buf_span(&b), part, n - 1,
		    &count));
	buf_addc(&b, 'x');
	assert_false(index_pack_count(buf_span(&b), part, MAX, &count));
	buf_clear(&b);
}

static void
round_trip(const struct record *r, size_t n)
{
	struct record *back = malloc((n + 1) * sizeof *back);
	uint64_t place = index_pack_place(r, n);

	for (size_t i = 0; i < n; i++)
		assert_true(r[i].place >= place);
	memset(back, 0x55, (n + 1) * sizeof *back);
	for (unsigned part = 0; part < INDEX_PARTS; part++)
		one_part(part, r, n, place, back);
	assert_memory_equal(back, r, n * sizeof *r);
	free(back);
}

static void
test_round_trip(void **state)
{
	static const size_t counts[] = { 0, 1, 2, 7, MAX - 1, MAX };
	struct record *r = calloc(MAX, sizeof *r);
	unsigned seed = 5;

	(void)state;
	for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
		/* All alike, all 0 or all 1; then octets that differ more and
		 * more, so that each width has its turn. */
		for (int fill = 0; fill < 2; fill++) {
			memset(r, fill * 255, MAX * sizeof *r);
			round_trip(r, counts[k]);
		}
		for (unsigned mask = 1; mask <= 255; mask = mask * 2 + 1) {
			for (size_t i = 0; i < MAX * sizeof *r; i++)
				((uint8_t *)r)[i] = (uint8_t)((unsigned)
				    rand_r(&seed) >> 8 & mask);
			round_trip(r, counts[k]);
		}
		for (unsigned shift = 0; shift < 64; shift += 7) {
			memset(r, 0, MAX * sizeof *r);
			for (size_t i = 0; i < MAX; i++) {
				r[i].place = (uint64_t)i << shift;
				r[i].uid = (uint32_t)(i << shift % 24);
				r[i].date = -(int64_t)i;
				r[i].zone = (int16_t)(60 - (int)i);
			}
			round_trip(r, counts[k]);
		}
	}
	free(r);
}

/* Headers of fields that nobody writes. */
static void
test_widths(void **state)
{
	struct record r = { .uid = 1 };
	struct buf b;
	size_t count;

	(void)state;
	buf_init(&b, 0);
	index_pack_write(&b, INDEX_PART_MAIL, &r, 1, 0);
	for (int width = 0; width < 256; width++) {
		b.p[4] = (char)width;
		/* With another width the lengths don't add up. */
		assert_int_equal(index_pack_count(buf_span(&b),
		    INDEX_PART_MAIL, MAX, &count), width == 0);
	}
	buf_clear(&b);
}

/* Mail as it is. */
static void
make_mail(struct record *r)
{
	unsigned seed = 9;

	for (size_t i = 0; i < MAX; i++) {
		r[i].uid = (uint32_t)(1000 + i);
		r[i].place = i * 9000 + (unsigned)rand_r(&seed) % 5000;
		r[i].disk_size = 1000 + (unsigned)rand_r(&seed) % 100000;
		r[i].wire_size = r[i].disk_size + 300;
		r[i].wire_header = 500 + (unsigned)rand_r(&seed) % 3000;
		r[i].disk_header = r[i].wire_header - 20;
		r[i].date = INT64_C(1700000000) + rand_r(&seed);
		r[i].modseq = 1700000000000000;
		r[i].flags = (uint16_t)((unsigned)rand_r(&seed) % 32);
		for (size_t k = 0; k < sizeof r[i].digest; k++)
			r[i].digest[k] = (uint8_t)rand_r(&seed);
	}
}

/* It takes less than half of the room in memory, flags a tenth of that; and
 * neither part says where the messages begin. */
static void
test_size(void **state)
{
	struct record *r = calloc(MAX, sizeof *r);
	struct buf b, moved;

	(void)state;
	make_mail(r);
	buf_init(&b, 0);
	buf_init(&moved, 0);
	index_pack_write(&b, INDEX_PART_FLAGS, r, MAX, 0);
	assert_true(b.n < MAX * sizeof *r / 20);
	buf_reset(&b);
	index_pack_write(&b, INDEX_PART_MAIL, r, MAX,
	    index_pack_place(r, MAX));
	assert_true(b.n < MAX * sizeof *r / 2);
	assert_true(b.n < 8192 - 100);
	for (size_t i = 0; i < MAX; i++)
		r[i].place += UINT64_C(1) << 40;
	index_pack_write(&moved, INDEX_PART_MAIL, r, MAX,
	    index_pack_place(r, MAX));
	assert_int_equal(moved.n, b.n);
	assert_memory_equal(moved.p, b.p, b.n);
	buf_clear(&b);
	buf_clear(&moved);
	free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_size),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
