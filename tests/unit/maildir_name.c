/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the files in a maildir. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/buf.h"
#include "c-client/formats/maildir_name.h"
#include "c-client/store/record.h"

#include "c-client/base/banned.h"

static void
test_parse(void **state)
{
	static const struct {
		const char *name, *base, *unique, *letters;
		uint64_t size, wire;
	} rows[] = {
		{ "1.a.b", "1.a.b", "1.a.b", "", 0, 0 },
		{ "1.a.b:2,", "1.a.b", "1.a.b", "", 0, 0 },
		{ "1.a.b:2,FS", "1.a.b", "1.a.b", "FS", 0, 0 },
		{ "1.a,S=12,W=34:2,Sab", "1.a,S=12,W=34", "1.a", "Sab", 12,
		    34 },
		{ "1.a,W=34,U=5,S=12:2,S", "1.a,W=34,U=5,S=12", "1.a", "S",
		    12, 34 },
		{ "1.a,S=x,W=:2,S", "1.a,S=x,W=", "1.a", "S", 0, 0 },
		{ "1.a,S=-1,W=+2", "1.a,S=-1,W=+2", "1.a", "", 0, 0 },
		{ "1.a,S=99999999999999999999", "1.a,S=99999999999999999999",
		    "1.a", "", 0, 0 },
		{ "1.a,S=9223372036854775807", "1.a,S=9223372036854775807",
		    "1.a", "", 9223372036854775807, 0 },
		{ "1.a:1,FS", "1.a", "1.a", "", 0, 0 },
		{ "1.a:2FS", "1.a", "1.a", "", 0, 0 },
		{ "1.a:2,FS,x=1", "1.a", "1.a", "FS", 0, 0 },
		{ "1.a:2,F:S", "1.a", "1.a", "F:S", 0, 0 },
		{ ",S=1", ",S=1", ",S=1", "", 1, 0 },
		{ ":2,S", "", "", "S", 0, 0 },
		{ "", "", "", "", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct maildir_name n;
		uint64_t size, wire;

		maildir_name_parse(span_of(rows[i].name), &n);
		maildir_name_sizes(n.base, &size, &wire);
		if (!span_eq(n.base, span_of(rows[i].base)) ||
		    !span_eq(n.unique, span_of(rows[i].unique)) ||
		    !span_eq(n.letters, span_of(rows[i].letters)) ||
		    size != rows[i].size || wire != rows[i].wire)
			fail_msg("%s", rows[i].name);
	}
}

static void
test_base(void **state)
{
	static const struct {
		const char *base;
		bool good;
	} rows[] = {
		{ "1.a.b", true }, { "x", true }, { "1.a,S=1", true },
		{ "a b", true }, { "\xC3\xA9", true }, { "", false },
		{ ".a", false }, { "..", false }, { "a/b", false },
		{ "/dev/zero", false }, { "a:b", false }, { "a\nb", false },
		{ "a\x7f", false },
	};
	char longest[MAILDIR_NAME_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (maildir_name_is_base(span_of(rows[i].base)) !=
		    rows[i].good)
			fail_msg("%s", rows[i].base);
	memset(longest, 'a', sizeof longest);
	/* There has to be room for ":2," and 52 letters. */
	assert_true(maildir_name_is_base((struct span){ longest,
	    MAILDIR_NAME_MAX - 55 }));
	assert_false(maildir_name_is_base((struct span){ longest,
	    MAILDIR_NAME_MAX - 54 }));
}

/* What is written, and what that says again. */
static void
test_letters(void **state)
{
	static const struct {
		const char *old;
		uint16_t flags;
		uint32_t keywords, known;
		bool passed;
		const char *want;
	} rows[] = {
		{ "", 0, 0, 0, false, "b:2," },
		{ "", FLAG_ALL_SYSTEM, 0, 0, false, "b:2,DFRST" },
		{ "", FLAG_OLD | FLAG_SEEN, 0, 0, false, "b:2,S" },
		{ "DFRST", 0, 0, 0, false, "b:2," },
		{ "FS", FLAG_SEEN, 5, 7, false, "b:2,Sac" },
		{ "ab", 0, 4, 7, false, "b:2,c" },
		/* What says something else stays. */
		{ "XSaz", 0, 2, 3, false, "b:2,Xbz" },
		{ "P", 0, 0, 0, false, "b:2," },
		{ "", 0, 1, 1, true, "b:2,Pa" },
		{ "\x01/:,-\xff" "S", 0, 0, 0, false, "b:2," },
		{ "", 0, 0x3ffffff, 0x3ffffff, false,
		    "b:2,abcdefghijklmnopqrstuvwxyz" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct maildir_name n;
		uint32_t keywords;
		uint16_t flags;
		struct buf b;
		bool passed;

		buf_init(&b, 0);
		maildir_name_write(&b, SPAN("b"), span_of(rows[i].old),
		    rows[i].flags, rows[i].keywords, rows[i].known,
		    rows[i].passed);
		assert_string_equal(buf_string(&b), rows[i].want);
		maildir_name_parse(buf_span(&b), &n);
		flags = maildir_name_flags(n.letters, &keywords, &passed);
		assert_int_equal(flags, rows[i].flags & FLAG_ALL_SYSTEM);
		assert_int_equal(keywords & rows[i].known, rows[i].keywords);
		assert_int_equal(passed, rows[i].passed);
		buf_clear(&b);
	}
}

static void
test_unique(void **state)
{
	struct buf a, b;

	(void)state;
	buf_init(&a, 0);
	buf_init(&b, 0);
	maildir_name_begin(&a);
	maildir_name_begin(&b);
	assert_string_not_equal(buf_string(&a), buf_string(&b));
	maildir_name_end(&a, 7);
	assert_true(maildir_name_is_base(buf_span(&a)));
	assert_non_null(strstr(buf_string(&a), "Q7."));
	buf_clear(&a);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_base),
		cmocka_unit_test(test_letters),
		cmocka_unit_test(test_unique),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
