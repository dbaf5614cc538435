/* SPDX-License-Identifier: Apache-2.0 */
/* Where mailboxes of all namespaces are, what leads out of there, and that a
 * shared one says itself what its UIDs are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/store/account.h"
#include "c-client/store/append.h"
#include "c-client/store/box.h"
#include "c-client/store/list.h"
#include "c-client/store/name.h"
#include "c-client/store/place.h"
#include "tests/lib/memdriver.h"

#include "c-client/base/banned.h"

MEMDRIVER_TABLE

static struct account *account;
static char base[64];		/* what the account's home is in */
static char ann[96];		/* the home of another user */
static struct fault why;
static unsigned asked;		/* calls of getpwnam() */

/* In the place of the C library's. */
struct passwd *
getpwnam(const char *user)
{
	static struct passwd pw;

	asked++;
	errno = 0;
	if (strncmp(user, "ann", 3) != 0)
		return NULL;
	pw.pw_dir = ann;
	return &pw;
}

static const char *
at(const char *path)
{
	static char out[4][256];
	static unsigned next;

	snprintf(out[next %= 4], sizeof out[0], "%s/%s", base, path);
	return out[next++];
}

static void
put(const char *path)
{
	int fd = open(at(path), O_WRONLY | O_CREAT, 0600);

	assert_int_not_equal(fd, -1);
	close(fd);
}

static struct name
named(const char *path)
{
	return (struct name){ .path = path };
}

static bool
is_there(const char *path)
{
	struct name name = named(path);
	struct stat st;
	int fd = place_open(account, &name, O_RDONLY | O_NONBLOCK, 0);

	if (fd != -1)
		close(fd);
	assert_int_equal(place_stat(account, &name, &st) == 0, fd != -1);
	return fd != -1;
}

static void
test_places(void **state)
{
	static const struct {
		const char *path;
		bool closed, open;	/* without and with `outside` */
	} rows[] = {
		{ "own", true, true },
		{ "#shared/s", true, true },
		{ "#shared/d/s", true, true },
		{ "#public/p", true, true },
		{ "~ann/a", true, true },
		{ "~ann2/a", true, true },
		{ "~bob/a", false, false },
		{ "~ann/none", false, false },
		{ "#shared/none", false, false },
		{ "#other/s", false, false },
		{ "in", true, true },
		{ "out", false, true },
		{ "up", false, true },
		{ "updir/secret", false, true },
		{ "magic/1", false, false },
		/* Of others it is never followed out. */
		{ "#shared/out", false, false },
		{ "#shared/up", false, false },
		{ "#shared/updir/secret", false, false },
		{ "#shared/in", true, true },
		{ "~ann/out", false, false },
		{ "~ann/up", false, false },
		{ "#shared/../secret", false, false },
		{ "#public/../shared/s", false, false },
		{ "~ann/../../secret", false, false },
	};

	(void)state;
	for (int outside = 0; outside < 2; outside++) {
		account->outside = outside;
		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
			if (is_there(rows[i].path) != (outside ?
			    rows[i].open : rows[i].closed))
				fail_msg("%s, outside %d", rows[i].path,
				    outside);
		assert_int_equal(is_there(at("secret")), outside);
	}
	/* Users are looked up once, and kept while there are not many. */
	asked = 0;
	assert_true(is_there("~ann/a"));
	assert_int_equal(asked, 0);
	for (int i = 10; i < 30; i++) {
		char path[16];

		snprintf(path, sizeof path, "~ann%d/a", i);
		assert_true(is_there(path));
	}
	assert_int_equal(asked, 20);
	assert_true(is_there("~ann/a"));
	assert_int_equal(asked, 21);
}

/* Nothing of it is there where the configuration has it not. */
static void
test_not_configured(void **state)
{
	struct account plain = *account;
	struct place place;
	static const char *const paths[] = { "#shared/s", "#public/p",
	    "~ann/a", "/etc/passwd" };

	(void)state;
	plain.shared_dir = plain.public_dir = NULL;
	plain.other_users = plain.outside = false;
	plain.users = NULL;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		assert_int_equal(place_of(&plain, paths[i], &place), -1);
		assert_int_equal(errno, ENOENT);
	}
}

/* The other user decides where his mail is, but only within his home. */
static void
test_roots(void **state)
{
	(void)state;
	put("ann/elsewhere-box");
	/* No directory `mail`: the home itself. */
	assert_int_equal(rename(at("ann/mail"), at("ann/kept")), 0);
	assert_true(is_there("~ann3/elsewhere-box"));
	assert_int_equal(symlink(at("shared"), at("ann/mail")), 0);
	assert_false(is_there("~ann4/s"));
	assert_int_equal(unlink(at("ann/mail")), 0);
	assert_int_equal(symlink("kept", at("ann/mail")), 0);
	assert_true(is_there("~ann5/a"));
	account->mail_root = "kept";
	assert_true(is_there("~ann6/a"));
	account->mail_root = "none";
	assert_false(is_there("~ann7/a"));
	account->mail_root = arena_string(memdriver.keep, at("%u-mail"),
	    strlen(at("%u-mail")));
	assert_int_equal(mkdir(at("ann8-mail"), 0700), 0);
	put("ann8-mail/x");
	assert_true(is_there("~ann8/x"));
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(at(path), &st), 0);
	return st.st_mode & 07777;
}

/* What is made among others has their rights. */
static void
test_dirs(void **state)
{
	struct name name = named("a/b/c");

	(void)state;
	assert_int_equal(place_make_dirs(account, &name, true), 0);
	assert_int_equal(mode_of("home/mail/a/b"), 0700);
	assert_int_equal(access(at("home/mail/a/b/c"), F_OK), -1);
	assert_int_equal(place_make_dirs(account, &name, false), 0);
	assert_int_equal(place_make_dirs(account, &name, false), 0);
	name.path = "single";
	assert_int_equal(place_make_dirs(account, &name, true), 0);
	name.path = "own/x";
	assert_int_equal(place_make_dirs(account, &name, false), -1);
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(symlink("nothing", at("home/mail/nowhere")), 0);
	name.path = "nowhere";
	assert_int_equal(place_make_dirs(account, &name, false), -1);
	name.path = "updir/x";
	assert_int_equal(place_make_dirs(account, &name, false), -1);
	assert_int_equal(access(at("x"), F_OK), -1);
	account->outside = true;
	assert_int_equal(place_make_dirs(account, &name, false), 0);
	assert_int_equal(access(at("x"), F_OK), 0);
	name.path = "#shared/updir/y";
	assert_int_equal(place_make_dirs(account, &name, false), -1);
	assert_int_equal(access(at("y"), F_OK), -1);
	assert_int_equal(chmod(at("shared"), 02770), 0);
	name.path = "#shared/n/m";
	assert_int_equal(place_make_dirs(account, &name, false), 0);
	assert_int_equal(mode_of("shared/n"), 02770);
	assert_int_equal(mode_of("shared/n/m"), 02770);
}

static void
test_mode(void **state)
{
	static const struct {
		const char *path, *file;
		mode_t dir, want;
	} rows[] = {
		{ "#shared/s", "shared/s", 02770, 0660 },
		{ "#shared/s", "shared/s", 0777, 0666 },
		{ "#shared/s", "shared/s", 0755, 0644 },
		{ "own", "home/mail/own", 0777, 0600 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct name name = named(rows[i].path);
		const char *last;
		int dir = place_parent(account, &name, &last);
		int fd = place_open(account, &name, O_RDWR, 0);

		assert_true(dir != -1 && fd != -1);
		assert_string_equal(last, strrchr(rows[i].file, '/') + 1);
		assert_int_equal(fchmod(fd, 0600), 0);
		assert_int_equal(fchmodat(dir, ".", rows[i].dir, 0), 0);
		assert_int_equal(place_give_mode(account, &name, dir, fd), 0);
		assert_int_equal(mode_of(rows[i].file), rows[i].want);
		close(dir);
		close(fd);
	}
}

static bool
shared(const char *path)
{
	struct name name = named(path);
	struct box *box = box_open(account, &name, false, &why);
	bool is;

	assert_non_null(box);
	is = box->shared;
	assert_int_equal(is, place_is_shared(account, &name));
	box_close(box);
	return is;
}

static void
test_shared(void **state)
{
	struct name inbox = { .path = "INBOX", .inbox = true };

	(void)state;
	assert_false(shared("own"));
	assert_true(shared("#shared/s"));
	assert_true(shared("#public/p"));
	assert_true(shared("~ann/a"));
	account->outside = true;
	assert_true(shared(at("secret")));
	/* His own, but others may write to it. */
	assert_int_equal(chmod(at("home/mail/own"), 0660), 0);
	assert_true(shared("own"));
	account->other_users = false;
	assert_false(shared("own"));
	put("spool/user");
	assert_false(place_is_shared(account, &inbox));
	if (geteuid() == 0) {
		assert_int_equal(chown(at("home/mail/own"), 65534, 0), 0);
		assert_true(shared("own"));
		assert_int_equal(chown(at("spool/user"), 65534, 0), 0);
		assert_true(place_is_shared(account, &inbox));
	}
}

static struct box *
opened(const char *path, bool readonly)
{
	struct name name = named(path);
	struct box *box = box_open(account, &name, readonly, &why);

	assert_non_null(box);
	assert_int_equal(box_sync(box, &why), 0);
	return box;
}

/* New UIDs and flags are in the mailbox before anybody hears of them. */
static void
test_write_through(void **state)
{
	const uint32_t first = 1;
	const struct box_store seen = { .op = BOX_STORE_ADD,
	    .flags = FLAG_SEEN };
	uint64_t modseq;
	struct box *box = opened("own", false);

	(void)state;
	memdriver_deliver(box, 2);
	assert_int_equal(box_sync(box, &why), 0);
	assert_int_equal(memdriver.flushes, 0);
	box_close(box);

	box = opened("#shared/s", false);
	assert_int_equal(memdriver.flushes, 0);
	memdriver_deliver(box, 2);
	assert_int_equal(box_sync(box, &why), 0);
	assert_int_equal(memdriver.flushes, 1);
	assert_int_equal(memdriver.leaves, 1);
	assert_int_equal(box->records[1].uid_seen, 2);
	assert_false(box->readonly || box->unsticky);
	/* Once is enough. */
	assert_int_equal(box_sync(box, &why), 0);
	assert_int_equal(memdriver.flushes, 1);
	assert_int_equal(box_store_flags(box, &first, 1, &seen, &modseq,
	    &why), 0);
	assert_int_equal(memdriver.flushes, 2);
	assert_int_equal(box->records[0].flags_seen, FLAG_SEEN);
	assert_int_equal(box_store_flags(box, &first, 1, &seen, &modseq,
	    &why), 0);
	assert_int_equal(memdriver.flushes, 2);
	box_close(box);
	/* So it was left; another one who comes has nothing to write. */
	box = opened("#shared/s", false);
	assert_int_equal(memdriver.flushes, 2);
	box_close(box);
}

static void
test_append(void **state)
{
	struct name name = named("#shared/s");
	struct append *a = append_new(account, &name, NULL, &why);

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_non_null(a);
		assert_int_equal(append_message(a, 0, NULL, 0, false, 0, 0,
		    &why), 0);
		assert_int_equal(append_data(a, SPAN("A: b\r\n\r\n"), &why),
		    0);
		assert_int_equal(append_commit(a, &why), 0);
		assert_int_equal(memdriver.flushes, i + 1);
		/* RFC 4315 3: no APPENDUID where UIDs don't last. */
		assert_int_equal(append_uidvalidity(a) != 0, i == 0);
		append_free(a);
		memdriver.flush_writes_nothing = true;
		a = i == 0 ? append_new(account, &name, NULL, &why) : NULL;
	}
}

/* Who only looks gives UIDs too, which others must not give differently. */
static void
test_examine(void **state)
{
	struct box *box = opened("#shared/s", true);

	(void)state;
	memdriver_deliver(box, 1);
	assert_int_equal(box_sync(box, &why), 0);
	assert_int_equal(memdriver.flushes, 1);
	assert_true(box->readonly);
	assert_false(box->unsticky);
	box_close(box);
}

/* Where they can't be written the client is told: [UIDNOTSTICKY]. */
static void
test_fails(void **state)
{
	const uint32_t first = 1;
	const struct box_store seen = { .op = BOX_STORE_ADD,
	    .flags = FLAG_SEEN };
	uint64_t modseq;
	struct box *box;

	(void)state;
	for (int i = 0; i < 2; i++) {
		box = opened("#shared/s", i == 1);
		memdriver_deliver(box, 1);
		memdriver.flush_fault = i == 0 ? FAULT_QUOTA : FAULT_NONE;
		memdriver.flush_writes_nothing = true;
		assert_int_equal(box_sync(box, &why), 0);
		assert_true(box->readonly && box->unsticky);
		assert_int_equal(box->count, i + 1);
		/* It is not tried again and again. */
		memdriver.flushes = 0;
		assert_int_equal(box_sync(box, &why), 0);
		assert_int_equal(memdriver.flushes, 0);
		assert_int_equal(box_store_flags(box, &first, 1, &seen,
		    &modseq, &why), -1);
		assert_int_equal(why.code, FAULT_READONLY);
		box_close(box);
	}
	memdriver.flush_fault = FAULT_NONE;
	memdriver.flush_writes_nothing = false;
	box = opened("#shared/s", false);
	assert_false(box->readonly || box->unsticky);
	memdriver.flush_fault = FAULT_IO;
	assert_int_equal(box_store_flags(box, &first, 1, &seen, &modseq,
	    &why), -1);
	assert_int_equal(why.code, FAULT_READONLY);
	assert_true(box->readonly && box->unsticky);
	box_close(box);
}

/* CREATE, RENAME, DELETE between namespaces. */
static void
test_names(void **state)
{
	struct name own = named("new"), other = named("#shared/new");

	(void)state;
	assert_int_equal(box_create(account, &other, &why), 0);
	assert_int_equal(access(at("shared/new"), F_OK), 0);
	assert_int_equal(box_create(account, &other, &why), -1);
	assert_int_equal(why.code, FAULT_EXISTS);
	assert_int_equal(box_rename(account, &other, &own, &why), 0);
	assert_int_equal(access(at("home/mail/new"), F_OK), 0);
	assert_int_equal(box_rename(account, &own, &other, &why), 0);
	assert_int_equal(access(at("shared/new"), F_OK), 0);
	assert_int_equal(box_delete(account, &other, &why), 0);
	assert_int_equal(access(at("shared/new"), F_OK), -1);
	other.path = "#shared/d";
	assert_int_equal(box_delete(account, &other, &why), -1);
	assert_int_equal(why.code, FAULT_CANNOT);
}

/*
 * home/mail/ is the user's, ann/mail/ another user's, shared/ and public/
 * everybody's; in each of the first three there are the same links: in, out
 * (absolute), up (relative), updir (a directory).
 */
static void
make_tree(void)
{
	static const char *const dirs[] = { "home/mail", "shared",
	    "ann/mail" };

	assert_int_equal(mkdir(at("shared"), 0700), 0);
	assert_int_equal(mkdir(at("shared/d"), 0700), 0);
	assert_int_equal(mkdir(at("public"), 0700), 0);
	assert_int_equal(mkdir(at("ann"), 0700), 0);
	assert_int_equal(mkdir(at("ann/mail"), 0700), 0);
	put("secret");
	put("home/mail/own");
	put("shared/s");
	put("shared/d/s");
	put("public/p");
	put("ann/mail/a");
	assert_int_equal(symlink("/proc/self/fd", at("home/mail/magic")), 0);
	for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
		const char *up = i == 1 ? ".." : "../..";
		char path[128];

		snprintf(path, sizeof path, "%s/out", dirs[i]);
		assert_int_equal(symlink(at("secret"), at(path)), 0);
		snprintf(path, sizeof path, "%s/updir", dirs[i]);
		assert_int_equal(symlink(up, at(path)), 0);
		snprintf(path, sizeof path, "%s/in", dirs[i]);
		assert_int_equal(symlink(i == 0 ? "own" : i == 1 ? "s" : "a",
		    at(path)), 0);
		snprintf(path, sizeof path, "%s/up", dirs[i]);
		assert_int_equal(symlink(i == 1 ? "../secret" :
		    "../../secret", at(path)), 0);
	}
}

static const char *
copy(const char *path)
{
	return arena_string(memdriver.keep, path, strlen(path));
}

static int
setup(void **state)
{
	struct config config;
	const char *home, *spool;

	memdriver_setup(state);
	home = account->home;
	spool = account->spool;
	snprintf(base, sizeof base, "%.*s",
	    (int)(strrchr(account->home, '/') - account->home),
	    account->home);
	snprintf(ann, sizeof ann, "%s/ann", base);
	make_tree();
	account_close(account);
	config_defaults(&config);
	config.lock_timeout = 2;
	config.mail_spool = copy(at("spool"));
	config.shared_dir = copy(at("shared"));
	config.public_dir = copy(at("public"));
	config.other_users = config.outside = true;
	if (account_open(account, memdriver.keep, &config, "user", home, false,
	    NULL) == -1)
		return -1;
	account->outside = false;
	return strcmp(spool, account->spool);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_prestate_setup_teardown(f, setup, \
		    memdriver_teardown, &account)
	const struct CMUnitTest tests[] = {
		TEST(test_places),
		TEST(test_not_configured),
		TEST(test_roots),
		TEST(test_dirs),
		TEST(test_mode),
		TEST(test_shared),
		TEST(test_write_through),
		TEST(test_append),
		TEST(test_examine),
		TEST(test_fails),
		TEST(test_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
