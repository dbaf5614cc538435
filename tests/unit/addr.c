/* SPDX-License-Identifier: Apache-2.0 */
/* Address lists, well-formed (RFC 5322 A), obsolete and malformed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/memory.h"
#include "c-client/mime/addr.h"
#include "tests/lib/linear.h"

static void
part_add(struct buf *out, const char *before, struct span s)
{
	if (s.p == NULL)
		return;
	buf_adds(out, before);
	buf_addspan(out, s);
}

/* "name<adl:mailbox@host>" for each, "{name" and "}" for groups. */
static void
list_add(struct buf *out, const struct addr *a)
{
	for (; a != NULL; a = a->next) {
		if (a->group_start) {
			buf_adds(out, "{");
			buf_addspan(out, a->mailbox);
			assert_null(a->host.p);
		} else if (a->group_end) {
			buf_adds(out, "}");
			assert_null(a->host.p);
			assert_null(a->mailbox.p);
		} else {
			part_add(out, "", a->name);
			part_add(out, "<", a->adl);
			assert_non_null(a->mailbox.p);
			part_add(out, a->adl.p == NULL ? "<" : ":",
			    a->mailbox);
			part_add(out, "@", a->host);
			buf_adds(out, ">");
		}
	}
}

static const struct {
	const char *body, *want;
} rows[] = {
	{ "", "" },
	{ " \r\n ", "" },
	{ ",,;", "" },
	{ "a@b", "<a@b>" },
	{ "a@b,c@d", "<a@b><c@d>" },
	{ "a@b\r\n ,\r\n\tc@d", "<a@b><c@d>" },
	{ "A <a@b>", "A<a@b>" },
	{ "\"A, B\" <a@b>", "A, B<a@b>" },
	{ "\"A \\\"x\\\" B\" <a@b>", "A \"x\" B<a@b>" },
	{ "A B.  C <a@b>", "A B. C<a@b>" },
	{ "A\r\n B <a@b>", "A B<a@b>" },
	{ "a@b (Comment (nested) \\) here)", "Comment (nested) ) here<a@b>" },
	{ "<a@b> (Name)", "Name<a@b>" },
	{ "(x) a (y) @ (z) b (w)", "w<a@b>" },
	{ "\"a b\"@c", "<a b@c>" },
	{ "a . b @ c . d", "<a.b@c.d>" },
	{ "a@[1.2.3.4]", "<a@[1.2.3.4]>" },
	{ "a@[IPv6:::1", "<a@[IPv6:::1>" },
	{ "<@x,@y:a@b>", "<@x,@y:a@b>" },
	{ "<@x (c) , @y : a@b>, c@d", "c<@x,@y:a@b><c@d>" },
	{ "<@x>", "<@x>" },
	{ "G:;", "{G}" },
	{ "G: a@b, C <c@d>;, e@f", "{G<a@b>C<c@d>}<e@f>" },
	{ "G: a@b", "{G<a@b>}" },
	{ "G: a@b, H: c@d; e@f", "{G<a@b>}{H<c@d>}<e@f>" },
	{ ":;", "{}" },
	{ "\"q: g\": a@b;", "{q: g<a@b>}" },
	{ "root", "<root>" },
	{ "undisclosed recipients", "<undisclosed recipients>" },
	{ "<root>", "<root>" },
	{ "<>", "<>" },
	{ "MAILER-DAEMON <>", "MAILER-DAEMON<>" },
	{ "a@b; c@d", "<a@b><c@d>" },
	{ "a@b c@d", "<a@b><c@d>" },
	{ "a@b Joe", "Joe<a@b>" },
	{ "Joe a@b", "Joe<a@b>" },
	{ "a@b <a@b>", "a@b<a@b>" },
	{ "<a@b> <c@d>", "<a@b><c@d>" },
	{ "A <a@b, C <c@d>", "A<a@b>C<c@d>" },
	{ "A <a@b", "A<a@b>" },
	{ "<<a@b>>", "<a@b>" },
	{ "a@b@c", "<a@b@c>" },
	{ "@b", "<@b>" },
	{ "a@", "<a>" },
	{ "@", "<>" },
	{ "a@b>", "<a@b>" },
	{ "a@b:25", "<a@b:25>" },
	{ "mailto:a@b", "{mailto<a@b>}" },
	{ "(never ends a@b, c@d", "never ends<a@b><c@d>" },
	{ "\"never ends <a@b>, c@d", "never ends<a@b><c@d>" },
	{ "=?utf-8?Q?a,_b?= <a@b>", "=?utf-8?Q?a,_b?=<a@b>" },
	{ "=?broken <a@b>", "=?broken<a@b>" },
	{ "\"\" <a@b>", "<a@b>" },
	{ "\xc3\xa4 <a@b>", "\xc3\xa4<a@b>" },
	{ "[list] <a@b>", "[list]<a@b>" },
	{ "a\\b@c", "<a\\b@c>" },
	{ ")a@b(", "<a@b>" },
};

static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct arena *a = arena_new(0);
		struct buf out;

		buf_init(&out, 0);
		list_add(&out, addr_parse(a, span_of(rows[i].body)));
		assert_string_equal(buf_string(&out), rows[i].want);
		buf_clear(&out);
		arena_free(a);
	}
}

/* Every row cut everywhere, with NUL in every place, and in small arenas:
 * whatever comes out, it is a well-formed list. */
static void
test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t n = strlen(rows[i].body);

		for (size_t cut = 0; cut <= n; cut++) {
			struct arena *a = arena_new(cut % 2 == 0 ? 0 : 256);
			char *copy = memory_alloc(n);
			struct buf out;

			memcpy(copy, rows[i].body, n);
			buf_init(&out, 0);
			list_add(&out, addr_parse(a,
			    (struct span){ copy, cut }));
			if (cut < n)
				copy[cut] = '\0';
			list_add(&out, addr_parse(a,
			    (struct span){ copy, n }));
			buf_clear(&out);
			free(copy);
			arena_free(a);
		}
	}
}

static void
test_presence(void **state)
{
	struct arena *a = arena_new(0);
	struct addr *one;

	(void)state;
	one = addr_parse(a, SPAN("\"\" <a@b>"));
	assert_non_null(one->name.p);
	assert_null(one->adl.p);
	one = addr_parse(a, SPAN("<a@b>"));
	assert_null(one->name.p);
	one = addr_parse(a, SPAN("a"));
	assert_null(one->host.p);
	arena_free(a);
}

static size_t
count(const struct addr *a)
{
	size_t n = 0;

	for (; a != NULL; a = a->next)
		n++;
	return n;
}

/* "head", n times "piece", "tail"; returns how many entries come out. */
static size_t
flood(const char *head, const char *piece, size_t n, const char *tail)
{
	struct arena *a = arena_new(0);
	struct buf body;
	size_t got, used;

	buf_init(&body, 0);
	buf_adds(&body, head);
	for (size_t i = 0; i < n; i++)
		buf_adds(&body, piece);
	buf_adds(&body, tail);
	got = count(addr_parse(a, buf_span(&body)));
	used = arena_used(a);
	assert_true(used <= BOUND_ADDRESSES * 160 + 8 * body.n);
	buf_clear(&body);
	arena_free(a);
	return got;
}

static void
test_bound(void **state)
{
	(void)state;
	assert_int_equal(flood("", "a@b,", BOUND_ADDRESSES - 1, ""),
	    BOUND_ADDRESSES - 1);
	assert_int_equal(flood("", "a@b,", BOUND_ADDRESSES, ""),
	    BOUND_ADDRESSES);
	assert_int_equal(flood("", "a@b,", BOUND_ADDRESSES + 1, ""),
	    BOUND_ADDRESSES);
	assert_int_equal(flood("", "a@b,", 1000000, ""), BOUND_ADDRESSES);
	assert_int_equal(flood("", "<a@b>", 1000000, ""), BOUND_ADDRESSES);
	assert_int_equal(flood("", "a@b ", 1000000, ""), BOUND_ADDRESSES);
	assert_true(flood("", "G:;", 1000000, "") <= BOUND_ADDRESSES);
	/* A group that is cut keeps its end. */
	assert_int_equal(flood("G:", "a@b,", 1000000, ";"),
	    BOUND_ADDRESSES);
}

/* All that once was quadratic somewhere. */
static const char *const bombs[][3] = {
	{ "", "(", "" }, { "", "(", ")" }, { "", "()", "" },
	{ "", "((", "a@b" }, { "", "\\(", "" }, { "", "(\\", "" },
	{ "", "\"", "" }, { "\"", "\\\"", "" }, { "", "[", "" },
	{ "", "<", "" }, { "", "<<a", "" }, { "", "@", "" },
	{ "", "=?", "" }, { "", "=?a?b?", "" }, { "", "a ", "" },
	{ "a@b ", "a ", "" }, { "<@", "a,", "" }, { "<", "a@", ">" },
	{ "", "a@b (", "" }, { "", "<a@b>(", "" }, { "", ":", "" },
	{ "", ";", "" }, { "", ".", "" }, { "", "a.", "@b" },
	{ "", "a@b@", "" }, { "", "\\", "" }, { "", "<>(c)", "" },
};
static size_t bomb;

static void
bomb_work(size_t n)
{
	flood(bombs[bomb][0], bombs[bomb][1], n, bombs[bomb][2]);
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
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_presence),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_linear),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
