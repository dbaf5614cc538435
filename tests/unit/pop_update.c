/* SPDX-License-Identifier: Apache-2.0 */
/* POP3's UPDATE state (RFC 1939 6) over a mailbox in memory: what QUIT
 * removes, what it says when that fails, and that nothing else removes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/server/service.h"
#include "c-client/store/box.h"
#include "ipopd/session.h"
#include "tests/lib/logged.h"
#include "tests/lib/memdriver.h"
#include "tests/lib/memsession.h"

MEMDRIVER_TABLE

#define COUNT	5u

static const struct service service = { .program = "ipop3d",
    .session = session_main, .idle_secs = 600 };
static const struct name inbox = { .path = "INBOX", .inbox = true };

static struct memsession world = { .service = &service, .tag = "",
    .count = COUNT };

static const char *
run(const char *text)
{
	return memsession_run(&world, text);
}

/* UIDs and \Seen of what is there, such as "1 2S 5 ". */
static const char *
left(void)
{
	static struct buf out;
	struct box *box = memdriver_open(world.account, &inbox);

	buf_reset(&out);
	for (size_t i = 0; i < box->count; i++)
		buf_addf(&out, "%u%s ", box->records[i].uid,
		    box->records[i].flags & FLAG_SEEN ? "S" : "");
	box_close(box);
	return buf_string(&out);
}

static void
test_quit(void **state)
{
	(void)state;
	assert_said(run("RETR 1\r\nRETR 2\r\nDELE 2\r\nDELE 4\r\nSTAT\r\n"
	    "QUIT\r\n"), "\r\n+OK 3 300\r\n+OK Sayonara\r\n");
	assert_string_equal(left(), "1S 3 5 ");
	assert_said(logged_text(), "Update user=user "
	    "host=[192.0.2.1] nmsgs=5 ndele=2 nseen=1\n");
	assert_int_equal(memdriver.leaves, 1);
	assert_said(run("DELE 1\r\nDELE 2\r\nDELE 3\r\nSTAT\r\nQUIT\r\n"),
	    "\r\n+OK 0 0\r\n+OK Sayonara\r\n");
	assert_string_equal(left(), "");
}

/* RSET, and any end but QUIT's. */
static void
test_kept(void **state)
{
	(void)state;
	run("DELE 1\r\nDELE 2\r\nRSET\r\nDELE 3\r\nSTAT\r\nQUIT\r\n");
	assert_said(buf_string(&world.heard), "\r\n+OK 4 400\r\n");
	assert_string_equal(left(), "1 2 4 5 ");
	run("DELE 1\r\nRETR 2\r\nDELE 2\r\n");
	run("DELE 1\r\nQUI");
	run("DELE 1\r\nRSET\r\nQUIT\r\n");
	assert_string_equal(left(), "1 2 4 5 ");
}

static void
test_fails(void **state)
{
	static const struct {
		enum fault_code fault;
		const char *want;
	} rows[] = {
		{ FAULT_INUSE, "\r\n-ERR [IN-USE] " },
		{ FAULT_QUOTA, "\r\n-ERR [SYS/TEMP] " },
		{ FAULT_IO, "\r\n-ERR [SYS/TEMP] " },
		{ FAULT_CORRUPT, "\r\n-ERR [SYS/PERM] " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		memdriver.expunge_fault = rows[i].fault;
		assert_said(run("DELE 2\r\nDELE 3\r\nQUIT\r\n"),
		    rows[i].want);
		assert_null(strstr(buf_string(&world.heard), "Sayonara"));
		assert_said(logged_text(),
		    "INBOX: not removed: as told\n");
		assert_said(logged_text(), " ndele=0 ");
		assert_string_equal(left(), "1 2 3 4 5 ");
	}
	/* What was not to be removed is no affair of the client's. */
	assert_said(run("RETR 1\r\nQUIT\r\n"), "\r\n+OK Sayonara\r\n");
	memdriver.expunge_fault = FAULT_NONE;
	memdriver.flush_fault = FAULT_INUSE;
	assert_said(run("DELE 1\r\nQUIT\r\n"), "\r\n+OK Sayonara\r\n");
	assert_said(logged_text(),
	    "Flags of INBOX not kept: as told\n");
}

/* Between two lines of the client another program puts other mail there. */
static int
replace(struct box *box, struct fault *why)
{
	(void)why;
	if (box->count == 0 || box->meta.uidvalidity != 1000)
		return 0;
	memdriver.on_sync = NULL;
	memdriver_replace(box);
	memdriver_deliver(box, COUNT);
	return 0;
}

static int
replace_later(struct box *box, struct fault *why)
{
	(void)box;
	(void)why;
	memdriver.on_sync = replace;
	return 0;
}

static void
test_replaced(void **state)
{
	(void)state;
	memdriver.on_sync = replace_later;
	assert_said(run("DELE 1\r\nQUIT\r\n"), "\r\n-ERR [SYS/TEMP] ");
	assert_string_equal(left(), "1 2 3 4 5 ");
}

int
main(void)
{
#define ROW(f)	cmocka_unit_test_prestate_setup_teardown(f, \
		    memsession_setup, memsession_teardown, &world)
	const struct CMUnitTest tests[] = {
		ROW(test_quit),
		ROW(test_kept),
		ROW(test_fails),
		ROW(test_replaced),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
