/* SPDX-License-Identifier: Apache-2.0 */
/* FETCH's data items: each row is what a client wrote and what is made of it,
 * the labels of the answer in their order. */
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
#include "c-client/mime/section.h"
#include "imapd/args.h"
#include "imapd/fetch_args.h"

/* "label|label!" ("!": \Seen is set), or "BAD". */
static const char *
parsed(struct span text, bool uid, struct buf *out)
{
	struct arena *arena = arena_new(BOUND_COMMAND_ARENA);
	struct fetch_items items;
	struct args a;

	buf_reset(out);
	args_init(&a, arena, text);
	if (!fetch_args_parse(&a, uid, &items)) {
		assert_non_null(a.error);
		buf_adds(out, "BAD");
		items.count = 0;
		items.seen = false;
	}
	for (size_t i = 0; i < items.count; i++) {
		const struct fetch_item *item = &items.items[i];

		if (i > 0)
			buf_addc(out, '|');
		buf_addspan(out, item->label);
		if (item->partial)
			buf_addf(out, "+%llu",
			    (unsigned long long)item->count);
	}
	buf_adds(out, items.seen ? "!" : "");
	arena_free(arena);
	return buf_string(out);
}

static void
test_items(void **state)
{
	static const struct {
		const char *text;
		bool uid;
		const char *labels;
	} rows[] = {
		{ " FLAGS", false, "FLAGS" },
		{ " flags", true, "UID|FLAGS" },
		{ " (FLAGS UID)", false, "UID|FLAGS" },
		{ " (FLAGS UID)", true, "UID|FLAGS" },
		{ " ( UID )", false, "UID" },
		{ " (FLAGS FLAGS)", false, "FLAGS" },
		{ " ALL", false, "FLAGS|INTERNALDATE|RFC822.SIZE|ENVELOPE" },
		{ " fast", false, "FLAGS|INTERNALDATE|RFC822.SIZE" },
		{ " FULL", true, "UID|FLAGS|INTERNALDATE|RFC822.SIZE|ENVELOPE|"
		    "BODY" },
		{ " (BODY BODYSTRUCTURE ENVELOPE)", false,
		    "BODY|BODYSTRUCTURE|ENVELOPE" },
		{ " BODY[]", false, "BODY[]!" },
		{ " BODY.PEEK[]", false, "BODY[]" },
		{ " body.peek[text]", false, "BODY[TEXT]" },
		{ " BODY []", false, "BODY[]!" },
		{ " (BODY.PEEK[1.2.MIME] BODY[HEADER])", false,
		    "BODY[1.2.MIME]|BODY[HEADER]!" },
		{ " BODY[]<0.393216>", false, "BODY[]<0>+393216!" },
		{ " BODY[]<4294967295.1>", false, "BODY[]<4294967295>+1!" },
		{ " BODY.PEEK[]<0.4294967295>", false,
		    "BODY[]<0>+4294967295" },
		{ " BODY.PEEK[HEADER.FIELDS (DATE From)]", false,
		    "BODY[HEADER.FIELDS (DATE From)]" },
		{ " BODY.PEEK[header.fields.not ( \"a b\" c )]<3.4>", false,
		    "BODY[HEADER.FIELDS.NOT (\"a b\" c)]<3>+4" },
		{ " BODY.PEEK[2.HEADER.FIELDS ({2}\r\nx:)]", false,
		    "BODY[2.HEADER.FIELDS (x:)]" },
		{ " BODY.PEEK[HEADER.FIELDS({2}\r\nx\xE4)]", false,
		    "BODY[HEADER.FIELDS ({2}\r\nx\xE4)]" },
		{ " BODY.PEEK[HEADER.FIELDS (\"\")]", false,
		    "BODY[HEADER.FIELDS (\"\")]" },
		{ " (RFC822 RFC822.HEADER RFC822.TEXT RFC822.SIZE)", false,
		    "RFC822|RFC822.HEADER|RFC822.TEXT|RFC822.SIZE!" },
		{ " RFC822.HEADER", false, "RFC822.HEADER" },
		{ " (BODY[1] BODY[1])", false, "BODY[1]|BODY[1]!" },
		{ "", false, "BAD" }, { " ", false, "BAD" },
		{ " ()", false, "BAD" }, { " (FLAGS", false, "BAD" },
		{ " FLAGS)", false, "BAD" }, { " FLAGS UID", false, "BAD" },
		{ " (ALL)", false, "BAD" }, { " BOGUS", false, "BAD" },
		{ " BODY[", false, "BAD" }, { " BODY[1", false, "BAD" },
		{ " BODY[0]", false, "BAD" }, { " BODY[MIME]", false, "BAD" },
		{ " BODY[1..2]", false, "BAD" }, { " BODY[X]", false, "BAD" },
		{ " BODY.PEEK", false, "BAD" }, { " RFC822[]", false, "BAD" },
		{ " BODY[]<0.0>", false, "BAD" }, { " BODY[]<0>", false,
		    "BAD" },
		{ " BODY[]<-1.2>", false, "BAD" }, { " BODY[]<1.2", false,
		    "BAD" },
		{ " BODY[]<4294967296.1>", false, "BAD" },
		{ " BODY[HEADER.FIELDS]", false, "BAD" },
		{ " BODY[HEADER.FIELDS ()]", false, "BAD" },
		{ " BODY[HEADER.FIELDS (A]", false, "BAD" },
		{ " BODY[TEXT (A)]", false, "BAD" },
		{ " (FLAGS (UID))", false, "BAD" },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_string_equal(parsed(span_of(rows[i].text),
		    rows[i].uid, &out), rows[i].labels);
	buf_clear(&out);
}

static void
test_cut(void **state)
{
	static const char text[] = " (UID BODY.PEEK[1.HEADER.FIELDS (\"a\\\"\" "
	    "{2}\r\nbc)]<1.2> RFC822)";
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t n = 0; n < sizeof text - 1; n++) {
		char *copy = malloc(n == 0 ? 1 : n);

		assert_non_null(copy);
		memcpy(copy, text, n);
		assert_string_equal(parsed((struct span){ copy, n }, false,
		    &out), "BAD");
		free(copy);
	}
	buf_clear(&out);
}

static void
test_bounds(void **state)
{
	static const struct {
		const char *before, *unit, *after;
		size_t count;
		bool ok;
	} rows[] = {
		{ " (", "BODY[] ", ")", BOUND_FETCH_ITEMS, true },
		{ " (", "BODY[] ", ")", BOUND_FETCH_ITEMS + 1, false },
		{ " (", "FLAGS ", ")", 5000, true },
		{ " BODY[1", ".1", "]", 500, true },
		{ " BODY[HEADER.FIELDS (", "a ", ")]", 10000, true },
		{ " BODY[HEADER.FIELDS (", "a ", ")]", 100000, false },
		{ " ", "(", "", 100000, false },
	};
	struct buf text, out;

	(void)state;
	buf_init(&text, 0);
	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_reset(&text);
		buf_adds(&text, rows[i].before);
		for (size_t j = 0; j < rows[i].count; j++)
			buf_adds(&text, rows[i].unit);
		buf_adds(&text, rows[i].after);
		parsed(buf_span(&text), false, &out);
		assert_int_equal(strcmp(buf_string(&out), "BAD") != 0,
		    rows[i].ok);
	}
	buf_clear(&text);
	buf_clear(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_bounds),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
