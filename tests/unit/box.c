/* SPDX-License-Identifier: Apache-2.0 */
/* Open mailboxes: transactions, flags, keywords, STATUS, and names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/fault.h"
#include "c-client/store/account.h"
#include "c-client/store/box.h"
#include "c-client/store/index.h"
#include "tests/lib/child.h"
#include "tests/lib/memdriver.h"

MEMDRIVER_TABLE

static struct account *account;
static struct fault why;
static const struct name inbox = { .path = "INBOX", .inbox = true };

static struct name
named(const char *path)
{
	return (struct name){ .path = path };
}

static void
test_transactions(void **state)
{
	struct box *a = memdriver_open(account, &inbox), *b;
	uint64_t generation, modseq;
	static const size_t gone[] = { 0, 3, 4, 150, 199 };

	(void)state;
	assert_int_equal(a->meta.uidvalidity, 1000);
	memdriver_deliver(a, 200);
	assert_int_equal(a->count, 200);
	assert_true(a->records[199].modseq == a->meta.highestmodseq);
	b = memdriver_open(account, &inbox);
	assert_int_equal(b->count, 200);
	generation = b->generation;
	assert_int_equal(box_sync(b, &why), 0);
	assert_true(b->generation == generation);

	/* Many at once go as one by one would. */
	assert_int_equal(box_begin(a, &why), 0);
	modseq = box_modseq(a);
	assert_true(modseq > b->meta.highestmodseq);
	assert_true(box_modseq(a) == modseq);
	box_remove_many(a, gone, 5);
	assert_int_equal(a->count, 195);
	box_remove(a, 0);
	assert_int_equal(box_commit(a, &why), 0);
	assert_int_equal(box_sync(b, &why), 0);
	assert_true(b->generation != generation);
	assert_int_equal(b->count, 194);
	assert_memory_equal(a->records, b->records,
	    194 * sizeof *a->records);
	assert_int_equal(b->records[0].uid, 3);
	assert_int_equal(box_find(b, 4), -1);
	assert_int_equal(box_find(b, 6), 1);
	assert_int_equal(box_find_from(b, 4), 1);
	assert_int_equal(box_find_from(b, 1000), 194);

	/* Rolled back, everything is as before. */
	assert_int_equal(box_begin(a, &why), 0);
	box_remove_all(a, false);
	a->meta.uidnext = 5000;
	box_touch_meta(a);
	box_rollback(a);
	assert_int_equal(a->count, 194);
	assert_int_equal(a->meta.uidnext, 201);

	/* Renumbered. */
	assert_int_equal(box_begin(a, &why), 0);
	box_remove_all(a, true);
	a->meta.uidvalidity++;
	a->meta.uidnext = 1;
	box_add(a, &(struct record){ .uid = a->meta.uidnext++ });
	assert_int_equal(box_commit(a, &why), 0);
	assert_int_equal(box_sync(b, &why), 0);
	assert_int_equal(b->meta.uidvalidity, 1001);
	assert_int_equal(b->count, 1);
	box_close(a);
	box_close(b);
	box_close(NULL);
}

static void
test_flags(void **state)
{
	static const struct {
		uint16_t before;
		enum box_store_op op;
		uint16_t flags, after;
	} rows[] = {
		{ 0, BOX_STORE_ADD, FLAG_SEEN, FLAG_SEEN },
		{ FLAG_SEEN, BOX_STORE_ADD, FLAG_SEEN, FLAG_SEEN },
		{ FLAG_SEEN, BOX_STORE_ADD, FLAG_DELETED | FLAG_DRAFT,
		    FLAG_SEEN | FLAG_DELETED | FLAG_DRAFT },
		{ FLAG_SEEN | FLAG_OLD, BOX_STORE_SET, FLAG_ANSWERED,
		    FLAG_ANSWERED | FLAG_OLD },
		{ FLAG_SEEN | FLAG_OLD, BOX_STORE_SET, 0, FLAG_OLD },
		{ FLAG_SEEN | FLAG_FLAGGED, BOX_STORE_REMOVE, FLAG_SEEN,
		    FLAG_FLAGGED },
		{ FLAG_OLD, BOX_STORE_REMOVE, FLAG_ALL_SYSTEM | FLAG_OLD,
		    FLAG_OLD },
	};
	struct box *box = memdriver_open(account, &inbox);
	const uint32_t uid = box->meta.uidnext;
	uint64_t modseq;

	(void)state;
	memdriver_deliver(box, 1);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct box_store change = { .op = rows[i].op,
		    .flags = rows[i].flags };
		struct record *r;
		uint64_t before;

		assert_int_equal(box_begin(box, &why), 0);
		r = &box->records[box_find(box, uid)];
		r->flags = rows[i].before;
		box_touch(box, (size_t)(r - box->records));
		assert_int_equal(box_commit(box, &why), 0);
		before = box->meta.highestmodseq;
		assert_int_equal(box_store_flags(box, &uid, 1, &change,
		    &modseq, &why), 0);
		r = &box->records[box_find(box, uid)];
		assert_int_equal(r->flags, rows[i].after);
		if (rows[i].before == rows[i].after) {
			assert_true(modseq == 0);
			assert_true(box->meta.highestmodseq == before);
		} else {
			assert_true(modseq > before && r->modseq == modseq);
		}
	}
	box_close(box);
}

static void
test_flags_many(void **state)
{
	struct box *box = memdriver_open(account, &inbox);
	struct box_store change = { .op = BOX_STORE_ADD,
	    .flags = FLAG_FLAGGED };
	static const uint32_t uids[] = { 1, 5, 7, 8, 9, 4000000000u };
	uint64_t modseq;
	size_t n = 0;

	(void)state;
	memdriver_deliver(box, 10);
	assert_int_equal(box_begin(box, &why), 0);
	box_remove(box, (size_t)box_find(box, box->records[0].uid));
	assert_int_equal(box_commit(box, &why), 0);
	assert_int_equal(box_store_flags(box, uids, 6, &change, &modseq,
	    &why), 0);
	for (size_t i = 0; i < box->count; i++) {
		bool wanted = false;

		for (size_t k = 0; k < 6; k++)
			wanted = wanted || uids[k] == box->records[i].uid;
		assert_int_equal((box->records[i].flags & FLAG_FLAGGED) != 0,
		    wanted);
		n += wanted;
	}
	assert_true(n >= 3);
	assert_int_equal(box_store_flags(box, uids, 0, &change, &modseq,
	    &why), 0);
	box->readonly = true;
	assert_int_equal(box_store_flags(box, uids, 6, &change, &modseq,
	    &why), -1);
	assert_int_equal(why.code, FAULT_READONLY);
	box_close(box);
}

static void
test_keywords(void **state)
{
	struct box *a = memdriver_open(account, &inbox);
	struct box *b = memdriver_open(account, &inbox);
	struct span words[2] = { SPAN("$Junk"), SPAN("NonJunk") };
	struct box_store change = { .op = BOX_STORE_ADD, .keywords = words,
	    .keyword_count = 2 };
	static const char *const bad[] = { "", "a b", "a(b", "\\Seen", "a\"",
	    "a]", "a*", "a%", "\303\244", "a\177", "a\1" };
	char longest[BOUND_KEYWORD + 2], word[16];
	uint32_t uid = a->meta.uidnext;
	uint64_t modseq;

	(void)state;
	memdriver_deliver(a, 1);
	assert_int_equal(box_store_flags(a, &uid, 1, &change, &modseq, &why),
	    0);
	assert_int_equal(box_keyword(a, SPAN("$JUNK")), 0);
	assert_int_equal(box_sync(b, &why), 0);
	assert_int_equal(box_keyword(b, SPAN("nonjunk")), 1);
	assert_string_equal(b->meta.keywords[1], "NonJunk");
	assert_int_equal(b->records[box_find(b, uid)].keywords.bits[0], 3);
	change.op = BOX_STORE_REMOVE;
	words[1] = SPAN("Unknown");
	assert_int_equal(box_store_flags(a, &uid, 1, &change, &modseq, &why),
	    0);
	assert_int_equal(a->records[box_find(a, uid)].keywords.bits[0], 2);
	assert_int_equal(a->meta.keyword_count, 2);

	assert_int_equal(box_begin(a, &why), 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(box_keyword_add(a, span_of(bad[i]), &why),
		    -1);
		assert_int_equal(why.code, FAULT_SYNTAX);
	}
	memset(longest, 'k', sizeof longest);
	assert_int_equal(box_keyword_add(a, (struct span){ longest,
	    BOUND_KEYWORD + 1 }, &why), -1);
	assert_int_equal(box_keyword_add(a, (struct span){ longest,
	    BOUND_KEYWORD }, &why), 2);
	assert_int_equal(box_commit(a, &why), 0);

	/* One too many, and nothing of it stays. */
	assert_int_equal(box_begin(a, &why), 0);
	for (unsigned i = 3; i < BOUND_KEYWORDS; i++) {
		snprintf(word, sizeof word, "k%u", i);
		assert_int_equal(box_keyword_add(a, span_of(word), &why), i);
	}
	assert_int_equal(box_commit(a, &why), 0);
	change.op = BOX_STORE_ADD;
	words[0] = SPAN("k5");
	words[1] = SPAN("onemore");
	assert_int_equal(box_store_flags(a, &uid, 1, &change, &modseq, &why),
	    -1);
	assert_int_equal(why.code, FAULT_LIMIT);
	assert_int_equal(a->records[box_find(a, uid)].keywords.bits[0], 2);
	words[1] = SPAN("k127");
	assert_int_equal(box_store_flags(a, &uid, 1, &change, &modseq, &why),
	    0);
	assert_int_equal(box_sync(b, &why), 0);
	assert_true(b->records[box_find(b, uid)].keywords.bits[1] ==
	    UINT64_C(1) << 63);
	box_close(a);
	box_close(b);
}

/* Files can't grow any more: changes are refused and undone in memory too. */
static void
full_child(void)
{
	struct rlimit limit;
	struct box *box = memdriver_open(account, &inbox);
	struct box_store change = { .op = BOX_STORE_SET,
	    .flags = FLAG_SEEN };
	uint32_t uids[3000];
	uint64_t modseq;

	memdriver_deliver(box, 3000);
	for (size_t i = 0; i < 3000; i++)
		uids[i] = box->records[i].uid;
	signal(SIGXFSZ, SIG_IGN);
	limit.rlim_cur = limit.rlim_max = 20000;
	setrlimit(RLIMIT_FSIZE, &limit);
	if (box_store_flags(box, uids, 3000, &change, &modseq, &why) != -1)
		_exit(10);
	if (why.code != FAULT_QUOTA)
		_exit(11);
	if (box->count != 3000)
		_exit(12);
	for (size_t i = 0; i < 3000; i++)
		if (box->records[i].flags != 0)
			_exit(13);
	if (box_sync(box, &why) == -1)
		_exit(14);
	_exit(0);
}

static void
test_full(void **state)
{
	(void)state;
	child_succeeds(full_child);
}

static void
test_status(void **state)
{
	struct box *box = memdriver_open(account, &inbox);
	struct box_store change = { .flags = FLAG_SEEN };
	static const uint32_t uids[] = { 2, 3 };
	struct box_status s;
	uint64_t modseq;
	struct name missing = named("missing");

	(void)state;
	memdriver_deliver(box, 10);
	assert_int_equal(box_store_flags(box, uids, 2, &change, &modseq,
	    &why), 0);
	assert_int_equal(box_status(account, &inbox, &s, &why), 0);
	assert_int_equal(s.messages, 10);
	assert_int_equal(s.recent, 10);
	assert_int_equal(s.unseen, 8);
	assert_int_equal(s.uidnext, 11);
	assert_int_equal(s.uidvalidity, 1000);
	assert_int_equal(s.size_octets, 1000);
	assert_true(s.highestmodseq == modseq);
	assert_int_equal(box_status(account, &missing, &s, &why), -1);
	assert_int_equal(why.code, FAULT_NOTFOUND);
	box_close(box);
}

static enum fault_code
create(const char *path, bool directory)
{
	struct name name = { .path = path, .directory = directory,
	    .inbox = strcmp(path, "INBOX") == 0 };

	why.code = FAULT_NONE;
	return box_create(account, &name, &why) == 0 ? FAULT_NONE : why.code;
}

static enum fault_code
delete(const char *path)
{
	struct name name = { .path = path,
	    .inbox = strcmp(path, "INBOX") == 0 };

	why.code = FAULT_NONE;
	return box_delete(account, &name, &why) == 0 ? FAULT_NONE : why.code;
}

static enum fault_code
rename_to(const char *from, const char *to)
{
	struct name a = { .path = from,
	    .inbox = strcmp(from, "INBOX") == 0 };
	struct name b = { .path = to, .inbox = strcmp(to, "INBOX") == 0 };

	why.code = FAULT_NONE;
	return box_rename(account, &a, &b, &why) == 0 ? FAULT_NONE :
	    why.code;
}

/* Open, and deliver so many; its UIDVALIDITY's index keeps them. */
static size_t
messages_of(const char *path, size_t deliver)
{
	struct name name = named(path);
	struct box *box = memdriver_open(account, &name);
	size_t count;

	if (deliver > 0)
		memdriver_deliver(box, deliver);
	count = box->count;
	box_close(box);
	return count;
}

static void
test_names(void **state)
{
	char path[512];

	(void)state;
	assert_int_equal(create("INBOX", false), FAULT_EXISTS);
	assert_int_equal(create("a/b/c", false), FAULT_NONE);
	assert_int_equal(create("a/b/c", false), FAULT_EXISTS);
	assert_int_equal(create("a/b", false), FAULT_EXISTS);
	assert_int_equal(create("a/b/c/d", false), FAULT_CANNOT);
	assert_int_equal(create("dir", true), FAULT_NONE);
	assert_int_equal(create("dir", true), FAULT_EXISTS);
	assert_int_equal(create("x/y/z", true), FAULT_NONE);

	assert_int_equal(messages_of("a/b/c", 4), 4);
	assert_int_equal(rename_to("a/b/c", "q/r"), FAULT_NONE);
	assert_int_equal(messages_of("q/r", 0), 4);
	assert_int_equal(rename_to("a/b/c", "q/s"), FAULT_NOTFOUND);
	assert_int_equal(rename_to("q/r", "a/b"), FAULT_EXISTS);
	assert_int_equal(rename_to("INBOX", "q/r"), FAULT_EXISTS);
	assert_int_equal(rename_to("q/r", "INBOX"), FAULT_EXISTS);

	/* What is below a directory comes along. */
	assert_int_equal(rename_to("q", "n/m"), FAULT_NONE);
	assert_int_equal(messages_of("n/m/r", 0), 4);
	assert_int_equal(rename_to("n", "n/m/o"), FAULT_CANNOT);

	assert_int_equal(delete("INBOX"), FAULT_CANNOT);
	assert_int_equal(delete("n"), FAULT_CANNOT);
	assert_int_equal(delete("nothing"), FAULT_NOTFOUND);
	assert_int_equal(delete("n/m/r"), FAULT_NONE);
	snprintf(path, sizeof path, "%s/n%%2Fm%%2Fr", account->index_dir);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(delete("n/m"), FAULT_NONE);
	assert_int_equal(delete("n"), FAULT_NONE);
	assert_int_equal(create("n/m/r", false), FAULT_NONE);
	assert_int_equal(messages_of("n/m/r", 0), 0);
}

/* Links lead nowhere outside. */
static void
test_outside(void **state)
{
	char link[512], target[512];

	(void)state;
	snprintf(link, sizeof link, "%s/out", account->root);
	snprintf(target, sizeof target, "%s/..", account->root);
	assert_int_equal(symlink(target, link), 0);
	assert_int_not_equal(create("out/escaped", false), FAULT_NONE);
	snprintf(target, sizeof target, "%s/../escaped", account->root);
	assert_int_equal(access(target, F_OK), -1);
	assert_int_not_equal(delete("out/mail"), FAULT_NONE);
	assert_int_equal(create("here", false), FAULT_NONE);
	assert_int_not_equal(rename_to("here", "out/there"), FAULT_NONE);
}

/* Deleted under an open session, and made again. */
static void
test_deleted_open(void **state)
{
	struct name name = named("short");
	struct box *box;
	char path[512];

	(void)state;
	assert_int_equal(create("short", false), FAULT_NONE);
	box = memdriver_open(account, &name);
	memdriver_deliver(box, 3);
	assert_int_equal(delete("short"), FAULT_NONE);
	assert_int_equal(box_sync(box, &why), -1);
	assert_int_equal(why.code, FAULT_NOTFOUND);
	box_close(box);
	snprintf(path, sizeof path, "%s/short", account->index_dir);
	assert_int_equal(access(path, F_OK), -1);

	assert_int_equal(create("short", false), FAULT_NONE);
	box = memdriver_open(account, &name);
	memdriver_deliver(box, 3);
	assert_int_equal(delete("short"), FAULT_NONE);
	assert_int_equal(create("short", false), FAULT_NONE);
	assert_int_equal(messages_of("short", 0), 0);
	assert_int_equal(box_sync(box, &why), 0);
	assert_int_equal(box->count, 0);
	box_close(box);
	assert_int_equal(messages_of("short", 1), 1);
}

int
main(void)
{
#define TEST(f)	MEMDRIVER_TEST(f, account)
	const struct CMUnitTest tests[] = {
		TEST(test_transactions),
		TEST(test_flags),
		TEST(test_flags_many),
		TEST(test_keywords),
		TEST(test_full),
		TEST(test_status),
		TEST(test_names),
		TEST(test_outside),
		TEST(test_deleted_open),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
