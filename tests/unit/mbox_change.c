/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing messages and writing metadata: what the file is after it, to us, to
 * a plain reader and to somebody who has no index; at random, and in the cases
 * that matter.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/formats/mbox.h"
#include "c-client/formats/mbox_redo.h"
#include "c-client/store/box.h"
#include "tests/lib/mboxroom.h"

#include "c-client/base/banned.h"

static struct mboxroom room;
static uint64_t seed;

#define DATE	"Mon Jan  1 00:00:00 2024\n"

static uint32_t
random_below(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(seed >> 33) % n;
}

/* What a message is to be, whatever happens to the file. */
struct expected {
	char id[24];
	uint32_t uid;
	uint16_t flags;
	bool keyword;
	size_t lines;
};
static struct expected wanted[4000];
static size_t wanted_count;
static unsigned serial;

static void
text_of(const struct expected *e, struct buf *out)
{
	buf_addf(out, "From: a@example.org\nSubject: %s\nMessage-ID: <%s@x>\n"
	    "\nThis is %s.\n", e->id, e->id, e->id);
	for (size_t i = 0; i < e->lines; i++)
		buf_addf(out, "line %zu of message %s, which is long\n", i,
		    e->id);
	buf_adds(out, "\n");
}

/* Another program delivers. */
static void
deliver(const char *path, size_t count, uint32_t lines)
{
	struct buf b;

	buf_init(&b, 0);
	for (size_t i = 0; i < count; i++) {
		struct expected *e = &wanted[wanted_count++];

		memset(e, 0, sizeof *e);
		snprintf(e->id, sizeof e->id, "m%u", serial++);
		e->lines = random_below(lines);
		buf_adds(&b, "From a@b " DATE);
		text_of(e, &b);
	}
	mboxroom_add(path, buf_span(&b));
	buf_clear(&b);
}

/* New ones get their UIDs here; all others must have kept theirs. */
static void
check_box(struct box *box)
{
	assert_int_equal(box->count, wanted_count);
	for (size_t i = 0; i < wanted_count; i++) {
		struct expected *e = &wanted[i];
		const struct record *r = &box->records[i];
		struct buf got = mboxroom_message(box, i), want;

		if (e->uid == 0)
			e->uid = r->uid;
		assert_int_equal(r->uid, e->uid);
		assert_int_equal(r->flags & FLAG_ALL_SYSTEM, e->flags);
		assert_int_equal(r->keywords.bits[0] != 0, e->keyword);
		buf_init(&want, 0);
		text_of(e, &want);
		/* The last one's empty line is no part of it. */
		want.n--;
		assert_true(strstr(buf_string(&got), e->id) != NULL);
		for (size_t k = 0, j = 0; k < want.n; k++, j++) {
			if (want.p[k] == '\n')
				assert_int_equal(got.p[j++], '\r');
			assert_int_equal(got.p[j], want.p[k]);
		}
		buf_clear(&want);
		buf_clear(&got);
	}
}

/* As a plain reader sees it, who knows nothing of indexes. */
static void
check_plain(const char *path)
{
	struct buf file = mboxroom_read(path);
	struct plain plain = plain_split(buf_span(&file));

	assert_int_equal(plain.count, wanted_count);
	for (size_t i = 0; i < plain.count; i++)
		assert_non_null(strstr(buf_string(&plain.messages[i].wire),
		    wanted[i].id));
	plain_free(&plain);
	buf_clear(&file);
}

static void
nothing_left(void)
{
	char command[200];

	snprintf(command, sizeof command, "find %s -name '*.redo' -o "
	    "-name '*.lock' -not -path '*/index/*' | grep .", room.dir);
	assert_int_not_equal(system(command), 0);
}

static void
store(struct box *box, size_t i, uint16_t flags, bool keyword)
{
	static const struct span name = { "Key", 3 };
	struct box_store change = { .op = BOX_STORE_SET, .flags = flags,
	    .keywords = &name, .keyword_count = keyword };
	uint64_t modseq;
	struct fault why;

	assert_int_equal(box_store_flags(box, &box->records[i].uid, 1,
	    &change, &modseq, &why), 0);
	wanted[i].flags = flags;
	wanted[i].keyword = keyword;
}

/* Remove what `choose` says. */
static void
expunge(struct box *box, bool (*choose)(size_t i))
{
	uint32_t *uids = calloc(box->count + 1, sizeof *uids);
	struct fault why = { .code = FAULT_NONE };
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < wanted_count; i++) {
		if (choose(i))
			uids[n++] = wanted[i].uid;
		else
			wanted[kept++] = wanted[i];
	}
	wanted_count = kept;
	if (box_expunge(box, uids, n, false, &why) == -1)
		fail_msg("%s", why.text);
	free(uids);
}

static void
flush(struct box *box, bool leaving)
{
	struct fault why = { .code = FAULT_NONE };

	if (box_flush(box, leaving, &why) == -1)
		fail_msg("%s", why.text);
}

static int
begin(void **state)
{
	mboxroom_setup(&room, state);
	wanted_count = 0;
	serial = 0;
	seed = 42;
	return 0;
}

static bool first_only(size_t i) { return i == 0; }
static bool second_only(size_t i) { return i == 1; }
static bool every_third(size_t i) { return i % 3 == 2; }
static bool all(size_t i) { (void)i; return true; }
static bool last_two(size_t i) { return i + 2 >= wanted_count; }
static bool some(size_t i) { (void)i; return random_below(4) == 0; }

/* Each way of removing, from the spool and from a folder, with and without
 * room in the messages, with the index and after it was lost. */
static void
test_ways(void **state)
{
	static bool (*const ways[])(size_t) = { first_only, second_only,
	    every_third, last_two, all };

	for (size_t i = 0; i < 4 * sizeof ways / sizeof ways[0]; i++) {
		bool inbox = i % 2 == 0, roomy = i / 2 % 2 == 0;
		struct name folder = mboxroom_name("folder");
		const struct name *name = inbox ? &mboxroom_inbox : &folder;
		char path[200];
		struct box *box;

		snprintf(path, sizeof path, "%s", inbox ?
		    room.account.spool : "");
		if (!inbox)
			snprintf(path, sizeof path, "%s/folder", room.root);
		mboxroom_write(path, SPAN(""));
		deliver(path, 12, 40);
		box = mboxroom_open(&room, name);
		check_box(box);
		store(box, 3, FLAG_SEEN | FLAG_FLAGGED, true);
		if (roomy) {
			flush(box, true);
			check_box(box);
			check_plain(path);
		}
		expunge(box, ways[i / 4]);
		check_box(box);
		check_plain(path);
		deliver(path, 2, 10);
		mboxroom_sync(box);
		check_box(box);
		flush(box, true);
		check_box(box);
		check_plain(path);
		box_close(box);
		nothing_left();
		/* The file alone says it all. */
		mboxroom_forget_index(&room);
		box = mboxroom_open(&room, name);
		check_box(box);
		box_close(box);
		mboxroom_teardown(state);
		begin(state);
	}
}

static bool two_gaps(size_t i) { return i == 1 || i == 2 || i == 9; }

/* Few gaps at the front of a long file: built with fault points, blocks are
 * cut out of a file of this size already. */
static void
test_cuts(void **state)
{
	static bool (*const ways[])(size_t) = { first_only, two_gaps,
	    second_only, first_only };
	const char *path = room.account.spool;
	struct box *box;

	(void)state;
	for (int roomy = 0; roomy < 2; roomy++) {
		wanted_count = 0;
		mboxroom_write(path, SPAN(""));
		deliver(path, 100, 160);
		box = mboxroom_open(&room, &mboxroom_inbox);
		check_box(box);
		if (roomy)
			flush(box, true);
		for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
			store(box, 4, FLAG_SEEN, true);
			expunge(box, ways[i]);
			check_box(box);
			check_plain(path);
			deliver(path, 1, 9);
			mboxroom_sync(box);
			check_box(box);
		}
		flush(box, true);
		check_plain(path);
		box_close(box);
		nothing_left();
		mboxroom_forget_index(&room);
		box = mboxroom_open(&room, &mboxroom_inbox);
		check_box(box);
		box_close(box);
		mboxroom_forget_index(&room);
	}
}

/* Whatever happens in whatever order. */
static void
test_random(void **state)
{
	const char *path = room.account.spool;
	struct box *box, *other;

	(void)state;
	mboxroom_write(path, SPAN(""));
	deliver(path, 30, 60);
	box = mboxroom_open(&room, &mboxroom_inbox);
	other = mboxroom_open(&room, &mboxroom_inbox);
	for (int round = 0; round < 300; round++) {
		struct box *who = random_below(2) ? box : other;

		mboxroom_sync(who);
		check_box(who);
		switch (random_below(6)) {
		case 0:
			deliver(path, random_below(4), 80);
			break;
		case 1:
		case 2:
			for (uint32_t k = random_below(9); k > 0 &&
			    wanted_count > 0; k--)
				store(who, random_below(
				    (uint32_t)wanted_count),
				    (uint16_t)random_below(32),
				    random_below(2));
			break;
		case 3:
			expunge(who, some);
			break;
		case 4:
			flush(who, random_below(2));
			check_plain(path);
			break;
		case 5:
			if (random_below(4) != 0)
				break;
			flush(who, true);
			box_close(box);
			box_close(other);
			mboxroom_forget_index(&room);
			box = mboxroom_open(&room, &mboxroom_inbox);
			other = mboxroom_open(&room, &mboxroom_inbox);
			check_box(box);
			break;
		}
	}
	flush(box, true);
	box_close(box);
	box_close(other);
	nothing_left();
}

/* A file whose octets are not what the index says is scanned, not written:
 * nothing of another's message is touched. */
static void
test_mismatch(void **state)
{
	const char *path = room.account.spool;
	struct buf file;
	struct box *box;
	struct stat st;
	struct timespec times[2];

	(void)state;
	mboxroom_write(path, SPAN(""));
	deliver(path, 5, 5);
	box = mboxroom_open(&room, &mboxroom_inbox);
	check_box(box);
	/* A program changes the last one, and puts the old time back. */
	file = mboxroom_read(path);
	stat(path, &st);
	memcpy(strstr(file.p, "m4"), "mX", 2);
	mboxroom_write(path, buf_span(&file));
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	utimensat(AT_FDCWD, path, times, 0);
	expunge(box, second_only);
	assert_int_equal(box->count, 4);
	buf_clear(&file);
	file = mboxroom_read(path);
	assert_non_null(memmem(file.p, file.n, "mX", 2));
	assert_null(memmem(file.p, file.n, "Subject: m1\n", 12));
	assert_non_null(memmem(file.p, file.n, "Subject: m2\n", 12));
	buf_clear(&file);
	box_close(box);
}

/* X-IMAPbase is ahead of the UIDs that are told, at any time. */
static void
test_raise(void **state)
{
	const char *path = room.account.spool;
	struct box *box;
	uint32_t next;

	(void)state;
	mboxroom_write(path, SPAN(""));
	deliver(path, 3, 3);
	box = mboxroom_open(&room, &mboxroom_inbox);
	check_box(box);
	flush(box, true);
	for (int i = 0; i < 3; i++) {
		deliver(path, 700, 2);
		mboxroom_sync(box);
		check_box(box);
		expunge(box, every_third);
	}
	next = box->meta.uidnext;
	box_close(box);
	mboxroom_forget_index(&room);
	box = mboxroom_open(&room, &mboxroom_inbox);
	/* Mail that no session has left yet may get others, but no old ones. */
	for (size_t i = 3; i < box->count; i++)
		if (box->records[i].uid != wanted[i].uid)
			assert_true(box->records[i].uid >= next);
	box_close(box);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, mboxroom_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_ways),
		TEST(test_cuts),
		TEST(test_random),
		TEST(test_mismatch),
		TEST(test_raise),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
