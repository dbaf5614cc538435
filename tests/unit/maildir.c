/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is a maildir's own: names that change under us, sizes in names, the
 * list of UIDs and its lock, an append that was cut short, and which
 * directories are mailboxes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/formats/maildir.h"
#include "c-client/formats/maildir_note.h"
#include "c-client/formats/maildir_place.h"
#include "c-client/formats/maildir_stamp.h"
#include "c-client/formats/maildir_uidlist.h"
#include "c-client/store/box.h"
#include "c-client/store/message.h"
#include "tests/lib/mboxroom.h"

#include "c-client/base/banned.h"

static struct mboxroom room;

static const char *
path_of(const char *name)
{
	static char out[4][400];
	static unsigned n;

	n = (n + 1) % 4;
	snprintf(out[n], sizeof out[n], "%s/%s", room.root, name);
	return out[n];
}

/* A maildir as deliveries know it: without a list of anything. */
static void
make(const char *name)
{
	static const char *const parts[] = { "", "/cur", "/new", "/tmp" };
	char path[200];

	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "%s%s", name, parts[i]);
		assert_int_equal(mkdir(path_of(path), 0700), 0);
	}
}

static struct box *
opened(const char *path)
{
	struct name name = mboxroom_name(path);

	return mboxroom_open(&room, &name);
}

static void
check_text(struct box *box, size_t i, const char *want)
{
	struct buf b = mboxroom_message(box, i);

	if (!span_eq(buf_span(&b), span_of(want)))
		fail_msg("message %zu: %s", i, buf_string(&b));
	buf_clear(&b);
}

static bool
is_there(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

/* Nothing but files: UIDs begin with 1, in the order of their times. */
static void
test_first_sight(void **state)
{
	struct box *box, *second;
	struct buf list;

	(void)state;
	make("first");
	mboxroom_write(path_of("first/cur/1700000010.M5P1.h:2,S"),
	    SPAN("A: 3\n\n"));
	mboxroom_write(path_of("first/cur/1700000009.h"), SPAN("A: 2\n\n"));
	mboxroom_write(path_of("first/cur/1700000010.M40P1.h:2,"),
	    SPAN("A: 4\n\n"));
	mboxroom_write(path_of("first/cur/abc:2,F"), SPAN("A: 1\n\n"));
	mboxroom_write(path_of("first/new/1700000011.h"), SPAN("A: 5\n\n"));
	box = opened("first");
	assert_int_equal(box->count, 5);
	for (size_t i = 0; i < 5; i++) {
		char want[32];

		assert_int_equal(box->records[i].uid, i + 1);
		snprintf(want, sizeof want, "A: %zu\r\n\r\n", i + 1);
		check_text(box, i, want);
	}
	/* What was in cur had been shown, what was in new had not. */
	assert_int_equal(box->meta.first_recent, 5);
	assert_true(is_there("first/cur/1700000011.h:2,"));
	list = mboxroom_read(path_of("first/" MAILDIR_UIDLIST));
	assert_non_null(strstr(buf_string(&list),
	    "\n3 :1700000010.M5P1.h\n"));
	buf_clear(&list);
	/* Who comes later reads no directory, until it needs a name. */
	second = opened("first");
	nanosleep(&(struct timespec){ 0, 30000000 }, NULL);
	mboxroom_sync(second);
	box_close(second);
	second = opened("first");
	assert_false(((struct maildir *)second->state)->listed);
	check_text(second, 2, "A: 3\r\n\r\n");
	assert_true(((struct maildir *)second->state)->listed);
	box_close(second);
	box_close(box);
}

/* Sizes in names are believed until the message is read. */
static void
test_sizes(void **state)
{
	struct box *box;
	struct reader *reader;
	struct fault f = { .code = FAULT_NONE };
	struct message *m;
	uint32_t uid;

	(void)state;
	make("sizes");
	mboxroom_write(path_of("sizes/cur/1.a,S=8,W=11:2,"),
	    SPAN("A: b\n\nx\n"));
	mboxroom_write(path_of("sizes/cur/2.a,S=8,W=13:2,"),
	    SPAN("A: b\n\ny\n"));
	mboxroom_write(path_of("sizes/cur/3.a,S=9,W=11:2,"),
	    SPAN("A: b\n\nz\n"));
	mboxroom_write(path_of("sizes/cur/4.a,S=8,W=9:2,"),
	    SPAN("A: b\n\n0\n"));
	mboxroom_write(path_of("sizes/cur/5.a,S=8,W=9999:2,"),
	    SPAN("A: b\r\n\r\n"));
	box = opened("sizes");
	assert_int_equal(box->records[0].wire_size, 11);
	assert_int_equal(box->records[1].wire_size, 13);	/* a lie */
	assert_int_equal(box->records[2].wire_size, 11);	/* S= is none */
	assert_int_equal(box->records[3].wire_size, 9);		/* a lie */
	assert_int_equal(box->records[4].wire_size, 8);		/* can't be */
	reader = reader_new(box);
	for (size_t i = 0; i < 4; i++) {
		uid = box->records[i].uid;
		m = reader_open(reader, uid, &f);
		if (m == NULL)
			fail_msg("%zu: %s", i, f.text);
		assert_int_equal(message_size(m), 11);
		assert_int_equal(box->records[i].wire_size, 11);
		assert_int_equal(box->records[i].uid, uid);
	}
	/* Other octets are another message. */
	uid = box->records[0].uid;
	mboxroom_write(path_of("sizes/cur/1.a,S=8,W=11:2,"),
	    SPAN("A: b\n\nlonger\n"));
	reader_forget(reader);
	assert_null(reader_open(reader, uid, &f));
	assert_int_equal(f.code, FAULT_EXPUNGED);
	assert_int_equal(box->count, 5);
	assert_true(box->records[4].uid > 5);
	check_text(box, 4, "A: b\r\n\r\nlonger\r\n");
	reader_free(reader);
	box_close(box);
}

/* Line ends, NUL and length, wherever a read begins and ends. */
static void
test_octets(void **state)
{
	struct fault f = { .code = FAULT_NONE };
	struct box *box;
	struct buf file, wire, b;
	uint64_t at = 1;

	(void)state;
	make("octets");
	mboxroom_write(path_of("octets/cur/1:2,"), SPAN("A: b\r\n\r\nx\0y\n"
	    "z\r\r\nend"));
	mboxroom_write(path_of("octets/cur/2:2,"), SPAN(""));
	mboxroom_write(path_of("octets/cur/3:2,"), SPAN("\n"));
	mboxroom_write(path_of("octets/cur/4:2,"), SPAN("no end"));
	buf_init(&file, 0);
	buf_init(&wire, 0);
	buf_adds(&file, "A: b\n\n");
	buf_adds(&wire, "A: b\r\n\r\n");
	for (unsigned i = 0; wire.n < 5u * 1024 * 1024; i++) {
		char line[300];
		int n = snprintf(line, sizeof line, "line %u %.*s", i,
		    (int)(i * 7 % 250), "----------------------------------"
		    "------------------------------------------------------");

		buf_add(&file, line, (size_t)n);
		buf_add(&wire, line, (size_t)n);
		buf_adds(&file, i % 3 == 0 ? "\r\n" : "\n");
		buf_adds(&wire, "\r\n");
	}
	mboxroom_write(path_of("octets/cur/5:2,"), buf_span(&file));
	box = opened("octets");
	check_text(box, 0, "A: b\r\n\r\nx\x80y\r\nz\r\r\nend");
	assert_int_equal(box->records[0].wire_header, 8);
	check_text(box, 1, "");
	check_text(box, 2, "\r\n");
	assert_int_equal(box->records[2].wire_header, 2);
	check_text(box, 3, "no end");
	assert_int_equal(box->records[3].wire_header, 6);
	assert_int_equal(box->records[4].wire_size, wire.n);
	buf_init(&b, 0);
	for (int i = 0; i < 300; i++) {
		size_t len = (size_t)(at / 7 % (i % 10 == 0 ? 300000 : 900));

		at = at * 6364136223846793005u + 1442695040888963407u;
		buf_reset(&b);
		assert_int_equal(maildir_driver.read(box, &box->records[4],
		    at % wire.n, len, &b, &f), 0);
		assert_true(span_eq(buf_span(&b), span_slice(buf_span(&wire),
		    (size_t)(at % wire.n), len)));
	}
	buf_clear(&b);
	buf_clear(&file);
	buf_clear(&wire);
	box_close(box);
}

/* Another program renames what we have listed. */
static void
test_renamed(void **state)
{
	struct fault f = { .code = FAULT_NONE };
	struct box_store change = { .op = BOX_STORE_ADD,
	    .flags = FLAG_ANSWERED };
	uint32_t uids[3] = { 1, 2, 3 };
	uint64_t modseq;
	struct box *box;

	(void)state;
	make("renamed");
	for (int i = 1; i <= 3; i++) {
		char name[40];

		snprintf(name, sizeof name, "renamed/cur/%d.x:2,", i);
		mboxroom_write(path_of(name), SPAN("A: b\n\n"));
	}
	box = opened("renamed");
	check_text(box, 0, "A: b\r\n\r\n");
	assert_int_equal(rename(path_of("renamed/cur/1.x:2,"),
	    path_of("renamed/cur/1.x:2,S")), 0);
	assert_int_equal(rename(path_of("renamed/cur/2.x:2,"),
	    path_of("renamed/cur/2.x,U=7:2,F")), 0);
	assert_int_equal(rename(path_of("renamed/cur/3.x:2,"),
	    path_of("renamed/new/3.x")), 0);
	check_text(box, 0, "A: b\r\n\r\n");
	mboxroom_sync(box);
	assert_int_equal(box->count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(box->records[i].uid, i + 1);
		check_text(box, i, "A: b\r\n\r\n");
	}
	assert_int_equal(box->records[0].flags, FLAG_SEEN);
	assert_int_equal(box->records[1].flags, FLAG_FLAGGED);
	assert_true(is_there("renamed/cur/3.x:2,"));
	/* Renamed between our look and our writing: both are kept. */
	assert_int_equal(box_store_flags(box, uids, 3, &change, &modseq, &f),
	    0);
	assert_int_equal(rename(path_of("renamed/cur/1.x:2,S"),
	    path_of("renamed/cur/1.x:2,FSX")), 0);
	assert_int_equal(box_flush(box, true, &f), 0);
	assert_true(is_there("renamed/cur/1.x:2,FRSX"));
	assert_true(is_there("renamed/cur/2.x,U=7:2,FR"));
	assert_int_equal(box->records[0].flags,
	    FLAG_SEEN | FLAG_FLAGGED | FLAG_ANSWERED);
	assert_int_equal(box->records[0].flags_seen, box->records[0].flags);
	/* What is to be removed is found by its new name. */
	assert_int_equal(rename(path_of("renamed/cur/1.x:2,FRSX"),
	    path_of("renamed/cur/1.x:2,R")), 0);
	assert_int_equal(box_expunge(box, uids, 2, false, &f), 0);
	assert_int_equal(box->count, 1);
	assert_false(is_there("renamed/cur/1.x:2,R"));
	assert_false(is_there("renamed/cur/2.x,U=7:2,FR"));
	box_close(box);
}

/*
 * A file that comes within the clock's tick after a look changes no time.  The
 * box says that it is not sure, and the look after that finds it.
 */
static void
test_unsettled(void **state)
{
	struct fault f = { .code = FAULT_NONE };
	size_t count = 0;
	int seen = 0;
	struct box *box;

	(void)state;
	make("tick");
	box = opened("tick");
	/* On a busy machine the tick may be over before we look. */
	for (int i = 0; i < 200 && seen < 3; i++) {
		struct maildir_stamp now;
		char name[40];

		snprintf(name, sizeof name, "tick/cur/%d.x:2,", i);
		mboxroom_write(path_of(name), SPAN("A: b\n\n"));
		assert_int_equal(box_begin(box, &f), 0);
		assert_int_equal(maildir_stamp_take(((struct maildir *)
		    box->state)->dir, &now, &f), 0);
		now.doubtful = 1;
		maildir_stamp_store(box, &now);
		box_touch_meta(box);
		assert_int_equal(box_commit(box, &f), 0);
		mboxroom_sync(box);
		if (box->unsettled) {
			assert_int_equal(box->count, count);
			nanosleep(&(struct timespec){ 0, BOX_SETTLE_MSECS *
			    1000000 }, NULL);
			mboxroom_sync(box);
			seen++;
		}
		assert_int_equal(box->count, ++count);
		assert_false(box->unsettled);
	}
	assert_int_equal(seen, 3);
	box_close(box);
}

static int
lock_file(const char *text)
{
	mboxroom_write(path_of("locked/dovecot-uidlist.lock"), span_of(text));
	return 0;
}

/* A lock that is held is waited for, one that was left is taken away. */
static void
test_lock(void **state)
{
	struct name name = mboxroom_name("locked");
	struct mboxroom_item item = { .text = SPAN("A: b\r\n\r\n") };
	struct fault f = { .code = FAULT_NONE };
	struct maildir_lock mine;
	char host[256] = "", text[300];
	struct box *box;
	pid_t dead;
	int dir;

	(void)state;
	make("locked");
	room.account.lock_timeout = 0;
	assert_int_equal(gethostname(host, sizeof host - 1), 0);
	/* Dovecot's, alive. */
	snprintf(text, sizeof text, "%ld:%s", (long)getpid(), host);
	lock_file(text);
	assert_int_equal(mboxroom_append(&room, &name, NULL, &item, 1, &f),
	    -1);
	assert_int_equal(f.code, FAULT_INUSE);
	assert_true(is_there("locked/dovecot-uidlist.lock"));
	/* Another machine's, or somebody's who says nothing: young. */
	lock_file("1:elsewhere.example");
	assert_int_equal(mboxroom_append(&room, &name, NULL, &item, 1, &f),
	    -1);
	lock_file("");
	assert_int_equal(mboxroom_append(&room, &name, NULL, &item, 1, &f),
	    -1);
	room.account.lock_timeout = 30;
	/* Of a process that is dead. */
	dead = fork();
	if (dead == 0)
		_exit(0);
	assert_int_equal(waitpid(dead, NULL, 0), dead);
	snprintf(text, sizeof text, "%ld:%s", (long)dead, host);
	lock_file(text);
	assert_int_equal(mboxroom_append(&room, &name, NULL, &item, 1, &f),
	    0);
	assert_false(is_there("locked/dovecot-uidlist.lock"));
	/* Another session of ours. */
	room.account.lock_timeout = 0;
	dir = open(path_of("locked"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	maildir_lock_init(&mine);
	assert_int_equal(maildir_lock_take(&mine, dir, false, 0, &f), 0);
	assert_int_equal(mboxroom_append(&room, &name, NULL, &item, 1, &f),
	    -1);
	assert_int_equal(f.code, FAULT_INUSE);
	maildir_lock_drop(&mine);
	close(dir);
	room.account.lock_timeout = 30;
	box = opened("locked");
	assert_int_equal(box->count, 1);
	/* Nothing is left of those that failed. */
	assert_int_equal(rmdir(path_of("locked/tmp")), 0);
	assert_int_equal(mkdir(path_of("locked/tmp"), 0700), 0);
	box_close(box);
}

/* Killed while several messages got their names: all of them, or none. */
static void
test_note(void **state)
{
	static const char begin[] =
	    "1700000000.M1P1R0123456789abcdefxQ";
	struct fault f = { .code = FAULT_NONE };
	char name[100];

	(void)state;
	make("note");
	for (size_t there = 1; there <= 3; there++) {
		struct box *box = opened("note");

		assert_int_equal(box->count, 0);
		assert_int_equal(box_begin(box, &f), 0);
		maildir_note_store(box, span_of(begin), 3, 0);
		assert_int_equal(box_commit(box, &f), 0);
		for (size_t i = 0; i < there; i++) {
			snprintf(name, sizeof name, "note/cur/%s%zu.h:2,",
			    begin, i);
			mboxroom_write(path_of(name), SPAN("A: b\n\n"));
		}
		mboxroom_sync(box);
		assert_int_equal(box->count, there == 3 ? 3 : 0);
		assert_int_equal(box->meta.note_size, 0);
		assert_int_equal(is_there(name), there == 3);
		box_close(box);
	}
}

/* There are 26 letters; P is $Forwarded, as mbsync has it. */
static void
test_keywords(void **state)
{
	struct name name = mboxroom_name("keywords");
	struct fault f = { .code = FAULT_NONE };
	struct box *box;
	uint64_t modseq;
	uint32_t uid = 1;
	struct buf file;

	(void)state;
	make("keywords");
	mboxroom_write(path_of("keywords/cur/1.x:2,P"), SPAN("A: b\n\n"));
	box = opened("keywords");
	assert_int_equal(box_keyword(box, SPAN("$forwarded")), 0);
	assert_int_equal(box->records[0].keywords.bits[0], 1);
	for (int i = 0; i < 30; i++) {
		char word[16];
		struct span span = { word, 0 };
		struct box_store change = { .op = BOX_STORE_ADD,
		    .keywords = &span, .keyword_count = 1 };

		span.n = (size_t)snprintf(word, sizeof word, "k%d", i);
		assert_int_equal(box_store_flags(box, &uid, 1, &change,
		    &modseq, &f), 0);
	}
	assert_int_equal(box_flush(box, true, &f), 0);
	assert_true(is_there("keywords/cur/1.x:2,"
	    "Pabcdefghijklmnopqrstuvwxyz"));
	file = mboxroom_read(path_of("keywords/" MAILDIR_KEYWORDS));
	assert_non_null(strstr(buf_string(&file), "0 $Forwarded\n1 k0\n"));
	assert_null(strstr(buf_string(&file), "k25"));
	buf_clear(&file);
	mboxroom_sync(box);
	assert_int_equal(box->records[0].keywords.bits[0], 0x7fffffff);
	box_close(box);
	mboxroom_forget_index(&room);
	box = mboxroom_open(&room, &name);
	assert_int_equal(box->records[0].keywords.bits[0], 0x3ffffff);
	box_close(box);
}

/* Not ours to write: read-only, and all can be read. */
static void
test_readonly(void **state)
{
	struct name name = mboxroom_name("readonly");
	struct mboxroom_item item = { .text = SPAN("A: b\r\n\r\n") };
	struct fault f = { .code = FAULT_NONE };
	struct box *box;

	(void)state;
	make("readonly");
	mboxroom_write(path_of("readonly/new/1.x"), SPAN("A: b\n\n"));
	assert_int_equal(chmod(path_of("readonly/new/1.x"), 0644), 0);
	assert_int_equal(chmod(path_of("readonly/cur"), 0555), 0);
	assert_int_equal(chmod(path_of("readonly/new"), 0555), 0);
	assert_int_equal(chmod(path_of("readonly"), 0555), 0);
	if (geteuid() == 0) {
		/* Modes don't bind root: as somebody else. */
		assert_int_equal(chmod(room.dir, 0711), 0);
		assert_int_equal(chmod(room.root, 0711), 0);
		assert_int_equal(chown(room.index, 65534, 65534), 0);
		mboxroom_forget_index(&room);
		assert_int_equal(chown(room.index, 65534, 65534), 0);
		assert_int_equal(seteuid(65534), 0);
	}
	box = opened("readonly");
	assert_true(box->readonly);
	assert_int_equal(box->count, 1);
	check_text(box, 0, "A: b\r\n\r\n");
	box_close(box);
	assert_int_equal(mboxroom_append(&room, &name, NULL, &item, 1, &f),
	    -1);
	assert_int_equal(f.code, FAULT_READONLY);
	if (geteuid() == 65534)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(path_of("readonly"), 0755), 0);
	assert_int_equal(chmod(path_of("readonly/cur"), 0755), 0);
	assert_int_equal(chmod(path_of("readonly/new"), 0755), 0);
}

/* Which of spool and ~/Maildir is INBOX, and what its folders are called. */
static void
test_inbox(void **state)
{
	static const struct {
		const char *folder, *name;	/* NULL: can't be used */
	} rows[] = {
		{ ".a", "a" }, { ".a.b", "a/b" },
		{ ".Entw&APw-rfe", "Entw\xC3\xBCrfe" }, { ".", NULL },
		{ "..", NULL }, { "..a", NULL }, { ".a..b", NULL },
		{ ".a.", NULL }, { ".a/b", NULL }, { ".&", NULL },
		{ ".a\xC3\xBC", NULL }, { ".a\nb", NULL },
	};
	struct name in_root = mboxroom_name("in"), both = mboxroom_name(
	    "in/b"), dotted = mboxroom_name("x.y"), free_name =
	    mboxroom_name("x/\xC3\xBC");
	struct buf out;
	struct box *box;

	(void)state;
	assert_false(maildir_place_inbox(&room.account));
	make("../Maildir");
	assert_true(maildir_place_inbox(&room.account));
	mboxroom_write(room.spool, SPAN(""));
	assert_true(maildir_place_inbox(&room.account));
	box = mboxroom_open(&room, &mboxroom_inbox);
	assert_ptr_equal(box->driver, &maildir_driver);
	box_close(box);
	assert_int_equal(mkdir(path_of("in"), 0700), 0);
	buf_init(&out, 0);
	assert_true(maildir_place_folder(&room.account, &free_name, &out));
	assert_string_equal(buf_string(&out), ".x.&APw-");
	buf_reset(&out);
	assert_false(maildir_place_folder(&room.account, &in_root, &out));
	assert_false(maildir_place_folder(&room.account, &both, &out));
	assert_false(maildir_place_folder(&room.account, &dotted, &out));
	assert_int_equal(out.n, 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool good = maildir_place_name(span_of(rows[i].folder), &out);

		if (good != (rows[i].name != NULL) || (good &&
		    strcmp(buf_string(&out), rows[i].name) != 0))
			fail_msg("%s: %s", rows[i].folder, buf_string(&out));
		if (!good)
			assert_int_equal(out.n, 0);
		buf_reset(&out);
	}
	mboxroom_write(room.spool, SPAN("From -\nA: b\n\nx\n"));
	assert_false(maildir_place_inbox(&room.account));
	assert_false(maildir_place_folder(&room.account, &free_name, &out));
	buf_clear(&out);
}

static int
setup(void **state)
{
	return mboxroom_setup(&room, state);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, mboxroom_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_first_sight),
		TEST(test_sizes),
		TEST(test_octets),
		TEST(test_renamed),
		TEST(test_unsettled),
		TEST(test_lock),
		TEST(test_note),
		TEST(test_keywords),
		TEST(test_readonly),
		TEST(test_inbox),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
