/* SPDX-License-Identifier: Apache-2.0 */
/* POP3's TRANSACTION state over a real mailbox file in a directory of its own:
 * answers, octets, flags, refusals, and a mailbox that others change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/server/service.h"
#include "c-client/server/stream.h"
#include "c-client/store/box.h"
#include "c-client/store/record.h"
#include "ipopd/session.h"
#include "tests/lib/logged.h"
#include "tests/lib/tree.h"

static const struct service service = { .program = "ipop3d",
    .idle_secs = 600 };

/* One user's world. */
static struct {
	char dir[32], home[48], spool[48];
	struct config config;
	struct session_start start;
	struct session *session;
	struct fault why;
	int out;		/* a file in the client's place */
	struct buf heard;	/* all that was said and not yet looked at */
} world;

static void
fill(const char *text, size_t n)
{
	FILE *f = fopen(world.spool, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static int
build_world(void **state)
{
	(void)state;
	memset(&world, 0, sizeof world);
	snprintf(world.dir, sizeof world.dir, "/tmp/pop_trans.XXXXXX");
	assert_non_null(mkdtemp(world.dir));
	snprintf(world.home, sizeof world.home, "%s/home", world.dir);
	snprintf(world.spool, sizeof world.spool, "%s/joe", world.dir);
	assert_int_equal(mkdir(world.home, 0700), 0);
	config_defaults(&world.config);
	world.config.mail_spool = world.dir;
	world.config.lock_timeout = 1;
	return 0;
}

static int
raze_world(void **state)
{
	(void)state;
	buf_clear(&world.heard);
	logged_free();
	return tree_remove(world.dir);
}

/* Begin a session; NULL if it was refused, and `heard` has the first line. */
static struct session *
begin(bool preauth)
{
	int in = open("/dev/null", O_RDONLY);

	world.out = open(world.dir, O_RDWR | O_TMPFILE, 0600);
	assert_true(in != -1 && world.out != -1);
	logged_start();
	world.start = (struct session_start){ .service = &service,
	    .config = &world.config, .stream = stream_new(in, world.out),
	    .user = "joe", .home = world.home, .client = "[192.0.2.1]",
	    .tag = "", .mechanism = "", .preauth = preauth, .tls = true,
	    .spool_writable = true };
	world.session = session_new(&world.start, &world.why);
	return world.session;
}

static const char *
hear(void)
{
	struct stat st;
	char *to;

	stream_flush(world.start.stream);
	assert_int_equal(fstat(world.out, &st), 0);
	buf_reset(&world.heard);
	if (st.st_size != 0) {
		to = buf_room(&world.heard, (size_t)st.st_size);
		assert_int_equal(pread(world.out, to, (size_t)st.st_size, 0),
		    st.st_size);
		world.heard.n = (size_t)st.st_size;
	}
	assert_int_equal(ftruncate(world.out, 0), 0);
	assert_int_equal(lseek(world.out, 0, SEEK_SET), 0);
	return buf_string(&world.heard);
}

/* Say it, cut at `split`, and hear the answer. */
static const char *
say_cut(const char *text, size_t split)
{
	struct buf *in = &world.start.stream->in;

	buf_add(in, text, split);
	session_input(world.session);
	buf_adds(in, text + split);
	session_input(world.session);
	return hear();
}

static const char *
say(const char *text)
{
	return say_cut(text, 0);
}

static void
end(void)
{
	session_free(world.session);
	stream_free(world.start.stream);
}

#define SEP(n)	"From a@example.org Mon Feb  2 08:00:0" #n " 2026\n"

/* The third has dots at the beginning of lines, the last one no line end. */
static const char three[] =
    SEP(0) "Subject: one\n\nbody 1\n\n"
    SEP(1) "Subject: two\nStatus: RO\n\nbody 2\nline 2\nline 3\n\n"
    SEP(2) "Subject: three\n.odd: header\n\n.\n..two\n\nlast";

#define ONE_WIRE	"Subject: one\r\n\r\nbody 1\r\n"

static void
test_answers(void **state)
{
	static const struct {
		const char *say, *want;
	} rows[] = {
		{ "STAT\r\n", "+OK 3 112\r\n" },
		{ "stat \r\n", "+OK 3 112\r\n" },
		{ "LIST 1\r\n", "+OK 1 24\r\n" },
		{ "LIST 3 \r\n", "+OK 3 48\r\n" },
		{ "NOOP\r\n", "+OK No-op to you too!\r\n" },
		{ "TOP 2 0\r\n", "+OK Top of message follows\r\n"
		    "Subject: two\r\n\r\n.\r\n" },
		{ "TOP 2 1\r\n", "+OK Top of message follows\r\n"
		    "Subject: two\r\n\r\nbody 2\r\n.\r\n" },
		{ "TOP  2  2 \r\n", "+OK Top of message follows\r\n"
		    "Subject: two\r\n\r\nbody 2\r\nline 2\r\n.\r\n" },
		{ "TOP 1 4294967296\r\n", "+OK Top of message follows\r\n"
		    "Subject: one\r\n\r\nbody 1\r\n.\r\n" },
		{ "RETR 1\r\n", "+OK 24 octets\r\n"
		    "Subject: one\r\n\r\nbody 1\r\n.\r\n" },
		{ "RETR 3\r\n", "+OK 48 octets\r\n"
		    "Subject: three\r\n..odd: header\r\n\r\n..\r\n...two\r\n"
		    "\r\nlast\r\n.\r\n" },
		/* Pipelined; the second one is not there. */
		{ "LIST 1\r\nLIST 4\r\nNOOP\r\n", "+OK 1 24\r\n"
		    "-ERR No such message\r\n+OK No-op to you too!\r\n" },
		{ "LIST 0\r\n", "-ERR No such message\r\n" },
		{ "RETR 4\r\n", "-ERR No such message\r\n" },
		{ "RETR -1\r\n", "-ERR No such message\r\n" },
		{ "RETR 4294967297\r\n", "-ERR No such message\r\n" },
		{ "RETR 18446744073709551617\r\n",
		    "-ERR No such message\r\n" },
		{ "RETR\r\n", "-ERR A message number is missing\r\n" },
		{ "RETR 1 2\r\n", "-ERR No such message\r\n" },
		{ "TOP 1\r\n", "-ERR TOP needs a number of lines\r\n" },
		{ "TOP 1 -1\r\n", "-ERR TOP needs a number of lines\r\n" },
		{ "TOP 1 99999999999999999999\r\n",
		    "-ERR TOP needs a number of lines\r\n" },
		{ "\r\n", "-ERR Unknown command\r\n" },
		{ "RETRY 1\r\n", "-ERR Unknown command\r\n" },
		{ "USER joe\r\n", "-ERR You are logged in already\r\n" },
		{ "STLS\r\n", "-ERR You are logged in already\r\n" },
		{ "UTF8\r\n", "-ERR This server doesn't have this command\r\n" },
		{ "DELE 9\r\n", "-ERR No such message\r\n" },
		{ "DELE\r\n", "-ERR A message number is missing\r\n" },
	};

	(void)state;
	fill(three, sizeof three - 1);
	assert_non_null(begin(false));
	assert_string_equal(hear(), "+OK Mailbox open, 3 messages\r\n");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (size_t cut = 0; cut <= strlen(rows[i].say); cut++)
			assert_string_equal(say_cut(rows[i].say, cut),
			    rows[i].want);
	end();
}

/* What LIST and RETR say of sizes is what comes, dots undone. */
static void
test_listings(void **state)
{
	char want[200];
	uint32_t validity;

	(void)state;
	fill(three, sizeof three - 1);
	assert_non_null(begin(false));
	hear();
	validity = world.session->uidvalidity;
	assert_string_equal(say("LIST\r\n"), "+OK 3 messages (112 octets)\r\n"
	    "1 24\r\n2 40\r\n3 48\r\n.\r\n");
	snprintf(want, sizeof want, "+OK Unique-id listing follows\r\n"
	    "1 %08x00000001\r\n2 %08x00000002\r\n3 %08x00000003\r\n.\r\n",
	    validity, validity, validity);
	assert_string_equal(say("UIDL\r\n"), want);
	snprintf(want, sizeof want, "+OK 2 %08x00000002\r\n", validity);
	assert_string_equal(say("UIDL 2\r\n"), want);
	end();

	/* The same again: UIDs stay. */
	assert_non_null(begin(false));
	hear();
	assert_string_equal(say("UIDL 2\r\n"), want);
	end();
}

static void
test_empty(void **state)
{
	(void)state;
	unlink(world.spool);
	for (int i = 0; i < 2; i++) {
		assert_non_null(begin(false));
		assert_string_equal(hear(),
		    "+OK Mailbox open, 0 messages\r\n");
		assert_string_equal(say("STAT\r\nLIST\r\nUIDL\r\nLIST 1\r\n"),
		    "+OK 0 0\r\n+OK 0 messages (0 octets)\r\n.\r\n"
		    "+OK Unique-id listing follows\r\n.\r\n"
		    "-ERR No such message\r\n");
		end();
		fill("", 0);
	}
}

/* The record of a message as the store has it after the session. */
static uint16_t
flags_of(uint32_t uid)
{
	ptrdiff_t i;

	assert_int_equal(box_sync(world.session->box, &world.why), 0);
	i = box_find(world.session->box, uid);
	assert_true(i >= 0);
	return world.session->box->records[i].flags;
}

/* \Seen comes with QUIT, for what RETR sent, and without it nothing does;
 * LAST is from what was seen before. */
static void
test_seen(void **state)
{
	(void)state;
	fill(three, sizeof three - 1);
	assert_non_null(begin(false));
	hear();
	assert_string_equal(say("LAST\r\nRETR 1\r\nLAST\r\n"),
	    "+OK 2\r\n+OK 24 octets\r\nSubject: one\r\n\r\nbody 1\r\n.\r\n"
	    "+OK 2\r\n");
	assert_int_equal(flags_of(1) & FLAG_SEEN, 0);
	end();

	assert_non_null(begin(false));
	hear();
	assert_int_equal(flags_of(1) & FLAG_SEEN, 0);
	assert_non_null(strstr(say("RETR 3\r\nLAST\r\nRSET\r\nLAST\r\n"),
	    "\r\n+OK 3\r\n+OK Reset, 3 messages\r\n+OK 2\r\n"));
	assert_string_equal(say("TOP 1 9\r\nQUIT\r\nSTAT\r\n") +
	    strlen("+OK Top of message follows\r\n") + strlen(ONE_WIRE),
	    ".\r\n+OK Sayonara\r\n");
	assert_true(world.session->end);
	assert_int_equal(flags_of(1) & FLAG_SEEN, 0);
	assert_int_equal(flags_of(3) & FLAG_SEEN, FLAG_SEEN);
	assert_non_null(strstr(logged_text(), "Login user=joe "
	    "host=[192.0.2.1] nmsgs=3/3\n"));
	assert_non_null(strstr(logged_text(), "Update user=joe "
	    "host=[192.0.2.1] nmsgs=3 ndele=0 nseen=1\n"));
	end();
}

static void
test_deleted_is_hidden(void **state)
{
	const struct box_store deleted = { .op = BOX_STORE_ADD,
	    .flags = FLAG_DELETED };
	const uint32_t uid = 2;
	uint64_t modseq;

	(void)state;
	fill(three, sizeof three - 1);
	assert_non_null(begin(false));
	hear();
	assert_int_equal(box_store_flags(world.session->box, &uid, 1,
	    &deleted, &modseq, &world.why), 0);
	/* This session goes on with what it found. */
	assert_string_equal(say("STAT\r\n"), "+OK 3 112\r\n");
	end();

	assert_non_null(begin(false));
	assert_string_equal(hear(), "+OK Mailbox open, 2 messages\r\n");
	assert_string_equal(say("STAT\r\nLIST 2\r\n"),
	    "+OK 2 72\r\n+OK 2 48\r\n");
	assert_non_null(strstr(logged_text(), " nmsgs=2/3\n"));
	end();
}

static void
test_one_session(void **state)
{
	struct session_start start;
	struct session *first;

	(void)state;
	fill(three, sizeof three - 1);
	assert_non_null(first = begin(false));
	hear();
	start = world.start;
	assert_null(begin(false));
	assert_memory_equal(hear(), "-ERR [IN-USE] ", 14);
	stream_free(world.start.stream);
	world.start = start;
	world.session = first;
	session_free(first);
	stream_free(start.stream);
	assert_non_null(begin(false));
	hear();
	end();
}

static void
test_preauth(void **state)
{
	(void)state;
	fill(three, sizeof three - 1);
	assert_non_null(begin(true));
	assert_string_equal(hear(),
	    "+OK POP3 server ready, user joe, 3 messages\r\n");
	assert_null(strstr(say("CAPA\r\n"), "USER"));
	end();
	assert_non_null(begin(false));
	hear();
	assert_non_null(strstr(say("CAPA\r\n"),
	    "\r\nUSER\r\nIMPLEMENTATION ipop3d\r\nSASL PLAIN LOGIN\r\n.\r\n"));
	end();
}

/* Another program replaces the mailbox: what is gone is gone, what is still
 * there is still the same, and no other bytes come in its place. */
static void
test_changed_by_others(void **state)
{
	static const char other[] =
	    SEP(1) "Subject: two\nStatus: RO\n\nbody 2\nline 2\nline 3\n\n"
	    SEP(5) "Subject: other\n\nbody 1\n\n";
	static const char two[] = "+OK 40 octets\r\n"
	    "Subject: two\r\n\r\nbody 2\r\nline 2\r\nline 3\r\n.\r\n";
	const char *heard;

	(void)state;
	fill(three, sizeof three - 1);
	assert_non_null(begin(false));
	hear();
	fill(other, sizeof other - 1);
	heard = say("RETR 1\r\n");
	assert_memory_equal(heard, "-ERR ", 5);
	assert_string_equal(say("RETR 2\r\n"), two);
	assert_string_equal(say("STAT\r\n"), "+OK 3 112\r\n");
	fill("", 0);
	/* Its bytes may still be in memory; others must not come. */
	heard = say("RETR 2\r\n");
	if (strcmp(heard, two) != 0)
		assert_memory_equal(heard, "-ERR ", 5);
	assert_memory_equal(say("TOP 3 0\r\n"), "-ERR ", 5);
	assert_string_equal(say("QUIT\r\n"), "+OK Sayonara\r\n");
	end();
}

/* Longer than BOUND_WHOLE: sent in pieces, octet for octet. */
static void
test_long_message(void **state)
{
	static const char head[] = SEP(0) "Subject: long\n\n";
	static const char line[] = ".a line that begins with a dot\n";
	size_t lines = BOUND_WHOLE / (sizeof line - 1) + 1000;
	struct buf text;
	char want[80];
	size_t size = 17 + lines * sizeof line;
	const char *heard;

	(void)state;
	buf_init(&text, 0);
	buf_adds(&text, head);
	for (size_t i = 0; i < lines; i++)
		buf_adds(&text, line);
	buf_addc(&text, '\n');
	fill(text.p, text.n);
	buf_clear(&text);
	assert_non_null(begin(false));
	hear();
	snprintf(want, sizeof want, "+OK %zu octets\r\nSubject: long\r\n\r\n"
	    "..a line", size);
	heard = say("RETR 1\r\n");
	assert_memory_equal(heard, want, strlen(want));
	assert_int_equal(world.heard.n, strlen(want) - 25 + size + lines + 3);
	assert_memory_equal(world.heard.p + world.heard.n - 8,
	    "dot\r\n.\r\n", 8);
	heard = say("TOP 1 3\r\n");
	assert_int_equal(world.heard.n, 28 + 17 + 3 * (sizeof line + 1) + 3);
	end();
}

static void
test_hostile_lines(void **state)
{
	struct buf in;

	(void)state;
	fill(three, sizeof three - 1);
	assert_non_null(begin(false));
	hear();
	buf_init(&in, 0);
	for (size_t i = 0; i < 3 * BOUND_POP_LINE; i++)
		buf_addc(&in, i % 5 == 0 ? ' ' : 'x');
	buf_adds(&in, "\r\nNOOP\r\n");
	assert_string_equal(say_cut(buf_string(&in), BOUND_POP_LINE + 7),
	    "-ERR Line too long\r\n+OK No-op to you too!\r\n");
	buf_clear(&in);
	buf_add(&world.start.stream->in, "NO\0OP\r\n", 7);
	session_input(world.session);
	assert_string_equal(hear(), "-ERR NUL in a line\r\n");
	end();
}

int
main(void)
{
#define ROW(f)	cmocka_unit_test_setup_teardown(f, build_world, raze_world)
	const struct CMUnitTest tests[] = {
		ROW(test_answers),
		ROW(test_listings),
		ROW(test_empty),
		ROW(test_seen),
		ROW(test_deleted_is_hidden),
		ROW(test_one_session),
		ROW(test_preauth),
		ROW(test_changed_by_others),
		ROW(test_long_message),
		ROW(test_hostile_lines),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
