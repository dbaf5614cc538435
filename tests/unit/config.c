/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: each key, wrong lines, and what is logged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/config.h"
#include "c-client/base/config_keys.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"

static char last_line[1100];
static unsigned lines;

static void
keep_line(void *arg, int level, const char *line)
{
	(void)arg;
	(void)level;
	snprintf(last_line, sizeof last_line, "%s", line);
	lines++;
}

/* Read a file with these octets.  Returns config_read()'s result. */
static int
read_text(struct config *c, const char *text, size_t n, struct fault *why)
{
	char name[] = "/tmp/unit-config.XXXXXX";
	int fd = mkstemp(name), rc;

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, n), (ssize_t)n);
	close(fd);
	config_defaults(c);
	lines = 0;
	last_line[0] = '\0';
	rc = config_read(c, name, true, why);
	unlink(name);
	return rc;
}

static int
read_string(struct config *c, const char *text)
{
	struct fault why;

	return read_text(c, text, strlen(text), &why);
}

static void
test_defaults(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(read_string(&c, ""), 0);
	assert_int_equal(c.login_tries, 3);
	assert_int_equal(c.fail_delay, 3);
	assert_int_equal(c.login_timeout, 180);
	assert_int_equal(c.lock_timeout, 30);
	assert_int_equal(c.idle_timeout, 0);
	assert_true(c.dot_lock);
	assert_false(c.relaxed);
	assert_false(c.pam_session);
	assert_string_equal(c.log, "syslog");
	assert_string_equal(c.format, "");
	assert_string_equal(c.index_dir, "");
	assert_string_equal(c.shared_dir, "");
	assert_string_equal(c.public_dir, "");
	assert_false(c.other_users || c.outside);
	assert_true(c.cert_dir[0] == '/' && c.mail_spool[0] == '/');
	assert_true(c.key_dir[0] == '/');
}

static void
test_keys(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(read_string(&c,
	    "# a comment\n"
	    "\n"
	    "  Auth=users:/u/file  \r\n"
	    "PLAINTEXT = Always\n"
	    "cert_dir = /c/certs\n"
	    "mail_spool = /s p\n"
	    "tls = modern\n"
	    "tls_state = /r/state\n"
	    "mail_root = Mail\n"
	    "shared_dir = /s\n"
	    "public_dir = /p\n"
	    "other_users = yes\n"
	    "outside = yes\n"
	    "format = maildir\n"
	    "index_dir = /i/%u\n"
	    "fsync = relaxed\n"
	    "lock = fcntl\n"
	    "lock_timeout = 3600\n"
	    "front_user = web\n"
	    "login_tries = 0\n"
	    "fail_delay = 60\n"
	    "login_timeout = 1\n"
	    "idle_timeout = 2592000\n"
	    "max_sessions = 20000\n"
	    "max_per_address = 0\n"
	    "idle_exit = 86400\n"
	    "pam_session = yes\n"
	    "log = /l = m # not a comment\n"
	    "login_tries = 7"), 0);
	assert_int_equal(lines, 0);
	assert_int_equal(c.auth, CONFIG_AUTH_USERS);
	assert_string_equal(c.users_file, "/u/file");
	assert_int_equal(c.plaintext, CONFIG_PLAINTEXT_ALWAYS);
	assert_string_equal(c.cert_dir, "/c/certs");
	assert_string_equal(c.key_dir, "/c/private");
	assert_string_equal(c.mail_spool, "/s p");
	assert_string_equal(c.tls, "modern");
	assert_string_equal(c.tls_state, "/r/state");
	assert_string_equal(c.mail_root, "Mail");
	assert_string_equal(c.shared_dir, "/s");
	assert_string_equal(c.public_dir, "/p");
	assert_true(c.other_users && c.outside);
	assert_string_equal(c.format, "maildir");
	assert_string_equal(c.index_dir, "/i/%u");
	assert_true(c.relaxed);
	assert_false(c.dot_lock);
	assert_int_equal(c.lock_timeout, 3600);
	assert_string_equal(c.front_user, "web");
	assert_int_equal(c.fail_delay, 60);
	assert_int_equal(c.login_timeout, 1);
	assert_int_equal(c.idle_timeout, 2592000);
	assert_int_equal(c.max_sessions, 20000);
	assert_int_equal(c.max_per_address, 0);
	assert_int_equal(c.idle_exit, 86400);
	assert_true(c.pam_session);
	assert_string_equal(c.log, "/l = m # not a comment");
	assert_int_equal(c.login_tries, 7);
	assert_int_equal(read_string(&c, "shared_dir = /s\nshared_dir ="),
	    0);
	assert_string_equal(c.shared_dir, "");
	assert_int_equal(read_string(&c, "auth = shadow\nkey_dir = /k"), 0);
	assert_int_equal(c.auth, CONFIG_AUTH_SHADOW);
	assert_string_equal(c.key_dir, "/k");
}

/* One line is wrong, the next is read all the same. */
static void
test_wrong(void **state)
{
	static const struct {
		const char *line, *logged;
	} rows[] = {
		{ "logn_tries = 3", "unknown key logn_tries; the nearest is "
		    "login_tries" },
		{ "spool = /x", "the nearest is " },
		{ "=", "unknown key ; the nearest is" },
		{ "login_tries", "no \"=\"" },
		{ "login_tries = ", "must be a number up to 100" },
		{ "login_tries = 101", "must be a number up to 100" },
		{ "login_tries = -1", "must be a number" },
		{ "login_tries = 99999999999999999999", "must be a number" },
		{ "fsync = never", "must be one of: always relaxed" },
		{ "lock = none", "must be one of: fcntl both" },
		{ "plaintext = no", "must be one of: tls always" },
		{ "tls = strong", "must be one of: modern intermediate old" },
		{ "tls_state = here", "must be a path from / on" },
		{ "pam_session = 1", "must be one of: no yes" },
		{ "auth = ldap", "must be one of: pam shadow none users:FILE" },
		{ "auth = users:relative", "must be a path from / on" },
		{ "auth = ", "must be one of" },
		{ "cert_dir = certs", "must be a path from / on" },
		{ "key_dir =", "must be a path from / on" },
		{ "shared_dir = here", "must be a path from / on" },
		{ "outside = perhaps", "must be one of: no yes" },
		{ "\x1b[31m = 1", "unknown key \\x1b\\x5b31m" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[200];
		struct config c;

		snprintf(text, sizeof text, "\n%s\nfail_delay = 9\n",
		    rows[i].line);
		assert_int_equal(read_string(&c, text), -1);
		assert_int_equal(lines, 1);
		assert_non_null(strstr(last_line, " line 2: "));
		assert_non_null(strstr(last_line, rows[i].logged));
		assert_int_equal(c.login_tries, 3);
		assert_int_equal(c.fail_delay, 9);
		assert_true(c.dot_lock);
		assert_int_not_equal(c.auth, CONFIG_AUTH_USERS);
	}
}

static void
test_files(void **state)
{
	struct config c;
	struct fault why;
	char *big = malloc(BOUND_CONFIG_FILE + 1);

	(void)state;
	config_defaults(&c);
	assert_int_equal(config_read(&c, "/nonexistent/f", false, &why), 0);
	assert_int_equal(config_read(&c, "/nonexistent/f", true, &why), -1);
	assert_int_equal(why.code, FAULT_NOTFOUND);
	assert_int_equal(config_read(&c, "/", false, &why), -1);
	assert_int_equal(read_text(&c, "log = a\0b\n", 10, &why), -1);
	assert_int_equal(why.code, FAULT_SYNTAX);
	memset(big, '#', BOUND_CONFIG_FILE + 1);
	assert_int_equal(read_text(&c, big, BOUND_CONFIG_FILE + 1, &why), -1);
	free(big);
}

/* What is printed is a file that gives the same, and says where from. */
static void
test_dump(void **state)
{
	struct config c, again;
	struct buf first, second;
	struct fault why;

	(void)state;
	assert_int_equal(read_string(&c, "auth = users:/u\nlog = /l # x\n"
	    "format = Maildir\nfsync=relaxed\nlogin_tries = 9\n"
	    "index_dir = i/%u\nfsync = ALWAYS\n"), 0);
	buf_init(&first, 0);
	buf_init(&second, 0);
	config_dump(&c, "/c", &first);
	assert_non_null(strstr(buf_string(&first), "# /c:1; "));
	assert_non_null(strstr(buf_string(&first), "\nauth = users\n"));
	assert_non_null(strstr(buf_string(&first), "\nusers_file = /u\n"));
	assert_non_null(strstr(buf_string(&first), "\nlog = /l # x\n"));
	assert_non_null(strstr(buf_string(&first), "\nformat = maildir\n"));
	assert_non_null(strstr(buf_string(&first), "\nfsync = always\n"));
	assert_non_null(strstr(buf_string(&first), "\nmail_root = \n"));
	assert_non_null(strstr(buf_string(&first), "# default; "));
	assert_int_equal(read_text(&again, first.p, first.n, &why), 0);
	assert_int_equal(lines, 0);
	assert_int_equal(again.auth, CONFIG_AUTH_USERS);
	memcpy(again.from, c.from, sizeof c.from);
	config_dump(&again, "/c", &second);
	assert_string_equal(buf_string(&first), buf_string(&second));
	buf_clear(&first);
	buf_clear(&second);
}

static struct config_line told[8];
static unsigned tellings;

static void
keep_telling(void *arg, const struct config_line *l)
{
	assert_ptr_equal(arg, &tellings);
	assert_true(tellings < 8);
	told[tellings++] = *l;
}

/* All that is wrong, at once, and in a form that can be mended. */
static void
test_telling(void **state)
{
	char name[] = "/tmp/unit-config.XXXXXX";
	static const char text[] = "tls = x\n\nlok_timeout = 1\nlog\n"
	    "lock_timeout = 2\nlock_timeout = 3\n";
	int fd = mkstemp(name);
	struct config c;
	struct fault why;

	(void)state;
	assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
	close(fd);
	config_defaults(&c);
	lines = tellings = 0;
	assert_int_equal(config_read_telling(&c, name, true, keep_telling,
	    &tellings, &why), -1);
	unlink(name);
	assert_int_equal(why.code, FAULT_SYNTAX);
	assert_int_equal(lines, 0);
	assert_int_equal(tellings, 4);
	assert_int_equal(told[0].trouble, CONFIG_BAD_VALUE);
	assert_int_equal(told[0].number, 1);
	assert_string_equal(told[0].nearest, "tls");
	assert_int_equal(told[1].trouble, CONFIG_BAD_KEY);
	assert_int_equal(told[1].number, 3);
	assert_string_equal(told[1].nearest, "lock_timeout");
	assert_int_equal(told[1].distance, 1);
	assert_int_equal(told[1].name.n, strlen("lok_timeout"));
	assert_int_equal(told[2].trouble, CONFIG_BAD_LINE);
	assert_int_equal(told[2].number, 4);
	assert_int_equal(told[3].trouble, CONFIG_TWICE);
	assert_int_equal(told[3].number, 6);
	assert_int_equal(told[3].before, 5);
	assert_int_equal(c.lock_timeout, 3);
}

/* Each row's default is taken, and is what config_defaults() gives, but for
 * what the build or the machine has in its place. */
static void
test_rows(void **state)
{
	const struct config_key *key, *found;
	struct config c;
	size_t at;

	(void)state;
	config_defaults(&c);
	for (size_t i = 0; (key = config_keys_row(i)) != NULL; i++) {
		struct config other = c;
		struct buf shown;

		assert_true(config_keys_set(key, &other,
		    span_of(key->standard), NULL));
		buf_init(&shown, 0);
		config_keys_show(key, &other, &shown);
		assert_string_equal(buf_string(&shown), key->standard);
		buf_clear(&shown);
		assert_true(c.from[i] == CONFIG_DEFAULT ||
		    c.from[i] == CONFIG_BUILT);
		found = config_keys_find(span_of(key->name), &at);
		assert_ptr_equal(found, key);
		assert_int_equal(at, i);
		found = config_keys_nearest(span_of(key->name), &at);
		assert_ptr_equal(found, key);
		assert_int_equal(at, 0);
		assert_true(key->reason[0] != '\0');
	}
}

/* Files that work go on working: a key of any release stays. */
static void
test_kept(void **state)
{
	static const char *const names[] = { "auth", "users_file",
	    "plaintext", "cert_dir", "key_dir", "tls", "tls_state",
	    "mail_spool", "mail_root", "shared_dir", "public_dir",
	    "other_users", "outside", "format", "extra_drivers", "index_dir",
	    "fsync", "lock", "lock_timeout", "front_user", "login_tries",
	    "fail_delay", "login_timeout", "idle_timeout", "pam_session",
	    "workarounds", "log" };
	size_t at;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_non_null(config_keys_find(span_of(names[i]), &at));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_telling),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_kept),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	log_to_sink(keep_line, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
