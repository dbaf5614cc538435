/* SPDX-License-Identifier: Apache-2.0 */
/* IMAP's modified UTF-7 (RFC 3501 5.1.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/buf.h"
#include "c-client/mime/utf7.h"

/* Names that are the same both ways. */
static const struct {
	const char *wire, *utf8;
} rows[] = {
	{ "", "" },
	{ "INBOX", "INBOX" },
	{ "&-", "&" },
	{ "a&-b", "a&b" },
	{ "&-&-", "&&" },
	{ "~peter/mail/&U,BTFw-/&ZeVnLIqe-",
	    "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac"
	    "\xe8\xaa\x9e" },
	{ "&AOk-", "\xc3\xa9" },
	{ "&AOkA6Q-", "\xc3\xa9\xc3\xa9" },
	{ "&AOkA6QDp-", "\xc3\xa9\xc3\xa9\xc3\xa9" },
	{ "&2Dzf2Q-", "\xf0\x9f\x8f\x99" },
	{ "&AAo-", "\n" },
	{ "&AH8-", "\x7f" },
	{ "&AOk-&-", "\xc3\xa9&" },
	{ "&AOk-x&AOk-", "\xc3\xa9x\xc3\xa9" },
	{ "&,,0-", "\xef\xbf\xbd" },
	{ "a-b", "a-b" },
};

static void
test_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf out;

		buf_init(&out, 0);
		assert_true(utf7_decode(span_of(rows[i].wire), &out));
		assert_string_equal(buf_string(&out), rows[i].utf8);
		buf_reset(&out);
		utf7_encode(span_of(rows[i].utf8), &out);
		assert_string_equal(buf_string(&out), rows[i].wire);
		buf_clear(&out);
	}
}

static void
test_refused(void **state)
{
	static const struct span bad[] = {
#define BAD(literal)	{ literal, sizeof(literal) - 1 }
		BAD("&"), BAD("&A"), BAD("&AOk"),	/* not ended */
		BAD("&AO-"), BAD("&A-"), BAD("&AOkA-"),	/* cut */
		BAD("&AOl-"),			/* bits left over */
		BAD("&AOkAA-"),			/* a digit too many */
		BAD("&AGE-"), BAD("&AC8-"), BAD("&ACY-"), /* printable */
		BAD("&U,BTFw-&ZeVnLIqe-"),	/* two runs */
		BAD("&AOk/-"), BAD("&AOk=-"), BAD("&AO k-"),
		BAD("&2Dw-"), BAD("&39k-"), BAD("&39nYPA-"),
		BAD("&2DzYPA-"), BAD("&2DwAYQ-"), /* surrogates */
		BAD("&AAA-"), BAD("a\0b"),	/* NUL */
		BAD("\xc3\xa9"), BAD("a\tb"), BAD("a\x7f"), BAD("\r\n"),
#undef BAD
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct buf out;

		buf_init(&out, 0);
		buf_adds(&out, "kept");
		assert_false(utf7_decode(bad[i], &out));
		assert_string_equal(buf_string(&out), "kept");
		buf_clear(&out);
	}
}

/* A code point in UTF-8, written out for this test. */
static void
code_add(struct buf *out, uint32_t c)
{
	if (c < 0x80)
		buf_addc(out, (char)c);
	else if (c < 0x800)
		buf_addf(out, "%c%c", (int)(0xc0 | c >> 6),
		    (int)(0x80 | (c & 63)));
	else if (c < 0x10000)
		buf_addf(out, "%c%c%c", (int)(0xe0 | c >> 12),
		    (int)(0x80 | (c >> 6 & 63)), (int)(0x80 | (c & 63)));
	else
		buf_addf(out, "%c%c%c%c", (int)(0xf0 | c >> 18),
		    (int)(0x80 | (c >> 12 & 63)), (int)(0x80 | (c >> 6 & 63)),
		    (int)(0x80 | (c & 63)));
}

/* All code points, in runs of 1 to 7. */
static void
test_round_trip(void **state)
{
	struct buf text, wire, back;
	uint32_t c = 1;

	(void)state;
	buf_init(&text, 0);
	buf_init(&wire, 0);
	buf_init(&back, 0);
	for (unsigned run = 0; c < 0x110000; run++) {
		buf_reset(&text);
		buf_reset(&wire);
		buf_reset(&back);
		for (unsigned i = 0; i <= run % 7 && c < 0x110000; i++) {
			code_add(&text, c);
			c += c == 0xd7ff ? 0x801 : 1;
		}
		utf7_encode(buf_span(&text), &wire);
		assert_true(utf7_decode(buf_span(&wire), &back));
		assert_true(span_eq(buf_span(&text), buf_span(&back)));
	}
	buf_clear(&text);
	buf_clear(&wire);
	buf_clear(&back);
}

/* Whatever decodes is what encoding gives: no two forms of a name. */
static void
test_canonical(void **state)
{
	static const char alphabet[] = "&-AOkU,/x \xc3\xa9";
	uint32_t seed = 7;
	size_t good = 0;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		struct buf out, again;
		char text[8];
		size_t n = (size_t)i % sizeof text;

		for (size_t j = 0; j < n; j++) {
			seed = seed * 1664525 + 1013904223;
			text[j] = alphabet[(seed >> 16) %
			    (sizeof alphabet - 1)];
		}
		buf_init(&out, 0);
		buf_init(&again, 0);
		if (utf7_decode((struct span){ text, n }, &out)) {
			utf7_encode(buf_span(&out), &again);
			assert_true(span_eq(buf_span(&again),
			    (struct span){ text, n }));
			good++;
		}
		buf_clear(&out);
		buf_clear(&again);
	}
	assert_true(good > 1000);
}

static void
test_invalid_utf8(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	utf7_encode(SPAN("a\xff"), &out);
	assert_string_equal(buf_string(&out), "a&,,0-");
	buf_clear(&out);
	buf_init(&out, 3);
	assert_false(utf7_decode(SPAN("INBOX"), &out));
	assert_int_equal(out.n, 0);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_invalid_utf8),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
