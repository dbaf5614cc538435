/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index follows the file: what others' mailboxes say, what grew, what was
 * changed, what is forged; and how much is read for it.
 */
#include <fcntl.h>
#include <lockfile.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/base/fault.h"
#include "c-client/base/clock.h"
#include "c-client/formats/mbox.h"
#include "c-client/formats/mbox_stamp.h"
#include "c-client/mime/date.h"
#include "c-client/store/box.h"
#include "tests/lib/mboxroom.h"

#include "c-client/base/banned.h"

static struct mboxroom room;

/* Flags as letters: system ones as in the file, keywords by name. */
static void
flags_add(struct buf *out, const struct box *box, const struct record *r)
{
	static const struct {
		uint16_t flag;
		char letter;
	} letters[] = {
		{ FLAG_SEEN, 'R' }, { FLAG_ANSWERED, 'A' },
		{ FLAG_FLAGGED, 'F' }, { FLAG_DELETED, 'D' },
		{ FLAG_DRAFT, 'T' },
	};

	for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
		if ((r->flags & letters[i].flag) != 0)
			buf_addc(out, letters[i].letter);
	for (size_t i = 0; i < box->meta.keyword_count; i++)
		if ((r->keywords.bits[i / 64] >> i % 64 & 1) != 0)
			buf_addf(out, ",%s", box->meta.keywords[i]);
}

/* "1:RF 2: 5:R,Work" */
static void
expect(struct box *box, const char *text)
{
	struct buf b;
	uint32_t before = 0;

	buf_init(&b, 0);
	for (size_t i = 0; i < box->count; i++) {
		const struct record *r = &box->records[i];

		if (i > 0)
			buf_addc(&b, ' ');
		buf_addf(&b, "%u:", r->uid);
		flags_add(&b, box, r);
		assert_true(r->uid > before);
		assert_true(r->uid < box->meta.uidnext);
		before = r->uid;
	}
	assert_string_equal(buf_string(&b), text);
	buf_clear(&b);
	for (size_t i = 0; i < box->count; i++) {
		b = mboxroom_message(box, i);
		buf_clear(&b);
	}
}

#define DATE	"Mon Jan  1 00:00:00 2024\n"
#define M1	"From a " DATE "Subject: 1\n\nfirst\n\n"
#define M2	"From b " DATE "Subject: 2\n\nsecond\n\n"
#define M3	"From c " DATE "Subject: 3\n\nthird\n\n"
#define M4	"From d " DATE "Subject: 4\n\nfourth\n\n"
#define S2	"From b " DATE "Subject: 2\nStatus: RO\nX-Status: F\n\n" \
		"second\n\n"

/* One file after the other under the same index, and what is there then. */
static void
test_steps(void **state)
{
	static const struct {
		const char *what;
		const char *file;	/* NULL: a new index begins */
		const char *expect;
	} rows[] = {
		{ "new", NULL, NULL },
		{ "", M1 M2, "1: 2:" },
		{ "nothing changed", M1 M2, "1: 2:" },
		{ "one came", M1 M2 M3, "1: 2: 3:" },
		{ "the first went", M2 M3, "2: 3:" },
		{ "one came", M2 M3 M4, "2: 3: 4:" },
		{ "the middle went", M2 M4, "2: 4:" },
		{ "all went", "", "" },
		{ "the first is back", M1, "5:" },

		{ "order changed", NULL, NULL },
		{ "", M1 M2 M3, "1: 2: 3:" },
		{ "two and three", M1 M3 M2, "1: 3: 4:" },
		{ "the first to the end", M3 M2 M1, "3: 4: 5:" },

		{ "a message was edited", NULL, NULL },
		{ "", M1 M2 M3, "1: 2: 3:" },
		{ "its header", M1 "From b " DATE "Subject: x\n\nsecond\n\n"
		    M3, "1: 4: 5:" },
		{ "its body", M1 "From b " DATE "Subject: x\n\nlonger\n\n\n"
		    M3, "1: 6: 7:" },

		{ "equal ones", NULL, NULL },
		{ "", M1 M1 M1, "1: 2: 3:" },
		{ "one less", M1 M1, "1: 2:" },
		{ "one more", M1 M1 M1, "1: 2: 4:" },
		{ "other between", M1 M2 M1 M1, "1: 5: 6: 7:" },

		{ "flags in the file", NULL, NULL },
		{ "", M1 M2 M3, "1: 2: 3:" },
		{ "came", M1 S2 M3, "1: 2:RF 3:" },
		{ "went", M1 M2 M3, "1: 2: 3:" },
		{ "and grew", M1 S2 M3 M4, "1: 2:RF 3: 4:" },
		{ "lengths came, as mutt does", "From a " DATE
		    "Subject: 1\nStatus: RO\nContent-Length: 6\nLines: 1\n\n"
		    "first\n\n" S2, "1:R 2:RF" },

		{ "lines before the tail", NULL, NULL },
		{ "", "From a " DATE "Subject: 1\n\nfirst\n", "1:" },
		{ "", "From a " DATE "Subject: 1\n\nfirst\n\n" M2, "1: 2:" },
		{ "", "From a " DATE "Subject: 1\n\nfirst\n\n" M2 M3,
		    "1: 2: 3:" },
		{ "no end of line", NULL, NULL },
		{ "", "From a " DATE "Subject: 1\n\nfirst", "1:" },
		{ "", "From a " DATE "Subject: 1\n\nfirst" M2, "2:" },
		{ "written on", "From a " DATE "Subject: 1\n\nfirst" M2
		    "more\n\n", "3:" },

		{ "names of keywords", NULL, NULL },
		{ "", "From a " DATE "Subject: 1\nX-IMAPbase: 1700000000 2 "
		    "Work\nX-UID: 1\nX-Keywords: Work\n\nx\n\n", "1:,Work" },
		{ "one more", "From a " DATE "Subject: 1\nX-IMAPbase: "
		    "1700000000 2 Work Home\nX-UID: 1\n"
		    "X-Keywords: Home Work\n\nx\n\n", "1:,Work,Home" },
		{ "one is none", "From a " DATE "Subject: 1\nX-IMAPbase: "
		    "1700000000 2 ( Work Home\nX-UID: 1\n"
		    "X-Keywords: Home ( Work\n\nx\n\n", "1:,Work,Home" },
	};
	struct box *box = NULL;
	char path[128];

	(void)state;
	snprintf(path, sizeof path, "%s/steps", room.root);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct name name = mboxroom_name("steps");

		if (rows[i].file == NULL) {
			box_close(box);
			box = NULL;
			mboxroom_forget_index(&room);
			continue;
		}
		mboxroom_write(path, span_of(rows[i].file));
		if (box == NULL)
			box = mboxroom_open(&room, &name);
		else
			mboxroom_sync(box);
		print_message("# row %zu %s\n", i, rows[i].what);
		expect(box, rows[i].expect);
	}
	box_close(box);
	unlink(path);
	mboxroom_forget_index(&room);
}

/* What a stranger can write into his mail, in the spool. */
static void
test_forged(void **state)
{
#define EVIL	"From e " DATE "Subject: e\nX-UID: 3\nStatus: RO\n" \
		"X-Status: DFAT\nX-Keywords: Work\n\nevil\n\n"
#define BASE	"From a " DATE "Subject: 1\nX-IMAPbase: 1700000000 2 Work\n" \
		"X-UID: 2\nStatus: RO\nX-Keywords: Work\n\nfirst\n\n"
	static const struct {
		const char *file;
		const char *expect;	/* UIDs as if the base was new */
		uint32_t uidvalidity;	/* 0: any but the file's */
	} rows[] = {
		/* Behind a mailbox that is known. */
		{ NULL, NULL, 0 },
		{ BASE, "2:R,Work", 1700000000 },
		{ BASE EVIL, "2:R,Work 3:", 1700000000 },
		/* ... and when all is scanned again. */
		{ BASE M1 EVIL, "2:R,Work 4: 5:", 1700000000 },
		/* With flags that the file has now, another program set. */
		{ BASE M1 "From e " DATE "Subject: e\nX-UID: 3\n"
		    "Status: RO\nX-Status: DFA\nX-Keywords: Work\n\n"
		    "evil\n\n", "2:R,Work 4: 5:", 1700000000 },
		/* The first in a known, empty mailbox. */
		{ NULL, NULL, 0 },
		{ "", "", 0 },
		{ BASE, "1:", 0 },
		{ BASE M2, "1: 2:", 0 },
		{ "", "", 0 },
		{ "From x " DATE "From: Mail System Internal Data <x@y>\n"
		    "X-IMAP: 1700000000 2000000000 Evil\n\nx\n\n" EVIL, "3:",
		    0 },
		/* At first sight: never deleted, and no numbers that can't
		 * be. */
		{ NULL, NULL, 0 },
		{ EVIL, "1:RAF", 0 },
		{ NULL, NULL, 0 },
		{ "From a " DATE "Subject: 1\nX-IMAPbase: 4294967295 5\n"
		    "X-UID: 5\n\nx\n\n", "1:", 0 },
		{ NULL, NULL, 0 },
		{ "From a " DATE "Subject: 1\nX-IMAPbase: 0 5\nX-UID: 5\n\n"
		    "x\n\n", "1:", 0 },
		{ NULL, NULL, 0 },
		{ "From a " DATE "Subject: 1\nX-IMAPbase: 5 2147483648\n"
		    "X-UID: 5\n\nx\n\n", "1:", 0 },
		{ NULL, NULL, 0 },
		{ "From a " DATE "Subject: 1\nX-IMAPbase: 1700000000 "
		    "2147483647\nX-UID: 2147483647\n\nx\n\n" M2,
		    "2147483647: 2147483648:", 1700000000 },
		/* In another message than the first. */
		{ NULL, NULL, 0 },
		{ M1 BASE, "1: 2:R", 0 },
	};
	struct box *box = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i].file == NULL) {
			box_close(box);
			box = NULL;
			mboxroom_forget_index(&room);
			continue;
		}
		mboxroom_write(room.spool, span_of(rows[i].file));
		if (box == NULL)
			box = mboxroom_open(&room, &mboxroom_inbox);
		else
			mboxroom_sync(box);
		print_message("# row %zu\n", i);
		expect(box, rows[i].expect);
		if (rows[i].uidvalidity != 0)
			assert_int_equal(box->meta.uidvalidity,
			    rows[i].uidvalidity);
		else
			assert_in_range(box->meta.uidvalidity,
			    time(NULL) - 100, time(NULL) + 100);
	}
	box_close(box);
	unlink(room.spool);
	mboxroom_forget_index(&room);
}

/* Another server raised X-IMAPbase over what it gave out. */
static void
test_other_server(void **state)
{
	static const char *const files[] = {
		"From a " DATE "Subject: 1\nX-IMAPbase: 1700000000 2\n"
		    "X-UID: 2\n\nx\n\n",
		"From a " DATE "Subject: 1\nX-IMAPbase: 1700000000 2\n"
		    "X-UID: 2\n\nx\n\n" M2,
		"From a " DATE "Subject: 1\nX-IMAPbase: 1700000000 9\n"
		    "X-UID: 2\n\nx\n\nFrom b " DATE "Subject: 2\nX-UID: 3\n\n"
		    "second\n\nFrom c " DATE "Subject: 3\nX-UID: 7\n"
		    "X-Status: D\n\nthird\n\n" M4,
	};
	static const char *const results[] = { "2:", "2: 3:",
	    "2: 3: 7:D 10:" };
	struct box *box = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		mboxroom_write(room.spool, span_of(files[i]));
		if (box == NULL)
			box = mboxroom_open(&room, &mboxroom_inbox);
		else
			mboxroom_sync(box);
		expect(box, results[i]);
	}
	assert_int_equal(box->meta.uidnext, 11);
	assert_int_equal(box->meta.uidvalidity, 1700000000);
	box_close(box);
	unlink(room.spool);
	mboxroom_forget_index(&room);
}

/* Ours and theirs: what we want stays where the file did not change. */
static void
test_three_ways(void **state)
{
	struct fault f = { .code = FAULT_NONE };
	struct box_store want = { .op = BOX_STORE_ADD,
	    .flags = FLAG_ANSWERED | FLAG_SEEN };
	uint32_t uids[] = { 2, 3 };
	uint64_t modseq, before;
	struct box *box;

	(void)state;
	mboxroom_write(room.spool, SPAN(M1 M2 M3));
	box = mboxroom_open(&room, &mboxroom_inbox);
	assert_int_equal(box_store_flags(box, uids, 2, &want, &modseq, &f),
	    0);
	expect(box, "1: 2:RA 3:RA");
	before = box->records[2].modseq;
	mboxroom_write(room.spool, SPAN(M1 S2 M3 M4));
	mboxroom_sync(box);
	expect(box, "1: 2:RAF 3:RA 4:");
	assert_true(box->records[1].modseq > before);
	assert_int_equal(box->records[2].modseq, before);
	mboxroom_write(room.spool, SPAN(M1 M2 M3));
	mboxroom_sync(box);
	/* Their R went, and R was theirs to take. */
	expect(box, "1: 2:A 3:RA");
	box_close(box);
	unlink(room.spool);
	mboxroom_forget_index(&room);
}

static uint64_t
octets(struct box *box)
{
	return ((struct mbox *)box->state)->octets;
}

/* A stamp that is taken now leaves no doubt. */
static void
settle(void)
{
	nanosleep(&(struct timespec){ 0, 30000000 }, NULL);
}

/* How much is read: all once, nothing, the delivery. */
static void
test_reads(void **state)
{
	struct box *box;
	struct buf b;
	uint64_t was;

	(void)state;
	buf_init(&b, 0);
	for (int i = 0; b.n < 8 * 1024 * 1024; i++)
		buf_addf(&b, "From a " DATE "Subject: %d\n\n%04000d\n\n", i, i);
	mboxroom_write(room.spool, buf_span(&b));
	settle();
	box = mboxroom_open(&room, &mboxroom_inbox);
	assert_true(octets(box) >= b.n);
	assert_true(octets(box) <= b.n + b.n / 10);
	was = octets(box);
	mboxroom_sync(box);
	assert_int_equal(octets(box), was);
	mboxroom_add(room.spool, SPAN(M1));
	settle();
	mboxroom_sync(box);
	assert_true(octets(box) - was <= sizeof M1 + 65536);
	box_close(box);
	box = mboxroom_open(&room, &mboxroom_inbox);
	assert_int_equal(octets(box), 0);
	box_close(box);
	buf_clear(&b);
	unlink(room.spool);
	mboxroom_forget_index(&room);
}

/* A change within the tick of the last stamp: same size, same times.  It can
 * be made only by turning the stamp's times to what they are now. */
static void
test_doubt(void **state)
{
	static const char a[] = "From a " DATE "Subject: 1\nStatus:  O\n\nx\n";
	static const char b[] = "From a " DATE "Subject: 1\nStatus: RO\n\nx\n";
	struct fault f = { .code = FAULT_NONE };
	struct mbox_stamp s, was;
	struct stat st;
	struct box *box;
	uint64_t before;

	(void)state;
	for (int doubtful = 0; doubtful < 2; doubtful++) {
		struct buf file;

		/* Far enough from the file's edges. */
		buf_init(&file, 0);
		buf_addf(&file, "From z " DATE "Subject: 0\n\n%06000d\n\n", 0);
		buf_adds(&file, a);
		buf_addf(&file, "\nFrom z " DATE "Subject: 0\n\n%06000d\n", 0);
		mboxroom_forget_index(&room);
		mboxroom_write(room.spool, buf_span(&file));
		box = mboxroom_open(&room, &mboxroom_inbox);
		expect(box, "1: 2: 3:");
		assert_true(mbox_stamp_load(box, &was));
		memcpy(memmem(file.p, file.n, a, sizeof a - 1), b,
		    sizeof b - 1);
		mboxroom_write(room.spool, buf_span(&file));
		settle();
		assert_int_equal(stat(room.spool, &st), 0);
		s = was;
		s.doubtful = (uint16_t)doubtful;
		s.modify = st.st_mtim.tv_sec;
		s.modify_nsec = (uint32_t)st.st_mtim.tv_nsec;
		s.change = st.st_ctim.tv_sec;
		s.change_nsec = (uint32_t)st.st_ctim.tv_nsec;
		assert_int_equal(box_begin(box, &f), 0);
		mbox_stamp_store(box, &s);
		box_touch_meta(box);
		assert_int_equal(box_commit(box, &f), 0);
		before = octets(box);
		mboxroom_sync(box);
		if (doubtful) {
			expect(box, "1: 2:R 3:");
			/* Headers only, and only once. */
			assert_true(octets(box) - before < 1000);
			before = octets(box);
			mboxroom_sync(box);
		}
		assert_int_equal(octets(box), before);
		box_close(box);
		buf_clear(&file);
	}
	unlink(room.spool);
	mboxroom_forget_index(&room);
}

/* The INBOX comes and goes; others are gone for good. */
static void
test_missing(void **state)
{
	struct name name = mboxroom_name("folder");
	struct fault f = { .code = FAULT_NONE };
	struct box *box;
	uint32_t validity;
	char path[128];

	(void)state;
	unlink(room.spool);
	box = mboxroom_open(&room, &mboxroom_inbox);
	assert_true(box->missing);
	expect(box, "");
	validity = box->meta.uidvalidity;
	assert_int_not_equal(validity, 0);
	mboxroom_sync(box);
	mboxroom_write(room.spool, SPAN(BASE EVIL));
	mboxroom_sync(box);
	assert_false(box->missing);
	expect(box, "1: 2:");
	unlink(room.spool);
	mboxroom_sync(box);
	assert_true(box->missing);
	expect(box, "");
	mboxroom_write(room.spool, SPAN(M1));
	mboxroom_sync(box);
	expect(box, "3:");
	assert_int_equal(box->meta.uidvalidity, validity);
	box_close(box);
	unlink(room.spool);

	snprintf(path, sizeof path, "%s/folder", room.root);
	mboxroom_write(path, SPAN(M1));
	box = mboxroom_open(&room, &name);
	unlink(path);
	assert_int_equal(box_sync(box, &f), -1);
	assert_int_equal(f.code, FAULT_NOTFOUND);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(box_sync(box, &f), -1);
	rmdir(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(box_sync(box, &f), -1);
	assert_int_equal(f.code, FAULT_BADNAME);
	unlink(path);
	box_close(box);
	mboxroom_forget_index(&room);
}

/* It is no mailbox any more: a fault, and the records are as they were. */
static void
test_no_mailbox(void **state)
{
	struct fault f = { .code = FAULT_NONE };
	struct box *box;

	(void)state;
	mboxroom_write(room.spool, SPAN(M1 M2));
	box = mboxroom_open(&room, &mboxroom_inbox);
	mboxroom_write(room.spool, SPAN("something else entirely\n" M1));
	assert_int_equal(box_sync(box, &f), -1);
	assert_int_equal(f.code, FAULT_CORRUPT);
	assert_int_equal(box->count, 2);
	mboxroom_write(room.spool, SPAN(M1 M2 M3));
	mboxroom_sync(box);
	expect(box, "1: 2: 3:");
	box_close(box);
	unlink(room.spool);
	mboxroom_forget_index(&room);
}

/* Locked by another program: a fault, and the records are as they were. */
static void
test_locked(void **state)
{
	struct fault f = { .code = FAULT_NONE };
	struct box *box;
	char dot[128];

	(void)state;
	room.account.lock_timeout = 0;
	mboxroom_write(room.spool, SPAN(M1));
	box = mboxroom_open(&room, &mboxroom_inbox);
	snprintf(dot, sizeof dot, "%s.lock", room.spool);
	mboxroom_write(dot, SPAN("1\n"));
	mboxroom_sync(box);
	mboxroom_add(room.spool, SPAN(M2));
	assert_int_equal(box_sync(box, &f), -1);
	assert_int_equal(f.code, FAULT_INUSE);
	assert_int_equal(box->count, 1);
	unlink(dot);
	mboxroom_sync(box);
	expect(box, "1: 2:");
	box_close(box);
	room.account.lock_timeout = 30;
	unlink(room.spool);
	mboxroom_forget_index(&room);
}

/* UIDs are used up: all over again, under another UIDVALIDITY. */
static void
test_exhausted(void **state)
{
	struct fault f = { .code = FAULT_NONE };
	uint32_t validity;
	struct box *box;

	(void)state;
	mboxroom_write(room.spool, SPAN(M1 S2));
	box = mboxroom_open(&room, &mboxroom_inbox);
	validity = box->meta.uidvalidity;
	assert_int_equal(box_begin(box, &f), 0);
	box->meta.uidnext = UINT32_MAX - 2;
	box_touch_meta(box);
	assert_int_equal(box_commit(box, &f), 0);
	mboxroom_add(room.spool, SPAN(M3 M4));
	mboxroom_sync(box);
	expect(box, "1: 2:RF 3: 4:");
	assert_true(box->meta.uidvalidity > validity);
	box_close(box);
	unlink(room.spool);
	mboxroom_forget_index(&room);
}

/* The index is lost: no UID that it may have given is given again, since the
 * file's last one was raised before they were told. */
static void
test_lost(void **state)
{
	static const char base[] = "From a " DATE "Subject: 1\n"
	    "X-IMAPbase: 1700000000 0000000002\nX-UID: 2\n\nx\n\n";
	struct buf file;
	struct box *box;

	(void)state;
	mboxroom_write(room.spool, SPAN(base));
	box = mboxroom_open(&room, &mboxroom_inbox);
	mboxroom_add(room.spool, SPAN(M2 M3));
	mboxroom_sync(box);
	expect(box, "2: 3: 4:");
	box_close(box);
	mboxroom_forget_index(&room);
	file = mboxroom_read(room.spool);
	mboxroom_write(room.spool, span_slice(buf_span(&file), 0,
	    sizeof base - 1));
	buf_clear(&file);
	mboxroom_add(room.spool, SPAN(M3));
	box = mboxroom_open(&room, &mboxroom_inbox);
	assert_int_equal(box->meta.uidvalidity, 1700000000);
	assert_int_equal(box->records[0].uid, 2);
	assert_int_equal(box->records[1].uid, 1005);
	box_close(box);
	unlink(room.spool);
	mboxroom_forget_index(&room);
}

/* Mailboxes of other programs. */
static void
test_others(void **state)
{
	static const struct {
		const char *path, *expect;
		uint32_t uidvalidity, uidnext;
	} rows[] = {
		{ "tests/data/mbox/mutt", "1:R 2:RAF 3: 4:", 0, 5 },
		{ "tests/data/mbox/toolkit", "1:RD,Later 3:", 1700000002, 4 },
		{ "tests/data/mbox/forged", "1:R 2:F", 0, 3 },
	};
	struct buf b;
	struct box *box;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		b = mboxroom_read(rows[i].path);
		mboxroom_write(room.spool, buf_span(&b));
		box = mboxroom_open(&room, &mboxroom_inbox);
		expect(box, rows[i].expect);
		if (rows[i].uidvalidity != 0)
			assert_int_equal(box->meta.uidvalidity,
			    rows[i].uidvalidity);
		assert_int_equal(box->meta.uidnext, rows[i].uidnext);
		box_close(box);
		buf_clear(&b);
		mboxroom_forget_index(&room);
	}
	/* Delivered behind what Dovecot knew: a UID that is new. */
	b = mboxroom_read("tests/data/mbox/dovecot");
	mboxroom_write(room.spool, buf_span(&b));
	box = mboxroom_open(&room, &mboxroom_inbox);
	assert_int_equal(box->meta.uidvalidity, 1700000001);
	assert_int_equal(box->count, 4);
	assert_int_equal(box->records[0].uid, 11);
	assert_int_equal(box->records[2].uid, 15);
	assert_true(box->records[3].uid > 15);
	assert_int_equal(box->records[1].flags & FLAG_ALL_SYSTEM,
	    FLAG_ANSWERED | FLAG_FLAGGED);
	assert_int_equal(box->records[0].keywords.bits[0], 2);
	assert_int_equal(box->records[1].keywords.bits[0], 5);
	assert_int_equal(box->meta.keyword_count, 3);
	buf_clear(&b);
	b = mboxroom_message(box, 1);
	assert_true(span_eq(buf_span(&b), SPAN(
	    "From: Bob <bob@example.org>\r\nSubject: two\r\n"
	    "Content-Length: 4\r\n\r\ntwo\r\n")));
	buf_clear(&b);
	box_close(box);
	unlink(room.spool);
	mboxroom_forget_index(&room);
}

/* " 2-Jan-2024 10:00:00 +0000" and so on of one line of the answers. */
static void
answer_check(struct box *box, size_t i, const char *line)
{
	const struct record *r = &box->records[i];
	struct buf b;

	print_message("# %s", line);
	buf_init(&b, 0);
	buf_addf(&b, "(UID %u FLAGS (", r->uid);
	assert_non_null(strstr(line, buf_string(&b)));
	buf_reset(&b);
	buf_adds(&b, "INTERNALDATE \"");
	date_write_internal(&b, &(struct date){ r->date, r->zone });
	buf_addf(&b, "\" RFC822.SIZE %llu)",
	    (unsigned long long)r->wire_size);
	assert_non_null(strstr(line, buf_string(&b)));
	assert_int_equal(strstr(line, "\\Seen") != NULL,
	    (r->flags & FLAG_SEEN) != 0);
	assert_int_equal(strstr(line, "\\Answered") != NULL,
	    (r->flags & FLAG_ANSWERED) != 0);
	assert_int_equal(strstr(line, "\\Flagged") != NULL,
	    (r->flags & FLAG_FLAGGED) != 0);
	assert_int_equal(strstr(line, "\\Deleted") != NULL,
	    (r->flags & FLAG_DELETED) != 0);
	assert_int_equal(strstr(line, "\\Draft") != NULL,
	    (r->flags & FLAG_DRAFT) != 0);
	for (size_t k = 0; k < box->meta.keyword_count; k++)
		assert_int_equal(strstr(line, box->meta.keywords[k]) != NULL,
		    (r->keywords.bits[0] >> k & 1) != 0);
	buf_clear(&b);
}

/* What the old toolkit's server answered for files that it wrote. */
static void
test_answers(void **state)
{
	static const char *const names[] = { "created", "delivered" };

	(void)state;
	if (access("../shared/corpus", R_OK) == -1)
		mboxroom_no_corpus();
	for (size_t i = 0; i < 2; i++) {
		char path[128], line[512];
		struct name name = mboxroom_name("answers");
		struct buf b, copy;
		struct box *box;
		size_t n = 0;
		FILE *fp;

		snprintf(path, sizeof path, "../shared/corpus/written/%s",
		    names[i]);
		b = mboxroom_read(path);
		buf_init(&copy, 0);
		buf_addf(&copy, "%s/answers", room.root);
		mboxroom_write(buf_string(&copy), buf_span(&b));
		box = mboxroom_open(&room, &name);
		snprintf(path, sizeof path,
		    "../shared/corpus/written/%s.answers", names[i]);
		fp = fopen(path, "re");
		assert_non_null(fp);
		while (fgets(line, sizeof line, fp) != NULL) {
			if (strstr(line, " FETCH (UID ") != NULL) {
				assert_true(n < box->count);
				answer_check(box, n++, line);
			}
			if (strstr(line, "UIDNEXT ") != NULL)
				assert_int_equal(box->meta.uidnext,
				    atoi(strstr(line, "UIDNEXT ") + 8));
		}
		fclose(fp);
		assert_int_equal(n, box->count);
		assert_int_equal(box->meta.uidvalidity, 1795445150);
		box_close(box);
		unlink(buf_string(&copy));
		buf_clear(&copy);
		buf_clear(&b);
		mboxroom_forget_index(&room);
	}
}

/* A well-behaved program that changes the mailbox all the time: writes it
 * anew, in place or under its name, adds to it, empties and removes it. */
static void
storm_write(double secs, unsigned seed)
{
	double end = clock_steady() + secs;
	char dot[128], new_path[128];
	struct buf b;

	snprintf(dot, sizeof dot, "%s.lock", room.spool);
	snprintf(new_path, sizeof new_path, "%s.new", room.spool);
	buf_init(&b, 0);
	while (clock_steady() < end) {
		struct flock fl = { .l_type = F_WRLCK };
		int count = rand_r(&seed) % 8, how = rand_r(&seed) % 5;
		int fd;

		buf_reset(&b);
		for (int i = 0; i < count; i++) {
			int id = rand_r(&seed) % 1000;

			buf_addf(&b, "From a " DATE "Subject: %d\nStatus: %s\n"
			    "\n", id, id % 2 ? "RO" : "O");
			for (int k = rand_r(&seed) % 50; k >= 0; k--)
				buf_addf(&b, "%d\n", id);
			buf_addf(&b, "end %d\n\n", id);
		}
		while (lockfile_create(dot, 0, L_PID) != L_SUCCESS)
			nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
		fd = open(room.spool, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		fcntl(fd, F_SETLKW, &fl);
		if (how == 0 || how == 1)
			mboxroom_add(room.spool, buf_span(&b));
		else if (how == 2)
			mboxroom_write(room.spool, buf_span(&b));
		else if (how == 3) {
			mboxroom_write(new_path, buf_span(&b));
			rename(new_path, room.spool);
		} else
			unlink(room.spool);
		close(fd);
		lockfile_remove(dot);
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
	_exit(0);
}

/* Each message that is read is one that was written, whole. */
static void
storm_message(struct span text)
{
	int id = -1;
	char line[32];
	size_t at, n;

	assert_int_equal(sscanf(text.p, "Subject: %d", &id), 1);
	at = (size_t)snprintf(line, sizeof line, "Subject: %d\r\n\r\n", id);
	assert_true(text.n > at && memcmp(text.p, line, at) == 0);
	n = (size_t)snprintf(line, sizeof line, "%d\r\n", id);
	while (text.n - at > n && memcmp(text.p + at, line, n) == 0)
		at += n;
	snprintf(line, sizeof line, "end %d\r\n", id);
	assert_true(span_is(span_slice(text, at, text.n), line));
}

static void
test_storm(void **state)
{
	unsigned seed = (unsigned)time(NULL);
	int status, reads = 0;
	pid_t pid, other;
	struct box *box;

	(void)state;
	print_message("# seed %u\n", seed);
	mboxroom_write(room.spool, SPAN(""));
	if ((other = fork()) == 0)
		storm_write(3, seed + 1);
	if ((pid = fork()) == 0)
		storm_write(3, seed);
	box = mboxroom_open(&room, &mboxroom_inbox);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		mboxroom_sync(box);
		for (size_t i = 0; i < box->count; i++) {
			struct fault f = { .code = FAULT_NONE };
			struct buf b;

			buf_init(&b, 0);
			if (box->driver->read(box, &box->records[i], 0,
			    SIZE_MAX, &b, &f) == 0) {
				buf_string(&b);
				storm_message(buf_span(&b));
				reads++;
			} else
				assert_int_equal(f.code, FAULT_CHANGED);
			buf_clear(&b);
		}
	}
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_true(reads > 100);
	box_close(box);
	unlink(room.spool);
	mboxroom_forget_index(&room);
}

/* Where the message with this UID begins in the file. */
static uint64_t
plain_place(const struct buf *file, uint32_t uid)
{
	static const struct buf *of;
	static uint64_t places[4000];

	if (of != file) {
		size_t n = 0;

		for (size_t i = 0; i + 5 < file->n; i++)
			if (memcmp(file->p + i, "From ", 5) == 0)
				places[n++] = i;
		of = file;
	}
	return places[uid - 1];
}

/*
 * A mailbox that was written just now is looked at again, for which all records
 * are read; then that is noted in the index's log.  It is opened until there is
 * nothing to note.
 */
static struct box *
open_at_rest(const char *index)
{
	struct fault f = { .code = FAULT_NONE };
	struct box *box;
	struct stat st;
	char log[200];

	snprintf(log, sizeof log, "%s-wal", index);
	for (;;) {
		box = box_open_lazy(&room.account, &mboxroom_inbox, false,
		    &f);
		assert_non_null(box);
		assert_int_equal(box_sync(box, &f), 0);
		if (stat(log, &st) == -1 || st.st_size == 0)
			return box;
		box_close(box);
	}
}

/* Records that are read when they are asked for, from an index that has become
 * noise meanwhile: nothing wrong is said, and the next sync reads the file. */
static void
test_lazy(void **state)
{
	struct fault f = { .code = FAULT_NONE };
	struct box *box;
	struct buf file, index;
	char path[160];
	size_t at;

	(void)state;
	buf_init(&file, 0);
	for (int i = 0; i < 3000; i++)
		buf_addf(&file, "From a Mon Jan  1 00:00:00 2024\n"
		    "Message-ID: <%d@x>\n\nbody\n\n", i);
	mboxroom_write(room.spool, buf_span(&file));
	box_close(mboxroom_open(&room, &mboxroom_inbox));
	snprintf(path, sizeof path, "%s/INBOX", room.index);

	for (int damaged = 0; damaged < 2; damaged++) {
		box = open_at_rest(path);
		assert_int_equal(box->count, 3000);
		assert_int_equal(box_uid(box, 2999), 3000);
		assert_int_equal(box_next_unseen(box, 0), 0);
		index = mboxroom_read(path);
		if (damaged) {
			/* The rows of records; what was read is in front. */
			memset(index.p + index.n / 4, 0x5a, index.n -
			    index.n / 4);
			mboxroom_write(path, buf_span(&index));
			for (uint32_t uid = 1; uid <= 3000; uid += 100)
				if (box_record(box, uid, &at) != NULL)
					assert_int_equal(at, uid - 1);
			assert_int_equal(box->count, 0);
			assert_int_equal(box_sync(box, &f), 0);
		}
		buf_clear(&index);
		assert_int_equal(box->count, 3000);
		for (uint32_t uid = 1; uid <= 3000; uid += 7) {
			const struct record *r = box_record(box, uid, &at);

			assert_non_null(r);
			assert_int_equal(r->uid, uid);
			assert_int_equal(r->place, plain_place(&file, uid));
		}
		/* One more comes: the last record is read for it alone. */
		box_rest(box);
		mboxroom_add(room.spool, SPAN("From b Mon Jan  1 00:00:00 "
		    "2024\nA: b\n\n\n"));
		assert_int_equal(box_sync(box, &f), 0);
		assert_int_equal(box->count, 3001);
		assert_int_equal(box_need_all(box, &f), 0);
		for (uint32_t uid = 1; uid <= 3000; uid++)
			assert_int_equal(box->records[uid - 1].place,
			    plain_place(&file, uid));
		box_close(box);
		mboxroom_write(room.spool, buf_span(&file));
		box_close(mboxroom_open(&room, &mboxroom_inbox));
	}
	buf_clear(&file);
	unlink(room.spool);
	mboxroom_forget_index(&room);
}

static int
setup(void **state)
{
	return mboxroom_setup(&room, state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_other_server),
		cmocka_unit_test(test_three_ways),
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_doubt),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_no_mailbox),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_exhausted),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_storm),
		cmocka_unit_test(test_lazy),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, mboxroom_teardown);
}
