/* SPDX-License-Identifier: Apache-2.0 */
/* The ground floor: spans, buffers, arenas, faults, the log's escaping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/base/span.h"

static void
test_span_number(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool ok;
		uint64_t value;
	} rows[] = {
		{ "0", 0, true, 0 },
		{ "1", 0, false, 0 },
		{ "", 9, false, 0 },
		{ "4294967295", UINT32_MAX, true, UINT32_MAX },
		{ "4294967296", UINT32_MAX, false, 0 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 0 },
		{ "99999999999999999999", UINT64_MAX, false, 0 },
		{ "0000000000000000000000000007", 9, true, 7 },
		{ "-1", 9, false, 0 },
		{ "+1", 9, false, 0 },
		{ "1 ", 9, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint64_t value = 42;

		assert_int_equal(span_number(span_of(rows[i].text),
		    rows[i].max, &value), rows[i].ok);
		assert_int_equal(value, rows[i].ok ? rows[i].value : 42);
	}
}

static void
test_span_compare(void **state)
{
	(void)state;
	assert_true(span_is(SPAN("InBoX"), "inbox"));
	assert_false(span_is(SPAN("inbox "), "inbox"));
	assert_false(span_is(SPAN("in\0ox"), "inbox"));
	assert_true(span_starts_nocase(SPAN("HEADER.FIELDS"), "header"));
	assert_false(span_starts_nocase(SPAN("HEA"), "header"));
	assert_true(span_eq(span_trim(SPAN(" \t\r\na b\n ")), SPAN("a b")));
	assert_int_equal(span_trim(SPAN(" \n")).n, 0);
	assert_true(span_eq(span_slice(SPAN("abcdef"), 2, 3), SPAN("cde")));
	assert_int_equal(span_slice(SPAN("abc"), 3, 1).n, 0);
	assert_int_equal(span_slice(SPAN("abc"), SIZE_MAX, SIZE_MAX).n, 0);
	assert_true(span_eq(span_slice(SPAN("abc"), 1, SIZE_MAX), SPAN("bc")));
	assert_int_equal(span_find_nocase(SPAN("abcABD"), SPAN("abd")), 3);
	assert_int_equal(span_find_nocase(SPAN("ab"), SPAN("abc")), -1);
	assert_int_equal(span_find_nocase(SPAN("ab"), SPAN("")), 0);
	assert_int_equal(span_find_char(SPAN(""), 'a'), -1);
}

static void
test_buf_limit(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	buf_adds(&b, "12345");
	buf_addnum(&b, 67890);
	assert_false(b.full);
	assert_int_equal(b.n, 10);
	buf_addc(&b, 'x');		/* limit + 1 */
	assert_true(b.full);
	assert_int_equal(b.n, 10);
	buf_reset(&b);
	buf_adds(&b, "12345678901");
	assert_true(b.full);
	assert_int_equal(b.n, 0);
	buf_clear(&b);
	assert_int_equal(buf_span(&b).n, 0);
}

static void
test_buf_content(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	buf_addf(&b, "%s-%d", "a", 5);
	buf_addnum(&b, 0);
	buf_addnum(&b, UINT64_MAX);
	assert_string_equal(buf_string(&b), "a-5018446744073709551615");
	buf_consume(&b, 2);
	assert_true(span_eq(buf_span(&b), SPAN("5018446744073709551615")));
	buf_consume(&b, 1000);
	assert_int_equal(b.n, 0);
	for (int i = 0; i < 100000; i++)
		buf_addc(&b, 'x');
	assert_int_equal(b.n, 100000);
	buf_clear(&b);
}

static void
test_arena(void **state)
{
	struct arena *a = arena_new(0), *small = arena_new(64);
	char *last = NULL;

	(void)state;
	for (size_t i = 0; i < 3000; i++) {
		char *p = arena_alloc(a, i);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % sizeof(void *), 0);
		for (size_t k = 0; k < i; k++)
			assert_int_equal(p[k], 0);
		memset(p, 0xff, i);
		assert_ptr_not_equal(p, last);
		last = p;
	}
	assert_string_equal(arena_string(a, "abc", 2), "ab");
	arena_reset(a);
	assert_int_equal(arena_used(a), 0);
	last = arena_alloc(a, 4000000);
	assert_int_equal(last[3999999], 0);

	assert_non_null(arena_alloc(small, 64));
	assert_false(arena_full(small));
	assert_null(arena_alloc(small, 1));
	assert_true(arena_full(small));
	assert_int_equal(arena_span(small, SPAN("x")).n, 0);
	arena_reset(small);
	assert_false(arena_full(small));
	assert_non_null(arena_alloc(small, 1));
	arena_free(a);
	arena_free(small);
	arena_free(NULL);
}

static void
test_fault(void **state)
{
	static const struct {
		int error;
		enum fault_code code;
	} rows[] = {
		{ ENOENT, FAULT_NOTFOUND }, { EEXIST, FAULT_EXISTS },
		{ EACCES, FAULT_PERM }, { EROFS, FAULT_READONLY },
		{ ENOSPC, FAULT_QUOTA }, { EDQUOT, FAULT_QUOTA },
		{ ENAMETOOLONG, FAULT_BADNAME }, { EIO, FAULT_IO },
		{ EMFILE, FAULT_UNAVAILABLE }, { EPIPE, FAULT_CLOSED },
	};
	struct fault why;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		errno = rows[i].error;
		assert_int_equal(fault_errno(&why, "open %s", "x"), -1);
		assert_int_equal(why.code, rows[i].code);
		assert_int_equal(errno, rows[i].error);
		assert_non_null(strstr(why.text, "open x: "));
	}
	assert_int_equal(fault_set(NULL, FAULT_IO, "nobody asks"), -1);
	fault_set(&why, FAULT_IO, "%0500d", 1);
	assert_int_equal(strlen(why.text), sizeof why.text - 1);
	errno = EIO;
	fault_errno(&why, "%0500d", 1);
	assert_int_equal(strlen(why.text), sizeof why.text - 1);
}

static char seen[2000];

static void
keep_line(void *arg, int level, const char *line)
{
	(void)arg;
	(void)level;
	memcpy(seen, line, strlen(line) + 1);
}

static void
test_log(void **state)
{
	char field[LOG_FIELD_MAX], text[300];

	(void)state;
	log_to_sink(keep_line, NULL);
	log_line(LOG_INFO, "%s", "a\r\nb\tc\x7f \xc3\xa4 \xff \xc2\x85 \xf8");
	assert_string_equal(seen,
	    "a\\x0d\\x0ab\\x09c\\x7f \xc3\xa4 \\xff \\xc2\\x85 \\xf8");
	log_line(LOG_INFO, "%01500d", 7);
	assert_true(strlen(seen) < 1000);
	assert_string_equal(log_field("x host=[1.2.3.4]", 16, field),
	    "x\\x20host=\\x5b1.2.3.4\\x5d");
	assert_string_equal(log_field("a\0b", 3, field), "a\\x00b");
	memset(text, ' ', sizeof text);
	log_field(text, sizeof text, field);
	assert_int_equal(strlen(field), 80 * 4);
	log_to_sink(NULL, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_span_number),
		cmocka_unit_test(test_span_compare),
		cmocka_unit_test(test_buf_limit),
		cmocka_unit_test(test_buf_content),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_fault),
		cmocka_unit_test(test_log),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
