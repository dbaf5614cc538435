/* SPDX-License-Identifier: Apache-2.0 */
/* Encoded-words: the examples of RFC 2047 8, and what is written wrongly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>

#include "c-client/base/buf.h"
#include "c-client/base/memory.h"
#include "c-client/mime/charset.h"
#include "c-client/mime/encword.h"
#include "tests/lib/linear.h"

static const struct {
	const char *in, *want;
} rows[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "=?ISO-8859-1?Q?a?=", "a" },
	{ "=?ISO-8859-1?Q?a?= b", "a b" },
	{ "=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab" },
	{ "=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab" },
	{ "=?ISO-8859-1?Q?a?=    \t=?ISO-8859-1?Q?b?=", "ab" },
	{ "=?ISO-8859-1?Q?a_b?=", "a b" },
	{ "=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b" },
	{ "=?iso-8859-1?q?this=20is=20some=20text?=", "this is some text" },
	{ "=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>",
	    "Keith Moore <moore@cs.utk.edu>" },
	{ "=?ISO-8859-1?Q?Keld_J=F8rn?=", "Keld J\xc3\xb8rn" },
	{ "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= "
	    "=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
	    "If you can read this you understand the example." },
	/* A character cut in two. */
	{ "=?utf-8?q?=C3?= =?UTF-8?B?qQ==?=", "\xc3\xa9" },
	{ "=?utf-8*en?q?x?=", "x" },
	{ "=?utf-8?q?a b?=", "a b" },
	{ "x=?utf-8?q?a?=y", "xay" },
	{ "=?utf-8?q?a?==?utf-8?q?b?=", "ab" },
	{ "=?no-such?q?a?=", "=?no-such?q?a?=" },
	{ "=?no-such?q?a?= =?no-such?q?b?= c",
	    "=?no-such?q?a?= =?no-such?q?b?= c" },
	{ "=?no-such?q?a?= =?utf-8?q?b?=", "=?no-such?q?a?= b" },
	{ "=?utf-8?x?a?=", "=?utf-8?x?a?=" },
	{ "=?utf-8?q?", "=?utf-8?q?" },
	{ "=?utf-8?q?a", "=?utf-8?q?a" },
	{ "=?utf-8?q?a?", "=?utf-8?q?a?" },
	{ "=?utf-8?q?" "?=", "" },
	{ "=?" "?q?a?=", "=?" "?q?a?=" },
	{ "=?=?utf-8?q?a?=", "=?a" },
	{ "=?utf-8?q?=4?=", "=4" },
	{ "=?utf-8?q?=?=", "=" },
	{ "caf\xc3\xa9", "caf\xc3\xa9" },
	{ "caf\xe9", "caf\xc3\xa9" },
	{ "\xe9 =?utf-8?q?=C3=A9?=", "\xc3\xa9 \xc3\xa9" },
};

static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf out;

		buf_init(&out, 0);
		encword_decode(span_of(rows[i].in), &out);
		assert_string_equal(buf_string(&out), rows[i].want);
		buf_clear(&out);
	}
}

/* Cut anywhere it is valid UTF-8, and nothing is read behind the end. */
static void
test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		for (size_t cut = 0; cut <= strlen(rows[i].in); cut++) {
			char *copy = memory_alloc(cut);
			struct buf out;

			memcpy(copy, rows[i].in, cut);
			buf_init(&out, 0);
			encword_decode((struct span){ copy, cut }, &out);
			assert_true(charset_is_utf8(buf_span(&out)));
			buf_clear(&out);
			free(copy);
		}
	}
}

static const char *const bombs[] = {
	"=?", "=?a", "=?a?q?", "=?utf-8?q?a?=", "=?utf-8?q?a?= ",
	"=?no-such?q?a?= ", "=?utf-8?q?a?= =?iso-8859-1?q?b?= ", "?", "=",
	"\xff", "=?utf-8?b?QUFB",
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
	encword_decode(buf_span(&in), &out);
	buf_clear(&in);
	buf_clear(&out);
}

static void
test_linear(void **state)
{
	(void)state;
	for (bomb = 0; bomb < sizeof bombs / sizeof bombs[0]; bomb++)
		if (!linear(bomb_work, 10000))
			fail_msg("not linear: %s", bombs[bomb]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_linear),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
