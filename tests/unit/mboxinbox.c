/* SPDX-License-Identifier: Apache-2.0 */
/* INBOX in ~/mbox: what is moved there from the spool, and what a kill between
 * any two steps leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/formats/mbox.h"
#include "c-client/formats/mboxinbox.h"
#include "c-client/formats/mboxinbox_move.h"
#include "c-client/store/box.h"
#include "tests/lib/logged.h"
#include "tests/lib/mboxroom.h"

const struct driver *const drivers[] = {
	&mboxinbox_driver,
	&mbox_driver,
	NULL
};

#define OLD	"From a@b Sat Jan  6 10:00:00 2024\nA: old\n\nold\n\n"
#define ONE	"From a@b Sat Jan  6 10:00:00 2024\nA: one\n\n1\n\n"
#define TWO	"From a@b Sat Jan  6 10:00:00 2024\nA: two\n\n2\n\n"
#define THREE	"From a@b Sat Jan  6 10:00:00 2024\nA: three\n\n3\n\n"

static struct mboxroom room;
static char mbox[128], note[128];

static void
begin(const char *old, const char *spool)
{
	mboxroom_forget_index(&room);
	unlink(note);
	mboxroom_write(mbox, span_of(old));
	mboxroom_write(room.spool, span_of(spool));
	logged_start();
}

/* The letters behind "A: " of a file. */
static const char *
letters(const char *path)
{
	static char out[2][256];
	static int which;
	struct buf b = mboxroom_read(path);
	char *to = out[which ^= 1];
	const char *p = b.p, *at;

	*to = '\0';
	buf_addc(&b, '\0');
	for (p = b.p; (at = strstr(p, "\nA: ")) != NULL; p = at + 4)
		snprintf(to + strlen(to), 200 - strlen(to), "%.*s ",
		    (int)strcspn(at + 4, "\n"), at + 4);
	buf_clear(&b);
	return to;
}

static void
test_moves(void **state)
{
	struct box *box;
	uint32_t uid;
	char moved[128];

	(void)state;
	snprintf(moved, sizeof moved, "Moved %zu bytes of new mail to mbox "
	    "from spool host= [192.0.2.1]\n", sizeof ONE TWO - 1);
	begin(OLD, ONE TWO);
	room.account.client = "[192.0.2.1]";
	box = mboxroom_open(&room, &mboxroom_inbox);
	assert_string_equal(box->driver->name, "mbox");
	assert_int_equal(box->count, 3);
	assert_string_equal(letters(mbox), "old one two ");
	assert_string_equal(letters(room.spool), "");
	assert_non_null(strstr(logged_text(), moved));
	assert_int_equal(access(note, F_OK), -1);
	uid = box->records[2].uid;
	mboxroom_add(room.spool, SPAN(THREE));
	mboxroom_sync(box);
	assert_int_equal(box->count, 4);
	assert_true(box->records[3].uid > uid);
	assert_int_equal(box->records[2].uid, uid);
	/* Nothing there, nothing done. */
	logged_start();
	mboxroom_sync(box);
	assert_string_equal(logged_text(), "");
	box_close(box);
	assert_ptr_equal(room.account.spool, room.spool);
}

/* Where there is no ~/mbox, or something else. */
static void
test_not_there(void **state)
{
	struct box *box;

	(void)state;
	begin("", ONE);
	assert_int_equal(unlink(mbox), 0);
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			assert_int_equal(mkdir(mbox, 0700), 0);
		if (i == 2)
			mboxroom_write(mbox, SPAN("no mailbox\n"));
		box = mboxroom_open(&room, &mboxroom_inbox);
		assert_string_equal(box->driver->name, "unix");
		assert_int_equal(box->count, 1);
		box_close(box);
		remove(mbox);
	}
	assert_string_equal(letters(room.spool), "one ");
}

/* What is in the spool stays there if it is no mail, or ~/mbox itself. */
static void
test_stays(void **state)
{
	struct box *box;

	(void)state;
	begin(OLD, "no mail\n");
	box = mboxroom_open(&room, &mboxroom_inbox);
	mboxroom_sync(box);
	assert_int_equal(box->count, 1);
	box_close(box);
	assert_non_null(strstr(logged_text(), "stays in"));
	assert_null(strstr(strstr(logged_text(), "stays in") + 1, "stays in"));

	begin(OLD, "");
	assert_int_equal(unlink(room.spool), 0);
	assert_int_equal(link(mbox, room.spool), 0);
	box = mboxroom_open(&room, &mboxroom_inbox);
	mboxroom_sync(box);
	assert_int_equal(box->count, 1);
	assert_non_null(strstr(logged_text(), "are the same file!"));
	box_close(box);
	assert_int_equal(unlink(room.spool), 0);
}

/* ~/mbox has one name, also where the root is the home. */
static void
test_one_name(void **state)
{
	struct name name = mboxroom_name("mbox");
	struct fault f = { .code = FAULT_NONE };
	const char *was = room.account.root;
	int fd = room.account.root_fd;

	(void)state;
	begin(OLD, "");
	room.account.root = room.account.home;
	room.account.root_fd = open(room.account.home, O_PATH);
	assert_null(box_open(&room.account, &name, false, &f));
	assert_int_equal(f.code, FAULT_BADNAME);
	close(room.account.root_fd);
	room.account.root = was;
	room.account.root_fd = fd;
	assert_null(box_open(&room.account, &name, false, &f));
	assert_int_equal(f.code, FAULT_NOTFOUND);
}

/* Metadata of a sender counts for nothing. */
static void
test_forged(void **state)
{
	struct box *box;
	uint32_t validity;

	(void)state;
	begin("", "");
	box = mboxroom_open(&room, &mboxroom_inbox);
	validity = box->meta.uidvalidity;
	mboxroom_write(room.spool, SPAN("From a@b Sat Jan  6 10:00:00 2024\n"
	    "A: f\nX-IMAPbase: 5 900\nX-UID: 800\nStatus: RO\n"
	    "X-Status: DF\nX-Keywords: bad\n\nx\n\n"));
	mboxroom_sync(box);
	assert_int_equal(box->count, 1);
	assert_int_equal(box->meta.uidvalidity, validity);
	assert_int_equal(box->records[0].uid, 1);
	assert_int_equal(box->records[0].flags & FLAG_ALL_SYSTEM, 0);
	assert_int_equal(box->meta.keyword_count, 0);
	box_close(box);
}

/* As a move leaves it that was killed when it had copied [from, to). */
static void
leave_note(uint64_t end, const char *spool, size_t from, size_t to)
{
	struct mboxinbox_note n = { .format = MBOXINBOX_NOTE_FORMAT,
	    .end = end, .offset = end, .from = from, .to = to };
	XXH128_hash_t before = XXH3_128bits(spool, from);
	XXH128_hash_t copied = XXH3_128bits(spool + from, to - from);
	struct stat st;

	assert_int_equal(stat(mbox, &st), 0);
	n.dev = st.st_dev;
	n.ino = st.st_ino;
	n.before[0] = before.low64;
	n.before[1] = before.high64;
	n.copied[0] = copied.low64;
	n.copied[1] = copied.high64;
	n.sum = mboxinbox_note_sum(&n);
	mboxroom_write(note, (struct span){ (const char *)&n, sizeof n });
}

/* Each of the letters once, and nothing that is none of them. */
static void
check_once(const char *what, size_t cut, const char *want)
{
	struct box *box = mboxroom_open(&room, &mboxroom_inbox);
	const char *got = letters(mbox);
	size_t count = 0;

	for (const char *p = want; *p != '\0'; p++)
		count += *p == ' ';
	if (strcmp(got, want) != 0 || box->count != count)
		fail_msg("%s, cut at %zu: %s(%zu)", what, cut, got,
		    box->count);
	assert_string_equal(letters(room.spool), "");
	assert_int_equal(access(note, F_OK), -1);
	box_close(box);
}

/*
 * The note is there, and the copy in ~/mbox is cut short at each octet, or
 * whole; others have added mail behind it, or not; new mail has come to the
 * spool, or it was emptied.
 */
static void
test_kills(void **state)
{
	static const char text[] = ONE TWO;
	const size_t end = sizeof OLD - 1;

	(void)state;
	for (size_t cut = 0; cut < sizeof text; cut++) {
		/* The empty lines of others make it whole. */
		bool whole = cut + 2 >= sizeof text - 1;

		begin(OLD, text);
		mboxroom_add(mbox, (struct span){ text, cut });
		leave_note(end, text, 0, sizeof text - 1);
		check_once("alone", cut, "old one two ");

		begin(OLD, ONE TWO THREE);
		mboxroom_add(mbox, (struct span){ text, cut });
		leave_note(end, text, 0, sizeof text - 1);
		check_once("more mail in the spool", cut,
		    "old one two three ");

		/* As an MDA adds it: behind an empty line. */
		begin(OLD, text);
		mboxroom_add(mbox, (struct span){ text, cut });
		mboxroom_add(mbox, SPAN("\n\n" THREE));
		leave_note(end, text, 0, sizeof text - 1);
		check_once("mail of others behind", cut, whole ?
		    "old one two three " : "old three one two ");

		/* The second part of a move whose first one is there. */
		begin(OLD ONE, text);
		mboxroom_add(mbox, (struct span){ text + sizeof ONE - 1,
		    cut < sizeof TWO ? cut : sizeof TWO - 1 });
		leave_note(end + sizeof ONE - 1, text, sizeof ONE - 1,
		    sizeof text - 1);
		check_once("the second part", cut, "old one two ");
	}
	/* It was emptied, and new mail has come. */
	begin(OLD ONE TWO, THREE);
	leave_note(end, text, 0, sizeof text - 1);
	check_once("emptied", 0, "old one two three ");
	/* ~/mbox is another file: what it has is not known. */
	begin(OLD, text);
	leave_note(end, text, 0, sizeof text - 1);
	assert_int_equal(unlink(mbox), 0);
	mboxroom_write(mbox, SPAN(OLD));
	check_once("another mbox", 0, "old one two ");
}

/* What is in the place of the note says nothing, and is not followed. */
static void
test_notes(void **state)
{
	struct mboxinbox_note n = { .format = MBOXINBOX_NOTE_FORMAT,
	    .offset = UINT64_MAX, .to = UINT64_MAX };
	struct fault f = { .code = FAULT_NONE };
	struct box *box;

	(void)state;
	n.sum = mboxinbox_note_sum(&n);
	for (int i = 0; i < 3; i++) {
		begin(OLD, ONE);
		mboxroom_write(note, i == 0 ? SPAN("") : i == 1 ?
		    SPAN("noise that is not as long as it would have to "
		    "be, and has no sum") : (struct span){ (const char *)&n,
		    sizeof n });
		check_once("noise", (size_t)i, "old one ");
	}
	/* Something that can't be read: nothing is moved, mail is read. */
	begin(OLD, ONE);
	assert_int_equal(mkfifo(note, 0600), 0);
	box = box_open(&room.account, &mboxroom_inbox, false, &f);
	assert_non_null(box);
	assert_int_equal(box_sync(box, &f), -1);
	assert_string_equal(letters(room.spool), "one ");
	assert_int_equal(unlink(note), 0);
	assert_int_equal(box_sync(box, &f), 0);
	assert_int_equal(box->count, 2);
	box_close(box);
}

/* Who has the spool's lock, or that of ~/mbox, is not waited for with the
 * other in hand; nothing is moved meanwhile, and all is as before. */
static void
test_locked(void **state)
{
	char spool[160], lock[160];
	struct fault f = { .code = FAULT_NONE };

	(void)state;
	snprintf(spool, sizeof spool, "%s.lock", room.spool);
	snprintf(lock, sizeof lock, "%s.lock", mbox);
	room.account.lock_timeout = 0;
	for (int i = 0; i < 2; i++) {
		struct box *box;

		begin(OLD, "");
		box = mboxroom_open(&room, &mboxroom_inbox);
		/* A stamp in doubt would want the lock to be looked into. */
		nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
		mboxroom_sync(box);
		mboxroom_add(room.spool, SPAN(ONE));
		mboxroom_write(i == 0 ? spool : lock, SPAN("1\n"));
		assert_int_equal(box_sync(box, &f), 0);
		assert_int_equal(box->count, 1);
		assert_int_equal(access(i == 0 ? lock : spool, F_OK), -1);
		assert_int_equal(unlink(i == 0 ? spool : lock), 0);
		assert_string_equal(letters(room.spool), "one ");
		mboxroom_sync(box);
		assert_int_equal(box->count, 2);
		box_close(box);
	}
	room.account.lock_timeout = 30;
}

static int
setup(void **state)
{
	mboxroom_setup(&room, state);
	room.account.mbox_inbox = true;
	snprintf(mbox, sizeof mbox, "%s/mbox", room.dir);
	snprintf(note, sizeof note, "%s/.mbox.move", room.dir);
	logged_start();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_stays),
		cmocka_unit_test(test_one_name),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_kills),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_locked),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, mboxroom_teardown);
}
