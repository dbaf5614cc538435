/* SPDX-License-Identifier: Apache-2.0 */
/* Base64: canonical text only, and both ways the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/base64.h"

static void
test_rows(void **state)
{
	/* RFC 4648 section 10 first; NULL: refused. */
	static const struct {
		const char *text, *octets;
	} rows[] = {
		{ "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" },
		{ "Zm9v", "foo" }, { "Zm9vYg==", "foob" },
		{ "Zm9vYmE=", "fooba" }, { "Zm9vYmFy", "foobar" },
		{ "+/+/", "\xfb\xff\xbf" },
		{ "=", NULL }, { "==", NULL }, { "====", NULL },
		{ "Z===", NULL }, { "Zg=", NULL }, { "Zg", NULL },
		{ "Z", NULL }, { "Zh==", NULL }, { "Zm9=", NULL },
		{ "Zg==Zg==", NULL }, { "Zm=v", NULL }, { "Zm9v\n", NULL },
		{ "Zm9v\r\n\r\n", NULL }, { " Zm9", NULL }, { "Zm-_", NULL },
		{ "Zm9\xff", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf out, again;

		buf_init(&out, 0);
		buf_init(&again, 0);
		buf_adds(&out, "kept");
		assert_int_equal(base64_decode_strict(span_of(rows[i].text),
		    &out), rows[i].octets != NULL);
		buf_consume(&out, 4);
		assert_string_equal(buf_string(&out),
		    rows[i].octets == NULL ? "" : rows[i].octets);
		if (rows[i].octets != NULL) {
			base64_encode(&again, buf_span(&out));
			assert_string_equal(buf_string(&again), rows[i].text);
		}
		buf_clear(&out);
		buf_clear(&again);
	}
}

/* All octets, in all lengths, with a NUL among them; and the maximum. */
static void
test_lengths(void **state)
{
	char octets[256];
	struct buf text, back;

	(void)state;
	for (size_t i = 0; i < sizeof octets; i++)
		octets[i] = (char)i;
	for (size_t n = 0; n <= sizeof octets; n++) {
		buf_init(&text, 0);
		buf_init(&back, n == 0 ? 1 : n);
		base64_encode(&text, (struct span){ octets, n });
		assert_int_equal(text.n, (n + 2) / 3 * 4);
		assert_true(base64_decode_strict(buf_span(&text), &back));
		assert_true(span_eq(buf_span(&back),
		    (struct span){ octets, n }));
		buf_clear(&back);
		buf_init(&back, n == 0 ? 1 : n - 1);
		if (n > 1)
			assert_false(base64_decode_strict(buf_span(&text),
			    &back));
		buf_clear(&back);
		buf_clear(&text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_lengths),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
