/* SPDX-License-Identifier: Apache-2.0 */
/* ENVELOPE where headers are hostile; tests/unit/structure.c has the forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/memory.h"
#include "c-client/mime/envelope.h"
#include "tests/lib/linear.h"

#define NILS	"NIL NIL NIL NIL NIL NIL NIL"

static void
test_table(void **state)
{
	static const struct {
		const char *header, *want;
	} rows[] = {
		{ "", "(NIL NIL NIL " NILS ")" },
		{ "\r\nSubject: no\r\n", "(NIL NIL NIL " NILS ")" },
		{ "SUBJECT:\tx", "(NIL \"x\" NIL " NILS ")" },
		{ "Subject : \n", "(NIL \"\" NIL " NILS ")" },
		{ "Subject: a\rb\n", "(NIL {2}\r\nab NIL " NILS ")" },
		{ "Subject: \x01\n", "(NIL {1}\r\n\x01 NIL " NILS ")" },
		{ "From: a@b\n\nTo: c@d\n", "(NIL NIL "
		    "((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) "
		    "((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL)" },
		{ "Sender: ,\nFrom: a@b\n", "(NIL NIL "
		    "((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) "
		    "((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL)" },
		{ "From: a\n", "(NIL NIL "
		    "((NIL NIL \"a\" \"\")) ((NIL NIL \"a\" \"\")) "
		    "((NIL NIL \"a\" \"\")) NIL NIL NIL NIL NIL)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf out;

		buf_init(&out, 0);
		envelope_write(&out, span_of(rows[i].header));
		assert_string_equal(buf_string(&out), rows[i].want);
		buf_clear(&out);
	}
}

/* A header cut anywhere gives ten members: blanks outside of parentheses and
 * strings are nine. */
static void
test_cut(void **state)
{
	static const char text[] = "From: \"A \\\"B\" <a@b>\r\nTo: G: c@d, e;\r\n"
	    "Subject: x\r\n y\r\nMessage-ID: <\"q\"@r>\r\nDate: now\r\n\r\n";

	(void)state;
	for (size_t n = 0; n <= strlen(text); n++) {
		char *copy = memory_alloc(n);
		size_t blanks = 0, depth = 0;
		bool quoted = false;
		struct buf out;

		memcpy(copy, text, n);
		buf_init(&out, 0);
		envelope_write(&out, (struct span){ copy, n });
		for (size_t i = 0; i < out.n; i++) {
			char c = out.p[i];

			if (quoted && c == '\\')
				i++;
			else if (c == '"')
				quoted = !quoted;
			else if (!quoted) {
				depth += c == '(';
				depth -= c == ')';
				blanks += c == ' ' && depth == 1;
			}
		}
		assert_false(quoted);
		assert_int_equal(depth, 0);
		assert_int_equal(blanks, 9);
		buf_clear(&out);
		free(copy);
	}
}

static size_t
occurrences(const char *hay, const char *needle)
{
	size_t n = 0;

	while ((hay = strstr(hay, needle)) != NULL) {
		n++;
		hay++;
	}
	return n;
}

/* n fields "To:" with three addresses each, or a group. */
static size_t
to_flood(const char *field, size_t n, const char *needle)
{
	struct buf header, out;
	size_t found;

	buf_init(&header, 0);
	buf_init(&out, 0);
	for (size_t i = 0; i < n; i++)
		buf_adds(&header, field);
	envelope_write(&out, buf_span(&header));
	found = occurrences(buf_string(&out), needle);
	buf_clear(&header);
	buf_clear(&out);
	return found;
}

static void
test_bound(void **state)
{
	size_t full = BOUND_ADDRESSES;

	(void)state;
	assert_int_equal(to_flood("To: a@b\n", full - 1, "\"a\""), full - 1);
	assert_int_equal(to_flood("To: a@b\n", full + 1, "\"a\""), full);
	assert_int_equal(to_flood("To: a@b,a@b,a@b\n", full, "\"a\""), full);
	/* Groups stay whole: as many begin as end. */
	assert_int_equal(to_flood("Cc: g: a@b;\n", full, "\"g\" NIL"),
	    full / 3);
	assert_int_equal(to_flood("Cc: g: a@b;\n", full, "(NIL NIL NIL NIL)"),
	    full / 3);
}

static const char *const bombs[] = {
	"To: a@b\n", "From: a@b\n", "Subject: x\n", "x\n", " x\n", "To: (\n",
	"Bcc: g:;\n", "To: \"\n", "Date:\n",
};
static size_t bomb;

static void
bomb_work(size_t n)
{
	to_flood(bombs[bomb], n, "x");
}

static void
test_linear(void **state)
{
	(void)state;
	for (bomb = 0; bomb < sizeof bombs / sizeof bombs[0]; bomb++)
		if (!linear(bomb_work, 12000))
			fail_msg("not linear: %s", bombs[bomb]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_linear),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
