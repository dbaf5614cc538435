/* SPDX-License-Identifier: Apache-2.0 */
/* ENVELOPE and BODYSTRUCTURE of tests/data/structure, which were written down
 * by hand from the RFCs, and BODY's shorter form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <glob.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/mime/envelope.h"
#include "c-client/mime/part.h"
#include "c-client/mime/structure.h"
#include "tests/lib/linear.h"
#include "tests/lib/mail.h"

/* CRLF of literals as LF: expectations have plain line ends. */
static void
plain_line_ends(struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->p[i] != '\r')
			b->p[n++] = b->p[i];
	b->n = n;
}

static void
describe(struct span message, struct buf *out)
{
	struct arena *a = arena_new(0);
	struct mime_part *root = mime_parse(a, message);

	buf_adds(out, "ENVELOPE ");
	envelope_write(out, root->header);
	buf_adds(out, "\nBODYSTRUCTURE ");
	structure_write(out, root, true);
	buf_adds(out, "\n");
	plain_line_ends(out);
	arena_free(a);
}

static void
test_by_hand(void **state)
{
	glob_t g;

	(void)state;
	assert_int_equal(glob("tests/data/structure/*.eml", 0, NULL, &g), 0);
	assert_true(g.gl_pathc >= 40);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct buf message, name, want, got;

		buf_init(&message, 0);
		buf_init(&name, 0);
		buf_init(&want, 0);
		buf_init(&got, 0);
		buf_add(&name, g.gl_pathv[i], strlen(g.gl_pathv[i]) - 4);
		buf_adds(&name, ".expected");
		assert_true(mail_read(g.gl_pathv[i], true, &message));
		assert_true(mail_read(buf_string(&name), false, &want));
		describe(buf_span(&message), &got);
		assert_string_equal(buf_string(&got), buf_string(&want));
		buf_clear(&message);
		buf_clear(&name);
		buf_clear(&want);
		buf_clear(&got);
	}
	globfree(&g);
}

static void
test_body(void **state)
{
	static const struct {
		const char *message, *want;
	} rows[] = {
		{ "", "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL "
		    "\"7BIT\" 0 0)" },
		{ "Content-Type: image/gif\r\nContent-MD5: x\r\n"
		    "Content-Disposition: inline\r\n\r\nGIF",
		    "(\"IMAGE\" \"GIF\" NIL NIL NIL \"7BIT\" 3)" },
		{ "Content-Type: multipart/x; boundary=b\r\n\r\n--b\r\n\r\n"
		    "x\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n\r\n"
		    "y\r\n--b--",
		    "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL "
		    "\"7BIT\" 1 0)(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 3 "
		    "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) (\"TEXT\" "
		    "\"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 1 0) "
		    "1) \"X\")" },
		/* Fields that say nothing are as if they were not there. */
		{ "Content-Type: message/rfc822 ; name=x\r\n"
		    "Content-Disposition: ;\r\nContent-Language: ,,\r\n"
		    "Content-Transfer-Encoding:\r\n\r\n\r\n",
		    "(\"MESSAGE\" \"RFC822\" (\"NAME\" \"x\") NIL NIL \"7BIT\" 2 "
		    "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) (\"TEXT\" "
		    "\"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 0 0) "
		    "1)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct arena *a = arena_new(0);
		struct buf out;

		buf_init(&out, 0);
		structure_write(&out, mime_parse(a,
		    span_of(rows[i].message)), false);
		assert_string_equal(buf_string(&out), rows[i].want);
		buf_clear(&out);
		arena_free(a);
	}
}

/* NUL, CR and 8-bit octets, also in quoted strings, never break the form. */
static void
test_hostile(void **state)
{
	static const char text[] =
	    "Content-Type: te\0xt/pl\rain; na\xe9me=\"a\0\r\xe9\"; x=\"\r\n \"\r\n"
	    "Content-ID: \0\r\nContent-Description: \r\r\r\r\n"
	    "Content-Location: \r\n \r\n\r\n";
	struct arena *a = arena_new(0);
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	structure_write(&out, mime_parse(a, (struct span){ text,
	    sizeof text - 1 }), true);
	assert_null(memchr(out.p, '\0', out.n));
	assert_null(strstr(buf_string(&out), "{0}"));
	for (size_t i = 0; i < out.n; i++)
		assert_true(out.p[i] != '\r' || out.p[i + 1] == '\n');
	buf_clear(&out);
	buf_init(&out, 20);
	structure_write(&out, mime_parse(a, (struct span){ text,
	    sizeof text - 1 }), true);
	assert_true(out.full && out.n <= 20);
	buf_clear(&out);
	arena_free(a);
}

static void
deep_work(size_t n)
{
	struct arena *a = arena_new(0);
	struct buf m, out;

	buf_init(&m, 0);
	buf_init(&out, 0);
	for (size_t i = 0; i < n; i++)
		buf_addf(&m, "Content-Type: multipart/mixed; boundary=%zu\r\n"
		    "\r\n--%zu\r\n\r\nx\r\n--%zu\r\n", i, i, i);
	structure_write(&out, mime_parse(a, buf_span(&m)), true);
	assert_true(out.n > 100);
	buf_clear(&m);
	buf_clear(&out);
	arena_free(a);
}

static void
test_linear(void **state)
{
	(void)state;
	deep_work(100);
	assert_true(linear(deep_work, 10000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_linear),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
