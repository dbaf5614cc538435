/* SPDX-License-Identifier: Apache-2.0 */
/* The users file and crypt hashes: whom they let in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <crypt.h>

#include <cmocka.h>

#include "c-client/auth/auth.h"
#include "c-client/auth/auth_crypt.h"
#include "c-client/auth/auth_kind.h"
#include "c-client/base/buf.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "tests/lib/logged.h"

/* The hash of "right" by a quick method. */
static const char *
right_hash(void)
{
	static struct crypt_data data;

	return crypt_r("right", "$5$rounds=1000$salt", &data);
}

/* Each "%" stands for the hash. */
static enum auth_result
check(const char *text, mode_t mode, const char *name, const char *password,
    struct auth_user *user)
{
	char file[] = "/tmp/unit-users.XXXXXX";
	int fd = mkstemp(file);
	struct fault why;
	enum auth_result result;
	struct buf b;

	assert_true(fd != -1);
	buf_init(&b, 0);
	for (; *text != '\0'; text++)
		if (*text == '%')
			buf_adds(&b, right_hash());
		else
			buf_addc(&b, *text);
	assert_int_equal(write(fd, b.p, b.n), (ssize_t)b.n);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	result = auth_users_check(file, name, password, user, &why);
	unlink(file);
	buf_clear(&b);
	return result;
}

static void
test_lines(void **state)
{
	static const struct {
		const char *text, *name, *password;
		enum auth_result result;
	} rows[] = {
		{ "joe:%:7:8:/h", "joe", "right", AUTH_YES },
		{ "joe:%:7:8:/h\r\n", "joe", "right", AUTH_YES },
		{ "# c\n\nxy:%:1:1:/\njoe:%:7:8:/h\n", "joe", "right",
		    AUTH_YES },
		{ "joe:%:7:8:/h", "joe", "wrong", AUTH_NO },
		{ "joe:%:7:8:/h", "joe", "right ", AUTH_NO },
		{ "joe:%:7:8:/h", "joe", "", AUTH_NO },
		{ "joe:%:7:8:/h", "jo", "right", AUTH_NO },
		{ "joe:%:7:8:/h", "joee", "right", AUTH_NO },
		{ "joe:%:7:8:/h", "JOE", "right", AUTH_NO },
		{ "joe:%:7:8:/h", "", "right", AUTH_NO },
		/* The first line of a name counts. */
		{ "joe:*:7:8:/h\njoe:%:7:8:/h\n", "joe", "right", AUTH_NO },
		{ "joe:!%:7:8:/h", "joe", "right", AUTH_NO },
		{ "joe::7:8:/h", "joe", "", AUTH_NO },
		{ "joe:right:7:8:/h", "joe", "right", AUTH_NO },
		{ "joe:*0:7:8:/h", "joe", "right", AUTH_NO },
		{ "joe:%:x:8:/h", "joe", "right", AUTH_NO },
		{ "joe:%::8:/h", "joe", "right", AUTH_NO },
		{ "joe:%:4294967295:8:/h", "joe", "right", AUTH_NO },
		{ "joe:%:7:4294967295:/h", "joe", "right", AUTH_NO },
		{ "joe:%:4294967294:8:/h", "joe", "right", AUTH_YES },
		{ "joe:%:7:8", "joe", "right", AUTH_NO },
		{ "joe:%:7:8:", "joe", "right", AUTH_NO },
		{ "joe:%:7:8:h", "joe", "right", AUTH_NO },
		{ "joe:%:7:8:/h:/bin/sh", "joe", "right", AUTH_NO },
		{ "#joe:%:7:8:/h", "#joe", "right", AUTH_NO },
		{ "", "joe", "right", AUTH_NO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct auth_user user;

		assert_int_equal(check(rows[i].text, 0600, rows[i].name,
		    rows[i].password, &user), rows[i].result);
		if (rows[i].result == AUTH_YES) {
			assert_string_equal(user.name, "joe");
			assert_string_equal(user.home, "/h");
			assert_true(user.uid == 7 || user.uid == 4294967294u);
			assert_int_equal(user.gid, 8);
		}
	}
}

static void
test_modes(void **state)
{
	static const struct {
		mode_t mode;
		enum auth_result result;
	} rows[] = {
		{ 0400, AUTH_YES }, { 0600, AUTH_YES }, { 0644, AUTH_YES },
		{ 0620, AUTH_TEMPORARY }, { 0602, AUTH_TEMPORARY },
		{ 0666, AUTH_TEMPORARY },
	};
	struct auth_user user;
	struct fault why;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(check("joe:%:7:8:/h", rows[i].mode, "joe",
		    "right", &user), rows[i].result);
	assert_int_equal(auth_users_check("", "joe", "x", &user, &why),
	    AUTH_TEMPORARY);
	assert_int_equal(auth_users_check("/dev/null", "joe", "x", &user,
	    &why), AUTH_TEMPORARY);
	assert_int_equal(auth_users_check("/tmp", "joe", "x", &user, &why),
	    AUTH_TEMPORARY);
}

/* Names that are refused before any data base is asked, and root. */
static void
test_names(void **state)
{
	static const char *const names[] = { "", ".", "..", ".x", "-x", "a/b",
	    "a:b", "a*b", "a\nb", "a\tb", "a\x7f", "root" };
	struct config c;
	struct auth_user user;
	struct fault why;

	(void)state;
	config_defaults(&c);
	c.auth = CONFIG_AUTH_NONE;
	assert_int_equal(auth_check(&c, "imap", "joe", "x", "", &user, &why),
	    AUTH_TEMPORARY);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_int_equal(auth_check(&c, "imap", names[i], "x", "",
		    &user, &why), AUTH_NO);
	assert_int_equal(why.code, FAULT_PERM);
	assert_int_equal(auth_check(&c, "imap", "joe", "", "", &user, &why),
	    AUTH_NO);
	assert_int_equal(why.code, FAULT_AUTH);
}

static void
test_crypt(void **state)
{
	(void)state;
	assert_true(auth_crypt_matches("right", right_hash()));
	assert_false(auth_crypt_matches("wrong", right_hash()));
	assert_false(auth_crypt_matches("right", NULL));
	assert_false(auth_crypt_matches("right", ""));
	assert_false(auth_crypt_matches("", ""));
	assert_false(auth_crypt_matches("*0", "*0"));
	assert_false(auth_crypt_matches("x", "!!!!!!!!!!!!!!!!"));
	assert_false(auth_crypt_matches("x", "$9$nosuchmethod$xxxxxxxx"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_crypt),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	logged_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
