/* SPDX-License-Identifier: Apache-2.0 */
/* Structured MIME fields and the parameters of RFC 2231. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/memory.h"
#include "c-client/mime/param.h"
#include "tests/lib/linear.h"

static void
field_add(struct buf *out, struct arena *a, struct span body)
{
	struct param_field f;

	param_parse(a, body, &f);
	buf_addspan(out, f.type);
	buf_addc(out, '/');
	buf_addspan(out, f.subtype);
	for (const struct param *p = f.params; p != NULL; p = p->next) {
		buf_addc(out, '|');
		buf_addspan(out, p->name);
		buf_addc(out, '=');
		buf_addspan(out, p->value);
		assert_int_equal(p->extended, p->name.n > 0 &&
		    p->name.p[p->name.n - 1] == '*');
	}
}

static const struct {
	const char *body, *want;
} rows[] = {
	{ "", "/" },
	{ " text/plain", "text/plain" },
	{ "text/plain; charset=utf-8", "text/plain|charset=utf-8" },
	{ "text/plain;charset=\"a b\"", "text/plain|charset=a b" },
	{ "text / plain ;\r\n\tcharset = utf-8 ", "text/plain|charset=utf-8" },
	{ "text/plain;", "text/plain" },
	{ "text/plain;;;a=b", "text/plain|a=b" },
	{ "text/plain a=b", "text/plain|a=b" },
	{ "text", "text/" },
	{ "text;a=b", "text/|a=b" },
	{ "text/;a=b", "text/|a=b" },
	{ "/plain", "/plain" },
	{ "a=b", "/|a=b" },
	{ "\"attachment\"; filename=x", "attachment/|filename=x" },
	{ "(c) text (c) / (c) plain (c) ; (c) a (c) = (c) b (c)",
	    "text/plain|a=b" },
	{ "text/plain; (a=b;) c=d", "text/plain|c=d" },
	{ "text/plain; (never ends a=b; c=d", "text/plain|a=b|c=d" },
	{ "x/y; name=my file.txt; a=b", "x/y|name=my file.txt|a=b" },
	{ "x/y; name=my file a=b", "x/y|name=my file|a=b" },
	{ "x/y; name=my\r\n file", "x/y|name=my file" },
	{ "x/y; name=\"my\r\n file\"", "x/y|name=my file" },
	{ "x/y; name=\"a\\\"b\\\\c\"", "x/y|name=a\"b\\c" },
	{ "x/y; name=\"never ends; a=b", "x/y|name=never ends|a=b" },
	{ "x/y; boundary=a=b", "x/y|boundary=a=b" },
	{ "x/y; boundary=\"\"", "x/y|boundary=" },
	{ "x/y; boundary=", "x/y|boundary=" },
	{ "x/y; =b; c=d", "x/y|c=d" },
	{ "x/y; alone; c=d", "x/y|c=d" },
	{ "x/y; \"quoted\"; c=d", "x/y|c=d" },
	{ "x/y; a=1; A=2", "x/y|a=1" },
	{ "x/y; name*=utf-8''a%20b", "x/y|name*=utf-8''a%20b" },
	{ "x/y; name*=utf-8''a; name=b", "x/y|name*=utf-8''a|name=b" },
	{ "x/y; n*0=a; n*1=b", "x/y|n=ab" },
	{ "x/y; n*1=b; n*0=a", "x/y|n=ab" },
	{ "x/y; n*1=b; n*2=c", "x/y|n=bc" },
	{ "x/y; n*0=a; n*2=c", "x/y|n=a" },
	{ "x/y; n*0=a; n*0=b; N*1=c", "x/y|n=ac" },
	{ "x/y; n*0*=u''a; n*1=\"b c\"; n*2*=%64", "x/y|n*=u''ab%20c%64" },
	{ "x/y; n*0=a; n*1*=%62", "x/y|n*=''a%62" },
	{ "x/y; n*10=a", "x/y|n=" },
	{ "x/y; n*99999=a", "x/y|n*99999=a" },
	{ "x/y; *0=a", "x/y|*0=a" },
};

static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct arena *a = arena_new(0);
		struct buf out;

		buf_init(&out, 0);
		field_add(&out, a, span_of(rows[i].body));
		assert_string_equal(buf_string(&out), rows[i].want);
		buf_clear(&out);
		arena_free(a);
	}
}

static void
test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t n = strlen(rows[i].body);

		for (size_t cut = 0; cut <= n; cut++) {
			struct arena *a = arena_new(cut % 2 == 0 ? 0 : 100);
			char *copy = memory_alloc(cut);
			struct buf out;

			memcpy(copy, rows[i].body, cut);
			buf_init(&out, 0);
			field_add(&out, a, (struct span){ copy, cut });
			buf_clear(&out);
			free(copy);
			arena_free(a);
		}
	}
}

static void
test_utf8(void **state)
{
	static const struct {
		const char *body, *want;
	} values[] = {
		{ "a; n=x", "x" },
		{ "a; n=x; n*=utf-8''%c3%a9", "\xc3\xa9" },
		{ "a; n*=iso-8859-1'en'%e9t%E9", "\xc3\xa9t\xc3\xa9" },
		{ "a; n*0*=utf-8''%c3; n*1*=%a9", "\xc3\xa9" },
		{ "a; n*=''%c3%a9", "\xc3\xa9" },
		{ "a; n*=no-such''%e9", "\xc3\xa9" },
		{ "a; n*=plain%2", "plain%2" },
		{ "a; n=\"=?utf-8?q?=C3=A9?=\"", "\xc3\xa9" },
		{ "a; n=\xe9", "\xc3\xa9" },
		{ "a; m=x", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct arena *a = arena_new(0);
		struct param_field f;
		struct buf out;

		buf_init(&out, 0);
		param_parse(a, span_of(values[i].body), &f);
		assert_int_equal(param_utf8(f.params, "n", &out),
		    values[i].want != NULL);
		assert_string_equal(buf_string(&out), values[i].want == NULL ?
		    "" : values[i].want);
		buf_clear(&out);
		arena_free(a);
	}
}

static size_t
flood(const char *format, size_t n)
{
	struct arena *a = arena_new(0);
	struct param_field f;
	struct buf body;
	size_t count = 0;

	buf_init(&body, 0);
	buf_adds(&body, "x/y");
	for (size_t i = 0; i < n; i++) {
		buf_adds(&body, format);
		buf_addnum(&body, i);
		buf_adds(&body, "=v");
	}
	param_parse(a, buf_span(&body), &f);
	for (const struct param *p = f.params; p != NULL; p = p->next)
		count++;
	assert_true(arena_used(a) < 200 * BOUND_MIME_PARAMS + 4096);
	buf_clear(&body);
	arena_free(a);
	return count;
}

static void
test_bound(void **state)
{
	char name[300];

	(void)state;
	assert_int_equal(flood("; p", BOUND_MIME_PARAMS - 1),
	    BOUND_MIME_PARAMS - 1);
	assert_int_equal(flood("; p", BOUND_MIME_PARAMS), BOUND_MIME_PARAMS);
	assert_int_equal(flood("; p", BOUND_MIME_PARAMS + 1),
	    BOUND_MIME_PARAMS);
	assert_int_equal(flood("; p", 1000000), BOUND_MIME_PARAMS);
	assert_int_equal(flood("; p*", 1000000), 1);
	memset(name, 'n', sizeof name);
	memcpy(name, "; ", 2);
	name[sizeof name - 1] = '\0';
	assert_int_equal(flood(name, 10), 0);
}

static const char *const bombs[] = {
	"(", "\"", "\\\"", ";", "=", "a", " ", "a ", "a=", "a=b ", "; a=\"",
	"/", "*", "; a=b c", "(a)", "a(", "; \"",
};
static size_t bomb;

static void
bomb_work(size_t n)
{
	struct arena *a = arena_new(0);
	struct param_field f;
	struct buf body;

	buf_init(&body, 0);
	buf_adds(&body, "x/y; n=");
	for (size_t i = 0; i < n; i++)
		buf_adds(&body, bombs[bomb]);
	param_parse(a, buf_span(&body), &f);
	buf_reset(&body);
	for (size_t i = 0; i < n; i++)
		buf_adds(&body, bombs[bomb]);
	param_parse(a, buf_span(&body), &f);
	buf_clear(&body);
	arena_free(a);
}

static void
test_linear(void **state)
{
	(void)state;
	for (bomb = 0; bomb < sizeof bombs / sizeof bombs[0]; bomb++)
		if (!linear(bomb_work, 20000))
			fail_msg("not linear: %s", bombs[bomb]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_linear),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
