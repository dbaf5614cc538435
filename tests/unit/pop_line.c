/* SPDX-License-Identifier: Apache-2.0 */
/* POP3's syntax: lines cut anywhere, their words, and byte-stuffing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/memory.h"
#include "ipopd/line.h"
#include "ipopd/stuff.h"

/*
 * Feed `input` in two pieces and write down what comes: "=line;" for a line,
 * "!" for one that is too long, "0" for one with a NUL.
 */
static void
events_of(struct span input, size_t split, struct buf *got)
{
	struct line_reader r = { 0 };
	struct buf in;

	buf_init(&in, 0);
	for (int piece = 0; piece < 2; piece++) {
		buf_addspan(&in, piece == 0 ? span_slice(input, 0, split) :
		    span_slice(input, split, input.n));
		for (;;) {
			struct span line = { "", 0 };
			size_t used;
			enum line_event e = line_next(&r, buf_span(&in), &used,
			    &line);

			if (e == LINE_READY) {
				buf_addc(got, '=');
				buf_addspan(got, line);
				buf_addc(got, ';');
			} else if (e != LINE_MORE)
				buf_addc(got, e == LINE_BAD ? '0' : '!');
			buf_consume(&in, used);
			if (e == LINE_MORE)
				break;
		}
	}
	assert_true(in.n < BOUND_POP_LINE);
	buf_clear(&in);
}

static void
check_everywhere(struct span input, struct span want)
{
	struct buf got;

	buf_init(&got, 0);
	for (size_t split = 0; split <= input.n; split++) {
		/* Every place near either end and the limit; of the others a
		 * sample is enough. */
		if (split > 64 && input.n - split > 64 && split % 97 != 0 &&
		    split / 8 != BOUND_POP_LINE / 8)
			continue;
		buf_reset(&got);
		events_of(input, split, &got);
		assert_int_equal(got.n, want.n);
		assert_memory_equal(got.p, want.p, want.n);
	}
	buf_clear(&got);
}

static void
test_lines(void **state)
{
	static const struct {
		struct span input, events;
	} rows[] = {
		{ { "\n", 1 }, { "=;", 2 } },
		{ { "\r\n", 2 }, { "=;", 2 } },
		{ { "NOOP\r\n", 6 }, { "=NOOP;", 6 } },
		{ { "NOOP\nSTAT\r\nQ", 12 }, { "=NOOP;=STAT;", 12 } },
		/* A CR is a line end only before LF. */
		{ { "A\rB\r\r\n", 6 }, { "=A\rB\r;", 6 } },
		{ { "PASS  a \r\n", 10 }, { "=PASS  a ;", 10 } },
		{ { "A\0B\r\nC\r\n", 8 }, { "0=C;", 4 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		check_everywhere(rows[i].input, rows[i].events);
}

/* Rows for the limit and its neighbours: octets in front of the line end. */
static void
test_line_limit(void **state)
{
	static const struct {
		size_t letters;
		bool fits;
	} rows[] = {
		{ BOUND_POP_LINE - 2, true },
		{ BOUND_POP_LINE - 1, false },
		{ BOUND_POP_LINE, false },
		{ 5 * BOUND_POP_LINE + 1, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf in, want;
		size_t n = rows[i].letters;

		buf_init(&in, 0);
		buf_init(&want, 0);
		memset(buf_room(&in, n), 'x', n);
		in.n = n;
		buf_adds(&in, "\r\nNOOP\r\n");
		if (rows[i].fits) {
			buf_addc(&want, '=');
			buf_add(&want, in.p, n);
			buf_addc(&want, ';');
		} else
			buf_addc(&want, '!');
		buf_adds(&want, "=NOOP;");
		check_everywhere(buf_span(&in), buf_span(&want));
		buf_clear(&in);
		buf_clear(&want);
	}
}

static void
test_words(void **state)
{
	static const struct {
		const char *line, *verb, *rest, *args, *first, *others;
	} rows[] = {
		{ "", "", "", "", "", "" },
		{ "STAT", "STAT", "", "", "", "" },
		{ "STAT ", "STAT", "", "", "", "" },
		{ "AUTH  ", "AUTH", " ", "", "", "" },
		{ "PASS  a b ", "PASS", " a b ", "a b", "a", "b" },
		{ "TOP 1 2", "TOP", "1 2", "1 2", "1", "2" },
		{ "TOP  1   2  ", "TOP", " 1   2  ", "1   2", "1", "2" },
		{ " STAT", "", "STAT", "STAT", "STAT", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct span args, first;
		struct line l;

		line_split(span_of(rows[i].line), &l);
		args = l.args;
		first = line_word(&args);
		assert_true(span_eq(l.verb, span_of(rows[i].verb)));
		assert_true(span_eq(l.rest, span_of(rows[i].rest)));
		assert_true(span_eq(l.args, span_of(rows[i].args)));
		assert_true(span_eq(first, span_of(rows[i].first)));
		assert_true(span_eq(args, span_of(rows[i].others)));
	}
}

static void
stuffed(struct span input, size_t split, struct buf *out)
{
	struct stuff s = { 0 };

	stuff_add(&s, out, span_slice(input, 0, split));
	stuff_add(&s, out, span_slice(input, split, input.n));
	stuff_end(&s, out);
}

static void
test_stuffing(void **state)
{
	static const struct {
		const char *message, *wire;
	} rows[] = {
		{ "", ".\r\n" },
		{ ".", "..\r\n.\r\n" },
		{ ".\r\n", "..\r\n.\r\n" },
		{ "a\r\n", "a\r\n.\r\n" },
		{ "a", "a\r\n.\r\n" },
		{ "a\r", "a\r\r\n.\r\n" },
		{ "..a\r\n", "...a\r\n.\r\n" },
		{ "a.b\r\n", "a.b\r\n.\r\n" },
		{ "a\r\n.\r\n.\r\n", "a\r\n..\r\n..\r\n.\r\n" },
		{ "a\r\n.b.\r\n.c", "a\r\n..b.\r\n..c\r\n.\r\n" },
		{ "\r.\r\n.x", "\r.\r\n..x\r\n.\r\n" },
		{ "\r\n.\r\n", "\r\n..\r\n.\r\n" },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct span in = span_of(rows[i].message);

		for (size_t split = 0; split <= in.n; split++) {
			buf_reset(&out);
			stuffed(in, split, &out);
			assert_string_equal(buf_string(&out), rows[i].wire);
		}
	}
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_line_limit),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_stuffing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
