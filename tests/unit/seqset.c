/* SPDX-License-Identifier: Apache-2.0 */
/* Sequence sets (RFC 3501 section 9). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/store/seqset.h"

/* The set as it would be written with ranges; "!" and the fault if none. */
static void
normal(const char *text, size_t n, uint32_t star, char out[200])
{
	struct arena *arena = arena_new(0);
	struct fault why = { .code = FAULT_NONE };
	const struct seqset *s = seqset_parse(arena, (struct span){ text, n },
	    star, &why);
	size_t at = 0;

	out[0] = '\0';
	if (s == NULL)
		snprintf(out, 200, "!%d", (int)why.code);
	for (size_t i = 0; s != NULL && i < s->count && at < 150; i++)
		at += (size_t)snprintf(out + at, 200 - at, "%s%u-%u",
		    i > 0 ? " " : "", s->ranges[i].first, s->ranges[i].last);
	arena_free(arena);
}

static void
test_rows(void **state)
{
	static const struct {
		const char *text;
		uint32_t star;
		const char *want;
	} rows[] = {
		{ "1", 9, "1-1" },
		{ "2,4:7,9:*", 12, "2-2 4-7 9-12" },
		{ "4:2", 9, "2-4" },
		{ "*", 9, "9-9" },
		{ "*:4", 9, "4-9" },
		{ "12:*", 9, "9-12" },
		{ "*:*", 9, "9-9" },
		{ "3,1,2", 9, "1-3" },
		{ "1:3,2:5", 9, "1-5" },
		{ "1:3,4:5", 9, "1-5" },
		{ "1:3,5", 9, "1-3 5-5" },
		{ "5,1:9,2", 9, "1-9" },
		{ "7,7,7", 9, "7-7" },
		{ "4294967295", 9, "4294967295-4294967295" },
		{ "4294967294:4294967295,1", 9,
		    "1-1 4294967294-4294967295" },
		{ "4294967295,4294967295", 9, "4294967295-4294967295" },
		/* Nothing is there: "*" is no number. */
		{ "*", 0, "" },
		{ "1:*", 0, "" },
		{ "1,*", 0, "1-1" },
		{ "4294967296", 9, "!1" },
		{ "0", 9, "!1" },
		{ "01", 9, "!1" },
		{ "1:0", 9, "!1" },
		{ "", 9, "!1" },
		{ ",", 9, "!1" },
		{ "1,", 9, "!1" },
		{ ",1", 9, "!1" },
		{ "1,,2", 9, "!1" },
		{ "1:", 9, "!1" },
		{ ":1", 9, "!1" },
		{ "1:2:3", 9, "!1" },
		{ "1 2", 9, "!1" },
		{ "1;2", 9, "!1" },
		{ "-1", 9, "!1" },
		{ "**", 9, "!1" },
		{ "1*", 9, "!1" },
		{ "$", 9, "!1" },
		{ "99999999999999999999999", 9, "!1" },
	};
	char got[200];

	(void)state;
	assert_int_equal(FAULT_SYNTAX, 1);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		normal(rows[i].text, strlen(rows[i].text), rows[i].star, got);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].text, got);
	}
}

/* The same text cut anywhere: a set or a fault, and no octet beyond is
 * read (a sanitizer tells). */
static void
test_cut(void **state)
{
	static const char text[] = "1,2:4,*:7,4294967295,10:12";
	char got[200];

	(void)state;
	for (size_t n = 0; n < sizeof text; n++) {
		char *copy = malloc(n + 1);

		memcpy(copy, text, n);
		normal(copy, n, 5, got);
		assert_int_equal(got[0] == '!', n == 0 || n == sizeof text ||
		    text[n - 1] == ',' || text[n - 1] == ':');
		free(copy);
	}
}

static void
test_limit(void **state)
{
	struct arena *arena = arena_new(0);
	struct fault why;
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	for (unsigned i = 0; i < BOUND_SEQSET; i++)
		buf_addf(&b, "%s%u", i > 0 ? "," : "",
		    (BOUND_SEQSET - i) * 2);
	assert_non_null(seqset_parse(arena, buf_span(&b), 1, &why));
	assert_int_equal(seqset_parse(arena, buf_span(&b), 1, &why)->count,
	    BOUND_SEQSET);
	buf_adds(&b, ",1");
	assert_null(seqset_parse(arena, buf_span(&b), 1, &why));
	assert_int_equal(why.code, FAULT_LIMIT);
	buf_clear(&b);
	arena_free(arena);
	/* A command's arena that is full. */
	arena = arena_new(8);
	assert_null(seqset_parse(arena, SPAN("1,3,5"), 1, &why));
	assert_int_equal(why.code, FAULT_LIMIT);
	arena_free(arena);
}

static void
test_has(void **state)
{
	struct arena *arena = arena_new(0);
	const struct seqset *s = seqset_parse(arena, SPAN("2,4:7,9,11:20"),
	    1, NULL);

	(void)state;
	for (uint32_t n = 0; n < 30; n++)
		assert_int_equal(seqset_has(s, n), n == 2 ||
		    (n >= 4 && n <= 7) || n == 9 || (n >= 11 && n <= 20));
	assert_false(seqset_has(s, UINT32_MAX));
	s = seqset_parse(arena, SPAN("*"), 0, NULL);
	assert_false(seqset_has(s, 0));
	arena_free(arena);
}

static void
test_write(void **state)
{
	static const uint32_t numbers[] = { 1, 2, 3, 5, 7, 8, 4294967294,
	    4294967295 };
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	seqset_write(&b, numbers, 0);
	assert_int_equal(b.n, 0);
	seqset_write(&b, numbers, 1);
	assert_string_equal(buf_string(&b), "1");
	buf_reset(&b);
	seqset_write(&b, numbers, 8);
	assert_string_equal(buf_string(&b), "1:3,5,7:8,4294967294:4294967295");
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_has),
		cmocka_unit_test(test_write),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
