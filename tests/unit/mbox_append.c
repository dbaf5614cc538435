/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adding messages: what is written and what is read back, all or none, what a
 * crash leaves, and many who add at the same time.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/formats/mbox.h"
#include "c-client/formats/mbox_note.h"
#include "c-client/store/append.h"
#include "c-client/store/box.h"
#include "tests/lib/mboxroom.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "c-client/base/banned.h"

static struct mboxroom room;

#define DATE	"Mon Jan  1 00:00:00 2024\n"

static struct mboxroom_item
item(const char *text)
{
	return (struct mboxroom_item){ .text = span_of(text),
	    .date = 1704535200, .zone = 60 };
}

/* What the client sends and what he gets back. */
static void
test_forms(void **state)
{
	static const struct {
		const char *sent, *got;
	} rows[] = {
		{ "A: b\r\n\r\nx\r\n", "A: b\r\n\r\nx\r\n" },
		{ "A: b\r\n\r\nx", "A: b\r\n\r\nx\r\n" },
		{ "A: b\r\n\r\n", "A: b\r\n\r\n" },
		{ "A: b\r\n", "A: b\r\n\r\n" },
		{ "A: b", "A: b\r\n\r\n" },
		{ "", "\r\n" },
		{ "\r\n", "\r\n" },
		{ "\r\nx\r\n", "\r\nx\r\n" },
		{ "A: b\r\n\r\nx\r\n\r\n", "A: b\r\n\r\nx\r\n\r\n" },
		{ "A: b\r\n\r\n\r\n\r\n", "A: b\r\n\r\n\r\n\r\n" },
		{ "A: b\n\nx\ny\n", "A: b\r\n\r\nx\r\ny\r\n" },
		{ "A: b\r\n\r\nx\r\r\ny\rz\r\n",
		    "A: b\r\n\r\nx\r\r\ny\rz\r\n" },
		{ "A: b\r\n\r\n\xE9\xFF\r\n", "A: b\r\n\r\n\xE9\xFF\r\n" },
		{ "Status: RO\r\nX-Status: D\r\nX-UID: 9\r\nx-keywords: a\r\n"
		    " b\r\nX-IMAP: 1 2\r\nX-IMAPbase: 1 2\r\nA: b\r\n\r\n"
		    "Status: x\r\n",
		    "X-Original-Status: RO\r\nX-Original-X-Status: D\r\n"
		    "X-Original-X-UID: 9\r\nX-Original-x-keywords: a\r\n b\r\n"
		    "X-Original-X-IMAP: 1 2\r\nX-Original-X-IMAPbase: 1 2\r\n"
		    "A: b\r\n\r\nStatus: x\r\n" },
		{ "From a Mon Jan  1 00:00:00 2024\r\nA: b\r\n\r\n"
		    "From a Mon Jan  1 00:00:00 2024\r\n\r\n"
		    "From -\r\nFrom -\r\nFrom here on\r\n\r\nFrom here on\r\n",
		    ">From a Mon Jan  1 00:00:00 2024\r\nA: b\r\n\r\n"
		    ">From a Mon Jan  1 00:00:00 2024\r\n\r\n"
		    ">From -\r\nFrom -\r\nFrom here on\r\n\r\n"
		    "From here on\r\n" },
		{ "A: b\r\n\r\nFrom -", "A: b\r\n\r\n>From -\r\n" },
	};
	struct name name = mboxroom_name("forms");
	struct fault f = { .code = FAULT_NONE };
	struct box *box;

	(void)state;
	mboxroom_forget_index(&room);
	assert_int_equal(box_create(&room.account, &name, &f), 0);
	box = mboxroom_open(&room, &name);
	for (int again = 0; again < 2; again++) {
		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
			struct mboxroom_item it = item(rows[i].sent);
			struct buf b;

			if (!again && mboxroom_append(&room, &name, box, &it,
			    1, &f) == -1)
				fail_msg("row %zu: %s", i, f.text);
			b = mboxroom_message(box, i);
			if (!span_is(buf_span(&b), rows[i].got))
				fail_msg("row %zu: %s", i, buf_string(&b));
			buf_clear(&b);
			assert_int_equal(box->records[i].date, 1704535200);
			assert_int_equal(box->records[i].zone, 60);
		}
		assert_int_equal(box->count, sizeof rows / sizeof rows[0]);
		/* The same from nothing but the file. */
		box_close(box);
		mboxroom_forget_index(&room);
		box = mboxroom_open(&room, &name);
	}
	box_close(box);
	assert_int_equal(box_delete(&room.account, &name, &f), 0);
}

/* Lines around the length up to which a line may be a separator, cut by the
 * borders of blocks. */
static void
test_long_lines(void **state)
{
	struct name name = mboxroom_name("long");
	struct fault f = { .code = FAULT_NONE };
	struct buf text, wire, b;
	struct box *box;

	(void)state;
	assert_int_equal(box_create(&room.account, &name, &f), 0);
	box = mboxroom_open(&room, &name);
	buf_init(&text, 0);
	buf_init(&wire, 0);
	buf_adds(&text, "A: b\r\n\r\n");
	buf_adds(&wire, "A: b\r\n\r\n");
	for (size_t n = 1000; n < 1040; n++) {
		static const char date[] = " Mon Jan  1 00:00:00 2024";
		size_t at;

		/* Without its LF or CRLF, on disk one more than n. */
		if (n + 1 <= 1024 + 1)
			buf_addc(&wire, '>');
		at = text.n;
		buf_adds(&text, "From ");
		while (text.n < at + n - (sizeof date - 1))
			buf_addc(&text, 'x');
		buf_adds(&text, date);
		buf_adds(&text, "\r\n");
		buf_add(&wire, text.p + at, text.n - at);
	}
	for (size_t n = 128 * 1024 - 6; n < 128 * 1024 + 6; n++) {
		for (size_t i = 0; i < n; i++)
			buf_addc(&text, 'y');
		buf_adds(&text, "\r\n\r\r\n");
	}
	buf_add(&wire, text.p + (wire.n - 25), text.n - (wire.n - 25));
	assert_int_equal(mboxroom_append(&room, &name, box,
	    &(struct mboxroom_item){ .text = buf_span(&text) }, 1, &f), 0);
	b = mboxroom_message(box, 0);
	assert_int_equal(box->count, 1);
	/* Quoting more than is needed is allowed at the limit only. */
	assert_in_range(b.n, text.n + 24, text.n + 25);
	buf_clear(&b);
	buf_clear(&text);
	buf_clear(&wire);
	box_close(box);
	assert_int_equal(box_delete(&room.account, &name, &f), 0);
}

/* What is formatted while it is collected is what is formatted when it is
 * written, octet by octet; with so many that they are kept in a file. */
static void
test_whole(void **state)
{
	static const char *const lines[] = { "x\r\n", "\r\n", "\r\r\n",
	    "\n", "From - \r\n", "From a Mon Jan  1 00:00:00 2024\r\n",
	    "Far\r\n", "\rFrom a\r\n", "a\rb\r\n", "Status: x\r\n", "F" };
	static const char *const names[] = { "pieces", "whole" };
	struct mboxroom_item items[300];
	struct fault f = { .code = FAULT_NONE };
	struct buf text, files[2];
	unsigned seed = 7;

	(void)state;
	buf_init(&text, 0);
	buf_adds(&text, "Status: RO\r\nA: b\r\n\r\n");
	while (text.n < 32 * 1024) {
		seed = seed * 1103515245 + 12345;
		buf_adds(&text, lines[seed / 65536 %
		    (sizeof lines / sizeof lines[0])]);
	}
	for (int whole = 0; whole < 2; whole++) {
		struct name name = mboxroom_name(names[whole]);
		struct box *box;
		size_t begin;
		char path[300];

		for (size_t i = 0; i < 300; i++) {
			items[i] = item("");
			/* The first ones are cut in or behind the header. */
			items[i].text = span_slice(buf_span(&text), 0,
			    i < 100 ? i : text.n - i);
			items[i].whole = whole == 1;
			items[i].flags = i % 2 == 0 ? FLAG_SEEN : 0;
			items[i].keyword = i % 3 == 0 ? "key" : NULL;
		}
		assert_int_equal(box_create(&room.account, &name, &f), 0);
		box = mboxroom_open(&room, &name);
		if (mboxroom_append(&room, &name, box, items, 300, &f) == -1)
			fail_msg("%s", f.text);
		begin = (size_t)box->records[0].place;
		snprintf(path, sizeof path, "%s/%s", room.root,
		    names[whole]);
		files[whole] = mboxroom_read(path);
		/* The internal data before it says when it was made. */
		buf_consume(&files[whole], begin);
		box_close(box);
		assert_int_equal(box_delete(&room.account, &name, &f), 0);
	}
	assert_true(files[0].n > 300 * 16 * 1024);
	assert_int_equal(files[0].n, files[1].n);
	assert_memory_equal(files[0].p, files[1].p, files[0].n);
	buf_clear(&files[0]);
	buf_clear(&files[1]);
	buf_clear(&text);
}

static void
test_metadata(void **state)
{
	struct name name = mboxroom_name("meta");
	struct fault f = { .code = FAULT_NONE };
	struct mboxroom_item items[2] = { item("A: 1\r\n\r\nx\r\n"),
	    item("A: 2\r\n\r\nx\r\n") };
	struct box *box, *other;
	struct buf b;
	uint32_t validity;

	(void)state;
	items[0].flags = FLAG_SEEN | FLAG_FLAGGED;
	items[0].keyword = "$Forwarded";
	items[1].flags = FLAG_DELETED | FLAG_DRAFT | FLAG_ANSWERED;
	assert_int_equal(box_create(&room.account, &name, &f), 0);
	other = mboxroom_open(&room, &name);
	assert_int_equal(other->count, 0);
	validity = other->meta.uidvalidity;
	assert_int_equal(mboxroom_append(&room, &name, NULL, items, 2, &f),
	    0);
	box = mboxroom_open(&room, &name);
	mboxroom_sync(other);
	assert_int_equal(other->count, 2);
	assert_int_equal(box->records[0].uid, 1);
	assert_int_equal(box->records[1].uid, 2);
	assert_int_equal(box->records[0].flags & FLAG_ALL_SYSTEM,
	    items[0].flags);
	assert_int_equal(box->records[1].flags & FLAG_ALL_SYSTEM,
	    items[1].flags);
	assert_int_equal(box->records[0].flags, box->records[0].flags_seen);
	assert_int_equal(box->records[0].keywords.bits[0], 1);
	assert_int_equal(box->records[0].keywords_seen.bits[0], 1);
	box_close(box);
	box_close(other);
	/* In the file too, for other programs. */
	b = mboxroom_read("/dev/null");
	buf_clear(&b);
	buf_init(&b, 0);
	buf_addf(&b, "%s/meta", room.root);
	struct buf file = mboxroom_read(buf_string(&b));
	assert_int_not_equal(span_find_nocase(buf_span(&file),
	    SPAN("\nStatus: RO\nX-Status: F   \nX-Keywords: $Forwarded ")),
	    -1);
	assert_int_not_equal(span_find_nocase(buf_span(&file),
	    SPAN("\nStatus: O \nX-Status: DAT \nX-Keywords:  ")), -1);
	assert_int_not_equal(span_find_nocase(buf_span(&file),
	    SPAN(" Sat Jan  6 11:00:00 2024 +0100\nA: 1\n")), -1);
	buf_clear(&file);
	buf_clear(&b);
	mboxroom_forget_index(&room);
	box = mboxroom_open(&room, &name);
	assert_int_equal(box->count, 2);
	assert_int_equal(box->meta.uidvalidity, validity);
	assert_int_equal(box->records[1].flags & FLAG_ALL_SYSTEM,
	    items[1].flags);
	box_close(box);
	assert_int_equal(box_delete(&room.account, &name, &f), 0);
}

/* Behind files that end in all ways. */
static void
test_gaps(void **state)
{
	static const char *const files[] = {
		"", "\n", "From a " DATE, "From a " DATE "A: b",
		"From a " DATE "A: b\n", "From a " DATE "A: b\n\n",
		"From a " DATE "A: b\n\nx", "From a " DATE "A: b\n\nx\n",
		"From a " DATE "A: b\n\nx\n\n",
		"From a " DATE "A: b\n\nx\n\n\n",
		"From a " DATE "A: b\r\n\r\nx\r\n",
		"From a " DATE "A: b\r\n\r\nx\r\n\r\n",
	};
	struct mboxroom_item it = item("A: b\r\n\r\nnew\r\n");
	struct fault f = { .code = FAULT_NONE };

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		size_t before;
		struct box *box;
		struct buf b, old;

		mboxroom_forget_index(&room);
		mboxroom_write(room.spool, span_of(files[i]));
		box = mboxroom_open(&room, &mboxroom_inbox);
		before = box->count;
		buf_init(&old, 0);
		if (before > 0)
			old = mboxroom_message(box, 0);
		assert_int_equal(mboxroom_append(&room, &mboxroom_inbox, box,
		    &it, 1, &f), 0);
		assert_int_equal(box->count, before + 1);
		for (int again = 0; again < 2; again++) {
			b = mboxroom_message(box, before);
			assert_true(span_is(buf_span(&b),
			    "A: b\r\n\r\nnew\r\n"));
			buf_clear(&b);
			if (before > 0) {
				b = mboxroom_message(box, 0);
				assert_true(again || span_eq(buf_span(&b),
				    buf_span(&old)));
				buf_clear(&b);
			}
			mboxroom_forget_index(&room);
			box_close(box);
			box = mboxroom_open(&room, &mboxroom_inbox);
			assert_int_equal(box->count, before + 1);
		}
		buf_clear(&old);
		box_close(box);
	}
	unlink(room.spool);
	mboxroom_forget_index(&room);
}

/* The INBOX is made where it is missing; what can't be written says so. */
static void
test_inbox(void **state)
{
	struct mboxroom_item it = item("A: b\r\n\r\nnew\r\n");
	struct fault f = { .code = FAULT_NONE };
	struct stat st;
	struct box *box;

	(void)state;
	unlink(room.spool);
	assert_int_equal(mboxroom_append(&room, &mboxroom_inbox, NULL, &it, 1,
	    &f), 0);
	assert_int_equal(stat(room.spool, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	box = mboxroom_open(&room, &mboxroom_inbox);
	assert_int_equal(box->count, 1);
	box_close(box);
	unlink(room.spool);
	mboxroom_forget_index(&room);
}

/* The file may not grow beyond some place: none of the messages is there. */
static void
test_no_room(void **state)
{
	struct mboxroom_item items[3] = { item("A: 1\r\n\r\nx\r\n"),
	    item("A: 2\r\n\r\nx\r\n"), item("A: 3\r\n\r\nx\r\n") };
	struct rlimit was, limit;
	struct fault f = { .code = FAULT_NONE };
	struct box *box;
	struct buf before, after;
	uint32_t uidnext;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	/* The index needs room as well: one large message. */
	before = mboxroom_read("/dev/null");
	buf_adds(&before, "From a " DATE "A: b\n\n");
	while (before.n < 1000000)
		buf_adds(&before, "0123456789012345678901234567890123456789\n");
	buf_adds(&before, "\n");
	mboxroom_write(room.spool, buf_span(&before));
	box = mboxroom_open(&room, &mboxroom_inbox);
	uidnext = box->meta.uidnext;
	for (rlim_t more = 0; more < 780; more += 13) {
		size_t count = box->count;

		limit = was;
		limit.rlim_cur = before.n + more;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		assert_int_equal(mboxroom_append(&room, &mboxroom_inbox, box,
		    items, 3, &f), -1);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
		after = mboxroom_read(room.spool);
		assert_int_equal(after.n, before.n);
		assert_memory_equal(after.p, before.p, after.n);
		buf_clear(&after);
		assert_int_equal(box->count, count);
		assert_int_equal(box->meta.note_size, 0);
		mboxroom_sync(box);
		assert_int_equal(box->count, count);
		assert_int_equal(box->meta.uidnext, uidnext);
	}
	assert_int_equal(mboxroom_append(&room, &mboxroom_inbox, box, items,
	    3, &f), 0);
	assert_int_equal(box->meta.uidnext, uidnext + 3);
	box_close(box);
	buf_clear(&before);
	unlink(room.spool);
	mboxroom_forget_index(&room);
}

/* A sanitizer needs no octet more than once to see what is done with it. */
#ifdef SANITIZED
#define STEP	7
#else
#define STEP	1
#endif

/*
 * A crash at each octet of an append: a whole one stays, what is cut short
 * goes, and where others have written behind it nothing of theirs is lost.
 */
static void
test_crash(void **state)
{
	static const char old[] = "From a " DATE "A: b\n\nold\n";
	static const char other[] = "From other " DATE "A: b\n\nother\n\n";
	struct mboxroom_item items[2] = { item("A: 1\r\n\r\nx\r\n"),
	    item("A: 2\r\n\r\nx\r\n") };
	struct fault f = { .code = FAULT_NONE };
	struct mbox_note note = { .format = MBOX_NOTE_FORMAT, .count = 2 };
	XXH128_hash_t hash;
	struct box *box;
	struct buf file;
	size_t line;

	(void)state;
	/* What such an append writes. */
	mboxroom_write(room.spool, SPAN(old));
	assert_int_equal(mboxroom_append(&room, &mboxroom_inbox, NULL, items,
	    2, &f), 0);
	file = mboxroom_read(room.spool);
	note.end = sizeof old - 1;
	note.offset = note.end + 1;
	note.length = file.n - note.offset;
	hash = XXH3_128bits(file.p + note.offset, note.length);
	note.hash[0] = hash.low64;
	note.hash[1] = hash.high64;
	line = (size_t)((char *)memchr(file.p + note.offset, '\n',
	    note.length) - file.p) - note.offset;
	for (size_t n = sizeof old - 1; n <= file.n;
	    n = n + STEP > file.n && n < file.n ? file.n : n + STEP) {
		for (int behind = 0; behind < 2; behind++) {
			struct buf now;
			bool whole = n == file.n;

			mboxroom_forget_index(&room);
			mboxroom_write(room.spool, SPAN(old));
			box = mboxroom_open(&room, &mboxroom_inbox);
			assert_int_equal(box_begin(box, &f), 0);
			mbox_note_store(box, &note);
			assert_int_equal(box_commit(box, &f), 0);
			box_close(box);
			mboxroom_write(room.spool, (struct span){ file.p,
			    n });
			if (behind)
				mboxroom_add(room.spool, SPAN(other));
			box = mboxroom_open(&room, &mboxroom_inbox);
			assert_int_equal(box->meta.note_size, 0);
			now = mboxroom_read(room.spool);
			if (behind && !whole && n > note.offset) {
				/* A part of a separator of ours becomes one
				 * with theirs. */
				assert_in_range(now.n, note.offset +
				    sizeof other - 1, note.offset +
				    sizeof other - 1 + line);
				assert_memory_equal(now.p + now.n -
				    (sizeof other - 1) + 5, other + 5,
				    sizeof other - 1 - 5);
				assert_int_equal(box->count, 2);
				now.n = note.offset;
			} else if (behind) {
				/* Not an octet less. */
				assert_int_equal(now.n, n + sizeof other - 1);
			} else if (whole) {
				assert_int_equal(now.n, file.n);
				assert_int_equal(box->count, 3);
			} else {
				assert_in_range(now.n, note.end, note.offset);
				assert_int_equal(box->count, 1);
			}
			assert_memory_equal(now.p, file.p, n < now.n ? n :
			    now.n);
			buf_clear(&now);
			box_close(box);
		}
	}
	buf_clear(&file);
	unlink(room.spool);
	mboxroom_forget_index(&room);
}

/* What was synced: files of the index, and others; by the scribe too. */
static struct {
	int index, mail;
	bool index_first;	/* before any mail */
} *synced;

/* In place of libc's, for SQLite too. */
__attribute__((visibility("default"))) int
fdatasync(int fd)
{
	char link[64], path[256] = "";

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof path - 1) < 1 ||
	    strncmp(path, room.index, strlen(room.index)) != 0)
		synced->mail++;
	/* With the first sync of the log goes one of its directory. */
	else if (path[strlen(room.index)] != '\0') {
		synced->index++;
		synced->index_first = synced->index_first || synced->mail == 0;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

/* The index's files as they are now, or put back as they were then, as after a
 * loss of power: what memory is shared for is not among them. */
static void
index_copy(const struct name *name, struct buf old[2], bool back)
{
	static const char *const endings[] = { "", "-wal" };
	char path[160];

	if (back)
		mboxroom_forget_index(&room);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s%s", room.index,
		    name->inbox ? "INBOX" : name->path, endings[i]);
		if (back)
			mboxroom_write(path, buf_span(&old[i]));
		else
			old[i] = mboxroom_read(path);
	}
}

/* The records, but for what may be another one after that. */
static void
same_records(const struct box *a, const struct box *b)
{
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->meta.uidvalidity, b->meta.uidvalidity);
	assert_int_equal(a->meta.uidnext, b->meta.uidnext);
	for (size_t i = 0; i < a->count; i++) {
		const struct record *x = &a->records[i], *y = &b->records[i];

		assert_int_equal(x->uid, y->uid);
		assert_int_equal(x->flags & FLAG_ALL_SYSTEM,
		    y->flags & FLAG_ALL_SYSTEM);
		assert_memory_equal(&x->keywords, &y->keywords,
		    sizeof x->keywords);
		assert_int_equal(x->place, y->place);
		assert_int_equal(x->disk_size, y->disk_size);
		assert_int_equal(x->date, y->date);
		assert_int_equal(x->zone, y->zone);
	}
}

/*
 * The power is lost behind any of these: the mailbox file is what it was, and
 * of the index all that came after its last sync may be gone.  Everything that
 * a client was told is the same again.
 */
static void
test_power(void **state)
{
	static const char other[] = "From other " DATE "A: b\n\nother\n\n";
	static const struct {
		uint16_t flags;
		const char *keyword;
		size_t count;
		bool deliver;		/* before it */
		int folder, spool;	/* syncs of the index */
	} rows[] = {
		{ 0, NULL, 1, false, 0, 0 },
		{ 0, NULL, 1, false, 0, 0 },
		/* Flags are believed in a folder, and keywords nowhere. */
		{ FLAG_SEEN | FLAG_DRAFT, NULL, 1, false, 0, 1 },
		{ 0, NULL, 1, true, 1, 1 },
		{ 0, NULL, 1, false, 0, 0 },
		{ 0, "word", 1, false, 1, 1 },
		/* Of several there may not be some. */
		{ 0, NULL, 3, false, 1, 1 },
		{ FLAG_SEEN, NULL, 1, false, 0, 1 },
		{ 0, NULL, 1, false, 0, 0 },
	};
	struct name names[] = { mboxroom_name("power"), mboxroom_inbox };
	struct fault f = { .code = FAULT_NONE };

	(void)state;
	assert_int_equal(box_create(&room.account, &names[0], &f), 0);
	mboxroom_write(room.spool, SPAN(""));
	for (size_t n = 0; n < 2; n++) {
		const struct name *name = &names[n];
		char path[200];
		struct box *box = mboxroom_open(&room, name), *again;
		struct buf old[2];

		snprintf(path, sizeof path, "%s/%s", room.root, name->path);
		index_copy(name, old, false);
		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
			struct mboxroom_item items[3];
			int want = n == 0 ? rows[i].folder : rows[i].spool;

			items[0] = item("A: b\r\n\r\nx\r\n");
			items[0].flags = rows[i].flags;
			items[0].keyword = rows[i].keyword;
			items[1] = items[2] = items[0];
			if (rows[i].deliver)
				mboxroom_add(name->inbox ? room.spool : path,
				    SPAN(other));
			memset(synced, 0, sizeof *synced);
			assert_int_equal(mboxroom_append(&room, name, box,
			    items, rows[i].count, &f), 0);
			assert_int_equal(synced->mail, 1);
			if (synced->index != want)
				fail_msg("row %zu: %d", i, synced->index);
			/* What is synced stays as it is now. */
			if (synced->index > 0) {
				buf_clear(&old[0]);
				buf_clear(&old[1]);
				index_copy(name, old, false);
			}
			box_close(box);
			box = mboxroom_open(&room, name);
			index_copy(name, old, true);
			again = mboxroom_open(&room, name);
			same_records(box, again);
			assert_int_equal(again->meta.note_size, 0);
			box_close(box);
			/* From here on as it would go on after that. */
			box = again;
			if (synced->index == 0) {
				buf_clear(&old[0]);
				buf_clear(&old[1]);
				index_copy(name, old, false);
			}
		}
		box_close(box);
		buf_clear(&old[0]);
		buf_clear(&old[1]);
	}
	assert_int_equal(box_delete(&room.account, &names[0], &f), 0);
	unlink(room.spool);
	mboxroom_forget_index(&room);
}

/* What may be lost is made durable before anything but the end of the file is
 * changed; once is enough. */
static void
test_harden(void **state)
{
	struct mboxroom_item it = item("A: b\r\n\r\nx\r\n");
	struct fault f = { .code = FAULT_NONE };
	struct box *box;

	(void)state;
	mboxroom_write(room.spool, SPAN("From a " DATE "A: b\n\nold\n\n"));
	box = mboxroom_open(&room, &mboxroom_inbox);
	for (int round = 0; round < 3; round++) {
		uint32_t uid = box->meta.uidnext;

		assert_int_equal(mboxroom_append(&room, &mboxroom_inbox, box,
		    &it, 1, &f), 0);
		memset(synced, 0, sizeof *synced);
		switch (round) {
		case 0:
			assert_int_equal(box_harden(box, &f), 0);
			assert_int_equal(synced->index, 1);
			assert_int_equal(box_harden(box, &f), 0);
			assert_int_equal(synced->index, 1);
			break;
		case 1:
			assert_int_equal(box_flush(box, true, &f), 0);
			assert_true(synced->index_first && synced->mail > 0);
			break;
		case 2:
			assert_int_equal(box_expunge(box, &uid, 1, false,
			    &f), 0);
			assert_true(synced->index_first);
			break;
		}
	}
	box_close(box);
	unlink(room.spool);
	mboxroom_forget_index(&room);
}

/*
 * A note that was not synced, in another run of the machine: behind it may be
 * an append that came later and was told, so nothing is cut off.
 */
static void
test_other_boot(void **state)
{
	static const char old[] = "From a " DATE "A: b\n\nold\n\n";
	struct mboxroom_item it = item("A: 1\r\n\r\nx\r\n");
	struct fault f = { .code = FAULT_NONE };
	struct mbox_note note = { .format = MBOX_NOTE_FORMAT, .count = 1,
	    .end = sizeof old - 1, .offset = sizeof old - 1,
	    .length = 100000 };

	(void)state;
	assert_true(mbox_note_boot() != 0);
	for (int other = 0; other < 2; other++) {
		struct box *box;

		mboxroom_write(room.spool, SPAN(old));
		box = mboxroom_open(&room, &mboxroom_inbox);
		note.boot = mbox_note_boot() + (unsigned)other;
		assert_int_equal(mboxroom_append(&room, &mboxroom_inbox, box,
		    &it, 1, &f), 0);
		assert_int_equal(box_begin(box, &f), 0);
		mbox_note_store(box, &note);
		box_touch_meta(box);
		assert_int_equal(box_commit(box, &f), 0);
		mboxroom_sync(box);
		assert_int_equal(box->count, other ? 2 : 1);
		assert_int_equal(box->meta.note_size, 0);
		box_close(box);
		mboxroom_forget_index(&room);
	}
	unlink(room.spool);
}

/* Killed at any moment of many appends: each one is there or is not, and no
 * message is torn. */
static void
test_kill(void **state)
{
	unsigned seed = (unsigned)time(NULL);
	struct name name = mboxroom_name("killed");
	struct fault f = { .code = FAULT_NONE };
	struct box *box;
	struct buf text;

	(void)state;
	print_message("# seed %u\n", seed);
	buf_init(&text, 0);
	buf_adds(&text, "A: b\r\n\r\n");
	while (text.n < 3000000)
		buf_adds(&text, "0123456789012345678901234567890123456789\r\n");
	assert_int_equal(box_create(&room.account, &name, &f), 0);
	for (int i = 0; i < 15; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			struct mboxroom_item items[2];

			items[0] = items[1] = item("");
			items[0].text = items[1].text = buf_span(&text);
			for (;;)
				if (mboxroom_append(&room, &name, NULL,
				    items, 2, &f) == -1)
					_exit(1);
		}
		nanosleep(&(struct timespec){ 0,
		    3000000 + rand_r(&seed) % 60000000 }, NULL);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		box = mboxroom_open(&room, &name);
		assert_int_equal(box->meta.note_size, 0);
		assert_int_equal(box->count % 2, 0);
		for (size_t k = 0; k < box->count; k++)
			assert_int_equal(box->records[k].wire_size, text.n);
		box_close(box);
	}
	buf_clear(&text);
	assert_int_equal(box_delete(&room.account, &name, &f), 0);
}

/* A sanitizer keeps for a while what was freed. */
#ifdef SANITIZED
#define GROWTH_KIB	(64 * 1024)
#else
#define GROWTH_KIB	(16 * 1024)
#endif

/* Memory does not grow with what is appended. */
static void
test_memory(void **state)
{
	struct name name = mboxroom_name("large");
	struct fault f = { .code = FAULT_NONE };
	struct append *a;
	struct rusage before, after;
	struct box *box;
	static char block[65536];
	uint64_t total = 0;

	(void)state;
	for (size_t i = 0; i < sizeof block; i++)
		block[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : 'x';
	assert_int_equal(box_create(&room.account, &name, &f), 0);
	a = append_new(&room.account, &name, NULL, &f);
	assert_non_null(a);
	assert_int_equal(append_message(a, 0, NULL, 0, true, 0, 0, &f), 0);
	assert_int_equal(append_data(a, SPAN("A: b\r\n\r\n"), &f), 0);
	getrusage(RUSAGE_SELF, &before);
	while (total < 96 * 1024 * 1024) {
		assert_int_equal(append_data(a, (struct span){ block,
		    sizeof block }, &f), 0);
		total += sizeof block;
	}
	assert_int_equal(append_commit(a, &f), 0);
	append_free(a);
	getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_maxrss - before.ru_maxrss < GROWTH_KIB);
	box = mboxroom_open(&room, &name);
	assert_int_equal(box->records[0].wire_size, total + 8);
	box_close(box);
	assert_int_equal(box_delete(&room.account, &name, &f), 0);
}

#define WRITERS		20
#define EACH		2
#define PATIENCE	3600	/* seconds, until one hangs: of the lock too, which
				 * nineteen may have before, on a slow disk */

/* One of those who write at the same time: ours, procmail, maildrop. */
static void
writer(int number, int kind)
{
	struct fault f = { .code = FAULT_NONE };
	struct buf text, command;

	/* A test that has failed has nobody left to wait for them. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(PATIENCE);
	setenv("HOME", room.dir, 1);
	buf_init(&text, 0);
	buf_init(&command, 0);
	for (int i = 0; i < EACH; i++) {
		int status = 0;

		buf_reset(&text);
		buf_addf(&text, "From: a@b\r\nSubject: <%d.%d>\r\n\r\n",
		    number, i);
		for (int k = 0; k < 300; k++)
			buf_addf(&text, "line %d of <%d.%d>\r\n", k, number,
			    i);
		if (kind == 0) {
			struct mboxroom_item it = item("");

			it.text = buf_span(&text);
			status = mboxroom_append(&room, &mboxroom_inbox,
			    NULL, &it, 1, &f);
			if (status != 0)
				fprintf(stderr, "# append: %s\n", f.text);
		} else {
			FILE *fp;

			buf_reset(&command);
			if (kind == 1)
				buf_addf(&command, "procmail -f mda -m %s/rc",
				    room.dir);
			else
				buf_addf(&command, "maildrop %s/filter",
				    room.dir);
			/* As a mail system does it: what is put off is tried
			 * again; nothing was delivered then. */
			do {
				fp = popen(buf_string(&command), "we");
				for (size_t k = 0; k < text.n; k++)
					if (text.p[k] != '\r')
						fputc(text.p[k], fp);
				status = pclose(fp);
			} while (WIFEXITED(status) &&
			    (WEXITSTATUS(status) == EX_TEMPFAIL ||
			    WEXITSTATUS(status) == EX_CANTCREAT));
			if (status != 0)
				fprintf(stderr, "# %s: status %#x\n",
				    buf_string(&command), (unsigned)status);
		}
		if (status != 0)
			_exit(1);
	}
	_exit(0);
}

static bool
has_program(const char *name)
{
	char command[64];

	snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1",
	    name);
	return system(command) == 0;
}

/* Each message once and whole. */
static void
all_check(struct box *box, int writers)
{
	int seen[WRITERS][EACH] = { { 0 } };

	assert_int_equal(box->count, writers * EACH);
	for (size_t i = 0; i < box->count; i++) {
		struct buf b = mboxroom_message(box, i), mark;
		ptrdiff_t at = span_find_nocase(buf_span(&b),
		    SPAN("Subject: <"));
		int number, k, lines = 0;

		assert_true(at >= 0);
		assert_int_equal(sscanf(buf_string(&b) + at + 10, "%d.%d>",
		    &number, &k), 2);
		seen[number][k]++;
		buf_init(&mark, 0);
		buf_addf(&mark, " of <%d.%d>\r\n", number, k);
		for (const char *p = b.p; (p = memmem(p, (size_t)(b.p + b.n -
		    p), mark.p, mark.n)) != NULL; p++)
			lines++;
		assert_int_equal(lines, 300);
		buf_clear(&mark);
		buf_clear(&b);
	}
	for (int i = 0; i < writers; i++)
		for (int k = 0; k < EACH; k++)
			assert_int_equal(seen[i][k], 1);
}

static void
test_together(void **state)
{
	bool procmail = has_program("procmail");
	bool maildrop = has_program("maildrop");
	uint32_t timeout = room.account.lock_timeout;
	pid_t pids[WRITERS];
	struct box *box;
	struct buf b;
	char path[128];

	(void)state;
	if (!procmail || !maildrop)
		print_message("# without procmail or maildrop\n");
	buf_init(&b, 0);
	buf_addf(&b, "LOCKSLEEP=1\nLOCKTIMEOUT=300\nDEFAULT=%s\n:0:\n%s\n",
	    room.spool, room.spool);
	snprintf(path, sizeof path, "%s/rc", room.dir);
	mboxroom_write(path, buf_span(&b));
	buf_reset(&b);
	/* While it waits it works; it is not to do so for long, and a lock that
	 * a busy machine lets others keep is not old. */
	buf_addf(&b, "LOCKSLEEP=1\nLOCKTIMEOUT=300\nto \"%s\"\n",
	    room.spool);
	snprintf(path, sizeof path, "%s/filter", room.dir);
	mboxroom_write(path, buf_span(&b));
	assert_int_equal(chmod(path, 0600), 0);
	buf_clear(&b);
	mboxroom_write(room.spool, SPAN(""));
	room.account.lock_timeout = PATIENCE;
	box = mboxroom_open(&room, &mboxroom_inbox);
	for (int i = 0; i < WRITERS; i++) {
		int kind = i % 4 == 1 && procmail ? 1 :
		    i % 4 == 3 && maildrop ? 2 : 0;

		pids[i] = fork();
		if (pids[i] == 0)
			writer(i, kind);
	}
	for (int i = 0; i < WRITERS; i++) {
		int status;
		pid_t pid;

		/* Somebody reads all the while. */
		while ((pid = waitpid(pids[i], &status, WNOHANG)) == 0) {
			mboxroom_sync(box);
			if (box->count > 0) {
				struct fault f = { .code = FAULT_NONE };
				struct buf m;

				buf_init(&m, 0);
				if (box->driver->read(box, &box->records[
				    box->count - 1], 0, SIZE_MAX, &m, &f) ==
				    -1)
					assert_int_equal(f.code,
					    FAULT_CHANGED);
				buf_clear(&m);
			}
			nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
		}
		assert_int_equal(pid, pids[i]);
		assert_int_equal(status, 0);
	}
	mboxroom_sync(box);
	all_check(box, WRITERS);
	box_close(box);
	mboxroom_forget_index(&room);
	box = mboxroom_open(&room, &mboxroom_inbox);
	all_check(box, WRITERS);
	box_close(box);
	room.account.lock_timeout = timeout;
	unlink(room.spool);
	mboxroom_forget_index(&room);
}

static int
setup(void **state)
{
	mboxroom_setup(&room, state);
	synced = mmap(NULL, sizeof *synced, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(synced != MAP_FAILED);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_metadata),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_inbox),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_crash),
		cmocka_unit_test(test_power),
		cmocka_unit_test(test_harden),
		cmocka_unit_test(test_other_boot),
		cmocka_unit_test(test_kill),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_together),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, mboxroom_teardown);
}
