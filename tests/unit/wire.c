/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting octets into commands: each row is fed cut at every offset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/bounds.h"
#include "imapd/wire.h"

static const struct wire_limits small = {
	.line = 24, .text = 64, .literal = 10, .literals = 3,
};

/*
 * Events as letters: "+" a synchronizing literal kept, "l" one that isn't
 * waited for, "r" refused by the limits, "C" command, "S" skipped, "O"
 * skipped over a limit, "L" one that was lost.  With `stream`, literals are
 * streamed: their octets stand in the result between "<" and ">".
 */
static void
take_events(struct wire *w, struct span in, bool stream, struct buf *out)
{
	size_t used;

	for (;;) {
		enum wire_event e = wire_feed(w, in, &used);

		in = span_slice(in, used, in.n);
		switch (e) {
		case WIRE_MORE:
			assert_int_equal(in.n, 0);
			return;
		case WIRE_LITERAL:
			if (stream) {
				wire_stream(w);
				buf_addc(out, '<');
			} else if (!wire_keep(w))
				buf_addc(out, 'r');
			else
				buf_addc(out, w->sync ? '+' : 'l');
			break;
		case WIRE_PIECE:
			assert_true(w->piece.n > 0);
			buf_addspan(out, w->piece);
			break;
		case WIRE_COMMAND:
			buf_addc(out, 'C');
			assert_true(w->text.n <= w->limits->text);
			break;
		case WIRE_SKIPPED:
			buf_addc(out, w->lost ? 'L' : w->over ? 'O' : 'S');
			assert_true(w->text.cap < 1024);
			break;
		}
	}
}

static const struct {
	const char *input, *events;
} rows[] = {
	{ "a NOOP\r\n", "C" },
	{ "a NOOP\n", "C" },
	{ "a NOOP", "" },
	{ "\r\n", "C" },
	{ "\n\n", "CC" },
	{ "a NOOP\r\nb NOOP\r\n", "CC" },
	{ "a LOGIN {2}\r\nme {2}\r\npw\r\n", "++C" },
	{ "a LOGIN {2+}\r\nme {2+}\r\npw\r\n", "llC" },
	{ "a LOGIN {0}\r\n {0+}\r\n\r\nb NOOP\r\n", "+lCC" },
	{ "a LOGIN {2}\nme {2}\npw\n", "++C" },
	{ "a B {2}\r\n\r\n\r\n", "+C" },		/* CRLF as octets */
	{ "a B {10}\r\n0123456789\r\n", "+C" },
	{ "a B {11}\r\na C\r\n", "rOC" },		/* not continued */
	{ "a B {11+}\r\n0123456789A\r\nb C\r\n", "rOC" },
	{ "a B {11+}\r\n0123456789A {1}\r\nb C\r\n", "rOC" },
	{ "a B {11+}\r\n0123456789A {1+}\r\nz\r\nb C\r\n", "rOC" },
	{ "a B {1}\r\n1{1}\r\n1{1}\r\n1\r\nc D\r\n", "+++CC" },
	{ "a B {1}\r\n1{1}\r\n1{1}\r\n1{1}\r\nc D\r\n", "+++OC" },
	{ "a B {1+}\r\n1{1+}\r\n1{1+}\r\n1{1+}\r\n1\r\nc D\r\n", "lllOC" },
	{ "a B {4294967295}\r\nc D\r\n", "rOC" },
	{ "a B {4294967296}\r\nc D\r\n", "rOC" },
	{ "a B {99999999999999999999}\r\nc D\r\n", "OC" },
	{ "a {99999999999999999999}\r\nc D\r\n", "rOC" },
	{ "a {4294967296+}\r\n", "rL" },
	{ "{9999999999999999999+}\r\n", "rL" },
	{ "a B {-1}\r\nc D\r\n", "CC" },
	{ "a B {}\r\nc D\r\n", "CC" },
	{ "a B {+}\r\nc D\r\n", "CC" },
	{ "a B {1 }\r\nc D\r\n", "CC" },
	{ "a B {1}x\r\nc D\r\n", "CC" },
	{ "a B \"{1}\"\r\nc D\r\n", "CC" },
	{ "{1}\r\n1\r\n", "+C" },
	{ "}\r\n{\r\n{}\r\n", "CCC" },
	{ "123456789012345678901234\r\n", "C" },	/* limit */
	{ "123456789012345678901234\n", "C" },
	{ "1234567890123456789012345\r\na\r\n", "OC" },	/* limit + 1 */
	{ "123456789012345678901234\r\r\na\r\n", "OC" },
	{ "1234567890123456789012345678901234567890{2}\r\na\r\n", "OC" },
	{ "1234567890123456789012345678901234567890{2+}\r\nxy\r\na\r\n",
	  "OC" },
};

static int
run_cut(const char *input, size_t n, size_t cut, bool stream,
    const char *events)
{
	struct wire w;
	struct buf got;
	int bad;

	wire_init(&w, &small);
	buf_init(&got, 0);
	take_events(&w, (struct span){ input, cut }, stream, &got);
	take_events(&w, (struct span){ input + cut, n - cut }, stream, &got);
	bad = strcmp(buf_string(&got), events) != 0;
	if (bad)
		print_message("# %s cut at %zu: got %s, want %s\n", input,
		    cut, buf_string(&got), events);
	buf_clear(&got);
	wire_clear(&w);
	return bad;
}

static void
test_events(void **state)
{
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t n = strlen(rows[i].input);

		for (size_t cut = 0; cut <= n; cut++)
			bad += run_cut(rows[i].input, n, cut, false,
			    rows[i].events);
	}
	assert_int_equal(bad, 0);
}

static void
test_streamed(void **state)
{
	static const struct {
		const char *input, *events;
	} streamed[] = {
		{ "a A {0}\r\n\r\n", "<C" },
		{ "a A {1}\r\nx\r\n", "<xC" },
		{ "a A {30+}\r\n123456789012345678901234567890\r\nb\r\n",
		  "<123456789012345678901234567890CC" },
		{ "a A {3}\r\nabc {3}\r\ndef\r\n", "<abc<defC" },
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof streamed / sizeof streamed[0]; i++) {
		size_t n = strlen(streamed[i].input);

		for (size_t cut = 0; cut <= n; cut++)
			bad += run_cut(streamed[i].input, n, cut, true,
			    streamed[i].events);
	}
	assert_int_equal(bad, 0);
}

static void
test_text(void **state)
{
	const struct span in = SPAN("a B {3}\r\nx\0y \"q\"\r\nb C\r\n");
	struct wire w;
	size_t used, more;

	(void)state;
	wire_init(&w, &small);
	assert_int_equal(wire_feed(&w, in, &used), WIRE_LITERAL);
	assert_true(span_eq(wire_text(&w), SPAN("a B {3}\r\n")));
	assert_int_equal(w.size, 3);
	assert_true(w.sync);
	assert_true(wire_keep(&w));
	assert_int_equal(wire_feed(&w, span_slice(in, used, in.n), &more),
	    WIRE_COMMAND);
	assert_true(span_eq(wire_text(&w), SPAN("a B {3}\r\nx\0y \"q\"")));
	used += more;
	assert_int_equal(wire_feed(&w, span_slice(in, used, in.n), &more),
	    WIRE_COMMAND);
	assert_true(span_eq(wire_text(&w), SPAN("b C")));
	wire_clear(&w);
}

static void
test_refused(void **state)
{
	struct wire w;
	size_t used;

	(void)state;
	wire_init(&w, &small);
	/* Not sent by the client: the command is over at once. */
	assert_int_equal(wire_feed(&w, SPAN("a B {3}\r\n"), &used),
	    WIRE_LITERAL);
	wire_refuse(&w);
	assert_int_equal(wire_feed(&w, SPAN(""), &used), WIRE_SKIPPED);
	assert_false(w.over);
	assert_true(span_eq(wire_text(&w), SPAN("a B {3}\r\n")));
	/* Sent all the same. */
	assert_int_equal(wire_feed(&w, SPAN("a B {3+}\r\n"), &used),
	    WIRE_LITERAL);
	wire_refuse(&w);
	assert_int_equal(wire_feed(&w, SPAN("a\nb"), &used), WIRE_MORE);
	assert_int_equal(wire_feed(&w, SPAN(" z\r\n"), &used), WIRE_SKIPPED);
	assert_int_equal(wire_feed(&w, SPAN("c D\r\n"), &used), WIRE_COMMAND);
	wire_clear(&w);
}

/* A line without end costs no memory, and its tag is known. */
static void
test_endless(void **state)
{
	struct wire w;
	char piece[8192];
	size_t used;

	(void)state;
	memset(piece, 'x', sizeof piece);
	memcpy(piece, "tag NOOP ", 9);
	wire_init(&w, &wire_session);
	for (size_t i = 0; i < 64; i++) {
		assert_int_equal(wire_feed(&w, (struct span){ piece,
		    sizeof piece }, &used), WIRE_MORE);
		assert_true(w.text.cap <= 2 * BOUND_LINE);
		assert_int_equal(w.long_line, (i + 1) * sizeof piece >
		    BOUND_LINE);
	}
	assert_int_equal(wire_feed(&w, SPAN("\r\n"), &used), WIRE_SKIPPED);
	assert_true(w.over);
	assert_true(span_starts_nocase(wire_text(&w), "tag NOOP x"));
	wire_clear(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_streamed),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_endless),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
