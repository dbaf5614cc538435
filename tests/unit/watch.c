/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting with inotify: what wakes, what does not, and what is replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/fault.h"
#include "c-client/store/account.h"
#include "c-client/store/box.h"
#include "c-client/store/watch.h"
#include "tests/lib/child.h"
#include "tests/lib/logged.h"
#include "tests/lib/memdriver.h"

MEMDRIVER_TABLE

static struct account *account;
static struct fault why;
static const struct name inbox = { .path = "INBOX", .inbox = true };

static void
put(const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | flags, 0600);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static bool
is_readable(struct watch *w)
{
	struct pollfd p = { .fd = watch_fd(w), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* inotify's events are there when the call that made them returns.  A second
 * take may find that watches were given up; then it is quiet. */
static bool
woken(struct watch *w)
{
	bool any = is_readable(w) && watch_take(w);

	if (is_readable(w))
		assert_false(watch_take(w));
	assert_false(is_readable(w));
	return any;
}

static void
test_file(void **state)
{
	struct box *box = memdriver_open(account, &inbox), *other;
	struct watch *w;
	char beside[300], aside[300];
	int fd;

	(void)state;
	put(account->spool, "x", 0);
	w = watch_new(box);
	assert_true(watch_fd(w) != -1);
	assert_int_equal(watch_msecs(w), 60000);
	assert_false(woken(w));

	put(account->spool, "more", O_APPEND);
	assert_true(woken(w));
	assert_false(woken(w));
	/* Reading, and opening for writing, are no news. */
	fd = open(account->spool, O_RDWR);
	assert_int_equal(read(fd, beside, 1), 1);
	close(fd);
	assert_false(woken(w));
	/* The spool is a busy place. */
	snprintf(beside, sizeof beside, "%s.other", account->spool);
	put(beside, "x", 0);
	assert_false(woken(w));
	/* Replaced: the new one is looked at. */
	assert_int_equal(rename(beside, account->spool), 0);
	assert_true(woken(w));
	put(account->spool, "more", O_APPEND);
	assert_true(woken(w));
	/* Moved away, and back. */
	snprintf(aside, sizeof aside, "%s.aside", account->spool);
	assert_int_equal(rename(account->spool, aside), 0);
	assert_true(woken(w));
	put(account->spool, "x", 0);
	assert_true(woken(w));
	put(account->spool, "y", O_APPEND);
	assert_true(woken(w));
	/* Removed, and made again. */
	assert_int_equal(unlink(account->spool), 0);
	assert_true(woken(w));
	put(account->spool, "x", 0);
	assert_true(woken(w));
	put(account->spool, "y", O_APPEND);
	assert_true(woken(w));
	put(beside, "x", 0);
	assert_false(woken(w));

	/* Another session's flags come by the index. */
	other = memdriver_open(account, &inbox);
	/* SQLite gives root's log to the database's owner at each open; no
	 * session is root. */
	assert_false(woken(w) && geteuid() != 0);
	memdriver_deliver(other, 1);
	assert_true(woken(w));
	assert_int_equal(box_sync(box, &why), 0);
	assert_int_equal(box->count, 1);
	assert_false(woken(w));
	assert_int_equal(box_sync(other, &why), 0);
	assert_false(woken(w));
	box_close(other);
	watch_free(w);
	watch_free(NULL);
	box_close(box);
}

static void
test_missing(void **state)
{
	struct box *box = memdriver_open(account, &inbox);
	struct watch *w = watch_new(box);

	(void)state;
	assert_int_equal(watch_msecs(w), 60000);
	assert_false(woken(w));
	put(account->spool, "x", 0);
	assert_true(woken(w));
	put(account->spool, "y", O_APPEND);
	assert_true(woken(w));
	watch_free(w);
	box_close(box);
}

/* Neither file nor directory: looked for now and then, until it comes. */
static void
test_no_directory(void **state)
{
	struct box *box = memdriver_open(account, &inbox);
	const char *was = account->spool;
	char dir[300], file[310];
	struct watch *w;

	(void)state;
	snprintf(dir, sizeof dir, "%s-later", was);
	snprintf(file, sizeof file, "%s/user", dir);
	account->spool = file;
	w = watch_new(box);
	assert_int_equal(watch_msecs(w), 2000);
	assert_int_equal(mkdir(dir, 0700), 0);
	watch_take(w);
	assert_int_equal(watch_msecs(w), 60000);
	put(file, "x", 0);
	assert_true(woken(w));
	account->spool = was;
	watch_free(w);
	box_close(box);
}

/* No instance to be had: the log says which sysctl. */
static void
no_instance_child(void)
{
	struct box *box = memdriver_open(account, &inbox);
	struct rlimit limit = { 3, 3 };
	struct watch *w;

	/* No descriptor is the same errno as no instance: EMFILE. */
	setrlimit(RLIMIT_NOFILE, &limit);
	w = watch_new(box);
	_exit(watch_fd(w) != -1 ? 1 : watch_msecs(w) != 2000 ? 2 :
	    strstr(logged_text(), "max_user_instances") == NULL ? 3 :
	    !watch_take(w) ? 4 : 0);
}

static void
test_no_instance(void **state)
{
	(void)state;
	child_succeeds(no_instance_child);
}

int
main(void)
{
#define TEST(f)	MEMDRIVER_TEST(f, account)
	const struct CMUnitTest tests[] = {
		TEST(test_file),
		TEST(test_missing),
		TEST(test_no_directory),
		TEST(test_no_instance),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
