/* SPDX-License-Identifier: Apache-2.0 */
/* Where a user's mail is, as far as it can be found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/arena.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/store/account.h"
#include "tests/lib/tree.h"

static char base[64], home[80], spool[80];
static struct arena *keep;
static struct config config;
static struct account account;
static struct fault why;
static unsigned log_lines;

static void
count_lines(void *arg, int level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
	log_lines++;
}

static const char *
below(const char *dir, const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return arena_string(keep, path, strlen(path));
}

static void
test_plain(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(account_open(&account, keep, &config, "user", home,
	    false, &why), 0);
	assert_string_equal(account.root, home);
	assert_false(account.root_is_mail);
	assert_string_equal(account.spool, below(spool, "user"));
	assert_true(account.spool_writable);
	assert_string_equal(account.index_dir, below(home, ".imapindex"));
	assert_int_equal(stat(account.index_dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(log_lines, 0);
	account_close(&account);
	assert_int_equal(account.root_fd, -1);
}

static void
test_mail(void **state)
{
	(void)state;
	assert_int_equal(mkdir(below(home, "mail"), 0700), 0);
	assert_int_equal(account_open(&account, keep, &config, "user", home,
	    false, &why), 0);
	assert_string_equal(account.root, below(home, "mail"));
	assert_true(account.root_is_mail);
	account_close(&account);
	/* "mail/x" would mean two things. */
	assert_int_equal(mkdir(below(home, "mail/mail"), 0700), 0);
	assert_int_equal(account_open(&account, keep, &config, "user", home,
	    false, &why), 0);
	assert_false(account.root_is_mail);
	account_close(&account);
	config.mail_root = "Boxes";
	assert_int_equal(account_open(&account, keep, &config, "user", home,
	    false, &why), 0);
	assert_string_equal(account.root, below(home, "Boxes"));
	assert_true(account.root_fd != -1);
	account_close(&account);
}

static void
test_bad(void **state)
{
	static const char *const users[] = { NULL, "", ".", "..", "a/b",
	    "../x", ".hidden" };
	static const char *const homes[] = { NULL, "", "relative" };

	(void)state;
	for (size_t i = 0; i < sizeof users / sizeof users[0]; i++)
		assert_int_equal(account_open(&account, keep, &config,
		    users[i], home, false, &why), -1);
	for (size_t i = 0; i < sizeof homes / sizeof homes[0]; i++)
		assert_int_equal(account_open(&account, keep, &config, "user",
		    homes[i], false, &why), -1);
}

/* What can't be had is told in the log, once each. */
static void
test_missing(void **state)
{
	(void)state;
	config.mail_spool = "/nonexistent/spool";
	assert_int_equal(account_open(&account, keep, &config, "user",
	    "/nonexistent/home", false, &why), 0);
	assert_null(account.root);
	assert_int_equal(account.root_fd, -1);
	assert_null(account.index_dir);
	assert_false(account.spool_writable);
	assert_int_equal(log_lines, 2);
	assert_int_equal(account_lock_pop(&account, &why), 0);
	account_close(&account);
}

static void
test_index_dir(void **state)
{
	struct stat st;

	(void)state;
	config.index_dir = below(base, "ix-%u");
	assert_int_equal(account_open(&account, keep, &config, "user", home,
	    false, &why), 0);
	assert_string_equal(account.index_dir, below(base, "ix-user"));
	account_close(&account);
	/* Others could get in: closed. */
	assert_int_equal(chmod(below(base, "ix-user"), 0777), 0);
	assert_int_equal(account_open(&account, keep, &config, "user", home,
	    false, &why), 0);
	assert_int_equal(stat(account.index_dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	account_close(&account);
	/* A file of that name, and somebody else's directory. */
	config.index_dir = below(base, "file");
	close(open(config.index_dir, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(account_open(&account, keep, &config, "user", home,
	    false, &why), 0);
	assert_null(account.index_dir);
	account_close(&account);
	if (geteuid() == 0) {
		config.index_dir = below(base, "other");
		assert_int_equal(mkdir(config.index_dir, 0700), 0);
		assert_int_equal(chown(config.index_dir, 12345, 12345), 0);
		assert_int_equal(account_open(&account, keep, &config, "user",
		    home, false, &why), 0);
		assert_null(account.index_dir);
		account_close(&account);
	}
}

static void
test_pop(void **state)
{
	struct account other;

	(void)state;
	assert_int_equal(account_open(&account, keep, &config, "user", home,
	    false, &why), 0);
	assert_int_equal(account_open(&other, keep, &config, "user", home,
	    false, &why), 0);
	assert_int_equal(account_lock_pop(&account, &why), 0);
	assert_int_equal(account_lock_pop(&account, &why), 0);
	assert_int_equal(account_lock_pop(&other, &why), -1);
	assert_int_equal(why.code, FAULT_INUSE);
	account_close(&account);
	assert_int_equal(account_lock_pop(&other, &why), 0);
	account_close(&other);
}

static int
setup(void **state)
{
	char temp[] = "/tmp/imap-account-XXXXXX", real[4096];

	(void)state;
	log_lines = 0;
	log_to_sink(count_lines, NULL);
	if (mkdtemp(temp) == NULL || realpath(temp, real) == NULL)
		return -1;
	snprintf(base, sizeof base, "%.60s", real);
	snprintf(home, sizeof home, "%s/home", base);
	snprintf(spool, sizeof spool, "%s/spool", base);
	keep = arena_new(0);
	config_defaults(&config);
	config.mail_spool = spool;
	return mkdir(home, 0700) == -1 || mkdir(spool, 0700) == -1 ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(keep);
	return tree_remove(base);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_plain),
		TEST(test_mail),
		TEST(test_bad),
		TEST(test_missing),
		TEST(test_index_dir),
		TEST(test_pop),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
