/* SPDX-License-Identifier: Apache-2.0 */
/* LIST patterns (RFC 3501 6.3.8), and that no pattern is expensive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/span.h"
#include "c-client/store/list.h"
#include "c-client/store/list_pattern.h"

static void
test_rows(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool nocase, match;
	} rows[] = {
		{ "", "", false, true },
		{ "", "a", false, false },
		{ "*", "", false, true },
		{ "*", "a/b/c", false, true },
		{ "%", "a", false, true },
		{ "%", "a/b", false, false },
		{ "%/%", "a/b", false, true },
		{ "%/%", "a", false, false },
		{ "a*c", "abc", false, true },
		{ "a*c", "ac", false, true },
		{ "a*c", "a/b/c", false, true },
		{ "a%c", "a/c", false, false },
		{ "a%c", "abbc", false, true },
		{ "a%c", "acc", false, true },
		{ "%*", "a/b", false, true },
		{ "*%", "a/b", false, true },
		{ "%%", "a/b", false, false },
		{ "*b%", "xb/b", false, true },
		{ "*b%", "xb/a", false, false },
		{ "%b*", "a/b", false, false },
		{ "%b*", "ab/c", false, true },
		{ "abc", "abc", false, true },
		{ "abc", "abcd", false, false },
		{ "abcd", "abc", false, false },
		{ "inbox", "INBOX", false, false },
		{ "inbox", "INBOX", true, true },
		{ "INB%", "inbox", true, true },
		{ "*a*a*a", "aaa", false, true },
		{ "*a*a*a", "aa", false, false },
		{ "%/x", "%/x", false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool match = list_match(span_of(rows[i].pattern),
		    span_of(rows[i].name), rows[i].nocase);

		if (match != rows[i].match)
			print_message("# row %zu: %s %s\n", i,
			    rows[i].pattern, rows[i].name);
		assert_int_equal(match, rows[i].match);
	}
}

static void
test_head(void **state)
{
	static const struct {
		const char *pattern;
		size_t head;
	} rows[] = {
		{ "", 0 }, { "a", 0 }, { "*", 0 }, { "a/", 2 },
		{ "a/b", 2 }, { "a/b/%", 4 }, { "a/b*/c/d", 2 },
		{ "/", 1 }, { "/a", 1 }, { "%/a/", 0 }, { "a//*", 3 },
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct list_pattern p;

		assert_true(list_pattern_init(&p, span_of(rows[i].pattern),
		    a));
		assert_int_equal(list_pattern_head(&p), rows[i].head);
		assert_int_equal(p.p[p.n], '\0');
	}
	arena_free(a);
}

/* Each cut of a name gives the same as the name in one piece. */
static void
test_walk_in_pieces(void **state)
{
	static const char name[] = "work/2024/inbox-of-mine";
	static const char *const patterns[] = { "*", "%/%/%", "work/*e",
	    "w%/2*/inbox%e", "work/%", "*/*/*/*" };

	(void)state;
	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
		struct span whole = SPAN(name);
		bool want = list_match(span_of(patterns[i]), whole, false);

		for (size_t cut = 0; cut <= whole.n; cut++) {
			struct arena *a = arena_new(0);
			struct list_pattern p;
			struct list_places at, kept;

			assert_true(list_pattern_init(&p,
			    span_of(patterns[i]), a));
			at = list_pattern_walk(&p, list_pattern_begin(&p),
			    span_slice(whole, 0, cut));
			kept = list_pattern_keep(at);
			at = list_pattern_walk(&p, kept, span_slice(whole,
			    cut, whole.n));
			assert_int_equal(list_pattern_done(&p, at), want);
			list_pattern_drop(kept);
			arena_free(a);
		}
	}
}

/* No set of places is larger than the pattern: work is the product. */
static void
test_hostile(void **state)
{
	struct arena *a = arena_new(0);
	struct buf pattern, name;
	struct list_pattern p;
	struct list_places at;

	(void)state;
	buf_init(&pattern, 0);
	buf_init(&name, 0);
	for (int i = 0; i < 600; i++) {
		buf_adds(&pattern, i % 2 ? "*a" : "%a");
		buf_adds(&name, "aa");
	}
	assert_true(list_pattern_init(&p, buf_span(&pattern), a));
	at = list_pattern_begin(&p);
	for (size_t i = 0; i < name.n; i++) {
		at = list_pattern_walk(&p, at, span_slice(buf_span(&name), i,
		    1));
		assert_true(at.count <= p.n + 1);
		for (size_t k = 1; k < at.count; k++)
			assert_true(at.at[k - 1] < at.at[k]);
	}
	assert_true(list_pattern_done(&p, at));

	/* Wildcards that stand together cost nothing. */
	buf_reset(&pattern);
	for (int i = 0; i < 100000; i++)
		buf_adds(&pattern, "*%");
	assert_true(list_pattern_init(&p, buf_span(&pattern), a));
	assert_int_equal(p.n, 1);

	/* Longer than any name: matches nothing, at once. */
	buf_reset(&pattern);
	for (size_t i = 0; i <= 2 * BOUND_MAILBOX_NAME + 1; i++)
		buf_addc(&pattern, 'a');
	assert_false(list_pattern_init(&p, buf_span(&pattern), a));
	buf_clear(&pattern);
	buf_clear(&name);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_walk_in_pieces),
		cmocka_unit_test(test_hostile),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
