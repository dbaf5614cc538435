/* SPDX-License-Identifier: Apache-2.0 */
/* The push parser: any cutting gives the same tree; floods stay bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/mime/part.h"
#include "tests/lib/linear.h"
#include "tests/lib/mail.h"

#define MULTI(b)	"Content-Type: multipart/mixed; boundary=" b "\r\n\r\n"

static const struct {
	const char *message;
	const char *want;	/* NULL: only that cutting changes nothing */
} rows[] = {
	{ "", "0 0+0 0+0/0 0 text/plain;charset=us-ascii\n" },
	{ "\r\n", "0 0+2 2+0/0 0 text/plain;charset=us-ascii\n" },
	{ "\n\n", "0 0+1 1+1/1 0 text/plain;charset=us-ascii\n" },
	{ "A: b", "0 0+4 4+0/0 0 text/plain;charset=us-ascii\n" },
	{ "\r\rA\r\n\r\nx\rx", "0 0+7 7+3/0 0 text/plain;charset=us-ascii\n" },
	{ MULTI("b") "--b\r\n\r\nx\r\n--b--\r\n",
	    "1 0+45 45+17/4 1 multipart/mixed;boundary=b\n"
	    " 0 50+2 52+1/0 0 text/plain;charset=us-ascii\n" },
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--",
	    "1 0+43 43+12/3 1 multipart/mixed;boundary=b\n"
	    " 0 47+1 48+1/0 0 text/plain;charset=us-ascii\n" },
	/* Mixed line ends; a bare CR is no line end. */
	{ MULTI("b") "--b\n\r\nx\r\r\n--b\r\n\nx\n--b\r--b\n--b--",
	    "1 0+45 45+31/7 2 multipart/mixed;boundary=b\n"
	    " 0 49+2 51+2/0 0 text/plain;charset=us-ascii\n"
	    " 0 60+1 61+9/1 0 text/plain;charset=us-ascii\n" },
	/* The closing delimiter hides later ones. */
	{ MULTI("b") "--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\ny\r\n",
	    "1 0+45 45+27/7 1 multipart/mixed;boundary=b\n"
	    " 0 50+2 52+1/0 0 text/plain;charset=us-ascii\n" },
	/* Inner boundary equal to the outer: the inner one is asked first. */
	{ MULTI("b") "--b\r\n" MULTI("b") "--b\r\n\r\nx\r\n--b--\r\n--b--",
	    "1 0+45 45+72/7 1 multipart/mixed;boundary=b\n"
	    " 1 50+45 95+15/3 1 multipart/mixed;boundary=b\n"
	    "  0 100+2 102+1/0 0 text/plain;charset=us-ascii\n" },
	/* A boundary "b--" beside "b". */
	{ MULTI("b") "--b\r\n" MULTI("b--") "--b--\r\n\r\nx\r\n--b----\r\n"
	    "--b--\r\n",
	    "1 0+45 45+80/8 1 multipart/mixed;boundary=b\n"
	    " 1 50+47 97+19/3 1 multipart/mixed;boundary=b--\n"
	    "  0 104+2 106+1/0 0 text/plain;charset=us-ascii\n" },
	{ MULTI("b") "--b", NULL },
	{ MULTI("b") "--b--", NULL },
	{ MULTI("b") "\r\n--b\r\nContent-Type: message/rfc822\r\n--b--", NULL },
	{ MULTI("b") "--b\r\nContent-Type: message/rfc822\r\n\r\n--b--", NULL },
	{ "Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822"
	    "\r\n\r\n\r\n\r\n", NULL },
	{ "Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n--d\r\n"
	    "\r\n--d\r\n\r\n\r\n--d\r\n\r\n\r\nx", NULL },
	{ "Content-Type: multipart/mixed;\r\n boundary*0=a;\r\n boundary*1=b"
	    "\r\n\r\n--ab\r\n\r\n--ab--", NULL },
	{ "Content-Type: multipart/mixed; boundary*=us-ascii''a%62\r\n\r\n"
	    "--ab\r\n\r\nx\r\n--ab--", NULL },
};

static void
tree_is(struct span message, size_t first, size_t piece, const char *want)
{
	struct buf out;

	buf_init(&out, 0);
	mail_tree_of(message, first, piece, 0, &out);
	assert_string_equal(buf_string(&out), want);
	buf_clear(&out);
}

/* Cut at every offset, and in pieces of 1 to 9 octets. */
static void
cut_everywhere(struct span message, size_t step)
{
	struct buf whole;

	buf_init(&whole, 0);
	mail_tree_of(message, message.n + 1, message.n + 1, 0, &whole);
	for (size_t cut = 0; cut <= message.n; cut += step)
		tree_is(message, cut, message.n + 1, buf_string(&whole));
	for (size_t piece = 1; piece < 10; piece++)
		tree_is(message, piece, piece, buf_string(&whole));
	buf_clear(&whole);
}

static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct span m = span_of(rows[i].message);

		if (rows[i].want != NULL)
			tree_is(m, m.n + 1, m.n + 1, rows[i].want);
		cut_everywhere(m, 1);
	}
}

static void
test_extended_boundary(void **state)
{
	struct arena *a = arena_new(0);
	struct mime_part *p;

	(void)state;
	p = mime_parse(a, span_of(rows[18].message));
	assert_int_equal(p->child_count, 1);
	assert_int_equal(p->child->body_octets, 1);
	arena_free(a);
}

/* All messages of tests/data/structure, in all sizes of pieces; also every
 * beginning of them, and in arenas that are too small. */
static void
test_data(void **state)
{
	glob_t g;

	(void)state;
	assert_int_equal(glob("tests/data/structure/*.eml", 0, NULL, &g), 0);
	assert_true(g.gl_pathc >= 40);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct buf m, out;

		buf_init(&m, 0);
		buf_init(&out, 0);
		assert_true(mail_read(g.gl_pathv[i], i % 4 != 0, &m));
		cut_everywhere(buf_span(&m), 1);
		for (size_t n = 0; n < m.n; n++) {
			mail_tree_of((struct span){ m.p, n }, n, 3, 0, &out);
			mail_tree_of(buf_span(&m), 5, 1000, n * 8, &out);
		}
		buf_clear(&m);
		buf_clear(&out);
	}
	globfree(&g);
}

/* Lines about as long as a delimiter may be. */
static void
test_long_lines(void **state)
{
	(void)state;
	for (size_t n = 985; n < 1010; n++) {
		struct buf m, whole;

		buf_init(&m, 0);
		buf_init(&whole, 0);
		buf_adds(&m, MULTI("b") "--b");
		for (size_t i = 0; i < n; i++)
			buf_addc(&m, ' ');
		buf_adds(&m, "\r\nX-Long: ");
		for (size_t i = 0; i < n; i++)
			buf_addc(&m, 'x');
		buf_adds(&m, "\r\n\r\nbody\r\n--b--");
		cut_everywhere(buf_span(&m), 13);
		mail_tree_of(buf_span(&m), 1, 500, 0, &whole);
		/* "--b", blanks, CRLF: 1,000 octets are a delimiter. */
		assert_int_equal(strstr(buf_string(&whole),
		    "1 multipart") != NULL, 1);
		assert_int_equal(strstr(buf_string(&whole),
		    "+4/0 0 text/plain") != NULL, n + 5 <= 1000);
		buf_clear(&m);
		buf_clear(&whole);
	}
}

struct shape {
	size_t parts, depth;
	size_t octet_streams;
	uint64_t octets, last_octets;
};

static void
shape_of(const struct mime_part *p, size_t depth, struct shape *s)
{
	s->parts++;
	s->depth = depth > s->depth ? depth : s->depth;
	s->octet_streams += span_is(p->subtype, "octet-stream");
	s->last_octets = p->body_octets;
	for (p = p->child; p != NULL; p = p->next)
		shape_of(p, depth + 1, s);
}

static size_t arena_most;

static struct shape
flood(const char *head, const char *piece, size_t n, const char *tail)
{
	struct arena *a = arena_new(0);
	struct mime_parser *m = mime_parser_new(a);
	struct shape s = { 0, 0, 0, 0, 0 };
	struct mime_part *root;
	char text[256];
	struct buf check;

	mime_parser_feed(m, head, strlen(head));
	for (size_t i = 0; i < n; i++) {
		/* A "%zu" in the piece is its number. */
		const char *at = strstr(piece, "%zu");
		int k;

		if (at == NULL)
			k = snprintf(text, sizeof text, "%s", piece);
		else
			k = snprintf(text, sizeof text, "%.*s%zu%s",
			    (int)(at - piece), piece, i, at + 3);
		mime_parser_feed(m, text, (size_t)k);
	}
	mime_parser_feed(m, tail, strlen(tail));
	root = mime_parser_end(m);
	shape_of(root, 0, &s);
	s.octets = root->body_off + root->body_octets;
	buf_init(&check, 0);
	mail_tree(&check, root);
	buf_clear(&check);
	if (arena_used(a) > arena_most)
		arena_most = arena_used(a);
	arena_free(a);
	return s;
}

static void
test_bound_parts(void **state)
{
	static const char piece[] = "--b\r\n\r\nx\r\n";
	struct shape s;

	(void)state;
	/* The root is a part too. */
	s = flood(MULTI("b"), piece, BOUND_MIME_PARTS - 2, "--b--");
	assert_int_equal(s.parts, BOUND_MIME_PARTS - 1);
	s = flood(MULTI("b"), piece, BOUND_MIME_PARTS - 1, "--b--");
	assert_int_equal(s.parts, BOUND_MIME_PARTS);
	assert_int_equal(s.octet_streams, 0);
	s = flood(MULTI("b"), piece, BOUND_MIME_PARTS, "--b--");
	assert_int_equal(s.parts, BOUND_MIME_PARTS + 1);
	assert_int_equal(s.octet_streams, 1);
	s = flood(MULTI("b"), piece, 1000000, "--b--");
	assert_int_equal(s.parts, BOUND_MIME_PARTS + 1);
	assert_int_equal(s.octet_streams, 1);
	assert_int_equal(s.octets, 45 + 10000000 + 5);
	assert_int_equal(s.last_octets, s.octets - 45 -
	    10 * (BOUND_MIME_PARTS - 1) - 5);
	assert_true(arena_most < 12u * 1024 * 1024);
}

static void
test_bound_depth(void **state)
{
	struct shape s;

	(void)state;
	s = flood("", "Content-Type: message/rfc822\r\n\r\n",
	    BOUND_MIME_DEPTH, "\r\n");
	assert_int_equal(s.depth, BOUND_MIME_DEPTH);
	assert_int_equal(s.octet_streams, 0);
	s = flood("", "Content-Type: message/rfc822\r\n\r\n",
	    BOUND_MIME_DEPTH + 1, "\r\n");
	assert_int_equal(s.depth, BOUND_MIME_DEPTH);
	assert_int_equal(s.octet_streams, 1);
	s = flood("", "Content-Type: message/rfc822\r\n\r\n", 10000, "\r\n");
	assert_int_equal(s.depth, BOUND_MIME_DEPTH);
	assert_int_equal(s.octet_streams, 1);
	s = flood(MULTI("x"), "--x\r\n" MULTI("x%zu") "--x%zu\r\n", 10000,
	    "");
	assert_true(s.depth <= BOUND_MIME_DEPTH);
	/* Each multipart that is still empty gets a part to show. */
	assert_true(s.parts <= 2 * BOUND_MIME_PARTS + 2);
	s = flood(MULTI("x0"), "--x%zu\r\nContent-Type: multipart/mixed;"
	    " boundary=x%zu\r\n\r\n", 10000, "");
	assert_true(s.depth <= BOUND_MIME_DEPTH);
}

static void
test_bound_header(void **state)
{
	static const char line[] = "X-Filler: 0123456789012345678901234567890"
	    "12345678901234567890123456\r\n";
	size_t lines = BOUND_MIME_HEADER / (sizeof line - 1);
	struct shape s;

	(void)state;
	arena_most = 0;
	s = flood("", line, lines - 10, "\r\nbody");
	assert_int_equal(s.octet_streams, 0);
	assert_int_equal(s.last_octets, 4);
	s = flood("", line, lines + 10, "\r\nbody");
	assert_int_equal(s.octet_streams, 1);
	assert_int_equal(s.last_octets, 4);
	/* One header without an end, and without a line end. */
	s = flood("", line, 4 * lines, "");
	assert_int_equal(s.last_octets, 0);
	s = flood("", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	    BOUND_MIME_HEADER / 32 + 3, "\r\n\r\nbody");
	assert_int_equal(s.last_octets, 4);
	/* Many parts, each with a header. */
	s = flood(MULTI("b"), "--b\r\nX: 0123456789012345678901234567890123"
	    "0123456789012345678901234567890123012345678901234567890123456"
	    "0123456789012345678901234567890123\r\n\r\nContent-Type: x/y\r\n",
	    200000, "");
	assert_true(s.parts <= BOUND_MIME_PARTS + 1);
	assert_true(arena_most < 2 * BOUND_MIME_HEADER);
}

/* Wherever the arena ends, a tree comes out that holds together. */
static void
test_small_arena(void **state)
{
	(void)state;
	for (size_t max = 0; max < 30000; max += 217) {
		struct buf m, out;

		buf_init(&m, 0);
		buf_init(&out, 0);
		buf_adds(&m, MULTI("b"));
		for (int i = 0; i < 40; i++)
			buf_adds(&m, "--b\r\nContent-Type: message/rfc822\r\n"
			    "\r\nContent-Type: multipart/mixed; boundary=\"c\\d\""
			    "\r\n\r\n--cd\r\n\r\nx\r\n--cd--\r\n");
		mail_tree_of(buf_span(&m), 7, 100, max + 1, &out);
		buf_clear(&m);
		buf_clear(&out);
	}
}

static const char *const bombs[][2] = {
	{ MULTI("b"), "--b\r\n" },
	{ MULTI("b"), "--b--\r\n" },
	{ MULTI("b"), "--\r\n" },
	{ MULTI("b"), "-" },
	{ MULTI("b"), "--c\r\n" },
	{ MULTI("b"), "--b\r\n" MULTI("b") },
	{ MULTI("x"), "--x\r\n" MULTI("x%zu") "--x%zu\r\n" },
	{ "", "Content-Type: message/rfc822\r\n\r\n" },
	{ "", "Content-Type: message/rfc822\r\n" },
	{ "", "\n" },
	{ "", "x" },
	{ "Content-Type: multipart/digest; boundary=b\r\n\r\n",
	    "--b\r\n\r\nContent-Type: multipart/digest; boundary=b%zu\r\n\r\n" },
	{ "Content-Type: ", "(" },
	{ "Content-Type: a/b", "; a%zu*0=\"b" },
};
static size_t bomb;

static void
bomb_work(size_t n)
{
	flood(bombs[bomb][0], bombs[bomb][1], n, "");
}

static void
test_linear(void **state)
{
	(void)state;
	for (bomb = 0; bomb < sizeof bombs / sizeof bombs[0]; bomb++)
		if (!linear(bomb_work, 12000))
			fail_msg("not linear: %s", bombs[bomb][1]);
}

/* 100 open boundaries that differ in their last octets, and lines that nearly
 * match them. */
static void
near_work(size_t n)
{
	static const char stem[] =
	    "0123456789012345678901234567890123456789012345678901234567890";
	struct arena *a = arena_new(0);
	struct mime_parser *m = mime_parser_new(a);
	struct shape s = { 0, 0, 0, 0, 0 };
	char text[300];

	for (int i = 0; i < 100; i++) {
		int k = snprintf(text, sizeof text, "Content-Type: multipart/"
		    "mixed; boundary=%s%d\r\n\r\n--%s%d\r\n", stem, i, stem, i);

		mime_parser_feed(m, text, (size_t)k);
	}
	for (size_t i = 0; i < n; i++) {
		int k = snprintf(text, sizeof text, "--%s%zu\r\n", stem,
		    i + 100);

		mime_parser_feed(m, text, (size_t)k);
	}
	shape_of(mime_parser_end(m), 0, &s);
	assert_int_equal(s.depth, BOUND_MIME_DEPTH);
	arena_free(a);
}

static void
test_near_boundaries(void **state)
{
	(void)state;
	near_work(1000);
	assert_true(linear(near_work, 20000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_extended_boundary),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_bound_parts),
		cmocka_unit_test(test_bound_depth),
		cmocka_unit_test(test_bound_header),
		cmocka_unit_test(test_small_arena),
		cmocka_unit_test(test_linear),
		cmocka_unit_test(test_near_boundaries),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
