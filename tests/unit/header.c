/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields: walking, finding, unfolding, selecting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/memory.h"
#include "c-client/mime/header.h"
#include "tests/lib/linear.h"

/* The walk as text: name=body| for each field, and all that is whole. */
static void
walk(struct span header, struct buf *out, struct buf *whole)
{
	struct header_iter it;
	struct header_field f;

	header_begin(&it, header);
	while (header_next(&it, &f)) {
		buf_addspan(out, f.name);
		buf_addc(out, '=');
		buf_addspan(out, f.body);
		buf_addc(out, '|');
		buf_addspan(whole, f.whole);
	}
}

static void
test_walk(void **state)
{
	static const struct {
		const char *header, *want;
		size_t whole;		/* octets before the empty line */
	} rows[] = {
		{ "", "", 0 },
		{ "\r\n", "", 0 },
		{ "\n", "", 0 },
		{ "A: b\r\n\r\n", "A= b|", 6 },
		{ "A: b\n\n", "A= b|", 5 },
		{ "A: b", "A= b|", 4 },
		{ "A:b\r\nC:\r\n\r\nD: body\r\n", "A=b|C=|", 9 },
		{ "A : b\r\n c\r\n\td\r\nE: f\r\n",
		    "A= b\r\n c\r\n\td|E= f|", 21 },
		{ "A: b\r\n  \r\nC: d\r\n\r\n", "A= b\r\n  |C= d|", 16 },
		{ "no colon\r\nA: b\r\n", "=no colon|A= b|", 16 },
		{ " begins with a fold\r\nA: b\r\n",
		    "= begins with a fold|A= b|", 27 },
		{ ": empty\r\n", "=: empty|", 9 },
		{ "A: b\rC: d\r\n", "A= b\rC: d|", 11 },
		{ "A\r\n : b\r\n", "=A\r\n : b|", 9 },
		{ "From a@b Mon Jan 1 00:00:00 2024\nA: b\n\n",
		    "From a@b Mon Jan 1 00=00:00 2024|A= b|", 38 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf out, whole;

		buf_init(&out, 0);
		buf_init(&whole, 0);
		walk(span_of(rows[i].header), &out, &whole);
		assert_string_equal(buf_string(&out), rows[i].want);
		assert_int_equal(whole.n, rows[i].whole);
		assert_memory_equal(buf_string(&whole), rows[i].header,
		    whole.n);
		buf_clear(&out);
		buf_clear(&whole);
	}
}

/* A header cut anywhere loses no octet and reads nothing behind its end. */
static void
test_cut(void **state)
{
	static const char text[] =
	    "A: b\r\nC : d\r\n e\r\nbad\r\n\tx\r\nF:\r\n\r\nbody\r\n";

	(void)state;
	for (size_t n = 0; n <= strlen(text); n++) {
		char *copy = memory_alloc(n);
		struct buf out, whole;
		size_t length;

		memcpy(copy, text, n);
		buf_init(&out, 0);
		buf_init(&whole, 0);
		walk((struct span){ copy, n }, &out, &whole);
		length = header_length((struct span){ copy, n });
		assert_true(length <= n);
		assert_true(whole.n <= length && length - whole.n <= 2);
		assert_memory_equal(buf_string(&whole), text, whole.n);
		buf_clear(&out);
		buf_clear(&whole);
		free(copy);
	}
}

static void
test_length(void **state)
{
	static const struct {
		const char *message;
		size_t n;
	} rows[] = {
		{ "", 0 }, { "\r\nbody", 2 }, { "\nbody", 1 },
		{ "A: b\r\n\r\nbody", 8 }, { "A: b\n\nbody", 6 },
		{ "A: b\r\n\nbody", 7 }, { "A: b\r\n \r\nbody", 13 },
		{ "A: b\r\n\r", 7 }, { "\rA: b\r\n\r\n", 9 }, { "A", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(header_length(span_of(rows[i].message)),
		    rows[i].n);
}

static void
test_find(void **state)
{
	struct header_field f;

	(void)state;
	assert_true(header_find(SPAN("a: 1\r\nB: 2\r\nb: 3\r\n"), "b", &f));
	assert_true(span_eq(f.body, SPAN(" 2")));
	assert_false(header_find(SPAN("a: 1\r\n\r\nb: 3\r\n"), "b", &f));
	assert_false(header_find(SPAN("junk\r\n"), "", &f) && f.name.n > 0);
}

static void
test_unfold(void **state)
{
	static const struct {
		const char *body, *want;
	} rows[] = {
		{ "", "" }, { " ", "" }, { " a ", "a" },
		{ " a\r\n b", "a b" }, { " a\n\tb\r\n ", "a\tb" },
		{ "\r\n a\r\n\r\n b", "a b" }, { "a\rb", "a\rb" },
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_true(span_eq(header_unfold(a, span_of(rows[i].body)),
		    span_of(rows[i].want)));
	arena_free(a);
	a = arena_new(16);
	assert_int_equal(header_unfold(a,
	    SPAN("much more than fits\r\n in the arena")).n, 0);
	arena_free(a);
}

static void
test_select(void **state)
{
	const struct span few[] = { SPAN("SUBJECT"), SPAN("to") };
	static const char text[] =
	    "To: a\r\nX: y\r\nSubject: s\r\n t\r\nbad line\r\nTO: b\r\n\r\nTo: c";
	static const struct {
		const char *header;
		size_t count;
		bool not;
		const char *want;
	} rows[] = {
		{ text, 2, false,
		    "To: a\r\nSubject: s\r\n t\r\nTO: b\r\n\r\n" },
		{ text, 2, true, "X: y\r\nbad line\r\n\r\n" },
		{ text, 0, false, "\r\n" },
		{ "A: b\r\n", 0, false, "" },
		{ "A: b\n\n", 1, true, "A: b\n\n" },
		{ "", 2, false, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf out;

		buf_init(&out, 0);
		header_select(&out, span_of(rows[i].header), few,
		    rows[i].count, rows[i].not);
		assert_string_equal(buf_string(&out), rows[i].want);
		buf_clear(&out);
	}
}

/* n names on a header of n fields, half of which are named. */
static void
select_many(size_t n)
{
	struct span *names = memory_grow_array(NULL, n, sizeof *names);
	char *text = memory_alloc(n * 16);
	struct buf header, out;

	buf_init(&header, 0);
	buf_init(&out, 0);
	for (size_t i = 0; i < n; i++) {
		names[i].p = text + i * 16;
		names[i].n = (size_t)snprintf(text + i * 16, 16, "n%zu",
		    2 * ((i * 7919) % n));
		buf_addf(&header, "N%zu: x\r\n", i);
	}
	header_select(&out, buf_span(&header), names, n, false);
	if (n % 7919 != 0) {
		/* Every second one; all lines have the same form. */
		assert_true(out.n > header.n / 3 && out.n < header.n);
	}
	buf_clear(&header);
	buf_clear(&out);
	free(text);
	free(names);
}

static void
test_select_many(void **state)
{
	(void)state;
	select_many(9);
	select_many(100000);
	assert_true(linear(select_many, 12000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_unfold),
		cmocka_unit_test(test_select),
		cmocka_unit_test(test_select_many),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
