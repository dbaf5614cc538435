/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands, and the capability lines made of tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/buf.h"
#include "imapd/command.h"

/* All of RFC 3501 6, and the extensions that are told of. */
static void
test_rows(void **state)
{
	static const struct {
		const char *name;
		unsigned states;
		bool runs, uid;
	} rows[] = {
		{ "CAPABILITY", STATE_ANY, true, false },
		{ "NOOP", STATE_ANY, true, false },
		{ "LOGOUT", STATE_ANY, true, false },
		{ "STARTTLS", STATE_NOT_AUTH, false, false },
		{ "AUTHENTICATE", STATE_NOT_AUTH, false, false },
		{ "LOGIN", STATE_NOT_AUTH, false, false },
		{ "SELECT", STATE_USER, true, false },
		{ "EXAMINE", STATE_USER, true, false },
		{ "CREATE", STATE_USER, true, false },
		{ "DELETE", STATE_USER, true, false },
		{ "RENAME", STATE_USER, true, false },
		{ "SUBSCRIBE", STATE_USER, true, false },
		{ "UNSUBSCRIBE", STATE_USER, true, false },
		{ "LIST", STATE_USER, true, false },
		{ "LSUB", STATE_USER, true, false },
		{ "STATUS", STATE_USER, true, false },
		{ "APPEND", STATE_USER, true, false },
		{ "CHECK", STATE_SELECTED, true, false },
		{ "CLOSE", STATE_SELECTED, true, false },
		{ "EXPUNGE", STATE_SELECTED, true, true },
		{ "SEARCH", STATE_SELECTED, true, true },
		{ "FETCH", STATE_SELECTED, true, true },
		{ "STORE", STATE_SELECTED, true, true },
		{ "COPY", STATE_SELECTED, true, true },
		{ "MOVE", STATE_SELECTED, true, true },	/* RFC 6851 */
		{ "IDLE", STATE_USER, true, false },	/* RFC 2177 */
		{ "NAMESPACE", STATE_USER, true, false }, /* RFC 2342 */
		{ "ID", STATE_ANY, true, false },	/* RFC 2971 */
		{ "UNSELECT", STATE_SELECTED, true, false }, /* RFC 3691 */
		{ "ENABLE", STATE_USER, true, false },	/* RFC 5161 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct command *c = command_find(span_of(rows[i].name),
		    false);

		assert_non_null(c);
		assert_int_equal(c->states, rows[i].states);
		assert_int_equal(c->run != NULL, rows[i].runs);
		assert_int_equal(command_find(span_of(rows[i].name), true) !=
		    NULL, rows[i].uid);
		/* RFC 3501 7.4.1. */
		assert_int_equal((c->flags & CMD_NOEXPUNGE) != 0,
		    span_is(span_of(c->name), "FETCH") ||
		    span_is(span_of(c->name), "STORE") ||
		    span_is(span_of(c->name), "SEARCH"));
		/* A literal that is streamed has somebody to take it. */
		assert_int_equal(c->literal != NULL, c->piece != NULL);
		assert_int_equal(c->literal != NULL, c->abandon != NULL);
	}
}

static void
test_find(void **state)
{
	(void)state;
	assert_ptr_equal(command_find(SPAN("fEtCh"), false),
	    command_find(SPAN("FETCH"), true));
	assert_null(command_find(SPAN("FETC"), false));
	assert_null(command_find(SPAN("FETCHX"), false));
	assert_null(command_find(SPAN(""), false));
	assert_null(command_find(SPAN("UID"), false));
	assert_null(command_find(SPAN("APPEND"), true));
}

static void
test_capabilities(void **state)
{
	static const struct {
		struct command_facts facts;
		const char *line;
	} rows[] = {
		{ { .login = true }, "IMAP4rev1 ID LITERAL+ CHILDREN ENABLE "
		  "IDLE INPROGRESS MOVE NAMESPACE UIDPLUS UNSELECT" },
		{ { .plaintext = true, .starttls = true }, "IMAP4rev1 ID "
		  "LITERAL- SASL-IR STARTTLS AUTH=PLAIN AUTH=LOGIN" },
		{ { .plaintext = true }, "IMAP4rev1 ID LITERAL- SASL-IR "
		  "AUTH=PLAIN AUTH=LOGIN" },
		{ { .starttls = true }, "IMAP4rev1 ID LITERAL- SASL-IR "
		  "STARTTLS LOGINDISABLED" },
		{ { .login = false }, "IMAP4rev1 ID LITERAL- SASL-IR "
		  "LOGINDISABLED" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf out;

		buf_init(&out, 0);
		command_capabilities(&out, &rows[i].facts);
		assert_string_equal(buf_string(&out), rows[i].line);
		buf_clear(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_capabilities),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
