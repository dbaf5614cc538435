/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a session does to its mailbox: writing it back when it is left,
 * removing and moving messages, and what it says when that fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/fault.h"
#include "c-client/server/service.h"
#include "c-client/store/box.h"
#include "imapd/session.h"
#include "tests/lib/logged.h"
#include "tests/lib/memdriver.h"
#include "tests/lib/memsession.h"

MEMDRIVER_TABLE

#define COUNT	4u

/* The same in all sessions here, and looked at elsewhere. */
#define SELECT	"s SELECT INBOX\r\n"
#define DELETE	SELECT "d STORE 1:2 +FLAGS.SILENT (\\Deleted)\r\n"

static const struct service service = { .program = "imapd",
    .session = session_main, .idle_secs = 1800 };
static const struct name inbox = { .path = "INBOX", .inbox = true };
static const struct name target = { .path = "target" };

static struct memsession world = { .service = &service, .tag = "l",
    .count = COUNT };

/* COUNT messages in INBOX, and an empty mailbox. */
static int
build_world(void **state)
{
	struct fault why;

	memsession_setup(state);
	if (box_create(world.account, &target, &why) == -1)
		fail_msg("%s", why.text);
	return 0;
}

static const char *
run(const char *text)
{
	return memsession_run(&world, text);
}

/* Every way out of a mailbox writes it back, once. */
static void
test_leaving(void **state)
{
	static const struct {
		const char *say;
		int flushes, leaves;
	} rows[] = {
		{ "a LOGOUT\r\n", 0, 0 },
		{ SELECT, 1, 1 },
		{ SELECT "a LOGOUT\r\n", 1, 1 },
		{ SELECT "a UNSELECT\r\n", 1, 1 },
		{ SELECT "a CLOSE\r\nb LOGOUT\r\n", 1, 1 },
		{ SELECT "a SELECT target\r\nb LOGOUT\r\n", 2, 2 },
		{ SELECT "a SELECT no-such\r\nb LOGOUT\r\n", 1, 1 },
		{ SELECT "a EXAMINE target\r\nb LOGOUT\r\n", 1, 1 },
		{ SELECT "a CHECK\r\nb CHECK\r\nc LOGOUT\r\n", 3, 1 },
		{ SELECT "a NOOP\r\nb FETCH 1 FLAGS\r\n", 1, 1 },
		/* What was only looked at is not written. */
		{ "s EXAMINE INBOX\r\na CHECK\r\nb CLOSE\r\n", 0, 0 },
		{ "s EXAMINE INBOX\r\na LOGOUT\r\n", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		memdriver.flushes = memdriver.leaves = 0;
		run(rows[i].say);
		if (memdriver.flushes != rows[i].flushes ||
		    memdriver.leaves != rows[i].leaves)
			fail_msg("%s: %d, %d", rows[i].say,
			    memdriver.flushes, memdriver.leaves);
	}
}

/* Who can't be written back can be left all the same. */
static void
test_flush_fails(void **state)
{
	const char *said;

	(void)state;
	memdriver.flush_fault = FAULT_INUSE;
	said = run(SELECT "a CHECK\r\nb SELECT target\r\nc UNSELECT\r\n"
	    SELECT "d CLOSE\r\n" SELECT "e LOGOUT\r\n");
	assert_said(said, "\r\na NO [INUSE] The mailbox is locked by another "
	    "program\r\n");
	assert_said(said, "\r\nb OK [READ-WRITE] ");
	assert_said(said, "\r\nc OK UNSELECT completed\r\n");
	assert_said(said, "\r\nd OK CLOSE completed\r\n");
	assert_said(said, "\r\ne OK LOGOUT completed\r\n");
	assert_said(logged_text(), "LOGOUT user=user "
	    "host=[192.0.2.1]: as told\n");
	assert_null(strstr(said, "* NO "));
}

static void
test_expunge(void **state)
{
	const char *said;

	(void)state;
	said = run(DELETE "a EXPUNGE\r\nb EXPUNGE\r\n");
	assert_said(said, "\r\n* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n* 2 RECENT\r\n"
	    "a OK EXPUNGE completed\r\nb OK EXPUNGE completed\r\n");
	assert_int_equal(memdriver_count(world.account, &inbox), 2);
	/* Going away is no CLOSE, and neither is LOGOUT. */
	run(DELETE "a LOGOUT\r\n");
	run(DELETE);
	assert_int_equal(memdriver_count(world.account, &inbox), 2);
	said = run(SELECT "a CLOSE\r\n");
	assert_null(strstr(said, "EXPUNGE"));
	assert_said(said, "\r\na OK CLOSE completed\r\n");
	assert_int_equal(memdriver_count(world.account, &inbox), 0);
}

/* The fault's code is the answer's; CLOSE has no NO, and warns. */
static void
test_expunge_fails(void **state)
{
	static const struct {
		enum fault_code fault;
		const char *code;
	} rows[] = {
		{ FAULT_INUSE, "[INUSE] " },
		{ FAULT_QUOTA, "[OVERQUOTA] " },
		{ FAULT_IO, "[UNAVAILABLE] " },
		{ FAULT_READONLY, "[READ-ONLY] " },
	};
	char want[64];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *said;

		memdriver.expunge_fault = rows[i].fault;
		said = run(DELETE "a EXPUNGE\r\nb UID EXPUNGE 1:9\r\n"
		    "c CLOSE\r\nd EXPUNGE\r\n");
		snprintf(want, sizeof want, "\r\na NO %s", rows[i].code);
		assert_said(said, want);
		snprintf(want, sizeof want, "\r\nb NO %s", rows[i].code);
		assert_said(said, want);
		snprintf(want, sizeof want, "\r\n* NO %s", rows[i].code);
		assert_said(said, want);
		assert_said(said, "\r\nc OK CLOSE completed\r\n"
		    "d BAD No mailbox is selected\r\n");
		assert_int_equal(memdriver_count(world.account, &inbox), COUNT);
	}
	/* A part of them: those are told. */
	memdriver.expunge_part = 1;
	assert_said(run(DELETE "a EXPUNGE\r\n"), "\r\n* 1 EXPUNGE\r\n"
	    "a NO [READ-ONLY] ");
}

/* COUNT other messages, all of them \Deleted. */
static void
deliver_deleted(struct box *box)
{
	const struct box_store deleted = { .op = BOX_STORE_SET,
	    .flags = FLAG_DELETED };
	uint32_t uids[COUNT];
	uint64_t modseq;

	memdriver_deliver(box, COUNT);
	for (size_t i = 0; i < COUNT; i++)
		uids[i] = box->records[i].uid;
	assert_int_equal(box_store_flags(box, uids, COUNT, &deleted, &modseq,
	    NULL), 0);
}

static int
replace(struct box *box, struct fault *why)
{
	(void)why;
	if (!box->name.inbox || box->count == 0)
		return 0;
	memdriver.on_sync = NULL;
	memdriver_replace(box);
	deliver_deleted(box);
	return 0;
}

static int replacing;

/* At the second look from now on. */
static int
replace_soon(struct box *box, struct fault *why)
{
	return --replacing > 0 ? 0 : replace(box, why);
}

/* UIDs of before are not those of a mailbox that has another UIDVALIDITY. */
static void
test_replaced(void **state)
{
	(void)state;
	memdriver.on_sync = replace_soon;
	/* One look is SELECT's, one comes behind STORE. */
	replacing = 3;
	assert_said(run(DELETE "a UID EXPUNGE 1:9\r\n"), "\r\nd OK STORE "
	    "completed\r\n* BYE The mailbox was replaced: ");
	assert_null(memdriver.on_sync);
	assert_int_equal(memdriver_count(world.account, &inbox), COUNT);
}

static void
test_move(void **state)
{
	const char *said;

	(void)state;
	said = run(SELECT "a MOVE 2:3 target\r\n");
	assert_said(said, "\r\n* OK [COPYUID 1000 2:3 1:2] Moved\r\n"
	    "* 2 EXPUNGE\r\n* 2 EXPUNGE\r\n* 2 RECENT\r\n"
	    "a OK MOVE completed\r\n");
	assert_int_equal(memdriver_count(world.account, &inbox), COUNT - 2);
	assert_int_equal(memdriver_count(world.account, &target), 2);
	said = run("s EXAMINE INBOX\r\na MOVE 1 target\r\n");
	assert_said(said, "\r\na NO [READ-ONLY] ");
	assert_int_equal(memdriver_count(world.account, &target), 2);
}

/* What can't be appended moves nothing; what can't be removed is taken out of
 * the target again; and where that fails too the client is told. */
static void
test_move_fails(void **state)
{
	struct fault why;
	struct box *box;
	const char *said;

	(void)state;
	memdriver.append_fails = true;
	assert_said(run(SELECT "a MOVE 1:4 target\r\n"),
	    "\r\na NO [OVERQUOTA] ");
	assert_int_equal(memdriver_count(world.account, &inbox), COUNT);
	assert_int_equal(memdriver_count(world.account, &target), 0);

	memdriver.append_fails = false;
	memdriver.expunge_fault = FAULT_INUSE;
	memdriver.expunge_faults = 1;
	said = run(SELECT "a MOVE 1:4 target\r\n");
	assert_said(said, "\r\na NO [INUSE] The mailbox is locked by another "
	    "program\r\n");
	assert_null(strstr(said, "COPYUID"));
	assert_int_equal(memdriver_count(world.account, &inbox), COUNT);
	assert_int_equal(memdriver_count(world.account, &target), 0);

	memdriver.expunge_fault = FAULT_INUSE;
	said = run(SELECT "a MOVE 1:4 target\r\n");
	assert_said(said, "\r\na NO [INUSE] The messages were copied, but they "
	    "could not be removed here\r\n");
	assert_int_equal(memdriver_count(world.account, &inbox), COUNT);
	assert_int_equal(memdriver_count(world.account, &target), COUNT);
	/* Until somebody can. */
	memdriver.expunge_fault = FAULT_NONE;
	assert_int_equal(memdriver_count(world.account, &inbox), 0);
	assert_int_equal(memdriver_count(world.account, &target), COUNT);

	box = box_open(world.account, &inbox, false, &why);
	assert_non_null(box);
	memdriver_deliver(box, COUNT);
	box_close(box);
	memdriver.expunge_fault = FAULT_INUSE;
	memdriver.expunge_faults = 1;
	memdriver.expunge_part = 1;
	said = run(SELECT "a MOVE 1:4 target\r\n");
	assert_said(said, "\r\n* OK [COPYUID 1000 5 9] Moved\r\n"
	    "* 1 EXPUNGE\r\n");
	assert_said(said, "\r\na NO [INUSE] The mailbox is locked by another "
	    "program\r\n");
	assert_int_equal(memdriver_count(world.account, &inbox), COUNT - 1);
	assert_int_equal(memdriver_count(world.account, &target), COUNT + 1);
}

static void
test_progress(void **state)
{
	static const struct {
		uint64_t done, total;
		const char *want;
	} rows[] = {
		{ 0, 1, "0 1" },
		{ 454, 1000, "454 1000" },
		/* Less than the goal (RFC 9585 4), and both of 32 bits. */
		{ 1000, 1000, "999 1000" },
		{ 2000, 1000, "999 1000" },
		{ 4294967294u, 4294967295u, "4294967294 4294967295" },
		{ 1024, 4294967296u, "1 4194304" },
		{ UINT64_MAX, UINT64_MAX, "16777214 16777215" },
	};
	char want[128];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		memdriver.done = rows[i].done;
		memdriver.total = rows[i].total;
		snprintf(want, sizeof want, "\r\n* OK [INPROGRESS (\"a\" %s)] "
		    "Still working\r\na OK CHECK completed\r\n",
		    rows[i].want);
		assert_said(run(SELECT "a CHECK\r\n"), want);
	}
	/* Before BYE at LOGOUT; not at all when nobody listens. */
	assert_said(run(SELECT "bye LOGOUT\r\n"), "\r\n* OK [INPROGRESS "
	    "(\"bye\" 16777214 16777215)] Still working\r\n"
	    "* BYE ");
	assert_null(strstr(run(SELECT), "[INPROGRESS"));
}

/* The last one: the signal stays. */
static void
test_signal(void **state)
{
	(void)state;
	memdriver.total = 10;
	raise(SIGTERM);
	assert_said(run(DELETE "a NOOP\r\n"), "\r\na OK NOOP completed\r\n"
	    "* BYE Server shutting down\r\n");
	assert_int_equal(memdriver.leaves, 1);
	assert_int_equal(memdriver_count(world.account, &inbox), COUNT);
}

int
main(void)
{
#define ROW(f)	cmocka_unit_test_prestate_setup_teardown(f, \
		    build_world, memsession_teardown, &world)
	const struct CMUnitTest tests[] = {
		ROW(test_leaving),
		ROW(test_flush_fails),
		ROW(test_expunge),
		ROW(test_expunge_fails),
		ROW(test_replaced),
		ROW(test_move),
		ROW(test_move_fails),
		ROW(test_progress),
		ROW(test_signal),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
