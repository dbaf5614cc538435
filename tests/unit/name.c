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
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_visible),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
