/* SPDX-License-Identifier: Apache-2.0 */
/* Transfer encodings: tables, and the same result however it is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/buf.h"
#include "c-client/mime/transfer.h"
#include "tests/lib/linear.h"

static const struct {
	enum transfer transfer;
	const char *in, *want;
} rows[] = {
	{ TRANSFER_IDENTITY, "a=20\r\n", "a=20\r\n" },
	{ TRANSFER_BASE64, "", "" },
	{ TRANSFER_BASE64, "SGVsbG8=", "Hello" },
	{ TRANSFER_BASE64, "SGVs\r\nbG8=\r\n", "Hello" },
	{ TRANSFER_BASE64, "SGVsbG8", "Hello" },
	{ TRANSFER_BASE64, "SGVsbA==", "Hell" },
	{ TRANSFER_BASE64, "SGVsbA", "Hell" },
	{ TRANSFER_BASE64, "S", "" },
	{ TRANSFER_BASE64, "=", "" },
	{ TRANSFER_BASE64, "====", "" },
	{ TRANSFER_BASE64, "*S*G*V*s*b*G*8*=*", "Hello" },
	{ TRANSFER_BASE64, "SGVsbG8=SGVsbG8=", "HelloHello" },
	{ TRANSFER_BASE64, "SGVsbA==SGVsbA==", "HellHell" },
	{ TRANSFER_BASE64, "SGVsbG8=\r\n\r\n-- \r\n", "Hello" },
	{ TRANSFER_QP, "", "" },
	{ TRANSFER_QP, "plain\r\n", "plain\r\n" },
	{ TRANSFER_QP, "caf=C3=A9", "caf\xc3\xa9" },
	{ TRANSFER_QP, "caf=c3=a9", "caf\xc3\xa9" },
	{ TRANSFER_QP, "soft=\r\n break", "soft break" },
	{ TRANSFER_QP, "soft=\nbreak", "softbreak" },
	{ TRANSFER_QP, "soft= \t\r\nbreak", "softbreak" },
	{ TRANSFER_QP, "blanks \t\r\nend \t", "blanks\r\nend" },
	{ TRANSFER_QP, "blanks \nx", "blanks\nx" },
	{ TRANSFER_QP, "a b\tc", "a b\tc" },
	{ TRANSFER_QP, "=", "" },
	{ TRANSFER_QP, "==41", "=A" },
	{ TRANSFER_QP, "=4", "=4" },
	{ TRANSFER_QP, "=G1", "=G1" },
	{ TRANSFER_QP, "=4G", "=4G" },
	{ TRANSFER_QP, "=\r", "=\r" },
	{ TRANSFER_QP, "= \rx", "= \rx" },
	{ TRANSFER_QP, "a \r", "a \r" },
	{ TRANSFER_QP, "a \r\r\n", "a \r\r\n" },
	{ TRANSFER_QP, "=3D=0D=0A", "=\r\n" },
};

static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf out;

		buf_init(&out, 0);
		transfer_decode(rows[i].transfer, span_of(rows[i].in), &out);
		assert_string_equal(buf_string(&out), rows[i].want);
		buf_clear(&out);
	}
}

/* Decode in pieces of `piece` octets, and compare with all at once. */
static void
pieces_same(enum transfer transfer, struct span in, size_t piece)
{
	struct transfer_state t;
	struct buf whole, parts;

	buf_init(&whole, 0);
	buf_init(&parts, 0);
	transfer_decode(transfer, in, &whole);
	transfer_begin(&t, transfer);
	for (size_t at = 0; at < in.n; at += piece)
		transfer_feed(&t, span_slice(in, at, piece), &parts);
	transfer_end(&t, &parts);
	assert_int_equal(parts.n, whole.n);
	assert_memory_equal(buf_string(&parts), buf_string(&whole), whole.n);
	buf_clear(&whole);
	buf_clear(&parts);
}

static void
test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (size_t piece = 1; piece <= strlen(rows[i].in); piece++)
			pieces_same(rows[i].transfer, span_of(rows[i].in),
			    piece);
}

/* Blanks about as long as the decoder keeps. */
static void
test_long_blanks(void **state)
{
	static const char *const ends[] = { "", "\r\n", "\n", "x", "\rx" };

	(void)state;
	for (size_t n = 990; n < 1030; n++) {
		for (size_t e = 0; e < 5; e++) {
			struct buf in;

			buf_init(&in, 0);
			buf_addc(&in, e % 2 == 0 ? '=' : 'a');
			for (size_t i = 0; i < n; i++)
				buf_addc(&in, i % 3 == 0 ? '\t' : ' ');
			buf_adds(&in, ends[e]);
			pieces_same(TRANSFER_QP, buf_span(&in), 1);
			pieces_same(TRANSFER_QP, buf_span(&in), 7);
			pieces_same(TRANSFER_QP, buf_span(&in), 998);
			pieces_same(TRANSFER_QP, buf_span(&in), 1024);
			buf_clear(&in);
		}
	}
}

static void
test_random(void **state)
{
	static const char alphabet[] = "=4Aa \t\r\n/+g";
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 300; round++) {
		char text[200];

		for (size_t i = 0; i < sizeof text; i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = alphabet[(seed >> 16) %
			    (sizeof alphabet - 1)];
		}
		for (size_t piece = 1; piece < 12; piece++) {
			pieces_same(TRANSFER_QP,
			    (struct span){ text, sizeof text }, piece);
			pieces_same(TRANSFER_BASE64,
			    (struct span){ text, sizeof text }, piece);
		}
	}
}

static void
test_names(void **state)
{
	(void)state;
	assert_int_equal(transfer_of(SPAN("BASE64")), TRANSFER_BASE64);
	assert_int_equal(transfer_of(SPAN(" Quoted-Printable ")), TRANSFER_QP);
	assert_int_equal(transfer_of(SPAN("7bit")), TRANSFER_IDENTITY);
	assert_int_equal(transfer_of(SPAN("")), TRANSFER_IDENTITY);
	assert_int_equal(transfer_of(SPAN("base64 ; x")), TRANSFER_IDENTITY);
}

static void
test_full(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4);
	transfer_decode(TRANSFER_BASE64, SPAN("SGVsbG8gd29ybGQ="), &out);
	assert_true(out.full);
	assert_true(out.n <= 4);
	buf_clear(&out);
}

static const struct {
	enum transfer transfer;
	const char *piece;
} bombs[] = {
	{ TRANSFER_QP, "=" }, { TRANSFER_QP, " " }, { TRANSFER_QP, "= " },
	{ TRANSFER_QP, " \r" }, { TRANSFER_BASE64, "AA=" },
	{ TRANSFER_BASE64, "=" },
};
static size_t bomb;

static void
bomb_work(size_t n)
{
	struct buf in, out;

	buf_init(&in, 0);
	buf_init(&out, 0);
	for (size_t i = 0; i < n; i++)
		buf_adds(&in, bombs[bomb].piece);
	transfer_decode(bombs[bomb].transfer, buf_span(&in), &out);
	buf_clear(&in);
	buf_clear(&out);
}

static void
test_linear(void **state)
{
	(void)state;
	for (bomb = 0; bomb < sizeof bombs / sizeof bombs[0]; bomb++)
		assert_true(linear(bomb_work, 50000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_long_blanks),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_linear),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
