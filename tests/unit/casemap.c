/* SPDX-License-Identifier: Apache-2.0 */
/* Folding for comparison. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/buf.h"
#include "c-client/mime/casemap.h"
#include "c-client/mime/charset.h"
#include "tests/lib/linear.h"

static void
test_table(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "", "" },
		{ "Hello, WORLD [1]", "hello, world [1]" },
		{ "\xc3\x89", "\xc3\xa9" },		/* E acute */
		{ "E\xcc\x81x", "\xc3\xa9x" },		/* composed */
		{ "aE\xcc\x81", "a\xc3\xa9" },
		{ "Stra\xc3\x9f" "e", "strasse" },
		{ "\xef\xbc\xa1", "a" },		/* full width A */
		{ "\xef\xac\x81", "fi" },		/* ligature */
		{ "\xce\xa3\xcf\x82", "\xcf\x83\xcf\x83" }, /* sigmas */
		{ "co\xc2\xadop", "coop" },		/* soft hyphen */
		{ "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab",
		    "\xed\x95\x9c" },			/* Hangul letters */
		{ "A\xff" "B", "a\xef\xbf\xbd" "b" },
		{ "\xc3", "\xef\xbf\xbd" },
		{ "\xcc\x81", "\xcc\x81" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf out;

		buf_init(&out, 0);
		casemap_fold(span_of(rows[i].in), &out);
		assert_string_equal(buf_string(&out), rows[i].want);
		buf_clear(&out);
	}
}

/* Twice is once, also where long texts are folded in pieces. */
static void
test_again(void **state)
{
	struct buf in, once, twice;

	(void)state;
	buf_init(&in, 0);
	buf_init(&once, 0);
	buf_init(&twice, 0);
	for (int i = 0; i < 20000; i++)
		buf_adds(&in, i % 3 == 0 ? "\xc3\x89" : i % 3 == 1 ?
		    "\xe1\x84\x92\xe1\x85\xa1" : "\xce\x95\xcc\x81");
	casemap_fold(buf_span(&in), &once);
	casemap_fold(buf_span(&once), &twice);
	assert_true(once.n > 20000);
	assert_true(charset_is_utf8(buf_span(&once)));
	assert_true(span_eq(buf_span(&once), buf_span(&twice)));
	buf_clear(&in);
	buf_clear(&once);
	buf_clear(&twice);
}

static const char *const bombs[] = {
	"\xcc\x81", "a\xcc\x81", "\xff", "\xc3\x89", "\xe1\x85\xa1", "A",
	"\xcc\x81\xcc\xa3",
};
static size_t bomb;

static void
bomb_work(size_t n)
{
	struct buf in, out;

	buf_init(&in, 0);
	buf_init(&out, 0);
	for (size_t i = 0; i < n; i++)
		buf_adds(&in, bombs[bomb]);
	casemap_fold(buf_span(&in), &out);
	buf_clear(&in);
	buf_clear(&out);
}

static void
test_linear(void **state)
{
	(void)state;
	for (bomb = 0; bomb < sizeof bombs / sizeof bombs[0]; bomb++)
		assert_true(linear(bomb_work, 20000));
}

static void
test_decompose(void **state)
{
	static const struct {
		const char *in, *want, *folded;
	} rows[] = {
		{ "", "", "" },
		{ "Plain", "Plain", "plain" },
		{ "\xc3\x89t", "E\xcc\x81t", "e\xcc\x81t" },
		{ "E\xcc\x81", "E\xcc\x81", "e\xcc\x81" },
		{ "\xef\xac\x81", "\xef\xac\x81", "fi" },	/* ligature */
		{ "\xed\x95\x9c", "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab",
		    "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab" },
		{ "a\xff" "B", "a\xef\xbf\xbd" "B", "a\xef\xbf\xbd" "b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf out;

		buf_init(&out, 0);
		casemap_decompose(span_of(rows[i].in), false, &out);
		assert_string_equal(buf_string(&out), rows[i].want);
		buf_reset(&out);
		casemap_decompose(span_of(rows[i].in), true, &out);
		assert_string_equal(buf_string(&out), rows[i].folded);
		buf_clear(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_decompose),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_linear),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
