/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting messages: in memory, in a file, and all or none. */
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
#include <time.h>
#include <unistd.h>

#include "c-client/base/bounds.h"
#include "c-client/base/fault.h"
#include "c-client/store/account.h"
#include "c-client/store/append.h"
#include "c-client/store/box.h"
#include "tests/lib/child.h"
#include "tests/lib/memdriver.h"

MEMDRIVER_TABLE

static struct account *account;
static struct fault why;
static const struct name inbox = { .path = "INBOX", .inbox = true };

static struct append *
begin(void)
{
	struct append *a = append_new(account, &inbox, NULL, &why);

	assert_non_null(a);
	return a;
}

static void
message(struct append *a)
{
	assert_int_equal(append_message(a, FLAG_SEEN, NULL, 0, true, 1, 2,
	    &why), 0);
}

static int
data(struct append *a, const char *text)
{
	return append_data(a, span_of(text), &why);
}

static void
test_plain(void **state)
{
	struct append *a = begin();
	struct box_status s;

	(void)state;
	message(a);
	assert_int_equal(data(a, "Subject: x\r\n"), 0);
	assert_int_equal(data(a, ""), 0);
	assert_int_equal(data(a, "\r\nbody\r\n"), 0);
	message(a);
	assert_int_equal(data(a, "second"), 0);
	message(a);
	assert_int_equal(append_count(a), 3);
	assert_int_equal(append_commit(a, &why), 0);
	assert_string_equal(memdriver.appended,
	    "Subject: x\r\n\r\nbody\r\nsecond");
	assert_int_equal(append_uidvalidity(a), 1000);
	assert_int_equal(append_uid(a, 0), 1);
	assert_int_equal(append_uid(a, 2), 3);
	append_free(a);
	append_free(NULL);
	assert_int_equal(box_status(account, &inbox, &s, &why), 0);
	assert_int_equal(s.messages, 3);
	assert_int_equal(s.size_octets, 26);
}

static void
test_selected(void **state)
{
	struct box *box = box_open(account, &inbox, false, &why);
	struct append *a;

	(void)state;
	assert_int_equal(box_sync(box, &why), 0);
	a = append_new(account, &inbox, box, &why);
	message(a);
	assert_int_equal(data(a, "x"), 0);
	assert_int_equal(append_commit(a, &why), 0);
	append_free(a);
	assert_int_equal(box->count, 1);
	/* Selected for reading only: a box of its own is used. */
	box->readonly = true;
	a = append_new(account, &inbox, box, &why);
	assert_non_null(a);
	message(a);
	assert_int_equal(append_commit(a, &why), 0);
	append_free(a);
	assert_int_equal(box->count, 1);
	assert_int_equal(box_sync(box, &why), 0);
	assert_int_equal(box->count, 2);
	box_close(box);
}

static void
test_refused(void **state)
{
	struct name missing = { .path = "missing" };
	struct append *a;
	struct box_status s;

	(void)state;
	assert_null(append_new(account, &missing, NULL, &why));
	assert_int_equal(why.code, FAULT_NOTFOUND);
	a = begin();
	message(a);
	memdriver.append_fails = true;
	assert_int_equal(append_commit(a, &why), -1);
	append_free(a);
	memdriver.append_fails = false;
	/* Nothing collected: nothing done. */
	a = begin();
	assert_int_equal(append_commit(a, &why), 0);
	append_free(a);
	assert_int_equal(box_status(account, &inbox, &s, &why), 0);
	assert_int_equal(s.messages, 0);
}

/* The edge of memory: pieces of many sizes around it, read back anywhere. */
static void
test_large(void **state)
{
	static const size_t pieces[] = { 1, 100, 65536, BOUND_WHOLE / 2,
	    BOUND_WHOLE / 2 - 100 - 65536 - 1 - 1, 1, 1, 65537, 7 };
	char *text = malloc(BOUND_WHOLE * 2), *back = malloc(BOUND_WHOLE);
	struct append *a = begin();
	struct append_item item = { .from = a };
	size_t total = 0;

	(void)state;
	for (size_t i = 0; i < BOUND_WHOLE * 2; i++)
		text[i] = (char)(i * 31 + i / 4096);
	message(a);
	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		assert_int_equal(append_data(a, (struct span){ text + total,
		    pieces[i] }, &why), 0);
		total += pieces[i];
		item.size = total;
		for (size_t k = 0; k < 20; k++) {
			size_t off = total * k / 20;
			size_t n = total - off < 1000 ? total - off : 1000;

			assert_int_equal(append_read(&item, off, back, n,
			    &why), 0);
			assert_memory_equal(back, text + off, n);
		}
	}
	assert_true(total > BOUND_WHOLE);
	assert_int_equal(append_read(&item, total, back, 0, &why), 0);
	assert_int_equal(append_read(&item, total, back, 1, &why), -1);
	assert_int_equal(append_read(&item, total + 1, back, 0, &why), -1);
	assert_int_equal(append_read(&item, 0, back, total + 1, &why), -1);
	append_free(a);
	free(text);
	free(back);
}

/* No room for the temporary file: the message is refused, and what came of
 * it is never written. */
static void
full_child(void)
{
	struct append *a = append_new(account, &inbox, NULL, &why);
	struct rlimit limit = { 5000000, 5000000 };
	char *piece = calloc(1, 1000000);

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	if (append_message(a, 0, NULL, 0, false, 0, 0, &why) == -1)
		_exit(1);
	for (int i = 0; i < 10; i++) {
		if (append_data(a, (struct span){ piece, 1000000 }, &why) ==
		    0)
			continue;
		if (why.code != FAULT_QUOTA)
			_exit(2);
		_exit(append_commit(a, &why) == -1 ? 0 : 3);
	}
	_exit(4);
}

static void
test_full(void **state)
{
	(void)state;
	child_succeeds(full_child);
}

static void
test_limits(void **state)
{
	struct append *a = begin();
	struct span words[BOUND_KEYWORDS + 1];
	char *piece = calloc(1, 16u << 20);
	uint64_t sent = 0;

	(void)state;
	for (size_t i = 0; i <= BOUND_KEYWORDS; i++)
		words[i] = SPAN("word");
	assert_int_equal(append_message(a, 0, words, BOUND_KEYWORDS, false, 0,
	    0, &why), 0);
	assert_int_equal(append_message(a, 0, words, BOUND_KEYWORDS + 1,
	    false, 0, 0, &why), -1);
	assert_int_equal(why.code, FAULT_LIMIT);
	/* What is announced over the limit is refused before it is read. */
	for (int i = 0; i < 2; i++, sent += 16u << 20)
		assert_int_equal(append_data(a, (struct span){ piece,
		    16u << 20 }, &why), 0);
	assert_int_equal(append_data(a, (struct span){ piece,
	    BOUND_APPEND - sent + 1 }, &why), -1);
	assert_int_equal(why.code, FAULT_LIMIT);
	free(piece);
	append_free(a);
}

int
main(void)
{
#define TEST(f)	MEMDRIVER_TEST(f, account)
	const struct CMUnitTest tests[] = {
		TEST(test_plain),
		TEST(test_selected),
		TEST(test_refused),
		TEST(test_large),
		TEST(test_full),
		TEST(test_limits),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
