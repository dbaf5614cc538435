/* SPDX-License-Identifier: Apache-2.0 */
/* Mailbox names from the wire, and what may never be one. */
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
#include "c-client/store/account.h"
#include "c-client/store/name.h"

static const struct account home = { .root_is_mail = false };
static const struct account mail = { .root_is_mail = true };

static void
test_rows(void **state)
{
	static const struct {
		const char *wire;
		const char *path;	/* NULL: refused */
		const struct account *account;
		bool inbox, directory;
	} rows[] = {
		{ "INBOX", "INBOX", &home, true, false },
		{ "inbox", "INBOX", &home, true, false },
		{ "iNbOx/", "INBOX", &home, true, true },
		{ "INBOX/x", NULL, &home, false, false },
		{ "inbox/x/y", NULL, &home, false, false },
		{ "INBOXES/x", "INBOXES/x", &home, false, false },
		{ "a/INBOX", "a/INBOX", &home, false, false },
		{ "a", "a", &home, false, false },
		{ "a/b c/d", "a/b c/d", &home, false, false },
		{ "a/", "a", &home, false, true },
		{ "Entw&APw-rfe", "Entw\303\274rfe", &home, false, false },
		{ "A&-B", "A&B", &home, false, false },
		{ "mail/x", "mail/x", &home, false, false },
		{ "mail/x", "x", &mail, false, false },
		{ "~/mail/x", "x", &mail, false, false },
		{ "~/mail/x", NULL, &home, false, false },
		{ "mail/INBOX", "INBOX", &mail, true, false },
		{ "mail/", "mail", &mail, false, true },
		{ "mailbox", "mailbox", &mail, false, false },
		/* u and a combining diaeresis: its normal form. */
		{ "u&Awg-", "\303\274", &home, false, false },
		{ "*", "*", &home, false, false },
		{ "100%", "100%", &home, false, false },
		{ "", NULL, &home, false, false },
		{ "/", NULL, &home, false, false },
		{ "//", NULL, &home, false, false },
		{ "/etc/passwd", NULL, &home, false, false },
		{ "a//b", NULL, &home, false, false },
		{ "a//", NULL, &home, false, false },
		{ ".", NULL, &home, false, false },
		{ "..", NULL, &home, false, false },
		{ "../x", NULL, &home, false, false },
		{ "a/../b", NULL, &home, false, false },
		{ "a/.", NULL, &home, false, false },
		{ "a/..", NULL, &home, false, false },
		{ ".hidden", NULL, &home, false, false },
		{ "a/.imapindex", NULL, &home, false, false },
		{ "~", NULL, &home, false, false },
		{ "~root/mbox", NULL, &home, false, false },
		{ "#news.alt", NULL, &home, false, false },
		{ "{host}INBOX", NULL, &home, false, false },
		{ "mail//etc", NULL, &mail, false, false },
		{ "mail/~root", NULL, &mail, false, false },
		{ "a.lock", NULL, &home, false, false },
		{ "a.LOCK", NULL, &home, false, false },
		{ "a.lock/b", NULL, &home, false, false },
		{ "a.locked", "a.locked", &home, false, false },
		{ "a\r\nb", NULL, &home, false, false },
		{ "a\177", NULL, &home, false, false },
		{ "a\tb", NULL, &home, false, false },
		{ "\303\274", NULL, &home, false, false },
		{ "&", NULL, &home, false, false },
		{ "&AAA-", NULL, &home, false, false },
		{ "&AC8-etc", NULL, &home, false, false },
		{ "&AIU-", NULL, &home, false, false },	/* U+0085 */
		{ "&2AA-", NULL, &home, false, false },	/* half a pair */
	};
	struct arena *arena = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct fault why = { .code = FAULT_NONE };
		struct name name = { .path = NULL };
		int status = name_parse(rows[i].account, span_of(rows[i].wire),
		    arena, &name, &why);

		if ((status == 0) != (rows[i].path != NULL))
			fail_msg("%s: %d", rows[i].wire, status);
		if (status == -1) {
			assert_int_equal(why.code, FAULT_BADNAME);
			continue;
		}
		assert_string_equal(name.path, rows[i].path);
		assert_int_equal(name.inbox, rows[i].inbox);
		assert_int_equal(name.directory, rows[i].directory);
	}
	assert_int_equal(name_parse(&home, (struct span){ "a\0b", 3 }, arena,
	    &(struct name){ 0 }, NULL), -1);
	arena_free(arena);
}

/* All namespaces, and the same without any. */
static void
test_spaces(void **state)
{
	static const struct account all = { .root_is_mail = true,
	    .user = "joe", .root = "/home/joe/mail", .spool = "/spool/joe",
	    .shared_dir = "/srv/shared", .public_dir = "/srv/public",
	    .other_users = true, .outside = true };
	static const struct {
		const char *wire, *path;	/* NULL: refused */
	} rows[] = {
		{ "#shared/a", "#shared/a" },
		{ "#shared/a/b/", "#shared/a/b" },
		{ "#shared/INBOX", "#shared/INBOX" },
		{ "#shared/INBOX/x", "#shared/INBOX/x" },
		{ "#shared/Entw&APw-rfe", "#shared/Entw\303\274rfe" },
		{ "#public/a", "#public/a" },
		{ "~ann/a", "~ann/a" },
		{ "~ann/a/INBOX", "~ann/a/INBOX" },
		{ "/srv/box", "/srv/box" },
		{ "/INBOX", "/INBOX" },
		/* His own by another name. */
		{ "~joe/a", "a" },
		{ "~joe/INBOX", "INBOX" },
		{ "~joe/a/b", "a/b" },
		{ "/home/joe/mail/a", "a" },
		{ "/home/joe/mail/INBOX", "INBOX" },
		{ "/home/joe/mailbox", "/home/joe/mailbox" },
		{ "/spool/joe", "INBOX" },
		{ "/spool/ann", "/spool/ann" },
		{ "~/mail/a", "a" },
		/* No name at all, or nothing behind. */
		{ "#", NULL }, { "#shared", NULL }, { "#shared/", NULL },
		{ "#public/", NULL }, { "#SHARED/a", NULL },
		{ "#sharedx/a", NULL }, { "#news.x", NULL }, { "#mh/a", NULL },
		{ "#driver.unix/a", NULL }, { "#shared\\a", NULL },
		{ "~", NULL }, { "~/", NULL }, { "~/a", NULL },
		{ "~//a", NULL }, { "~ann", NULL }, { "~ann/", NULL },
		{ "~ann/INBOX", NULL }, { "~ann/inbox", NULL },
		{ "~ann/INBOX/x", NULL }, { "~./a", NULL },
		{ "~../a", NULL }, { "~.ann/a", NULL }, { "/", NULL },
		{ "//", NULL }, { "{host}a", NULL },
		/* Levels are as strict as at home. */
		{ "#shared/../a", NULL }, { "#shared/a/../b", NULL },
		{ "#shared/.", NULL }, { "#shared/..", NULL },
		{ "#shared//a", NULL }, { "#shared//etc/passwd", NULL },
		{ "#shared/.hidden", NULL }, { "#shared/a.lock", NULL },
		{ "#shared/a\tb", NULL }, { "#public/../shared/a", NULL },
		{ "~ann/../joe/a", NULL }, { "~ann/..", NULL },
		{ "~ann//etc/passwd", NULL }, { "~ann/.imapindex/x", NULL },
		{ "~ann/&AC4ALg-/a", NULL }, { "/etc/../a", NULL },
		{ "/proc/self/../1/environ", NULL }, { "//etc/passwd", NULL },
		{ "/home/joe/.ssh/id", NULL }, { "/home/joe/mail/../a", NULL },
		/* A namespace inside of another. */
		{ "~joe/#shared/a", NULL }, { "~joe/~ann/a", NULL },
		{ "~joe//etc/passwd", NULL }, { "mail/#shared/a", NULL },
		{ "~/mail/~ann/a", NULL }, { "mail//etc/passwd", NULL },
		{ "/home/joe/mail/#shared/a", NULL },
		{ "/home/joe/mail//etc/passwd", NULL },
	};
	struct arena *arena = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct fault why = { .code = FAULT_NONE };
		struct name name = { .path = NULL };
		int status = name_parse(&all, span_of(rows[i].wire), arena,
		    &name, &why);

		if ((status == 0) != (rows[i].path != NULL) || (status == 0 &&
		    (strcmp(name.path, rows[i].path) != 0 || name.inbox !=
		    (strcmp(name.path, "INBOX") == 0))))
			fail_msg("%s: %s", rows[i].wire, name.path);
		if (status == -1)
			assert_int_equal(why.code, FAULT_BADNAME);
		/* Nothing that begins so is served if it is not asked for. */
		if (status == 0 && strchr("#/", rows[i].wire[0]) != NULL)
			assert_int_equal(name_parse(&mail,
			    span_of(rows[i].wire), arena, &name, NULL), -1);
	}
	arena_free(arena);
}

static void
test_lengths(void **state)
{
	struct arena *arena = arena_new(0);
	char text[BOUND_MAILBOX_NAME * 5];
	struct name name;

	(void)state;
	memset(text, 'x', sizeof text);
	/* One level: NAME_MAX. */
	assert_int_equal(name_parse(&home, (struct span){ text, 255 }, arena,
	    &name, NULL), 0);
	assert_int_equal(name_parse(&home, (struct span){ text, 256 }, arena,
	    &name, NULL), -1);
	for (size_t i = 100; i < sizeof text; i += 100)
		text[i] = '/';
	assert_int_equal(name_parse(&home, (struct span){ text,
	    BOUND_MAILBOX_NAME }, arena, &name, NULL), 0);
	assert_int_equal(name_parse(&home, (struct span){ text + 1,
	    BOUND_MAILBOX_NAME + 1 }, arena, &name, NULL), -1);
	assert_int_equal(name_parse(&home, (struct span){ text, sizeof text },
	    arena, &name, NULL), -1);
	arena_free(arena);
}

static void
test_write(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	name_write(&b, "Entw\303\274rfe/A&B");
	assert_string_equal(buf_string(&b), "Entw&APw-rfe/A&-B");
	buf_clear(&b);
}

static void
test_visible(void **state)
{
	static const struct {
		const char *level;
		bool visible;
	} rows[] = {
		{ "a", true }, { "a b", true }, { "\303\274", true },
		{ "", false }, { ".", false }, { "..", false },
		{ ".mailboxlist", false }, { ".x.redo", false },
		{ "a.lock", false }, { "a\n", false }, { "a\177", false },
		{ "\374", false },		/* not UTF-8 */
		{ "u\314\210", false },		/* no normal form */
		{ "\302\205", false },		/* U+0085 */
		{ "\355\240\200", false },	/* a surrogate */
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (name_is_visible(rows[i].level) != rows[i].visible)
			fail_msg("row %zu", i);
	/* At the top of a root, what SELECT would take for something else. */
	assert_true(name_is_visible_first("a"));
	assert_false(name_is_visible_first(".a"));
	assert_false(name_is_visible_first("inbox"));
	assert_true(name_is_visible("#a") && name_is_visible("~a"));
	assert_false(name_is_visible_first("#a"));
	assert_false(name_is_visible_first("~a"));
	assert_false(name_is_visible_first("{a"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_spaces),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_visible),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
