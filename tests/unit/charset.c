/* SPDX-License-Identifier: Apache-2.0 */
/* Character sets to UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/buf.h"
#include "c-client/mime/charset.h"
#include "tests/lib/linear.h"

#define FFFD	"\xef\xbf\xbd"

static void
test_convert(void **state)
{
	static const struct {
		const char *charset, *text, *want;
	} rows[] = {
		{ "us-ascii", "abc", "abc" },
		{ "US-ASCII", "a\xe9", "a" FFFD },
		{ "utf-8", "caf\xc3\xa9 \xf0\x9f\x8f\x99",
		    "caf\xc3\xa9 \xf0\x9f\x8f\x99" },
		{ "UTF-8", "a\xc3", "a" FFFD },
		{ "utf8", "\xc0\x80" "a", FFFD FFFD "a" },
		{ "utf8", "\xed\xa0\x80", FFFD FFFD FFFD },
		{ "utf8", "\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD },
		{ "utf8", "\xe0\x9f\xbf", FFFD FFFD FFFD },
		{ "utf8", "\xf0\x8f\xbf\xbf", FFFD FFFD FFFD FFFD },
		{ "utf8", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
		{ "iso-8859-1", "caf\xe9 \x85", "caf\xc3\xa9 \xc2\x85" },
		{ "windows-1252", "\x80\x81\xe9", "\xe2\x82\xac" FFFD
		    "\xc3\xa9" },
		{ "iso-8859-15", "\xa4", "\xe2\x82\xac" },
		{ "koi8-r", "\xf0\xf2", "\xd0\x9f\xd0\xa0" },
		{ "iso-2022-jp", "\x1b$B$\"\x1b(B.", "\xe3\x81\x82." },
		{ "iso-2022-jp", "\x1b$B$\"", "\xe3\x81\x82" },
		{ "shift_jis", "\x82\xa0", "\xe3\x81\x82" },
		{ "shift_jis", "\x82", FFFD },
		{ "gb2312", "\xc4\xe3", "\xe4\xbd\xa0" },
		{ "big5", "\xa7\x41", "\xe4\xbd\xa0" },
		{ "euc-kr", "\xb0\xa1", "\xea\xb0\x80" },
		{ "ks_c_5601-1987", "\xb0\xa1", "\xea\xb0\x80" },
		{ "cp-850", "\x82", "\xc3\xa9" },
		{ "ibm850", "\x82", "\xc3\xa9" },
		{ "x-unknown", "\xe9", "\xc3\xa9" },
		{ "unknown-8bit", "\xc3\xa9", "\xc3\xa9" },
		{ "utf-16be", "\x01\x02", "\xc4\x82" },
		{ "utf-7", "+AOk-", "\xc3\xa9" },
		{ " utf-8 ", "x", "x" },
		{ "big5", "\xff\xff\xff", FFFD FFFD FFFD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf out;

		buf_init(&out, 0);
		assert_int_equal(charset_to_utf8(span_of(rows[i].charset),
		    span_of(rows[i].text), &out), 0);
		assert_string_equal(buf_string(&out), rows[i].want);
		assert_true(charset_known(span_of(rows[i].charset)));
		buf_clear(&out);
	}
}

static void
test_unknown(void **state)
{
	static const struct span bad[] = {
#define BAD(literal)	{ literal, sizeof(literal) - 1 }
		BAD(""), BAD("no-such-set"), BAD("char"), BAD("WCHAR_T"),
		BAD("utf-8//TRANSLIT"), BAD("../../tmp/x"), BAD("utf-8\0x"),
		BAD("utf 8"), BAD("\xff"), BAD(","), BAD("cp-"),
		BAD("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaaaaaa"),
#undef BAD
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct buf out;

		buf_init(&out, 0);
		assert_false(charset_known(bad[i]));
		assert_int_equal(charset_to_utf8(bad[i], SPAN("x"), &out),
		    -1);
		assert_int_equal(out.n, 0);
		buf_clear(&out);
	}
}

/* Random octets in every set: always valid UTF-8, never without an end. */
static void
test_random(void **state)
{
	static const char *const sets[] = {
		"us-ascii", "utf-8", "iso-8859-1", "windows-1252",
		"iso-2022-jp", "iso-2022-kr", "iso-2022-cn", "hz", "utf-7",
		"utf-16", "utf-16le", "utf-32", "gb18030", "big5-hkscs",
		"euc-jp", "euc-tw", "shift_jis", "johab", "tcvn", "ibm1390",
		"ibm037", "viscii", "armscii-8", "tis-620", "x-unknown",
	};
	uint32_t seed = 3;

	(void)state;
	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
		for (int round = 0; round < 60; round++) {
			struct buf out;
			char text[300];

			for (size_t j = 0; j < sizeof text; j++) {
				seed = seed * 1664525 + 1013904223;
				text[j] = (char)(seed >> 24);
				if (round % 3 == 0 && j % 7 == 0)
					text[j] = 0x1b;
			}
			buf_init(&out, 0);
			if (charset_to_utf8(span_of(sets[i]), (struct span){
			    text, sizeof text - (size_t)round }, &out) == 0)
				assert_true(charset_is_utf8(buf_span(&out)));
			assert_true(out.n < 64 * sizeof text);
			buf_clear(&out);
		}
	}
}

static void
test_guess(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	charset_guess_utf8(SPAN("\xc3\xa9|"), &out);
	charset_guess_utf8(SPAN("\xe9\x93"), &out);
	assert_string_equal(buf_string(&out),
	    "\xc3\xa9|\xc3\xa9\xe2\x80\x9c");
	buf_clear(&out);
}

static const struct {
	const char *charset, *piece;
} bombs[] = {
	{ "utf-8", "\xff" }, { "utf-8", "a\xc3" }, { "iso-8859-1", "\xe9" },
	{ "big5", "\xff" }, { "iso-2022-jp", "\x1b" },
	{ "utf-16be", "\xd8\xd8" }, { "utf-7", "+" },
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
	charset_to_utf8(span_of(bombs[bomb].charset), buf_span(&in), &out);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_convert),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_guess),
		cmocka_unit_test(test_linear),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
