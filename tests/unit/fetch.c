/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FETCH as a whole over a mailbox in memory: each row is the arguments and
 * what the client gets for them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/base/arena.h"
#include "c-client/base/log.h"
#include "c-client/mime/date.h"
#include "c-client/server/service.h"
#include "c-client/server/stream.h"
#include "c-client/store/message.h"
#include "c-client/store/parsed.h"
#include "c-client/store/seqset.h"
#include "imapd/args.h"
#include "imapd/command.h"
#include "imapd/reply.h"
#include "imapd/session.h"
#include "tests/lib/fakebox.h"
#include "tests/lib/fakeindex.h"

#define ONE	"Subject: one\r\nFrom: a@b\r\n\r\nhello\r\n"
#define MULTI	"Content-Type: multipart/mixed; boundary=x\r\n\r\n" \
	"--x\r\n\r\npart one\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n" \
	"Subject: in\r\nTo: y\r\n\r\ndeep\r\n--x--\r\n"
#define NOBODY	"Subject: none\r\n\r\n"

/* What of session_box.c, box.c and view.c belongs to FETCH. */
static struct {
	int stores;
	uint32_t uids[FAKE_MAX];
	size_t count;
	enum fault_code fail;
	int told;
} seen;

bool
session_messages(struct session *s, struct args *a, uint32_t **numbers,
    size_t *count)
{
	struct fault why = { 0 };
	struct span text;
	const struct seqset *set;

	assert_true(args_seqset(a, &text));
	set = seqset_parse(a->arena, text, s->uid ?
	    fake.uids[fake.view.count - 1] : (uint32_t)fake.view.count, &why);
	assert_non_null(set);
	*numbers = arena_alloc(s->scratch,
	    fake.view.count * sizeof **numbers);
	*count = 0;
	for (uint32_t i = 1; i <= fake.view.count; i++)
		if (seqset_has(set, s->uid ? fake.uids[i - 1] : i))
			(*numbers)[(*count)++] = i;
	return true;
}

void
session_tell_keywords(struct session *s)
{
	(void)s;
	seen.told++;
}

void
view_told(struct view *view, uint64_t before, uint64_t modseq)
{
	assert_true(before < modseq);
	view->told = modseq;
}

int
box_store_flags(struct box *box, const uint32_t *uids, size_t count,
    const struct box_store *store, uint64_t *modseq, struct fault *why)
{
	assert_int_equal(store->op, BOX_STORE_ADD);
	assert_int_equal(store->flags, FLAG_SEEN);
	if (seen.fail != FAULT_NONE)
		return fault_set(why, seen.fail, "as the test wants");
	seen.stores++;
	memcpy(seen.uids, uids, count * sizeof *uids);
	seen.count = count;
	*modseq = ++box->meta.highestmodseq;
	for (size_t i = 0; i < count; i++)
		fake.records[box_find(box, uids[i])].flags |= FLAG_SEEN;
	box->generation++;
	return 0;
}

static struct session session;
static char stream_path[] = "/tmp/fetch-test-XXXXXX";

static void
setup(void)
{
	static const struct session_start start = { .user = "u",
	    .client = "[192.0.2.1]" };
	static const struct command fetch = { .name = "FETCH" };
	struct record *r;
	int fd;

	fake_reset();
	fakeindex_reset();
	memset(&seen, 0, sizeof seen);
	fake.box.meta.keywords[0] = "$Forwarded";
	fake.box.meta.keyword_count = 1;
	r = fake_add(3, SPAN(ONE));
	r->date = date_days(1996, 7, 17) * 86400 + 9 * 3600 + 44 * 60 + 25;
	r->zone = -420;
	r = fake_add(5, SPAN(MULTI));
	r->flags = FLAG_SEEN | FLAG_DELETED;
	r->keywords.bits[0] = 1;
	r->date = -1;
	uidruns_add(&fake.view.recent, 5, 1);
	fake.view.recent_count = 1;
	fake_add(8, SPAN(NOBODY));
	fake_add(9, SPAN(""));

	memset(&session, 0, sizeof session);
	session.start = &start;
	session.command = &fetch;
	session.scratch = arena_new(0);
	session.parse = arena_new(BOUND_COMMAND_ARENA);
	session.box = &fake.box;
	session.view = &fake.view;
	session.reader = reader_new(&fake.box);
	session.parsed = parsed_new(&fake.box, session.reader);
	memcpy(stream_path + sizeof stream_path - 7, "XXXXXX", 6);
	fd = mkstemp(stream_path);
	assert_int_not_equal(fd, -1);
	session.stream = stream_new(open("/dev/null", O_RDONLY), fd);
}

static void
teardown(void)
{
	stream_free(session.stream);
	unlink(stream_path);
	parsed_free(session.parsed);
	reader_free(session.reader);
	arena_free(session.scratch);
	arena_free(session.parse);
	buf_clear(&session.answer.text);
}

/* With `no_files` no temporary file can be had. */
static bool no_files;

static void
fetch_as_told(struct args *a)
{
	struct rlimit was, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = (struct rlimit){ .rlim_cur = 3, .rlim_max = was.rlim_max };
	if (no_files)
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	cmd_fetch(&session, a);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
}

/* What the client has got, untagged, and what is kept as tagged answer. */
static const char *
run(bool uid, const char *text, struct buf *out)
{
	struct args a;
	FILE *f;
	int c;

	session.uid = uid;
	session.answer.status = NULL;
	args_init(&a, session.parse, span_of(text));
	fetch_as_told(&a);
	stream_flush(session.stream);
	buf_reset(out);
	f = fopen(stream_path, "r+");
	assert_non_null(f);
	while ((c = getc(f)) != EOF)
		buf_addc(out, (char)c);
	fclose(f);
	assert_int_equal(truncate(stream_path, 0), 0);
	if (session.stream->out_fd >= 0)
		lseek(session.stream->out_fd, 0, SEEK_SET);
	if (session.answer.status != NULL) {
		buf_adds(out, session.answer.status);
		buf_addc(out, ' ');
		buf_addspan(out, buf_span(&session.answer.text));
	}
	return buf_string(out);
}

static const struct row {
	bool uid;
	const char *text, *answer;
} rows[] = {
	{ false, " 1:2 (FLAGS UID RFC822.SIZE)",
	    "* 1 FETCH (UID 3 FLAGS () RFC822.SIZE 34)\r\n"
	    "* 2 FETCH (UID 5 FLAGS (\\Deleted \\Seen \\Recent $Forwarded) "
	    "RFC822.SIZE 134)\r\n" },
	{ true, " 5 FLAGS", "* 2 FETCH (UID 5 FLAGS (\\Deleted \\Seen "
	    "\\Recent $Forwarded))\r\n" },
	{ true, " 4294967295:10 FLAGS", "" },
	{ false, " 1:2 INTERNALDATE",
	    "* 1 FETCH (INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")\r\n"
	    "* 2 FETCH (INTERNALDATE \"31-Dec-1969 23:59:59 +0000\")\r\n" },
	{ false, " 3 FAST", "* 3 FETCH (FLAGS () INTERNALDATE "
	    "\" 1-Jan-1970 00:00:00 +0000\" RFC822.SIZE 17)\r\n" },
	{ false, " 1 ENVELOPE", "* 1 FETCH (ENVELOPE (NIL \"one\" "
	    "((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) "
	    "((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL))\r\n" },
	{ false, " 1 BODY", "* 1 FETCH (BODY (\"TEXT\" \"PLAIN\" "
	    "(\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 7 1))\r\n" },
	{ false, " 1 BODY.PEEK[]", "* 1 FETCH (BODY[] {34}\r\n" ONE ")\r\n" },
	{ false, " 1 BODY.PEEK[]<0.5>",
	    "* 1 FETCH (BODY[]<0> {5}\r\nSubje)\r\n" },
	{ false, " 1 BODY.PEEK[]<0.34>",
	    "* 1 FETCH (BODY[]<0> {34}\r\n" ONE ")\r\n" },
	{ false, " 1 BODY.PEEK[]<30.393216>",
	    "* 1 FETCH (BODY[]<30> {4}\r\nlo\r\n)\r\n" },
	{ false, " 1 BODY.PEEK[]<34.1>", "* 1 FETCH (BODY[]<34> \"\")\r\n" },
	{ false, " 1 BODY.PEEK[]<4294967295.4294967295>",
	    "* 1 FETCH (BODY[]<4294967295> \"\")\r\n" },
	{ false, " 1 BODY.PEEK[HEADER]", "* 1 FETCH (BODY[HEADER] {27}\r\n"
	    "Subject: one\r\nFrom: a@b\r\n\r\n)\r\n" },
	{ false, " 1 (BODY.PEEK[HEADER] BODY.PEEK[TEXT]<1.2>)",
	    "* 1 FETCH (BODY[HEADER] {27}\r\nSubject: one\r\nFrom: a@b\r\n\r\n"
	    " BODY[TEXT]<1> {2}\r\nel)\r\n" },
	{ false, " 1 BODY.PEEK[HEADER.FIELDS (From X)]",
	    "* 1 FETCH (BODY[HEADER.FIELDS (From X)] {13}\r\n"
	    "From: a@b\r\n\r\n)\r\n" },
	{ false, " 1 BODY.PEEK[HEADER.FIELDS.NOT (\"From\")]<4.100>",
	    "* 1 FETCH (BODY[HEADER.FIELDS.NOT (From)]<4> {12}\r\n"
	    "ect: one\r\n\r\n)\r\n" },
	{ false, " 1 RFC822.HEADER", "* 1 FETCH (RFC822.HEADER {27}\r\n"
	    "Subject: one\r\nFrom: a@b\r\n\r\n)\r\n" },
	{ false, " 1 (BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[2])",
	    "* 1 FETCH (BODY[1] {7}\r\nhello\r\n BODY[1.MIME] {27}\r\n"
	    "Subject: one\r\nFrom: a@b\r\n\r\n BODY[2] NIL)\r\n" },
	{ false, " 3 BODY.PEEK[TEXT]", "* 3 FETCH (BODY[TEXT] \"\")\r\n" },
	{ false, " 4 (BODY.PEEK[] BODY.PEEK[TEXT] RFC822.HEADER)",
	    "* 4 FETCH (BODY[] \"\" BODY[TEXT] \"\" RFC822.HEADER \"\")\r\n" },
	{ false, " 4 BODY.PEEK[]", "* 4 FETCH (BODY[] \"\")\r\n" },
	{ false, " 2 BODY.PEEK[1]", "* 2 FETCH (BODY[1] {8}\r\npart one)\r\n" },
	{ false, " 2 BODY.PEEK[2.HEADER]", "* 2 FETCH (BODY[2.HEADER] {22}\r\n"
	    "Subject: in\r\nTo: y\r\n\r\n)\r\n" },
	{ false, " 2 BODY.PEEK[2.HEADER.FIELDS (to)]",
	    "* 2 FETCH (BODY[2.HEADER.FIELDS (to)] {9}\r\nTo: y\r\n\r\n)\r\n" },
	{ false, " 2 (BODY.PEEK[2.1] BODY.PEEK[2.MIME] BODY.PEEK[3]<7.9> "
	    "BODY.PEEK[1.HEADER])",
	    "* 2 FETCH (BODY[2.1] {4}\r\ndeep BODY[2.MIME] {32}\r\n"
	    "Content-Type: message/rfc822\r\n\r\n BODY[3]<7> NIL "
	    "BODY[1.HEADER] NIL)\r\n" },
	{ false, " 2 (BODY.PEEK[]<40.3> BODY.PEEK[TEXT]<2.3>)",
	    "* 2 FETCH (BODY[]<40> {3}\r\nx\r\n BODY[TEXT]<2> {3}\r\n"
	    "x\r\n)\r\n" },

	{ false, " 1 BODY[TEXT]", "* 1 FETCH (BODY[TEXT] {7}\r\nhello\r\n"
	    " FLAGS (\\Seen))\r\n" },
	{ false, " 1:2 (FLAGS RFC822.TEXT)<", "BAD Too many arguments" },
	{ false, " 1 (FLAGS RFC822.TEXT)", "* 1 FETCH (FLAGS (\\Seen) "
	    "RFC822.TEXT {7}\r\nhello\r\n)\r\n" },
	{ true, " 3 RFC822", "* 1 FETCH (UID 3 RFC822 {34}\r\n" ONE
	    " FLAGS (\\Seen))\r\n" },
	{ false, " 2 BODY[1]", "* 2 FETCH (BODY[1] {8}\r\npart one)\r\n" },
	{ false, " 1 NONSENSE", "BAD Unknown data item" },
	{ false, " 1", "BAD Missing argument" },
};

static void
test_rows(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		setup();
		assert_string_equal(run(rows[i].uid, rows[i].text, &out),
		    rows[i].answer);
		teardown();
	}
	buf_clear(&out);
}

/* \Seen: for those that lack it, in one go, and not in EXAMINE. */
static void
test_seen(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	setup();
	run(false, " 1:3 BODY[TEXT]<0.1>", &out);
	assert_int_equal(seen.stores, 1);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.uids[0], 3);
	assert_int_equal(seen.uids[1], 8);
	assert_int_equal(seen.told, 1);
	run(false, " 1:3 BODY[TEXT]<0.1>", &out);
	assert_int_equal(seen.stores, 1);
	teardown();

	setup();
	fake.view.readonly = true;
	assert_string_equal(run(false, " 3 BODY[TEXT]", &out),
	    "* 3 FETCH (BODY[TEXT] \"\")\r\n");
	assert_int_equal(seen.stores, 0);
	teardown();

	setup();
	seen.fail = FAULT_QUOTA;
	assert_string_equal(run(false, " 3 BODY[TEXT]", &out),
	    "* NO [OVERQUOTA] Disk full or over quota\r\n"
	    "* 3 FETCH (BODY[TEXT] \"\")\r\n");
	teardown();
	buf_clear(&out);
}

static void
drop_first(void)
{
	fake_remove(3);
}

/* One more header line: the message is not the same any more. */
static void
other_first(void)
{
	if (fake.syncs > 1)
		return;
	buf_reset(&fake.texts[0]);
	buf_adds(&fake.texts[0], "\r\nother\r\n");
	fake.records[0].digest[15] = 1;
	fake.records[0].wire_size = 9;
	fake.records[0].wire_header = 2;
}

static void
test_gone(void **state)
{
	static const struct {
		bool uid;
		const char *text;
		int changed;
		enum fault_code fault;
		void (*on_sync)(void);
		const char *answer;
	} cases[] = {
		{ false, " 1,3 (UID RFC822.SIZE BODY.PEEK[TEXT])", 1,
		    FAULT_NONE, drop_first, "* 3 FETCH (UID 8 RFC822.SIZE 17 "
		    "BODY[TEXT] \"\")\r\n"
		    "NO [EXPUNGEISSUED] Some of the messages are gone" },
		{ false, " 1,4 BODY.PEEK[]", 1, FAULT_NONE, drop_first,
		    "* 4 FETCH (BODY[] \"\")\r\n"
		    "NO [EXPUNGEISSUED] Some of the messages are gone" },
		{ true, " 3,9 BODY.PEEK[]", 1, FAULT_NONE, drop_first,
		    "* 4 FETCH (UID 9 BODY[] \"\")\r\n" },
		{ false, " 1 (RFC822.SIZE BODY.PEEK[])", 1, FAULT_NONE,
		    other_first, "* 1 FETCH (RFC822.SIZE 9 BODY[] {9}\r\n"
		    "\r\nother\r\n)\r\n" },
		{ false, " 1 (RFC822.SIZE BODY.PEEK[1])", 1, FAULT_NONE,
		    other_first, "* 1 FETCH (RFC822.SIZE 9 BODY[1] {7}\r\n"
		    "other\r\n)\r\n" },
		{ false, " 1:2 BODY.PEEK[1]", 0, FAULT_IO, NULL,
		    "NO [UNAVAILABLE] The mail store can't be used now" },
		{ false, " 1:2 BODY.PEEK[]", 0, FAULT_INUSE, NULL,
		    "NO [INUSE] The mailbox is locked by another program" },
		{ false, " 1 ENVELOPE", 9, FAULT_NONE, NULL, "NO [INUSE] The "
		    "mailbox is being changed by another program" },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		setup();
		fake.changed = cases[i].changed;
		fake.fault = cases[i].fault;
		fake.on_sync = cases[i].on_sync;
		assert_string_equal(run(cases[i].uid, cases[i].text, &out),
		    cases[i].answer);
		assert_false(session.end);
		if (cases[i].fault == FAULT_INUSE)
			assert_int_equal(fake.reads, 1);
		teardown();
	}
	/* Gone before it was asked for. */
	setup();
	fake_remove(5);
	assert_string_equal(run(false, " 1:3 UID", &out),
	    "* 1 FETCH (UID 3)\r\n* 3 FETCH (UID 8)\r\n"
	    "NO [EXPUNGEISSUED] Some of the messages are gone");
	teardown();
	buf_clear(&out);
}

/* A long message that vanishes is just gone, since all of it is had before its
 * first octet is sent.  Where there is no room for that: never filled up, no
 * tagged answer behind it. */
static void
test_vanish(void **state)
{
	static const struct {
		uint64_t from;
		bool no_files, end;
	} cases[] = {
		{ 0, false, false },
		{ 1000000, false, false },
		{ 5000000, false, false },
		{ 0, true, false },
		{ 1, true, false },
		{ 1000000, true, true },
		{ 5000000, true, true },
	};
	struct buf text, out;

	(void)state;
	buf_init(&text, 0);
	buf_init(&out, 0);
	buf_adds(&text, "Subject: long\r\n\r\n");
	while (text.n < 5000000)
		buf_addc(&text, 'y');
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		setup();
		fake_add(20, buf_span(&text));
		fake.fault = FAULT_EXPUNGED;
		fake.fault_from = cases[i].from == 5000000 ? 4999999 :
		    cases[i].from;
		no_files = cases[i].no_files;
		run(false, " 5 BODY.PEEK[]", &out);
		no_files = false;
		assert_int_equal(session.end, cases[i].end);
		if (cases[i].end)
			assert_true(out.n <= cases[i].from + 100);
		else
			assert_string_equal(buf_string(&out), "NO "
			    "[EXPUNGEISSUED] Some of the messages are gone");
		teardown();
	}
	/* A little of it needs no copy: it is read, and then it is said. */
	setup();
	fake_add(20, buf_span(&text));
	no_files = true;
	run(false, " 5 BODY.PEEK[]<1.4000000>", &out);
	assert_memory_equal(out.p, "* 5 FETCH (BODY[]<1> {4000000}\r\n", 32);
	assert_int_equal(out.n, 32 + 4000000 + 3);
	assert_int_equal(fake.octets, 4000000);
	fake.fault = FAULT_EXPUNGED;
	fake.fault_from = 3000000;
	run(false, " 5 BODY.PEEK[]<1.4000000>", &out);
	assert_string_equal(buf_string(&out), "NO [EXPUNGEISSUED] Some of the "
	    "messages are gone");
	assert_false(session.end);
	no_files = false;
	teardown();

	/* Nor is anything copied twice. */
	setup();
	fake_add(20, buf_span(&text));
	run(false, " 5 (BODY.PEEK[] BODY.PEEK[TEXT]<4999980.5>)", &out);
	assert_int_equal(fake.octets, text.n);
	buf_adds(&text, " BODY[TEXT]<4999980> {3}\r\nyyy)\r\n");
	assert_int_equal(out.n, 29 + text.n);
	assert_memory_equal(out.p, "* 5 FETCH (BODY[] {5000000}\r\n", 29);
	teardown();
	buf_clear(&text);
	buf_clear(&out);
	fake_reset();
	fakeindex_reset();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_seen),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_vanish),
	};

	log_open("test", "/dev/null", &(struct fault){ 0 });
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
