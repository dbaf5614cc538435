/* SPDX-License-Identifier: Apache-2.0 */
/* Section specifications: grammar, and the octets that each names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/mime/part.h"
#include "c-client/mime/section.h"

static void
test_grammar(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		size_t depth;
		enum section_kind kind;
	} rows[] = {
		{ "", true, 0, SECTION_ALL },
		{ "1", true, 1, SECTION_ALL },
		{ "4294967295", true, 1, SECTION_ALL },
		{ "4294967296", false, 0, SECTION_ALL },
		{ "1.22.333", true, 3, SECTION_ALL },
		{ "header", true, 0, SECTION_HEADER },
		{ "HEADER.FIELDS", true, 0, SECTION_FIELDS },
		{ "Header.Fields.Not", true, 0, SECTION_FIELDS_NOT },
		{ "TEXT", true, 0, SECTION_TEXT },
		{ "MIME", false, 0, SECTION_MIME },
		{ "1.MIME", true, 1, SECTION_MIME },
		{ "1.2.TEXT", true, 2, SECTION_TEXT },
		{ "1.2.HEADER.FIELDS.NOT", true, 2, SECTION_FIELDS_NOT },
		{ "0", false, 0, SECTION_ALL },
		{ "1.0", false, 0, SECTION_ALL },
		{ "01", false, 0, SECTION_ALL },
		{ ".", false, 0, SECTION_ALL },
		{ "1.", false, 0, SECTION_ALL },
		{ "1..2", false, 0, SECTION_ALL },
		{ ".1", false, 0, SECTION_ALL },
		{ "1 ", false, 0, SECTION_ALL },
		{ "TEXT.1", false, 0, SECTION_ALL },
		{ "1.TEXT.", false, 0, SECTION_ALL },
		{ "1TEXT", false, 0, SECTION_ALL },
		{ "HEADER.FIELD", false, 0, SECTION_ALL },
		{ "-1", false, 0, SECTION_ALL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct section s;

		assert_int_equal(section_parse_spec(span_of(rows[i].text),
		    &s), rows[i].ok);
		if (!rows[i].ok)
			continue;
		assert_int_equal(s.depth, rows[i].depth);
		assert_int_equal(s.kind, rows[i].kind);
		assert_int_equal(s.name_count, 0);
	}
}

static void
test_depth(void **state)
{
	const struct mime_part *message;
	struct mime_part *root;
	struct arena *a = arena_new(0);
	struct section s;
	struct buf text;

	(void)state;
	root = mime_parse(a, SPAN("\r\nx"));
	buf_init(&text, 0);
	for (size_t n = 1; n < 5000; n++) {
		buf_adds(&text, n == 1 ? "1" : ".1");
		assert_true(section_parse_spec(buf_span(&text), &s));
		assert_int_equal(s.depth, n <= BOUND_MIME_DEPTH ? n :
		    BOUND_MIME_DEPTH + 1);
		assert_int_equal(section_part(root, &s, &message) != NULL,
		    n == 1);
	}
	buf_clear(&text);
	arena_free(a);
}

/* The structure of RFC 3501 6.4.5's example: 1 text, 2 octets, 3 a message
 * with 3.1 and 3.2, 4 multipart with 4.1 and the message 4.2 with 4.2.1 and
 * the multipart 4.2.2.  Each body names itself. */
static const char example[] =
"Subject: whole\r\nContent-Type: multipart/mixed; boundary=w\r\n\r\n"
"--w\r\nX: 1\r\n\r\nbody 1\r\n"
"--w\r\nX: 2\r\nContent-Type: application/octet-stream\r\n\r\nbody 2\r\n"
"--w\r\nX: 3\r\nContent-Type: message/rfc822\r\n\r\n"
"Subject: h3\r\nContent-Type: multipart/mixed; boundary=v\r\n\r\n"
"--v\r\n\r\nbody 3.1\r\n--v\r\nX: 3.2\r\n\r\nbody 3.2\r\n--v--\r\n"
"--w\r\nX: 4\r\nContent-Type: multipart/mixed; boundary=u\r\n\r\n"
"--u\r\nContent-Type: image/gif\r\n\r\nbody 4.1\r\n"
"--u\r\nX: 4.2\r\nContent-Type: message/rfc822\r\n\r\n"
"Subject: h4.2\r\nContent-Type: multipart/mixed; boundary=t\r\n\r\n"
"--t\r\n\r\nbody 4.2.1\r\n"
"--t\r\nContent-Type: multipart/alternative; boundary=s\r\n\r\n"
"--s\r\n\r\nbody 4.2.2.1\r\n--s\r\n\r\nbody 4.2.2.2\r\n--s--\r\n--t--\r\n"
"--u--\r\n--w--\r\n";

static void
test_example(void **state)
{
	static const struct {
		const char *spec, *begins, *ends;	/* begins NULL: none */
	} rows[] = {
		{ "", "Subject: whole", "--w--\r\n" },
		{ "HEADER", "Subject: whole", "boundary=w\r\n\r\n" },
		{ "TEXT", "--w\r\nX: 1", "--w--\r\n" },
		{ "1", "body 1", "body 1" },
		{ "1.MIME", "X: 1", "X: 1\r\n\r\n" },
		{ "1.HEADER", NULL, NULL },
		{ "1.TEXT", NULL, NULL },
		{ "1.1", NULL, NULL },
		{ "2", "body 2", "body 2" },
		{ "3", "Subject: h3", "--v--" },
		{ "3.HEADER", "Subject: h3", "boundary=v\r\n\r\n" },
		{ "3.HEADER.FIELDS", "Subject: h3", "boundary=v\r\n\r\n" },
		{ "3.TEXT", "--v", "--v--" },
		{ "3.MIME", "X: 3", "message/rfc822\r\n\r\n" },
		{ "3.1", "body 3.1", "body 3.1" },
		{ "3.2.MIME", "X: 3.2", "X: 3.2\r\n\r\n" },
		{ "3.3", NULL, NULL },
		{ "4", "--u\r\n", "--u--" },
		{ "4.HEADER", NULL, NULL },
		{ "4.TEXT", NULL, NULL },
		{ "4.MIME", "X: 4", "boundary=u\r\n\r\n" },
		{ "4.1", "body 4.1", "body 4.1" },
		{ "4.2.HEADER", "Subject: h4.2", "boundary=t\r\n\r\n" },
		{ "4.2.1", "body 4.2.1", "body 4.2.1" },
		{ "4.2.2", "--s", "--s--" },
		{ "4.2.2.1", "body 4.2.2.1", "body 4.2.2.1" },
		{ "4.2.2.2", "body 4.2.2.2", "body 4.2.2.2" },
		{ "4.2.2.3", NULL, NULL },
		{ "5", NULL, NULL },
		{ "4294967295", NULL, NULL },
	};
	struct arena *a = arena_new(0);
	struct mime_part *root = mime_parse(a, span_of(example));

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint64_t off, len;
		struct section s;
		struct span got;
		size_t n;

		assert_true(section_parse_spec(span_of(rows[i].spec), &s));
		assert_int_equal(section_range(root, &s, &off, &len),
		    rows[i].begins != NULL);
		if (rows[i].begins == NULL)
			continue;
		got = span_slice(span_of(example), off, len);
		assert_int_equal(got.n, len);
		n = strlen(rows[i].begins);
		assert_true(got.n >= n);
		assert_memory_equal(got.p, rows[i].begins, n);
		n = strlen(rows[i].ends);
		assert_memory_equal(got.p + got.n - n, rows[i].ends, n);
		if (rows[i].begins == rows[i].ends ||
		    strcmp(rows[i].begins, rows[i].ends) == 0)
			assert_int_equal(got.n, n);
	}
	arena_free(a);
}

/* Messages that are not multipart: part 1 is the body. */
static void
test_single(void **state)
{
	static const struct {
		const char *message, *spec;
		int64_t off, len;	/* -1: none */
	} rows[] = {
		{ "A: b\r\n\r\nbody", "1", 8, 4 },
		{ "A: b\r\n\r\nbody", "1.MIME", 0, 8 },
		{ "A: b\r\n\r\nbody", "1.1", -1, 0 },
		{ "A: b\r\n\r\nbody", "2", -1, 0 },
		{ "A: b\r\n\r\nbody", "TEXT", 8, 4 },
		{ "A: b", "TEXT", 4, 0 },
		{ "A: b", "HEADER", 0, 4 },
		{ "", "", 0, 0 },
		{ "", "1", 0, 0 },
		/* The message is itself message/rfc822 (32 + 14 + 4). */
		{ "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nbody",
		    "1", 32, 18 },
		{ "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nbody",
		    "1.HEADER", 32, 14 },
		{ "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nbody",
		    "1.1", 46, 4 },
		{ "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nbody",
		    "1.1.MIME", 32, 14 },
		{ "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nbody",
		    "1.2", -1, 0 },
		{ "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nbody",
		    "HEADER", 0, 32 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct arena *a = arena_new(0);
		uint64_t off = 0, len = 0;
		struct section s;
		bool ok;

		assert_true(section_parse_spec(span_of(rows[i].spec), &s));
		ok = section_range(mime_parse(a, span_of(rows[i].message)),
		    &s, &off, &len);
		assert_int_equal(ok, rows[i].off >= 0);
		if (ok) {
			assert_int_equal(off, rows[i].off);
			assert_int_equal(len, rows[i].len);
		}
		arena_free(a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_single),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
