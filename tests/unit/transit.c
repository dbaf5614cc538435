/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of a move whose session was killed: each message ends in one of
 * the two mailboxes, whichever is opened first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/store/account.h"
#include "c-client/store/append.h"
#include "c-client/store/box.h"
#include "c-client/store/box_private.h"
#include "c-client/store/copy.h"
#include "c-client/store/index.h"
#include "c-client/store/message.h"
#include "c-client/store/transit.h"
#include "tests/lib/memdriver.h"

MEMDRIVER_TABLE

#define COUNT	6u

static struct account *account;
static struct fault why;
static const struct name inbox = { .path = "INBOX", .inbox = true };
static const struct name target = { .path = "target" };
static const struct name other = { .path = "other" };

static size_t
notes_of(const struct name *name)
{
	struct index_transit all[INDEX_TRANSITS];
	struct box *box = box_open(account, name, true, &why);
	size_t n;

	assert_non_null(box);
	n = index_transit_list(box->index, memdriver.keep, all);
	assert_int_equal(box->meta.transits, n > 0);
	box_close(box);
	return n;
}

static bool
has(const struct name *name, uint32_t uid)
{
	struct box *box = memdriver_open(account, name);
	bool is = box_find(box, uid) >= 0;

	box_close(box);
	return is;
}

/* How far a session comes. */
enum way { NOTED, COPIED, REMOVED };

struct mover {
	struct box *from;
	struct append *to;
	struct transit *transit;
};

/* Messages 2, 3 and 5 of an INBOX of COUNT. */
static const uint32_t uids[] = { 2, 3, 5 };
#define MOVED	(sizeof uids / sizeof uids[0])

static struct mover
move(const struct name *to, enum way way)
{
	struct mover m = { .from = memdriver_open(account, &inbox) };
	struct reader *reader = reader_new(m.from);

	if (m.from->count == 0)
		memdriver_deliver(m.from, COUNT);
	m.to = append_new(account, to, to->inbox ? m.from : NULL, &why);
	assert_non_null(m.to);
	for (size_t i = 0; i < MOVED; i++)
		assert_int_equal(copy_message(m.from, reader, uids[i], m.to,
		    &why), 0);
	reader_free(reader);
	assert_int_equal(transit_begin(&m.transit, m.from, m.to, uids, MOVED,
	    &why), 0);
	assert_non_null(m.transit);
	if (way >= COPIED)
		assert_int_equal(append_commit(m.to, &why), 0);
	if (way >= REMOVED)
		assert_int_equal(box_expunge(m.from, uids, MOVED, false,
		    &why), 0);
	return m;
}

/* A kill takes the locks away, and nothing else is done. */
static void
die(struct mover *m)
{
	transit_end(m->transit, false);
	append_free(m->to);
	append_rest(account);
	box_close(m->from);
}

/* Wherever it was killed, whichever is opened first, or for reading only. */
static void
test_finish(void **state)
{
	static const struct name *const first[] = { &inbox, &target };

	(void)state;
	for (int way = NOTED; way <= REMOVED; way++)
		for (size_t i = 0; i < 4; i++) {
			struct box *box;
			struct mover m;
			size_t moved = way == NOTED ? 0 : MOVED;

			assert_int_equal(box_create(account, &target, &why),
			    0);
			m = move(&target, (enum way)way);
			die(&m);
			assert_int_equal(notes_of(&inbox), 1);
			assert_int_equal(notes_of(&target), 1);
			box = box_open_lazy(account, first[i % 2], i >= 2,
			    &why);
			assert_non_null(box);
			assert_int_equal(box_sync(box, &why), 0);
			assert_int_equal(box->count, i % 2 == 0 ?
			    COUNT - moved : moved);
			box_close(box);
			assert_int_equal(memdriver_count(account, &inbox),
			    COUNT - moved);
			assert_int_equal(memdriver_count(account, &target),
			    moved);
			for (size_t k = 0; k < MOVED; k++)
				assert_int_equal(has(&inbox, uids[k]),
				    moved == 0);
			assert_int_equal(notes_of(&inbox), 0);
			assert_int_equal(notes_of(&target), 0);
			memdriver_clear(account);
			account = memdriver_account();
		}
}

/* Nobody meddles with a mover that lives; and who was there before it died
 * finishes it too. */
static void
test_alive(void **state)
{
	struct mover m = move(&target, COPIED);
	struct box *box = memdriver_open(account, &inbox);

	(void)state;
	assert_int_equal(box->count, COUNT);
	assert_int_equal(memdriver_count(account, &target), MOVED);
	assert_int_equal(box_sync(m.from, &why), 0);
	assert_int_equal(m.from->count, COUNT);
	assert_int_equal(notes_of(&inbox), 1);
	die(&m);
	assert_int_equal(box_sync(box, &why), 0);
	assert_int_equal(box->count, COUNT - MOVED);
	box_close(box);

	/* One that is done leaves nothing. */
	memdriver_clear(account);
	account = memdriver_account();
	assert_int_equal(box_create(account, &target, &why), 0);
	m = move(&target, REMOVED);
	transit_end(m.transit, true);
	m.transit = NULL;
	die(&m);
	assert_int_equal(notes_of(&inbox), 0);
	assert_int_equal(notes_of(&target), 0);
	assert_int_equal(memdriver_count(account, &inbox), COUNT - MOVED);
}

/* Two sessions, and two targets. */
static void
test_two(void **state)
{
	struct mover a = move(&target, COPIED), b;

	(void)state;
	assert_int_equal(box_create(account, &other, &why), 0);
	b = move(&other, NOTED);
	die(&a);
	die(&b);
	assert_int_equal(notes_of(&inbox), 2);
	assert_int_equal(memdriver_count(account, &other), 0);
	assert_int_equal(memdriver_count(account, &inbox), COUNT - MOVED);
	assert_int_equal(memdriver_count(account, &target), MOVED);
	assert_int_equal(notes_of(&inbox) + notes_of(&target) +
	    notes_of(&other), 0);
}

/* Within one mailbox the copies take the places of the messages. */
static void
test_same(void **state)
{
	struct mover m = move(&inbox, COPIED);

	(void)state;
	die(&m);
	assert_int_equal(memdriver_count(account, &inbox), COUNT);
	assert_false(has(&inbox, 5));
	assert_true(has(&inbox, COUNT + MOVED));
	assert_int_equal(notes_of(&inbox), 0);
}

/* Only what has a copy is removed, whatever became of the target. */

static void
take_copy(void)
{
	const uint32_t second = 2;
	struct box *box = box_open(account, &target, false, &why);

	((struct box_private *)box)->settling = true;
	assert_int_equal(box_sync(box, &why), 0);
	assert_int_equal(box_expunge(box, &second, 1, false, &why), 0);
	box_close(box);
}

static void
remove_target(void)
{
	assert_int_equal(box_delete(account, &target, &why), 0);
}

static void
replace_target(void)
{
	remove_target();
	assert_int_equal(box_create(account, &target, &why), 0);
}

static void
validity(const struct name *name)
{
	struct box *box = box_open(account, name, false, &why);

	assert_int_equal(box_begin(box, &why), 0);
	box->meta.uidvalidity++;
	box_touch_meta(box);
	assert_int_equal(box_commit(box, &why), 0);
	box_close(box);
}

static void
renumber_target(void)
{
	validity(&target);
}

static void
renumber_inbox(void)
{
	validity(&inbox);
}

static void
lose_target_index(void)
{
	assert_int_equal(index_remove(account->index_dir, "target", 2, &why),
	    0);
}

static void
test_doubt(void **state)
{
	static const struct {
		void (*happens)(void);
		size_t stay;
	} rows[] = {
		{ take_copy, COUNT - MOVED + 1 },
		{ remove_target, COUNT },
		{ replace_target, COUNT },
		{ renumber_target, COUNT },
		{ renumber_inbox, COUNT },
		{ lose_target_index, COUNT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct mover m = move(&target, COPIED);

		die(&m);
		rows[i].happens();
		assert_int_equal(memdriver_count(account, &inbox),
		    rows[i].stay);
		assert_int_equal(notes_of(&inbox), 0);
		memdriver_clear(account);
		account = memdriver_account();
		assert_int_equal(box_create(account, &target, &why), 0);
	}
}

/* Where it can't be finished now, it is later. */
static void
test_later(void **state)
{
	struct mover m = move(&target, COPIED);
	struct box *box;
	int syncs;

	(void)state;
	die(&m);
	memdriver.expunge_fault = FAULT_INUSE;
	box = memdriver_open(account, &inbox);
	assert_int_equal(box->count, COUNT);
	/* Once in a session is enough. */
	syncs = memdriver.syncs;
	assert_int_equal(box_sync(box, &why), 0);
	assert_int_equal(memdriver.syncs, syncs + 1);
	box_close(box);
	memdriver.expunge_fault = FAULT_NONE;
	assert_int_equal(notes_of(&inbox), 1);
	assert_int_equal(memdriver_count(account, &inbox), COUNT - MOVED);
}

/* The index may say anything. */
static void
test_hostile(void **state)
{
	const struct span rows[] = {
		SPAN("x"),
		SPAN("\1NRT\1\0\0\0\6\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		    "../../"),
		SPAN("\1NRT\1\0\0\0\6\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		    "target1"),
		SPAN("\1NRT\2\0\0\0\6\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0"
		    "target1:4294967295"),
		SPAN("\1NRT\2\0\0\0\6\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0"
		    "target"),
		SPAN("\1NRT\2\0\0\0\5\0\0\0\3\0\0\0\xE8\3\0\0\xE8\3\0\0"
		    "\1\0\0\0INBOX1,1,1"),
		SPAN("\1NRT\3\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		    "target"),
		SPAN("\1NRT\1\0\0\0\xFF\xFF\xFF\xFF\0\0\0\0\0\0\0\0\0\0\0\0"
		    "\0\0\0\0target"),
	};
	struct box *box = memdriver_open(account, &inbox);

	(void)state;
	memdriver_deliver(box, COUNT);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(box_begin(box, &why), 0);
		index_transit_put(box->index, 1000 + i, rows[i]);
		box_touch_meta(box);
		assert_int_equal(box_commit(box, &why), 0);
		assert_true(box->meta.transits);
		assert_int_equal(box_sync(box, &why), 0);
		assert_int_equal(box->count, COUNT);
		assert_int_equal(notes_of(&inbox), 0);
	}
	/* No more than so many are kept. */
	((struct box_private *)box)->settling = true;
	for (uint64_t i = 0; i < INDEX_TRANSITS + 4; i++) {
		assert_int_equal(box_begin(box, &why), 0);
		index_transit_put(box->index, 2 + i, SPAN("x"));
		assert_int_equal(box_commit(box, &why), 0);
	}
	assert_int_equal(notes_of(&inbox), INDEX_TRANSITS);
	box_close(box);
	assert_int_equal(memdriver_count(account, &inbox), COUNT);
	assert_int_equal(notes_of(&inbox), 0);
}

/* UIDs in more pieces than are noted down: it is moved all the same. */
static void
test_many(void **state)
{
	struct box *box = memdriver_open(account, &inbox);
	struct append *a = append_new(account, &target, NULL, &why);
	uint32_t *odd = memory_grow_array(NULL, BOUND_SEQSET + 1,
	    sizeof *odd);
	struct transit *t;

	(void)state;
	for (uint32_t i = 0; i <= BOUND_SEQSET; i++)
		odd[i] = 2 * i + 1;
	assert_int_equal(transit_begin(&t, box, a, odd, BOUND_SEQSET + 1,
	    &why), 0);
	assert_null(t);
	assert_int_equal(transit_begin(&t, box, a, odd, BOUND_SEQSET, &why),
	    0);
	assert_non_null(t);
	transit_end(t, true);
	append_free(a);
	free(odd);
	box_close(box);
}

static int
setup_target(void **state)
{
	memdriver_setup(state);
	return box_create(account, &target, &why);
}

int
main(void)
{
#define ROW(f)	cmocka_unit_test_prestate_setup_teardown(f, setup_target, \
		    memdriver_teardown, &account)
	const struct CMUnitTest tests[] = {
		MEMDRIVER_TEST(test_finish, account),
		ROW(test_alive),
		ROW(test_two),
		ROW(test_same),
		ROW(test_doubt),
		ROW(test_later),
		ROW(test_hostile),
		ROW(test_many),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
