/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that go from one mailbox into another: whole, and in one of them
 * at least whatever fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/bounds.h"
#include "c-client/base/fault.h"
#include "c-client/store/account.h"
#include "c-client/store/append.h"
#include "c-client/store/box.h"
#include "c-client/store/copy.h"
#include "c-client/store/message.h"
#include "tests/lib/memdriver.h"

MEMDRIVER_TABLE

#define COUNT	6u

static struct account *account;
static struct fault why;
static const struct name inbox = { .path = "INBOX", .inbox = true };
static const struct name target = { .path = "target" };
static const struct name old = { .path = "old" };

/* INBOX with COUNT messages, of which the last one has flags. */
static struct box *
filled(void)
{
	const struct span work = SPAN("Work");
	const struct box_store set = { .op = BOX_STORE_SET,
	    .flags = FLAG_FLAGGED | FLAG_DELETED, .keywords = &work,
	    .keyword_count = 1 };
	const uint32_t last = COUNT;
	struct box *box = memdriver_open(account, &inbox);
	uint64_t modseq;

	memdriver_deliver(box, COUNT);
	assert_int_equal(box_store_flags(box, &last, 1, &set, &modseq, &why),
	    0);
	return box;
}

/* Copies of all of the box in the target, committed. */
static struct append *
copied(struct box *box, uint32_t uids[COUNT])
{
	struct reader *reader = reader_new(box);
	struct append *a;

	assert_int_equal(box_create(account, &target, &why), 0);
	a = append_new(account, &target, NULL, &why);
	for (uint32_t i = 0; i < COUNT; i++) {
		uids[i] = i + 1;
		assert_int_equal(copy_message(box, reader, i + 1, a, &why),
		    0);
	}
	assert_int_equal(copy_message(box, reader, COUNT + 1, a, &why), -1);
	assert_int_equal(why.code, FAULT_EXPUNGED);
	assert_int_equal(append_commit(a, &why), 0);
	reader_free(reader);
	return a;
}

static void
test_copy(void **state)
{
	struct box *box = filled(), *to;
	uint32_t uids[COUNT];
	const struct record *r;

	(void)state;
	append_free(copied(box, uids));
	to = memdriver_open(account, &target);
	assert_int_equal(to->count, COUNT);
	assert_int_equal(to->records[0].flags, 0);
	assert_int_equal(to->records[0].wire_size, 100);
	r = &to->records[COUNT - 1];
	assert_int_equal(r->flags, FLAG_FLAGGED | FLAG_DELETED);
	assert_int_equal(box_keyword(to, SPAN("Work")), 0);
	assert_int_equal(r->keywords.bits[0], 1);
	assert_int_equal(r->date, box->records[COUNT - 1].date);
	box_close(to);
	box_close(box);
}

/* More than is read whole. */
static void
test_long(void **state)
{
	struct box *box = memdriver_open(account, &inbox);
	struct reader *reader = reader_new(box);
	struct record r = { .uid = 1, .wire_size = BOUND_WHOLE + 300000 };
	struct append *a;

	(void)state;
	assert_int_equal(box_begin(box, &why), 0);
	box->meta.uidnext = 2;
	box_add(box, &r);
	assert_int_equal(box_commit(box, &why), 0);
	a = append_new(account, &inbox, box, &why);
	assert_int_equal(copy_message(box, reader, 1, a, &why), 0);
	assert_int_equal(append_commit(a, &why), 0);
	append_free(a);
	assert_int_equal(box->count, 2);
	assert_int_equal(box->records[1].wire_size, r.wire_size);
	reader_free(reader);
	box_close(box);
}

/* None could be removed, or some: none is in both then, nor in neither. */
static void
test_undo(void **state)
{
	(void)state;
	for (size_t part = 0; part <= COUNT; part++) {
		struct box *box = filled();
		uint32_t uids[COUNT];
		bool moved[COUNT];
		struct append *a = copied(box, uids);

		memdriver.expunge_fault = FAULT_INUSE;
		memdriver.expunge_faults = 1;
		memdriver.expunge_part = part;
		assert_int_equal(box_expunge(box, uids, COUNT, false, &why),
		    -1);
		assert_int_equal(copy_undo(box, a, uids, COUNT, moved, &why),
		    0);
		for (size_t i = 0; i < COUNT; i++)
			assert_int_equal(moved[i], i < part);
		append_free(a);
		assert_int_equal(box->count, COUNT - part);
		assert_int_equal(memdriver_count(account, &target), part);
		assert_int_equal(box_expunge(box, uids, COUNT, false, &why),
		    0);
		box_close(box);
		memdriver_clear(account);
		account = memdriver_account();
	}
}

static int
cant_look(struct box *box, struct fault *f)
{
	return box->name.inbox ? fault_set(f, FAULT_INUSE, "as told") : 0;
}

/* Where nobody knows what is still there the copies stay. */
static void
test_undo_unsure(void **state)
{
	struct box *box = filled();
	uint32_t uids[COUNT];
	bool moved[COUNT];
	struct append *a = copied(box, uids);

	(void)state;
	memdriver.on_sync = cant_look;
	assert_int_equal(copy_undo(box, a, uids, COUNT, moved, &why), -1);
	assert_int_equal(why.code, FAULT_INUSE);
	append_free(a);
	assert_int_equal(memdriver_count(account, &target), COUNT);
	box_close(box);
}

static void
test_rename_inbox(void **state)
{
	struct box *box = filled(), *to;

	(void)state;
	assert_int_equal(box_rename(account, &inbox, &old, &why), 0);
	assert_int_equal(memdriver_count(account, &inbox), 0);
	to = memdriver_open(account, &old);
	assert_int_equal(to->count, COUNT);
	assert_int_equal(to->records[COUNT - 1].flags,
	    FLAG_FLAGGED | FLAG_DELETED);
	assert_int_equal(to->records[COUNT - 1].keywords.bits[0], 1);
	box_close(to);
	assert_int_equal(box_rename(account, &inbox, &old, &why), -1);
	assert_int_equal(why.code, FAULT_EXISTS);
	/* UIDs go on. */
	assert_int_equal(box_sync(box, &why), 0);
	memdriver_deliver(box, 1);
	assert_int_equal(box->records[0].uid, COUNT + 1);
	box_close(box);
}

/* What fails leaves no new mailbox, unless some messages are in it alone. */
static void
test_rename_inbox_fails(void **state)
{
	struct box *box = filled();

	(void)state;
	box_close(box);
	memdriver.append_fails = true;
	assert_int_equal(box_rename(account, &inbox, &old, &why), -1);
	assert_int_equal(why.code, FAULT_QUOTA);
	assert_null(box_open(account, &old, false, &why));
	assert_int_equal(memdriver_count(account, &inbox), COUNT);

	memdriver.append_fails = false;
	memdriver.expunge_fault = FAULT_INUSE;
	memdriver.expunge_faults = 1;
	assert_int_equal(box_rename(account, &inbox, &old, &why), -1);
	assert_int_equal(why.code, FAULT_INUSE);
	assert_null(box_open(account, &old, false, &why));
	assert_int_equal(memdriver_count(account, &inbox), COUNT);

	memdriver.expunge_fault = FAULT_INUSE;
	memdriver.expunge_faults = 1;
	memdriver.expunge_part = 2;
	assert_int_equal(box_rename(account, &inbox, &old, &why), -1);
	assert_int_equal(why.code, FAULT_INUSE);
	assert_int_equal(memdriver_count(account, &inbox), COUNT - 2);
	assert_int_equal(memdriver_count(account, &old), 2);
}

int
main(void)
{
#define ROW(f)	MEMDRIVER_TEST(f, account)
	const struct CMUnitTest tests[] = {
		ROW(test_copy),
		ROW(test_long),
		ROW(test_undo),
		ROW(test_undo_unsure),
		ROW(test_rename_inbox),
		ROW(test_rename_inbox_fails),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
