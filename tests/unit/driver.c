/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each format must do, for all in which mailboxes can be made: the same
 * checks, with what another mail program does to such a mailbox as the only
 * part of its own.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/store/append.h"
#include "c-client/store/box.h"
#include "c-client/store/driver.h"
#include "c-client/store/watch.h"
#include "tests/lib/mboxroom.h"

#include "c-client/base/banned.h"

#define COUNT	5u

static struct mboxroom room;
static const struct driver *driver;

static const char *const texts[COUNT] = {
	"A: 1\r\n\r\none\r\n",
	"A: 2\r\n\r\n",
	"A: 3\r\n\r\nthree\r\n\r\n.\r\n",
	"A: 4\r\n\r\n\xE9\xFF\r\nx\r\r\ny\rz\r\n",
	"A: 5\r\n\r\n\r\n\r\nfive\r\n",
};

/* --- What other programs do, by format ----------------------------------- */

/* A mailbox file changes so that the change can be seen. */
static void
unix_deliver(const char *path)
{
	mboxroom_add(path, SPAN("From joe Mon Jan  1 00:00:00 2024\n"
	    "A: new\n\nnew\n\n"));
}

/* Messages of ours have room for their flags in a Status line. */
static void
unix_see(const char *path, size_t message)
{
	struct buf file = mboxroom_read(path);
	size_t seen = 0;	/* the first one is the internal data's */

	for (size_t i = 0; i + 11 < file.n; i++)
		if (memcmp(file.p + i, "\nStatus: ", 9) == 0 &&
		    seen++ == message + 1)
			memcpy(file.p + i + 9, "RO", 2);
	mboxroom_write(path, buf_span(&file));
	buf_clear(&file);
}

static void
unix_take(const char *path, size_t message)
{
	struct buf file = mboxroom_read(path);
	char tag[16];
	ptrdiff_t at;
	size_t end;

	snprintf(tag, sizeof tag, "\nA: %zu\n", message + 1);
	at = span_find_nocase(buf_span(&file), span_of(tag));
	assert_true(at > 0);
	while (at > 0 && memcmp(file.p + at, "\nFrom ", 6) != 0)
		at--;
	at += at > 0;
	for (end = (size_t)at + 5; end < file.n && memcmp(file.p + end,
	    "\nFrom ", 6) != 0; end++)
		;
	end += end < file.n;
	memmove(file.p + at, file.p + end, file.n - end);
	file.n -= end - (size_t)at;
	mboxroom_write(path, buf_span(&file));
	buf_clear(&file);
}

static void
maildir_deliver(const char *path)
{
	char tmp[160], new[160];

	snprintf(tmp, sizeof tmp, "%s/tmp/1700000000.1.host", path);
	snprintf(new, sizeof new, "%s/new/1700000000.1.host", path);
	mboxroom_write(tmp, SPAN("A: new\n\nnew\n"));
	assert_int_equal(rename(tmp, new), 0);
}

/* The file in cur in which the message is. */
static void
maildir_file(const char *path, size_t message, char out[400])
{
	char dir[160], tag[16];
	const struct dirent *e;
	DIR *d;

	snprintf(dir, sizeof dir, "%s/cur", path);
	snprintf(tag, sizeof tag, "A: %zu\n", message + 1);
	d = opendir(dir);
	assert_non_null(d);
	out[0] = '\0';
	while (out[0] == '\0' && (e = readdir(d)) != NULL) {
		struct buf text;

		if (e->d_name[0] == '.')
			continue;
		snprintf(out, 400, "%s/%.220s", dir, e->d_name);
		text = mboxroom_read(out);
		if (!span_starts_nocase(buf_span(&text), tag))
			out[0] = '\0';
		buf_clear(&text);
	}
	closedir(d);
	assert_true(out[0] != '\0');
}

static void
maildir_see(const char *path, size_t message)
{
	char from[400], to[400];

	maildir_file(path, message, from);
	snprintf(to, sizeof to, "%.*s:2,S", (int)strcspn(from, ":"), from);
	assert_int_equal(rename(from, to), 0);
}

static void
maildir_take(const char *path, size_t message)
{
	char file[400];

	maildir_file(path, message, file);
	assert_int_equal(unlink(file), 0);
}

static const struct foreign {
	const char *name;
	void (*deliver)(const char *path);
	void (*see)(const char *path, size_t message);
	void (*take)(const char *path, size_t message);
} foreigns[] = {
	{ "unix", unix_deliver, unix_see, unix_take },
	{ "maildir", maildir_deliver, maildir_see, maildir_take },
};

static const struct foreign *
foreign(void)
{
	for (size_t i = 0; i < sizeof foreigns / sizeof foreigns[0]; i++)
		if (strcmp(foreigns[i].name, driver->name) == 0)
			return &foreigns[i];
	return NULL;
}

/* Where the clock of the file system hasn't ticked since the last look, nobody
 * can say what changed: whoever waits for news looks again. */
static void
look(struct box *box)
{
	mboxroom_sync(box);
	while (box->unsettled) {
		nanosleep(&(struct timespec){ 0, BOX_SETTLE_MSECS * 1000000 },
		    NULL);
		mboxroom_sync(box);
	}
}

/* --- The checks ----------------------------------------------------------- */

static void
path_of(const char *name, char out[128])
{
	snprintf(out, 128, "%s/%s", room.root, name);
}

/* A mailbox with the messages of `texts`, the second with flags, the third
 * with keywords. */
static struct box *
make(const char *path)
{
	struct name name = mboxroom_name(path);
	struct mboxroom_item items[COUNT] = { { .date = 0 } };
	struct fault f = { .code = FAULT_NONE };
	struct box *box;

	assert_int_equal(driver->create(&room.account, &name, &f), 0);
	box = mboxroom_open(&room, &name);
	assert_ptr_equal(box->driver, driver);
	for (size_t i = 0; i < COUNT; i++)
		items[i] = (struct mboxroom_item){ .text = span_of(texts[i]),
		    .date = 1700000000 + (int64_t)i,
		    .zone = (int16_t)(-60 * (int)i) };
	items[1].flags = FLAG_SEEN | FLAG_FLAGGED;
	items[2].flags = FLAG_DELETED;
	items[2].keyword = "$Work";
	/* Some at once, and one after the other. */
	if (mboxroom_append(&room, &name, box, items, 3, &f) == -1 ||
	    mboxroom_append(&room, &name, box, items + 3, 1, &f) == -1 ||
	    mboxroom_append(&room, &name, box, items + 4, 1, &f) == -1)
		fail_msg("append: %s", f.text);
	return box;
}

static bool
has_keyword(const struct box *box, size_t i, const char *name)
{
	int bit = box_keyword(box, span_of(name));

	return bit >= 0 && (box->records[i].keywords.bits[bit / 64] >>
	    bit % 64 & 1) != 0;
}

static void
check_message(struct box *box, size_t i, size_t which)
{
	struct buf m = mboxroom_message(box, i);

	if (!span_eq(buf_span(&m), span_of(texts[which])))
		fail_msg("message %zu: %s", which, buf_string(&m));
	buf_clear(&m);
}

static void
check_all(struct box *box)
{
	uint32_t before = 0;

	assert_int_equal(box->count, COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		const struct record *r = &box->records[i];

		assert_true(r->uid > before && r->uid < box->meta.uidnext);
		before = r->uid;
		assert_int_equal(r->date, 1700000000 + (int)i);
		assert_int_equal(r->flags & FLAG_ALL_SYSTEM,
		    i == 1 ? FLAG_SEEN | FLAG_FLAGGED :
		    i == 2 ? FLAG_DELETED : 0);
		assert_int_equal(has_keyword(box, i, "$work"), i == 2);
		check_message(box, i, i);
	}
}

static void
test_members(void **state)
{
	(void)state;
	assert_non_null(driver->name);
	assert_non_null(driver->probe);
	assert_non_null(driver->open);
	assert_non_null(driver->close);
	assert_non_null(driver->sync);
	assert_non_null(driver->read);
	assert_non_null(driver->append);
	assert_non_null(driver->expunge);
	assert_non_null(driver->flush);
	assert_non_null(driver->create);
	assert_non_null(driver->remove);
	assert_non_null(driver->rename);
	assert_non_null(driver->list);
	assert_non_null(driver->watch);
}

/* What was added is there, octet for octet, for others too. */
static void
test_append(void **state)
{
	struct name name = mboxroom_name("append");
	struct box *box = make("append"), *second;

	(void)state;
	assert_false(box->readonly);
	assert_int_equal(box->records[0].uid, 1);
	check_all(box);
	second = mboxroom_open(&room, &name);
	check_all(second);
	for (size_t i = 0; i < COUNT; i++) {
		assert_memory_equal(&second->records[i], &box->records[i],
		    sizeof box->records[i]);
		assert_int_equal(box->records[i].zone, -60 * (int)i);
	}
	box_close(second);
	box_close(box);
}

/* Pieces from anywhere, as long as they are in the message. */
static void
test_pieces(void **state)
{
	struct fault f = { .code = FAULT_NONE };
	struct box *box = make("pieces");

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		struct span whole = span_of(texts[i]);

		for (size_t off = 0; off <= whole.n + 1; off++)
			for (size_t len = 0; len <= whole.n; len++) {
				struct buf b;

				buf_init(&b, 0);
				assert_int_equal(driver->read(box,
				    &box->records[i], off, len, &b, &f), 0);
				assert_true(span_eq(buf_span(&b), span_slice(
				    whole, off, len)));
				buf_clear(&b);
			}
	}
	box_close(box);
}

/* The index is gone: what is in the mailbox itself comes back. */
static void
test_rebuild(void **state)
{
	struct name name = mboxroom_name("rebuild");
	struct fault f = { .code = FAULT_NONE };
	struct box_store change = { .op = BOX_STORE_ADD,
	    .flags = FLAG_ANSWERED, .keywords = &SPAN("$Mine"),
	    .keyword_count = 1 };
	struct box *box = make("rebuild");
	uint32_t validity = box->meta.uidvalidity, next;
	uint32_t uid = box->records[4].uid, uids[COUNT];
	uint64_t modseq;

	(void)state;
	assert_int_equal(box_store_flags(box, &uid, 1, &change, &modseq, &f),
	    0);
	if (box_flush(box, true, &f) == -1)
		fail_msg("flush: %s", f.text);
	for (size_t i = 0; i < COUNT; i++) {
		uids[i] = box->records[i].uid;
		assert_int_equal(box->records[i].flags &
		    FLAG_ALL_SYSTEM, box->records[i].flags_seen &
		    FLAG_ALL_SYSTEM);
	}
	next = box->meta.uidnext;
	box_close(box);
	mboxroom_forget_index(&room);
	box = mboxroom_open(&room, &name);
	assert_int_equal(box->count, COUNT);
	assert_int_equal(box->meta.uidvalidity, validity);
	assert_true(box->meta.uidnext >= next);
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(box->records[i].uid, uids[i]);
		assert_int_equal(box->records[i].date, 1700000000 + (int)i);
		check_message(box, i, i);
	}
	assert_int_equal(box->records[1].flags & FLAG_ALL_SYSTEM,
	    FLAG_SEEN | FLAG_FLAGGED);
	assert_int_equal(box->records[2].flags & FLAG_ALL_SYSTEM,
	    FLAG_DELETED);
	assert_true(has_keyword(box, 2, "$Work"));
	assert_int_equal(box->records[4].flags & FLAG_ALL_SYSTEM,
	    FLAG_ANSWERED);
	assert_true(has_keyword(box, 4, "$Mine"));
	assert_false(has_keyword(box, 3, "$Mine"));
	box_close(box);
}

/* Another program changes flags: its change and ours are both kept. */
static void
test_foreign_flags(void **state)
{
	struct fault f = { .code = FAULT_NONE };
	struct box_store change = { .op = BOX_STORE_ADD,
	    .flags = FLAG_ANSWERED };
	struct box *box = make("flags");
	uint32_t uid = box->records[0].uid;
	uint64_t modseq;
	char path[128];

	(void)state;
	path_of("flags", path);
	assert_int_equal(box_store_flags(box, &uid, 1, &change, &modseq, &f),
	    0);
	foreign()->see(path, 0);
	look(box);
	assert_int_equal(box->count, COUNT);
	assert_int_equal(box->records[0].uid, uid);
	assert_int_equal(box->records[0].flags & FLAG_ALL_SYSTEM,
	    FLAG_SEEN | FLAG_ANSWERED);
	assert_true(box->records[0].modseq > modseq);
	assert_int_equal(box->records[1].flags & FLAG_ALL_SYSTEM,
	    FLAG_SEEN | FLAG_FLAGGED);
	/* And once they are written: all of them. */
	assert_int_equal(box_flush(box, true, &f), 0);
	look(box);
	assert_int_equal(box->records[0].flags & FLAG_ALL_SYSTEM,
	    FLAG_SEEN | FLAG_ANSWERED);
	box_close(box);
}

/* Another program adds and removes messages. */
static void
test_foreign_mail(void **state)
{
	struct box *box = make("mail");
	uint32_t next = box->meta.uidnext, uid = box->records[4].uid;
	struct buf m;
	char path[128];

	(void)state;
	path_of("mail", path);
	foreign()->deliver(path);
	look(box);
	assert_int_equal(box->count, COUNT + 1);
	assert_int_equal(box->records[COUNT].uid, next);
	assert_int_equal(box->meta.uidnext, next + 1);
	m = mboxroom_message(box, COUNT);
	assert_true(span_is(buf_span(&m), "A: new\r\n\r\nnew\r\n"));
	buf_clear(&m);
	foreign()->take(path, 3);
	look(box);
	assert_int_equal(box->count, COUNT);
	assert_int_equal(box->records[3].uid, uid);
	check_message(box, 3, 4);
	box_close(box);
}

static void
test_expunge(void **state)
{
	struct name name = mboxroom_name("expunge");
	struct fault f = { .code = FAULT_NONE };
	struct box *box = make("expunge"), *second;
	uint32_t uids[COUNT], validity = box->meta.uidvalidity, next;

	(void)state;
	second = mboxroom_open(&room, &name);
	for (size_t i = 0; i < COUNT; i++)
		uids[i] = box->records[i].uid;
	if (box_expunge(box, uids, COUNT, true, &f) == -1)
		fail_msg("expunge: %s", f.text);
	assert_int_equal(box->count, COUNT - 1);
	assert_int_equal(box_find(box, uids[2]), -1);
	look(second);
	assert_int_equal(second->count, COUNT - 1);
	check_message(second, 2, 3);
	/* One that is gone already, and one that is not. */
	assert_int_equal(box_expunge(second, uids + 2, 2, false, &f), 0);
	look(box);
	assert_int_equal(box->count, COUNT - 2);
	check_message(box, 2, 4);
	assert_int_equal(box_flush(box, true, &f), 0);
	next = box->meta.uidnext;
	box_close(second);
	box_close(box);
	mboxroom_forget_index(&room);
	box = mboxroom_open(&room, &name);
	assert_int_equal(box->count, COUNT - 2);
	assert_int_equal(box->meta.uidvalidity, validity);
	assert_int_equal(box->records[2].uid, uids[4]);
	assert_true(box->meta.uidnext >= next);
	check_message(box, 1, 1);
	/* The last ones: their UIDs don't come back either. */
	assert_int_equal(box_expunge(box, uids, COUNT, false, &f), 0);
	assert_int_equal(box->count, 0);
	assert_true(box->meta.uidnext > uids[4]);
	box_close(box);
}

/* Names come and go, and a mailbox that is made anew is another one. */
static void
test_names(void **state)
{
	struct name a = mboxroom_name("life"), b = mboxroom_name("other");
	struct fault f = { .code = FAULT_NONE };
	enum fault_code code;
	uint32_t validity;
	struct box *box = make("life");

	(void)state;
	validity = box->meta.uidvalidity;
	assert_int_not_equal(validity, 0);
	assert_int_equal(mboxroom_probe(&room, driver, "life", NULL),
	    DRIVER_MAILBOX);
	assert_int_equal(driver->create(&room.account, &a, &f), -1);
	assert_int_equal(f.code, FAULT_EXISTS);
	box_close(box);
	assert_int_equal(driver->create(&room.account, &b, &f), 0);
	assert_int_equal(driver->rename(&room.account, &a, &b, &f), -1);
	assert_int_equal(f.code, FAULT_EXISTS);
	assert_int_equal(driver->remove(&room.account, &b, &f), 0);
	assert_int_equal(driver->rename(&room.account, &a, &b, &f), 0);
	assert_int_equal(mboxroom_probe(&room, driver, "life", &code),
	    DRIVER_NOT_OURS);
	assert_int_equal(code, FAULT_NOTFOUND);
	mboxroom_forget_index(&room);
	box = mboxroom_open(&room, &b);
	assert_int_equal(box->count, COUNT);
	box_close(box);
	assert_int_equal(driver->create(&room.account, &a, &f), 0);
	mboxroom_forget_index(&room);
	box = mboxroom_open(&room, &a);
	assert_int_not_equal(box->meta.uidvalidity, validity);
	validity = box->meta.uidvalidity;
	box_close(box);
	assert_int_equal(driver->remove(&room.account, &a, &f), 0);
	assert_int_equal(driver->remove(&room.account, &a, &f), -1);
	assert_int_equal(f.code, FAULT_NOTFOUND);
	assert_int_equal(driver->rename(&room.account, &a, &b, &f), -1);
	assert_int_equal(f.code, FAULT_NOTFOUND);
	/* Again, at once: another mailbox, another UIDVALIDITY. */
	assert_int_equal(driver->create(&room.account, &a, &f), 0);
	mboxroom_forget_index(&room);
	box = mboxroom_open(&room, &a);
	assert_true(box->meta.uidvalidity > validity);
	box_close(box);
	assert_int_equal(driver->remove(&room.account, &a, &f), 0);
	assert_int_equal(driver->remove(&room.account, &b, &f), 0);
	mboxroom_forget_index(&room);
}

/* INBOX is not removed or renamed by a format, whatever it is. */
static void
test_inbox(void **state)
{
	struct fault f = { .code = FAULT_NONE };
	struct name a = mboxroom_name("a");

	(void)state;
	assert_int_equal(driver->remove(&room.account, &mboxroom_inbox, &f),
	    -1);
	assert_int_equal(f.code, FAULT_CANNOT);
	assert_int_equal(driver->rename(&room.account, &mboxroom_inbox, &a,
	    &f), -1);
	assert_int_equal(f.code, FAULT_CANNOT);
	assert_int_equal(driver->rename(&room.account, &a, &mboxroom_inbox,
	    &f), -1);
	assert_int_equal(f.code, FAULT_EXISTS);
}

/* Opened for reading nothing of it is changed, and all of it is seen. */
static void
test_readonly(void **state)
{
	struct name name = mboxroom_name("readonly");
	struct fault f = { .code = FAULT_NONE };
	struct box *box = make("readonly");
	uint32_t uid = box->records[0].uid;
	char path[128];

	(void)state;
	path_of("readonly", path);
	box_close(box);
	foreign()->deliver(path);
	box = box_open(&room.account, &name, true, &f);
	assert_non_null(box);
	look(box);
	assert_true(box->readonly);
	assert_int_equal(box->count, COUNT + 1);
	buf_clear(&(struct buf){ .p = mboxroom_message(box, COUNT).p });
	assert_int_equal(box_expunge(box, &uid, 1, false, &f), -1);
	assert_int_equal(f.code, FAULT_READONLY);
	assert_int_equal(box_flush(box, true, &f), 0);
	uid = box->records[COUNT].uid;
	box_close(box);
	box = mboxroom_open(&room, &name);
	assert_int_equal(box->records[COUNT].uid, uid);
	box_close(box);
}

/* What is delivered, or changed, wakes who waits. */
static void
test_watch(void **state)
{
	struct box *box = make("watch");
	struct watch *watch = watch_new(box);
	char path[128];

	(void)state;
	path_of("watch", path);
	assert_non_null(watch);
	watch_take(watch);
	assert_false(watch_take(watch));
	foreign()->deliver(path);
	assert_true(watch_take(watch));
	look(box);
	watch_take(watch);
	foreign()->see(path, 0);
	assert_true(watch_take(watch));
	watch_free(watch);
	box_close(box);
}

/* --- The placeholder: what is no mailbox, or not yet ---------------------- */

/* One at most, behind all others: what it takes nobody else does. */
static void
test_placeholder(void **state)
{
	size_t n = 0;

	(void)state;
	while (drivers[n] != NULL)
		n++;
	assert_true(drivers[n - 1]->placeholder);
	assert_ptr_equal(driver_placeholder(), drivers[n - 1]);
	for (size_t i = 0; i + 1 < n; i++)
		assert_false(drivers[i]->placeholder);
	assert_ptr_not_equal(driver_default(), driver);
}

/* An INBOX that is not there is empty, read and written like any other, and the
 * first message makes it one. */
static void
test_no_inbox(void **state)
{
	struct fault f = { .code = FAULT_NONE };
	const struct name inbox = mboxroom_inbox;
	const struct mboxroom_item item = { .text = span_of(texts[0]),
	    .date = 1700000000 };
	struct box_status status;
	enum driver_kind kind;
	struct box *box, *second;
	uint32_t one = 1, validity;
	struct watch *watch;

	(void)state;
	unlink(room.spool);
	assert_ptr_equal(driver_of(&room.account, &inbox, &kind, &f), driver);
	assert_int_equal(kind, DRIVER_MISSING);
	box = mboxroom_open(&room, &inbox);
	second = mboxroom_open(&room, &inbox);
	assert_ptr_equal(box->driver, driver);
	assert_true(box->missing);
	assert_false(box->readonly);
	assert_int_equal(box->count, 0);
	assert_int_equal(box->meta.uidnext, 1);
	validity = box->meta.uidvalidity;
	assert_int_not_equal(validity, 0);
	assert_int_equal(box_expunge(box, &one, 1, false, &f), 0);
	assert_int_equal(box_flush(box, true, &f), 0);
	assert_int_equal(box_status(&room.account, &inbox, &status, &f), 0);
	assert_int_equal(status.messages, 0);
	assert_int_equal(status.uidvalidity, validity);
	assert_int_equal(access(room.spool, F_OK), -1);
	watch = watch_new(second);
	assert_non_null(watch);
	watch_take(watch);
	if (mboxroom_append(&room, &inbox, box, &item, 1, &f) == -1)
		fail_msg("append: %s", f.text);
	assert_true(watch_take(watch));
	watch_free(watch);
	assert_ptr_equal(box->driver, driver_default());
	assert_false(box->missing);
	mboxroom_sync(second);
	assert_ptr_equal(second->driver, driver_default());
	assert_int_equal(second->count, 1);
	assert_int_equal(second->records[0].uid, 1);
	assert_int_equal(second->meta.uidvalidity, validity);
	check_message(second, 0, 0);
	/* It goes again, while it is open, and no UID comes back. */
	unlink(room.spool);
	mboxroom_sync(box);
	assert_ptr_equal(box->driver, driver);
	assert_int_equal(box->count, 0);
	assert_int_equal(box_expunge(second, &one, 1, false, &f), 0);
	assert_int_equal(second->count, 0);
	unix_deliver(room.spool);
	mboxroom_sync(box);
	assert_int_equal(box->count, 1);
	assert_int_equal(box->records[0].uid, 2);
	assert_int_equal(box->meta.uidvalidity, validity);
	unlink(room.spool);
	/* What was not seen to go: the message makes it anew. */
	if (mboxroom_append(&room, &inbox, box, &item, 1, &f) == -1)
		fail_msg("append: %s", f.text);
	assert_int_equal(box->count, 1);
	assert_int_equal(box->records[0].uid, 3);
	box_close(second);
	box_close(box);
}

/* INBOX becomes something that can't be one: it is told, and goes on. */
static void
test_odd_inbox(void **state)
{
	struct fault f = { .code = FAULT_NONE };
	struct box *box;

	(void)state;
	unlink(room.spool);
	box = mboxroom_open(&room, &mboxroom_inbox);
	assert_int_equal(mkfifo(room.spool, 0600), 0);
	assert_int_equal(box_sync(box, &f), -1);
	assert_int_not_equal(f.code, FAULT_NOTFOUND);
	assert_int_equal(box_sync(box, &f), -1);
	unlink(room.spool);
	mboxroom_sync(box);
	unix_deliver(room.spool);
	mboxroom_sync(box);
	assert_int_equal(box->count, 1);
	box_close(box);
}

static void
test_directories(void **state)
{
	struct name a = mboxroom_name("a"), b = mboxroom_name("b");
	struct name in = mboxroom_name("a/in");
	struct fault f = { .code = FAULT_NONE };

	(void)state;
	a.directory = true;
	assert_int_equal(driver->create(&room.account, &a, &f), 0);
	assert_int_equal(mboxroom_probe(&room, driver, "a", &f.code),
	    DRIVER_DIRECTORY);
	a.directory = false;
	assert_null(box_open(&room.account, &a, false, &f));
	assert_int_equal(f.code, FAULT_BADNAME);
	assert_int_equal(driver->create(&room.account, &b, &f), -1);
	assert_int_equal(f.code, FAULT_BADNAME);
	assert_int_equal(box_create(&room.account, &in, &f), 0);
	assert_int_equal(driver->remove(&room.account, &a, &f), -1);
	assert_int_equal(f.code, FAULT_CANNOT);
	assert_int_equal(driver->rename(&room.account, &a, &in, &f), -1);
	assert_int_equal(driver->rename(&room.account, &a, &b, &f), 0);
	assert_int_equal(mboxroom_probe(&room, driver, "a", NULL),
	    DRIVER_NOT_OURS);
	assert_int_equal(mboxroom_probe(&room, driver, "b/in", NULL),
	    DRIVER_NOT_OURS);
	in.path = "b/in";
	assert_int_equal(box_delete(&room.account, &in, &f), 0);
	assert_int_equal(driver->remove(&room.account, &b, &f), 0);
	/* No mailbox is made with it. */
	b.format = driver->name;
	assert_int_equal(box_create(&room.account, &b, &f), -1);
	assert_int_equal(f.code, FAULT_BADNAME);
}

static int
setup(void **state)
{
	driver = *state;
	return mboxroom_setup(&room, state);
}

struct check {
	const char *name;
	CMUnitTestFunction function;
};

static const struct check checks[] = {
	{ "members", test_members },
	{ "append", test_append },
	{ "pieces", test_pieces },
	{ "rebuild", test_rebuild },
	{ "foreign flags", test_foreign_flags },
	{ "foreign mail", test_foreign_mail },
	{ "expunge", test_expunge },
	{ "names", test_names },
	{ "inbox", test_inbox },
	{ "readonly", test_readonly },
	{ "watch", test_watch },
};
#define CHECKS	(sizeof checks / sizeof checks[0])
#define DRIVERS	14u

static const struct check placeholder_checks[] = {
	{ "members", test_members },
	{ "placeholder", test_placeholder },
	{ "no INBOX", test_no_inbox },
	{ "odd INBOX", test_odd_inbox },
	{ "directories", test_directories },
	{ "inbox", test_inbox },
};
#define PLACEHOLDER_CHECKS \
	(sizeof placeholder_checks / sizeof placeholder_checks[0])

/* One plan for all: every check over every format in which mailboxes can be
 * made, and those of the placeholder. */
int
main(void)
{
	struct CMUnitTest tests[CHECKS * DRIVERS];
	char names[CHECKS * DRIVERS][48];
	size_t n = 0;

	for (size_t i = 0; drivers[i] != NULL && i < DRIVERS; i++) {
		const struct check *c = drivers[i]->placeholder ?
		    placeholder_checks : checks;
		size_t count = drivers[i]->placeholder ? PLACEHOLDER_CHECKS :
		    CHECKS;

		driver = drivers[i];
		if (!driver->placeholder && foreign() == NULL)
			continue;
		for (size_t k = 0; k < count; k++) {
			snprintf(names[n], sizeof names[n], "%s: %s",
			    driver->name, c[k].name);
			tests[n] = (struct CMUnitTest){ names[n],
			    c[k].function, setup, mboxroom_teardown,
			    (void *)(uintptr_t)driver };
			n++;
		}
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests("formats", tests, n, NULL, NULL);
}
