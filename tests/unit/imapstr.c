/* SPDX-License-Identifier: Apache-2.0 */
/* Strings in the form of IMAP answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/buf.h"
#include "c-client/mime/imapstr.h"

static void
test_table(void **state)
{
	static const struct {
		struct span in;
		const char *want;
	} rows[] = {
#define S(literal)	{ literal, sizeof(literal) - 1 }
		{ { NULL, 0 }, "NIL" },
		{ S(""), "\"\"" },
		{ S("NIL"), "\"NIL\"" },
		{ S("a\"b\\c"), "\"a\\\"b\\\\c\"" },
		{ S("a\tb"), "\"a\tb\"" },
		{ S("\x7f"), "{1}\r\n\x7f" },
		{ S("\x01"), "{1}\r\n\x01" },
		{ S("\xc3\xa9"), "{2}\r\n\xc3\xa9" },
		{ S("a\0b"), "{3}\r\na\x80" "b" },
		{ S("a\rb\nc"), "{3}\r\nabc" },
		{ S("\r\n"), "\"\"" },
#undef S
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf out;

		buf_init(&out, 0);
		imapstr_write(&out, rows[i].in);
		assert_string_equal(buf_string(&out), rows[i].want);
		buf_clear(&out);
	}
}

static void
test_long(void **state)
{
	char text[1001];
	struct buf out;

	(void)state;
	memset(text, '"', sizeof text);
	buf_init(&out, 0);
	imapstr_write(&out, (struct span){ text, 1000 });
	assert_int_equal(out.n, 2002);
	buf_reset(&out);
	imapstr_write(&out, (struct span){ text, 1001 });
	assert_int_equal(out.n, 8 + 1001);
	assert_memory_equal(out.p, "{1001}\r\n\"", 9);
	buf_clear(&out);
}

static void
test_upper_and_full(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	imapstr_write_upper(&out, SPAN("text-x\xe9"));
	assert_string_equal(buf_string(&out), "{7}\r\nTEXT-X\xe9");
	buf_clear(&out);
	buf_init(&out, 6);
	imapstr_write(&out, SPAN("abcdef"));
	assert_true(out.full);
	imapstr_write(&out, SPAN("\xe9\xe9\xe9\xe9"));
	assert_true(out.n <= 6);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_upper_and_full),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
