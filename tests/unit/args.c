/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces of which arguments consist. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/mime/date.h"
#include "c-client/store/record.h"
#include "imapd/args.h"

/* What a row takes off the front; NULL stands for "does not match". */
struct row {
	struct span text;
	const char *want;
};
#define ROW(text, want)	{ { text, sizeof(text) - 1 }, want }

static int
check(const char *what, const struct row *rows, size_t count,
    bool (*take)(struct args *, struct span *))
{
	struct arena *arena = arena_new(BOUND_COMMAND_ARENA);
	int bad = 0;

	for (size_t i = 0; i < count; i++) {
		/* A copy without anything behind it: a sanitizer sees a look
		 * beyond the end. */
		size_t n = rows[i].text.n;
		char *copy = malloc(n + (n == 0));
		struct span got = { "", 0 };
		struct args a;
		bool ok;

		assert_non_null(copy);
		memcpy(copy, rows[i].text.p, n);
		args_init(&a, arena, (struct span){ copy, n });
		ok = take(&a, &got);
		if (ok != (rows[i].want != NULL) || (ok && !span_eq(got,
		    span_of(rows[i].want))) || ok != (a.error == NULL)) {
			print_message("# %s: row %zu: %s\n", what, i,
			    rows[i].text.p);
			bad++;
		}
		free(copy);
		arena_reset(arena);
	}
	arena_free(arena);
	return bad;
}

static void
test_strings(void **state)
{
	static const struct row atoms[] = {
		ROW("NOOP", "NOOP"), ROW("a b", "a"), ROW("a)", "a"),
		ROW("", NULL), ROW(" ", NULL), ROW("(", NULL),
		ROW("a\"b", "a"), ROW("\\Seen", NULL), ROW("a]b", "a"),
		ROW("a\0b", "a"), ROW("\xe4", NULL), ROW("a\x7f", "a"),
		ROW("a*", "a"), ROW("a%", "a"), ROW("a{1}", "a"),
		ROW("\r", NULL), ROW("a+b.c", "a+b.c"),
	};
	static const struct row astrings[] = {
		ROW("INBOX", "INBOX"), ROW("a]b", "a]b"), ROW("\"\"", ""),
		ROW("\"a b\"", "a b"), ROW("\"a\\\"b\\\\\"", "a\"b\\"),
		ROW("\"a", NULL), ROW("\"a\\", NULL), ROW("\"a\\\"", NULL),
		ROW("\"", NULL), ROW("\"\\", NULL), ROW("\"a\\b\"", NULL),
		ROW("\"a\rb\"", NULL), ROW("\"a\nb\"", NULL),
		ROW("\"a\0b\"", NULL), ROW("\"\xc3\xa4\"", "\xc3\xa4"),
		ROW("{3}\r\nabc", "abc"), ROW("{3}\nabc", "abc"),
		ROW("{3+}\r\nabc def", "abc"), ROW("{0}\r\n", ""),
		ROW("{3}\r\nab", NULL), ROW("{3}", NULL), ROW("{3}\r", NULL),
		ROW("{", NULL), ROW("{}\r\n", NULL), ROW("{3}abc", NULL),
		ROW("{3}\r\na\0b", NULL), ROW("{-1}\r\n", NULL),
		ROW("{4294967296}\r\n", NULL), ROW("{3}\r\n\"\r\n", "\"\r\n"),
		ROW("{99999999999999999999}\r\n", NULL),
		ROW("*", NULL), ROW("%", NULL), ROW("", NULL),
	};
	static const struct row patterns[] = {
		ROW("*", "*"), ROW("a/%", "a/%"), ROW("\"a b*\"", "a b*"),
		ROW("", NULL), ROW("(", NULL),
	};
	static const struct row strings[] = {
		ROW("\"a\"", "a"), ROW("{1}\r\na", "a"), ROW("a", NULL),
		ROW("NIL", NULL),
	};
	static const struct row tags[] = {
		ROW("a NOOP", "a"), ROW("a", "a"), ROW("a]1", "a]1"),
		ROW("", NULL), ROW("+ OK", NULL), ROW("a+ OK", NULL),
		ROW("a\" OK", NULL), ROW("a\r OK", NULL), ROW("{1} OK", NULL),
		ROW("\xc3\xa4 OK", NULL), ROW("* OK", NULL),
		ROW("12345678901234567890123456789012345678901234567890",
		    "12345678901234567890123456789012345678901234567890"),
		ROW("123456789012345678901234567890123456789012345678901",
		    NULL),
	};

	(void)state;
#define CHECK(rows, take) assert_int_equal(check(#take, rows, \
	sizeof rows / sizeof rows[0], take), 0)
	CHECK(atoms, args_atom);
	CHECK(astrings, args_astring);
	CHECK(patterns, args_list_mailbox);
	CHECK(strings, args_string);
	CHECK(tags, args_tag);
}

static void
test_nstring(void **state)
{
	struct span got;
	struct args a;

	(void)state;
	args_init(&a, NULL, SPAN("nil"));
	assert_true(args_nstring(&a, &got));
	assert_null(got.p);
	args_init(&a, NULL, SPAN("\"\""));
	assert_true(args_nstring(&a, &got));
	assert_non_null(got.p);
	args_init(&a, NULL, SPAN("NILX"));
	assert_false(args_nstring(&a, &got));
}

static void
test_numbers(void **state)
{
	static const struct {
		const char *text;
		bool number, nznumber;
		uint32_t value;
	} rows[] = {
		{ "0", true, false, 0 },
		{ "1", true, true, 1 },
		{ "4294967295", true, true, UINT32_MAX },
		{ "4294967296", false, false, 0 },
		{ "99999999999999999999", false, false, 0 },
		{ "-1", false, false, 0 },
		{ "", false, false, 0 },
		{ "x", false, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct args a;
		uint32_t value = 0;

		args_init(&a, NULL, span_of(rows[i].text));
		assert_int_equal(args_number(&a, &value), rows[i].number);
		if (rows[i].number)
			assert_int_equal(value, rows[i].value);
		args_init(&a, NULL, span_of(rows[i].text));
		assert_int_equal(args_nznumber(&a, &value),
		    rows[i].nznumber);
	}
}

static void
test_space_and_end(void **state)
{
	struct args a;

	(void)state;
	args_init(&a, NULL, SPAN("  x  "));
	assert_true(args_space(&a));
	assert_false(args_is_end(&a));
	assert_true(args_char(&a, 'x'));
	assert_true(args_is_end(&a));
	assert_true(args_end(&a));
	assert_false(args_space(&a));
	assert_non_null(a.error);
	assert_false(args_end(&a));
	args_init(&a, NULL, SPAN("x"));
	assert_false(args_space(&a));
	assert_string_equal(a.error, "A blank is missing between arguments");
	args_fail(&a, "another");	/* the first one stays */
	assert_string_equal(a.error, "A blank is missing between arguments");
	args_init(&a, NULL, SPAN("FLAGS.SILENT"));
	assert_false(args_keyword(&a, "FLAGS"));
	assert_true(args_keyword(&a, "flags.silent"));
	assert_null(a.error);
}

/* Parentheses: BOUND_NESTING deep is right, one more is not. */
static void
test_nesting(void **state)
{
	char text[2 * BOUND_NESTING + 2];

	(void)state;
	for (size_t depth = 0; depth <= BOUND_NESTING + 1; depth++) {
		struct args a;
		bool ok = true;

		memset(text, '(', depth);
		memset(text + depth, ')', depth);
		args_init(&a, NULL, (struct span){ text, 2 * depth });
		for (size_t i = 0; i < depth; i++)
			ok = ok && args_open(&a);
		for (size_t i = 0; i < depth; i++)
			assert_true(args_close(&a));
		assert_int_equal(ok, depth <= BOUND_NESTING);
		assert_int_equal(a.error == NULL, depth <= BOUND_NESTING);
	}
}

static void
test_flags(void **state)
{
	static const struct {
		const char *text;
		bool ok, bare_ok;
		uint16_t flags;
		size_t keywords;
		bool recent;
		const char *unknown;
	} rows[] = {
		{ "()", true, true, 0, 0, false, NULL },
		{ "( )", true, true, 0, 0, false, NULL },
		{ "(\\Seen)", true, true, FLAG_SEEN, 0, false, NULL },
		{ "( \\seen  \\DELETED )", true, true,
		  FLAG_SEEN | FLAG_DELETED, 0, false, NULL },
		{ "(\\Answered \\Flagged \\Deleted \\Seen \\Draft)", true,
		  true, FLAG_ALL_SYSTEM, 0, false, NULL },
		{ "(\\Recent a b A)", true, true, 0, 2, true, NULL },
		{ "(\\Foo)", true, true, 0, 0, false, "\\Foo" },
		{ "(\\*)", true, true, 0, 0, false, "\\*" },
		{ "\\Seen $Forwarded", false, true, FLAG_SEEN, 1, false,
		  NULL },
		{ "", false, false, 0, 0, false, NULL },
		{ "(", false, false, 0, 0, false, NULL },
		{ "(\\Seen", false, false, 0, 0, false, NULL },
		{ "(\\)", false, false, 0, 0, false, NULL },
		{ "((a))", false, false, 0, 0, false, NULL },
		{ "(a\\Seen)", false, false, 0, 0, false, NULL },
		{ "(\"a\")", false, false, 0, 0, false, NULL },
		{ "(\xc3\xa4)", false, false, 0, 0, false, NULL },
	};
	struct arena *arena = arena_new(BOUND_COMMAND_ARENA);
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (int bare = 0; bare < 2; bare++) {
			bool want = bare ? rows[i].bare_ok : rows[i].ok;
			struct args_flags f;
			struct args a;

			args_init(&a, arena, span_of(rows[i].text));
			if (args_flag_list(&a, bare, &f) != want ||
			    (want && (f.flags != rows[i].flags ||
			    f.recent != rows[i].recent ||
			    f.keyword_count != rows[i].keywords ||
			    (f.unknown == NULL) !=
			    (rows[i].unknown == NULL) || (f.unknown != NULL &&
			    strcmp(f.unknown, rows[i].unknown) != 0)))) {
				print_message("# %s\n", rows[i].text);
				bad++;
			}
			arena_reset(arena);
		}
	assert_int_equal(bad, 0);
	arena_free(arena);
}

static void
test_many_keywords(void **state)
{
	struct arena *arena = arena_new(BOUND_COMMAND_ARENA);

	(void)state;
	for (size_t n = BOUND_KEYWORDS - 1; n <= BOUND_KEYWORDS + 1; n++) {
		struct args_flags f;
		struct args a;
		struct buf text;

		buf_init(&text, 0);
		for (size_t i = 0; i < n; i++)
			buf_addf(&text, "%ck%zu", i == 0 ? '(' : ' ', i);
		buf_addc(&text, ')');
		args_init(&a, arena, buf_span(&text));
		assert_int_equal(args_flag_list(&a, false, &f),
		    n <= BOUND_KEYWORDS);
		buf_clear(&text);
		arena_reset(arena);
	}
	arena_free(arena);
}

static void
test_dates(void **state)
{
	struct args a;
	struct date date;
	int64_t days;

	(void)state;
	args_init(&a, NULL, SPAN("\"17-Jul-1996 02:44:25 -0700\" {1}"));
	assert_true(args_date_time(&a, &date));
	assert_int_equal(date.secs, 837596665);
	assert_int_equal(date.zone_minutes, -420);
	args_init(&a, NULL, SPAN("17-Jul-1996"));
	assert_false(args_date_time(&a, &date));
	args_init(&a, NULL, SPAN("\"17-Jul-1996\""));
	assert_false(args_date_time(&a, &date));
	args_init(&a, NULL, SPAN("1-Feb-1994"));
	assert_true(args_date(&a, &days));
	assert_int_equal(days, 8797);
	args_init(&a, NULL, SPAN("\"1-Feb-1994\""));
	assert_true(args_date(&a, &days));
	args_init(&a, NULL, SPAN("1-Foo-1994"));
	assert_false(args_date(&a, &days));
}

/* Where the arena is full, the command is bad; nothing else happens. */
static void
test_full(void **state)
{
	struct arena *arena = arena_new(64);
	struct buf text;
	struct span got;
	struct args a;

	(void)state;
	buf_init(&text, 0);
	buf_addc(&text, '"');
	for (size_t i = 0; i < 100; i++)
		buf_adds(&text, "\\\\");
	buf_addc(&text, '"');
	args_init(&a, arena, buf_span(&text));
	assert_false(args_string(&a, &got));
	assert_non_null(a.error);
	buf_clear(&text);
	arena_free(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_nstring),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_space_and_end),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_many_keywords),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_full),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
