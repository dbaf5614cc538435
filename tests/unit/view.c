/* SPDX-License-Identifier: Apache-2.0 */
/* Views: message numbers, what may be told when, and \Recent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/arena.h"
#include "c-client/base/fault.h"
#include "c-client/store/account.h"
#include "c-client/store/box.h"
#include "c-client/store/view.h"
#include "tests/lib/memdriver.h"

MEMDRIVER_TABLE

static struct arena *scratch;
static struct account *account;
static struct fault why;
static const struct name inbox = { .path = "INBOX", .inbox = true };

/* A session with its own box, as another process would have it. */
struct session {
	struct box *box;
	struct view *view;
	struct view_changes c;
};

static void
start(struct session *s, bool readonly)
{
	s->box = box_open(account, &inbox, readonly, &why);
	assert_non_null(s->box);
	assert_int_equal(box_sync(s->box, &why), 0);
	s->view = view_new(s->box, readonly, &why);
	assert_non_null(s->view);
}

static void
stop(struct session *s)
{
	view_free(s->view);
	box_close(s->box);
}

static void
look(struct session *s, bool may_expunge)
{
	arena_reset(scratch);
	assert_int_equal(view_sync(s->view, may_expunge, scratch, &s->c,
	    &why), 0);
}

static void
flag(struct session *s, uint32_t uid, uint16_t flags, uint64_t *modseq)
{
	struct box_store change = { .op = BOX_STORE_ADD, .flags = flags };

	assert_int_equal(box_store_flags(s->box, &uid, 1, &change, modseq,
	    &why), 0);
}

static void
expunge(struct session *s, uint32_t uid)
{
	assert_int_equal(box_begin(s->box, &why), 0);
	/* Another session may have been quicker. */
	if (box_find(s->box, uid) != -1)
		box_remove(s->box, (size_t)box_find(s->box, uid));
	assert_int_equal(box_commit(s->box, &why), 0);
}

static bool
is_quiet(const struct view_changes *c)
{
	return c->expunged_count == 0 && !c->exists && !c->recent &&
	    !c->keywords && c->flags_count == 0 && !c->hidden &&
	    !c->renumbered;
}

static void
test_differences(void **state)
{
	struct session a, b;
	uint64_t modseq;

	(void)state;
	start(&a, false);
	memdriver_deliver(a.box, 10);
	look(&a, true);
	assert_true(a.c.exists && a.c.recent);
	assert_int_equal(a.view->count, 10);
	start(&b, false);
	assert_int_equal(b.view->count, 10);
	look(&b, true);
	assert_true(is_quiet(&b.c));

	/* Flags are told to the other and, once, to who made them. */
	flag(&a, 3, FLAG_SEEN, &modseq);
	flag(&a, 7, FLAG_DELETED, &modseq);
	look(&b, false);
	assert_int_equal(b.c.flags_count, 2);
	assert_int_equal(b.c.flags[0], 3);
	assert_int_equal(b.c.flags[1], 7);
	look(&b, true);
	assert_true(is_quiet(&b.c));

	/* Expunges wait until they may be told; numbers stay meanwhile, and
	 * what comes is told at once. */
	look(&a, true);
	expunge(&a, 2);
	expunge(&a, 3);
	expunge(&a, 10);
	memdriver_deliver(a.box, 1);
	flag(&a, 9, FLAG_FLAGGED, &modseq);
	look(&b, false);
	assert_true(b.c.hidden && b.c.exists);
	assert_int_equal(b.c.expunged_count, 0);
	assert_int_equal(b.view->count, 11);
	assert_int_equal(b.c.flags_count, 1);
	assert_int_equal(b.c.flags[0], 9);
	assert_null(view_record(b.view, 2));
	assert_null(view_record(b.view, 0));
	assert_null(view_record(b.view, 12));
	assert_int_equal(view_record(b.view, 4)->uid, 4);
	assert_int_equal(view_number(b.view, 11), 11);
	flag(&a, 9, FLAG_ANSWERED, &modseq);
	look(&b, true);
	assert_false(b.c.hidden);
	assert_int_equal(b.c.expunged_count, 3);
	assert_int_equal(b.c.expunged[0], 2);
	assert_int_equal(b.c.expunged[1], 2);
	assert_int_equal(b.c.expunged[2], 8);
	assert_int_equal(b.view->count, 8);
	assert_int_equal(b.c.flags_count, 1);
	assert_int_equal(b.c.flags[0], 7);
	assert_int_equal(view_number(b.view, 11), 8);
	assert_int_equal(view_number(b.view, 3), 0);
	look(&b, true);
	assert_true(is_quiet(&b.c));
	assert_int_equal(view_first_unseen(b.view), 1);
	for (uint32_t i = 1; i <= 8; i++)
		flag(&b, view_uid(b.view, i), i == 5 ? FLAG_DRAFT : FLAG_SEEN,
		    &modseq);
	look(&b, true);
	assert_int_equal(view_first_unseen(b.view), 5);
	stop(&a);
	stop(&b);
	view_free(NULL);
}

static void
test_recent(void **state)
{
	struct session a, b, r;

	(void)state;
	start(&r, true);
	start(&a, false);
	memdriver_deliver(a.box, 3);
	/* Who only reads sees them and takes nothing. */
	look(&r, true);
	assert_int_equal(r.view->recent_count, 3);
	look(&a, true);
	assert_int_equal(a.view->recent_count, 3);
	start(&b, false);
	assert_int_equal(b.view->recent_count, 0);
	/* Each is recent in one of them, whoever comes first. */
	for (int i = 0; i < 20; i++) {
		struct session *first = i % 3 == 0 ? &a : &b;
		size_t before = a.view->recent_count + b.view->recent_count;

		memdriver_deliver(i % 2 == 0 ? a.box : b.box, 2);
		look(first, false);
		look(first == &a ? &b : &a, false);
		assert_int_equal(a.view->recent_count +
		    b.view->recent_count, before + 2);
		assert_int_equal(view_is_recent(first->view,
		    (uint32_t)first->view->count),
		    1);
	}
	expunge(&a, view_uid(a.view, 1));
	look(&a, true);
	assert_true(a.c.recent);
	stop(&a);
	stop(&b);
	stop(&r);
	start(&a, false);
	assert_int_equal(a.view->recent_count, 0);
	stop(&a);
}

static void
test_told(void **state)
{
	struct session a, b;
	uint64_t before, modseq, other;

	(void)state;
	start(&a, false);
	memdriver_deliver(a.box, 5);
	look(&a, true);
	start(&b, false);
	/* Silent: alone, it need not be told. */
	before = a.box->meta.highestmodseq;
	flag(&a, 1, FLAG_SEEN, &modseq);
	view_told(a.view, before, modseq);
	look(&a, true);
	assert_int_equal(a.c.flags_count, 0);
	/* Somebody else's change in between is not lost. */
	before = a.box->meta.highestmodseq;
	look(&b, true);
	flag(&b, 2, FLAG_SEEN, &other);
	flag(&a, 3, FLAG_SEEN, &modseq);
	view_told(a.view, before, modseq);
	look(&a, true);
	assert_int_equal(a.c.flags_count, 2);
	assert_int_equal(a.c.flags[0], 2);
	assert_int_equal(a.c.flags[1], 3);
	/* Nothing was changed: modseq 0. */
	view_told(a.view, a.box->meta.highestmodseq, 0);
	look(&a, true);
	assert_true(is_quiet(&a.c));
	stop(&a);
	stop(&b);
}

static void
test_keywords(void **state)
{
	struct session a, b;
	struct span word = SPAN("Work");
	struct box_store change = { .keywords = &word, .keyword_count = 1 };
	uint64_t modseq;
	uint32_t uid = 1;

	(void)state;
	start(&a, false);
	memdriver_deliver(a.box, 1);
	start(&b, false);
	assert_int_equal(box_store_flags(a.box, &uid, 1, &change, &modseq,
	    &why), 0);
	look(&b, false);
	assert_true(b.c.keywords);
	assert_int_equal(b.c.flags_count, 1);
	look(&b, false);
	assert_true(is_quiet(&b.c));
	stop(&a);
	stop(&b);
}

static void
test_renumbered(void **state)
{
	struct session a, b;

	(void)state;
	start(&a, false);
	memdriver_deliver(a.box, 3);
	start(&b, false);
	assert_int_equal(box_begin(a.box, &why), 0);
	box_remove_all(a.box, true);
	a.box->meta.uidvalidity++;
	assert_int_equal(box_commit(a.box, &why), 0);
	look(&b, true);
	assert_true(b.c.renumbered);
	assert_int_equal(b.c.expunged_count, 0);
	stop(&a);
	stop(&b);
}

/* A fault of the format comes with what is known from the index. */
static void
test_fault(void **state)
{
	struct session a, b;

	(void)state;
	start(&a, false);
	memdriver_deliver(a.box, 3);
	start(&b, false);
	memdriver_deliver(a.box, 1);
	memdriver.sync_fault = FAULT_INUSE;
	assert_int_equal(view_sync(b.view, true, scratch, &b.c, &why), -1);
	assert_int_equal(why.code, FAULT_INUSE);
	assert_true(b.c.exists);
	assert_int_equal(b.view->count, 4);
	memdriver.sync_fault = FAULT_NONE;
	stop(&a);
	stop(&b);
}

/* Many differences and an arena that can't hold them. */
static void
test_small_arena(void **state)
{
	struct arena *small = arena_new(64);
	struct session a, b;
	struct box_store change = { .flags = FLAG_SEEN };
	uint32_t uids[2000];
	uint64_t modseq;

	(void)state;
	start(&a, false);
	memdriver_deliver(a.box, 2000);
	start(&b, false);
	for (uint32_t i = 0; i < 2000; i++)
		uids[i] = i + 1;
	assert_int_equal(box_store_flags(a.box, uids + 1000, 1000, &change,
	    &modseq, &why), 0);
	for (uint32_t uid = 1; uid <= 100; uid++)
		expunge(&a, uid);
	assert_int_equal(view_sync(b.view, true, small, &b.c, &why), 0);
	assert_int_equal(b.c.expunged_count, 100);
	assert_int_equal(b.c.flags_count, 1000);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(b.c.expunged[i], 1);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(b.c.flags[i], 901 + i);
	stop(&a);
	stop(&b);
	arena_free(small);
}

/* Random sessions: a client's picture, kept from the differences alone, is
 * the view's, and in the end the truth. */
static void
test_random(void **state)
{
	enum { SESSIONS = 3 };
	struct session s[SESSIONS];
	uint32_t *seen[SESSIONS];
	size_t seen_count[SESSIONS] = { 0 };
	unsigned seed = 42;
	uint64_t modseq;

	(void)state;
	for (size_t i = 0; i < SESSIONS; i++) {
		start(&s[i], false);
		seen[i] = calloc(5000, sizeof *seen[i]);
	}
	for (int round = 0; round < 500; round++) {
		size_t who = (size_t)rand_r(&seed) % SESSIONS;
		struct session *x = &s[who];
		struct view *v = x->view;
		int what = rand_r(&seed) % 10;

		if (what < 3)
			memdriver_deliver(x->box,
			    (size_t)rand_r(&seed) % 5);
		else if (what < 6 && x->box->count > 0)
			expunge(x, x->box->records[(size_t)rand_r(&seed) %
			    x->box->count].uid);
		else if (x->box->count > 0)
			flag(x, x->box->records[(size_t)rand_r(&seed) %
			    x->box->count].uid, FLAG_SEEN, &modseq);
		look(x, rand_r(&seed) % 2 == 0);
		for (size_t i = 0; i < x->c.expunged_count; i++) {
			uint32_t n = x->c.expunged[i];

			assert_in_range(n, 1, seen_count[who]);
			memmove(seen[who] + n - 1, seen[who] + n,
			    (seen_count[who] - n) * sizeof **seen);
			seen_count[who]--;
		}
		assert_true(v->count >= seen_count[who]);
		assert_true(v->count == seen_count[who] || x->c.exists);
		for (size_t i = seen_count[who]; i < v->count; i++)
			seen[who][i] = view_uid(v, (uint32_t)i + 1);
		seen_count[who] = v->count;
		for (size_t i = 0; i < v->count; i++)
			assert_int_equal(seen[who][i],
			    view_uid(v, (uint32_t)i + 1));
	}
	for (size_t i = 0; i < SESSIONS; i++) {
		look(&s[i], true);
		assert_int_equal(s[i].view->count, s[0].box->count);
		for (uint32_t n = 1; n <= s[i].view->count; n++)
			assert_non_null(view_record(s[i].view, n));
	}
	for (size_t i = 0; i < SESSIONS; i++) {
		stop(&s[i]);
		free(seen[i]);
	}
}

static int
setup(void **state)
{
	scratch = arena_new(0);
	return memdriver_setup(state);
}

static int
teardown(void **state)
{
	arena_free(scratch);
	return memdriver_teardown(state);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_prestate_setup_teardown(f, setup, \
		    teardown, &account)
	const struct CMUnitTest tests[] = {
		TEST(test_differences),
		TEST(test_recent),
		TEST(test_told),
		TEST(test_keywords),
		TEST(test_renumbered),
		TEST(test_fault),
		TEST(test_small_arena),
		TEST(test_random),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
