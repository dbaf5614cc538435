/* SPDX-License-Identifier: Apache-2.0 */
/* SEARCH's grammar: each row is a command's arguments and the tree they make,
 * written out. */
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
#include "c-client/base/fault.h"
#include "c-client/store/search.h"
#include "c-client/store/seqset.h"
#include "imapd/args.h"
#include "imapd/search_args.h"

static void
show(struct buf *out, const struct search_key *k)
{
	static const char *const names[] = { "all", "and", "or", "not", "num",
	    "uid", "flag", "recent", "keyword", "before", "on", "since",
	    "sentbefore", "senton", "sentsince", "larger", "smaller",
	    "header", "address", "body", "text" };

	buf_addf(out, "%s", names[k->op]);
	if (k->op == SEARCH_AND || k->op == SEARCH_OR ||
	    k->op == SEARCH_NOT) {
		buf_addc(out, '(');
		for (const struct search_key *s = k->sub; s != NULL;
		    s = s->next) {
			if (s != k->sub)
				buf_addc(out, ' ');
			show(out, s);
		}
		buf_addc(out, ')');
	}
	if (k->op == SEARCH_FLAG)
		buf_addf(out, "%d", k->flag);
	if (k->op >= SEARCH_BEFORE && k->op <= SEARCH_SENTSINCE)
		buf_addf(out, ":%lld", (long long)k->day);
	if (k->op == SEARCH_LARGER || k->op == SEARCH_SMALLER)
		buf_addf(out, ":%llu", (unsigned long long)k->size);
	if (k->field.n > 0)
		buf_addf(out, "[%.*s]", (int)k->field.n, k->field.p);
	if (k->op == SEARCH_KEYWORD || k->op >= SEARCH_HEADER)
		buf_addf(out, "=%.*s", (int)k->text.n, k->text.p);
	for (size_t i = 0; k->set != NULL && i < k->set->count; i++)
		buf_addf(out, "%c%u:%u", i == 0 ? '=' : ',',
		    k->set->ranges[i].first, k->set->ranges[i].last);
}

/* The tree of these arguments, or "BAD", "CHARSET", "LIMIT". */
static const char *
parsed(struct span text, struct buf *out)
{
	static const struct search_args_star star = { 20, 500 };
	struct arena *arena = arena_new(BOUND_COMMAND_ARENA);
	struct search_key *key;
	struct fault why;
	struct args a;

	args_init(&a, arena, text);
	key = search_args_parse(&a, &star, &why);
	buf_reset(out);
	if (key != NULL)
		show(out, key);
	else
		buf_adds(out, why.code == FAULT_CHARSET ? "CHARSET" :
		    why.code == FAULT_LIMIT ? "LIMIT" : "BAD");
	assert_int_equal(key == NULL && why.code == FAULT_SYNTAX,
	    a.error != NULL);
	arena_free(arena);
	return buf_string(out);
}

static void
test_keys(void **state)
{
	static const struct {
		const char *text, *tree;
	} rows[] = {
		{ " ALL", "all" },
		{ " all unseen", "and(all not(flag8))" },
		{ " ANSWERED DELETED DRAFT FLAGGED SEEN",
		    "and(flag1 flag4 flag16 flag2 flag8)" },
		{ " UNANSWERED UNDELETED UNDRAFT UNFLAGGED", "and(not(flag1) "
		    "not(flag4) not(flag16) not(flag2))" },
		{ " NEW", "and(recent not(flag8))" },
		{ " OLD", "not(recent)" },
		{ " RECENT", "recent" },
		{ " KEYWORD $Junk UNKEYWORD x", "and(keyword=$Junk "
		    "not(keyword=x))" },
		{ " BCC a CC b FROM c TO d", "and(address[Bcc]=a "
		    "address[Cc]=b address[From]=c address[To]=d)" },
		{ " SUBJECT \"Hello W\"", "header[Subject]=hello w" },
		{ " HEADER X-Y \"\"", "header[X-Y]=" },
		{ " HEADER \"X-Y\" {3}\r\nABC", "header[X-Y]=abc" },
		{ " BODY x TEXT y", "and(body=x text=y)" },
		{ " BEFORE 1-Jan-1970 ON 2-jan-1970 SINCE \"3-Jan-1970\"",
		    "and(before:0 on:1 since:2)" },
		{ " SENTBEFORE 1-Jan-1970 SENTON 31-Dec-1969 "
		    "SENTSINCE 02-Jan-1970",
		    "and(sentbefore:0 senton:-1 sentsince:1)" },
		{ " LARGER 0 SMALLER 4294967295",
		    "and(larger:0 smaller:4294967295)" },
		{ " 1:3,7", "num=1:3,7:7" },
		{ " *", "num=20:20" },
		{ " 30:*", "num=20:30" },
		{ " UID 400:*,7", "uid=7:7,400:500" },
		{ " 1 UID 2", "and(num=1:1 uid=2:2)" },
		{ " (SEEN)", "flag8" },
		{ " ( SEEN 1 )", "and(flag8 num=1:1)" },
		{ " (SEEN (RECENT (1)))", "and(flag8 and(recent num=1:1))" },
		{ " NOT SEEN", "not(flag8)" },
		{ " NOT NOT SEEN", "flag8" },
		{ " NOT NOT NOT SEEN", "not(flag8)" },
		{ " NOT (SEEN 1)", "not(and(flag8 num=1:1))" },
		{ " OR SEEN RECENT", "or(flag8 recent)" },
		{ " OR SEEN OR RECENT 1", "or(flag8 recent num=1:1)" },
		{ " OR OR SEEN RECENT 1", "or(flag8 recent num=1:1)" },
		{ " OR OR 1 2 OR 3 4 5", "and(or(num=1:1 num=2:2 num=3:3 "
		    "num=4:4) num=5:5)" },
		{ " OR (1 2) NOT OR 3 4", "or(and(num=1:1 num=2:2) "
		    "not(or(num=3:3 num=4:4)))" },
		{ " CHARSET UTF-8 TEXT \"\xC3\x84\"", "text=\xC3\xA4" },
		{ " CHARSET \"iso-8859-1\" TEXT {1}\r\n\xC4",
		    "text=\xC3\xA4" },
		{ " CHARSET US-ASCII ALL", "all" },
		{ " TEXT \"\xC3\x84\"", "text=\xC3\xA4" },
		{ " TEXT \"\xC4\"", "BAD" },
		{ " CHARSET UTF-8 TEXT \"\xC4\"", "BAD" },
		{ " CHARSET nonsense ALL", "CHARSET" },
		{ " CHARSET nonsense BOGUS", "CHARSET" },
		{ " CHARSET", "BAD" },
		{ " CHARSET UTF-8", "BAD" },
		{ "", "BAD" }, { " ", "BAD" }, { " BOGUS", "BAD" },
		{ " ()", "BAD" }, { " (SEEN", "BAD" }, { " SEEN)", "BAD" },
		{ " NOT", "BAD" }, { " OR SEEN", "BAD" }, { " OR", "BAD" },
		{ " 0", "BAD" }, { " 1:", "BAD" }, { " UID", "BAD" },
		{ " UID 0", "BAD" }, { " 4294967296", "BAD" },
		{ " LARGER", "BAD" }, { " LARGER x", "BAD" },
		{ " LARGER 4294967296", "BAD" }, { " ON 32-Jan-1999", "BAD" },
		{ " KEYWORD", "BAD" }, { " KEYWORD \\Seen", "BAD" },
		{ " HEADER X", "BAD" }, { " FROM", "BAD" },
		{ " SEENALL", "BAD" }, { " RETURN (ALL) ALL", "BAD" },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_string_equal(parsed(span_of(rows[i].text), &out),
		    rows[i].tree);
	buf_clear(&out);
}

/* Cut anywhere: never read beyond, and BAD or a shorter search. */
static void
test_cut(void **state)
{
	static const char text[] = " CHARSET UTF-8 OR (FROM \"a\\\"b\" NOT "
	    "1:3) OR HEADER X {3}\r\nabc UID 1,2:* SINCE 1-Jan-2000";
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t n = 0; n < sizeof text; n++) {
		char *copy = malloc(n == 0 ? 1 : n);

		assert_non_null(copy);
		memcpy(copy, text, n);
		parsed((struct span){ copy, n }, &out);
		/* In the middle of its name it is another character set;
		 * from "UID 1" on it is a search. */
		if (n < (size_t)(strstr(text, "UID") - text) + 5 &&
		    strcmp(buf_string(&out), "CHARSET") != 0)
			assert_string_equal(buf_string(&out), "BAD");
		free(copy);
	}
	assert_string_not_equal(buf_string(&out), "BAD");
	buf_clear(&out);
}

/* `count` times `unit`, then `end`. */
static const char *
repeated(const char *unit, size_t count, const char *end, struct buf *out)
{
	struct buf text;

	buf_init(&text, 0);
	for (size_t i = 0; i < count; i++)
		buf_adds(&text, unit);
	buf_adds(&text, end);
	parsed(buf_span(&text), out);
	buf_clear(&text);
	return buf_string(out);
}

static void
test_bounds(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	assert_string_equal(repeated(" NOT", 500, " 1", &out), "num=1:1");
	assert_string_equal(repeated(" NOT", 501, " 1", &out),
	    "not(num=1:1)");
	assert_memory_equal(repeated(" OR SEEN", 500, " 1", &out),
	    "or(flag8 flag8 ", 15);
	repeated(" OR", 2, " 1 2 3", &out);
	assert_string_equal(buf_string(&out),
	    "or(num=1:1 num=2:2 num=3:3)");
	assert_string_equal(repeated(" OR", 5000, " 1", &out), "BAD");
	assert_string_equal(repeated(" NOT OR 1", 49, " 2", &out) + out.n - 3,
	    ")))");
	assert_string_equal(repeated(" NOT OR 1", 51, " 2", &out), "BAD");
	assert_string_equal(repeated("(", 100000, "", &out), "BAD");
	assert_string_equal(repeated(" (", 100000, "", &out), "BAD");
	assert_string_equal(repeated(" SEEN", 100000, "", &out), "BAD");
	buf_clear(&out);
}

static void
test_depth(void **state)
{
	static const struct {
		size_t depth;
		bool ok;
	} rows[] = { { 1, true }, { BOUND_NESTING - 1, true },
	    { BOUND_NESTING, false }, { BOUND_NESTING + 1, false } };
	struct buf text, out;

	(void)state;
	buf_init(&text, 0);
	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_reset(&text);
		buf_addc(&text, ' ');
		for (size_t d = 0; d < rows[i].depth; d++)
			buf_addc(&text, '(');
		buf_addc(&text, '1');
		for (size_t d = 0; d < rows[i].depth; d++)
			buf_addc(&text, ')');
		assert_string_equal(parsed(buf_span(&text), &out),
		    rows[i].ok ? "num=1:1" : "BAD");
	}
	buf_clear(&text);
	buf_clear(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_depth),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
