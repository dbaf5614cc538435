/* SPDX-License-Identifier: Apache-2.0 */
/* LIST and LSUB over a real tree, and what must not be in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/store/account.h"
#include "c-client/store/list.h"
#include "c-client/store/name.h"
#include "tests/lib/memdriver.h"

MEMDRIVER_TABLE

static struct account *account;
static struct fault why;

/* A file below the root, or a directory if it ends in "/". */
static void
make(const char *path)
{
	char dir[256];
	int fd;

	snprintf(dir, sizeof dir, "%s", path);
	for (char *slash = dir; (slash = strchr(slash, '/')) != NULL;
	    slash++) {
		*slash = '\0';
		mkdirat(account->root_fd, dir, 0700);
		*slash = '/';
	}
	if (path[strlen(path) - 1] == '/')
		return;
	fd = openat(account->root_fd, path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd != -1);
	close(fd);
}

/* Names and a letter for each attribute, one string. */
static const char *
joined(struct list_entry *entries, size_t count)
{
	static const char letters[] = "nlchmu";
	static char out[100000];
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count && at < sizeof out - 2000; i++) {
		at += (size_t)snprintf(out + at, sizeof out - at, "%s%s",
		    i > 0 ? " " : "", entries[i].path);
		if (entries[i].attributes & (LIST_NOSELECT |
		    LIST_HASCHILDREN | LIST_HASNOCHILDREN))
			at += (size_t)snprintf(out + at, sizeof out - at,
			    ":");
		for (size_t k = 0; k < 4; k++)
			if (k != 1 && entries[i].attributes & 1u << k)
				at += (size_t)snprintf(out + at,
				    sizeof out - at, "%c", letters[k]);
	}
	return out;
}

static const char *
list(const char *reference, const char *pattern)
{
	struct list_entry *entries;
	size_t count;

	assert_int_equal(list_all(account, span_of(reference),
	    span_of(pattern), memdriver.keep, &entries, &count, &why), 0);
	return joined(entries, count);
}

static const char *
lsub(const char *reference, const char *pattern)
{
	struct list_entry *entries;
	size_t count;

	assert_int_equal(list_subscribed(account, span_of(reference),
	    span_of(pattern), memdriver.keep, &entries, &count, &why), 0);
	return joined(entries, count);
}

static void
test_all(void **state)
{
	static const struct {
		const char *reference, *pattern, *want;
	} rows[] = {
		{ "", "*", "INBOX Entw\303\274rfe a d:nc d/e:nc d/e/y d/x "
		    "empty:nh" },
		{ "", "%", "INBOX Entw\303\274rfe a d:nc empty:nh" },
		{ "", "d/%", "d/e:nc d/x" },
		{ "d/", "%", "d/e:nc d/x" },
		{ "d/", "*", "d/e:nc d/e/y d/x" },
		{ "", "d*", "d:nc d/e:nc d/e/y d/x" },
		{ "", "%/%", "d/e:nc d/x" },
		{ "", "inbox", "INBOX" },
		{ "", "iNb%", "INBOX" },
		{ "", "A", "" },
		{ "", "a", "a" },
		{ "", "mail/a", "a" },
		{ "~/mail/", "a", "a" },
		{ "mail/", "%", "Entw\303\274rfe INBOX a d:nc empty:nh" },
		{ "", "Entw&APw-rfe", "Entw\303\274rfe" },
		{ "", "nothing/*", "" },
		{ "", "../*", "" },
		{ "/", "*", "" },
		{ "", "&", "" },
	};

	(void)state;
	make("a");
	make("d/x");
	make("d/e/y");
	make("empty/");
	make("Entw\303\274rfe");
	/* None of these. */
	make(".hidden");
	make(".dir/x");
	make("a.lock");
	make("bad\374name");
	make("inbox");
	assert_int_equal(symlinkat("..", account->root_fd, "up"), 0);
	assert_int_equal(symlinkat(".", account->root_fd, "d/loop"), 0);
	assert_int_equal(symlinkat("/etc/passwd", account->root_fd, "pw"),
	    0);
	assert_int_equal(mkfifoat(account->root_fd, "fifo", 0600), 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *got = list(rows[i].reference, rows[i].pattern);

		/* "mail/%" is "%", INBOX being first. */
		if (strcmp(rows[i].reference, "mail/") == 0)
			assert_true(strncmp(got, "INBOX ", 6) == 0);
		else if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s %s: %s", rows[i].reference,
			    rows[i].pattern, got);
	}
}

/* The directories of all. */
static void
make_others(void)
{
	static const char *const files[] = { "../s/one", "../s/d/two",
	    "../s/~tilde", "../s/INBOX", "../p/three",
	    "../p/Entw\303\274rfe" };

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		make(files[i]);
	assert_int_equal(symlinkat("/", account->root_fd, "../s/out"), 0);
	account->shared_fd = openat(account->root_fd, "../s", O_PATH);
	account->public_fd = openat(account->root_fd, "../p", O_PATH);
	account->shared_dir = account->public_dir = "/for/the/log";
	account->other_users = true;
}

static void
test_spaces(void **state)
{
	static const struct {
		const char *reference, *pattern, *want;
	} rows[] = {
		{ "", "*", "INBOX a" },
		{ "", "%", "INBOX a" },
		{ "", "#%", "#public:n #shared:n" },
		{ "", "#shared/%", "#shared/INBOX #shared/d:nc #shared/one "
		    "#shared/~tilde" },
		{ "#shared/", "%", "#shared/INBOX #shared/d:nc #shared/one "
		    "#shared/~tilde" },
		{ "#shared/", "*o*", "#shared/d/two #shared/one" },
		{ "#shared/d/", "*", "#shared/d/two" },
		{ "", "#shared", "#shared:n" },
		{ "", "#shared/", "" },
		{ "", "#*", "#public:n #public/Entw\303\274rfe "
		    "#public/three #shared:n #shared/INBOX #shared/d:nc "
		    "#shared/d/two #shared/one #shared/~tilde" },
		{ "", "#p*/t*", "#public/three" },
		{ "#public/", "Entw&APw-%", "#public/Entw\303\274rfe" },
		/* A name with its namespace needs no reference. */
		{ "a/", "#public/th%", "#public/three" },
		{ "", "#news.*", "" },
		{ "", "#shared/../*", "" },
		{ "", "#shared/out/%", "" },
		{ "", "#shared/.%", "" },
		/* Himself, by another name; nobody is searched for. */
		{ "~user/", "%", "~user/a" },
		{ "", "~user/*", "~user/a" },
		{ "", "~%/*", "" },
		{ "", "~*", "" },
		{ "", "~nobody-of-this-name/*", "" },
		{ "", "~user/inbox", "" },
		{ "/", "tmp/*", "" },
		{ "", "mail/#shared/%", "" },
		{ "", "mail/~user/%", "" },
	};

	(void)state;
	make("a");
	/* None of these can be selected by its name. */
	make("#shared");
	make("#x/y");
	make("~user");
	make("{z");
	make("inbox");
	assert_string_equal(list("", "#%"), "");
	assert_string_equal(list("", "#shared/%"), "");
	assert_string_equal(list("", "~user/%"), "");
	make_others();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *got = list(rows[i].reference, rows[i].pattern);

		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s %s: %s", rows[i].reference,
			    rows[i].pattern, got);
	}
}

/* Absolute names, and links that lead out of the root. */
static void
test_outside(void **state)
{
	char pattern[256], want[512];

	(void)state;
	make("a");
	make("../far/x");
	make("../far/d/y");
	assert_int_equal(symlinkat("../far", account->root_fd, "far"), 0);
	assert_int_equal(symlinkat("../far/x", account->root_fd, "x"), 0);
	snprintf(pattern, sizeof pattern, "%s/far/*", account->home);
	assert_string_equal(list("", pattern), "");
	assert_string_equal(list("", "*"), "INBOX a");
	account->outside_fd = open("/", O_PATH);
	account->outside = true;
	snprintf(want, sizeof want, "%s/far/d:nc %s/far/d/y %s/far/x",
	    account->home, account->home, account->home);
	assert_string_equal(list("", pattern), want);
	assert_string_equal(list("", "*"), "INBOX a far:n x");
	assert_string_equal(list("", "far/*"), "far/d:nc far/d/y far/x");
	/* Not the whole machine. */
	assert_string_equal(list("", "/*"), "");
	assert_string_equal(list("/", "%"), "");
}

/* Directories that are opened, counted by inotify. */
static unsigned
opens_of(int notify)
{
	_Alignas(struct inotify_event) char events[65536];
	unsigned count = 0;
	ssize_t n;

	while ((n = read(notify, events, sizeof events)) > 0)
		for (ssize_t i = 0; i < n;) {
			const struct inotify_event *e = (const void *)
			    (events + i);

			assert_int_equal(e->mask & IN_Q_OVERFLOW, 0);
			count += (e->mask & (IN_OPEN | IN_ISDIR)) ==
			    (IN_OPEN | IN_ISDIR);
			i += (ssize_t)(sizeof *e + e->len);
		}
	return count;
}

/*
 * Many mailboxes in 40 directories, each of which might be a mailbox itself:
 * what is opened is what is shown, and for a pattern that names a directory,
 * what is in that.
 */
static void
test_big(void **state)
{
	enum { DIRS = 40, FILES = 50 };
	static const struct {
		const char *pattern;
		size_t count;
		unsigned opens;
		int probes;
	} rows[] = {
		{ "*", 1 + DIRS + DIRS * FILES, 1 + 2 * DIRS,
		    DIRS + DIRS * FILES },
		{ "%", 1 + DIRS, 1 + DIRS, DIRS },
		{ "d07/%", FILES, 1, FILES },
		{ "d07/m012", 1, 1, 1 },
		{ "d07/none", 0, 1, 0 },
		{ "d1%/m012", 10, 11, 20 },
		{ "*/m049", DIRS, 1 + DIRS, 2 * DIRS },
		{ "*%*%*%*%*%*%*%*%*y", 0, 1 + DIRS, DIRS },
	};
	int notify = inotify_init1(IN_NONBLOCK);
	char path[300];

	(void)state;
	assert_int_not_equal(inotify_add_watch(notify, account->root,
	    IN_OPEN), -1);
	for (int d = 0; d < DIRS; d++) {
		snprintf(path, sizeof path, "%s/d%02d", account->root, d);
		assert_int_equal(mkdir(path, 0700), 0);
		assert_int_not_equal(inotify_add_watch(notify, path,
		    IN_OPEN | IN_EXCL_UNLINK), -1);
		for (int f = 0; f < FILES; f++) {
			snprintf(path, sizeof path, "d%02d/m%03d", d, f);
			assert_int_equal(mknodat(account->root_fd, path,
			    S_IFREG | 0600, 0), 0);
		}
	}
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct list_entry *entries;
		struct arena *arena = arena_new(0);
		unsigned opens;
		size_t count;

		opens_of(notify);
		memdriver.probes = 0;
		assert_int_equal(list_all(account, SPAN(""),
		    span_of(rows[i].pattern), arena, &entries, &count, &why),
		    0);
		/* Each is told of by itself and by what it is in. */
		opens = opens_of(notify);
		if (count != rows[i].count || memdriver.probes !=
		    rows[i].probes || opens > 2 * rows[i].opens)
			fail_msg("%s: %zu, %d probed, %u opened",
			    rows[i].pattern, count, memdriver.probes, opens);
		arena_free(arena);
	}
	close(notify);
}

/* A pattern of wildcards takes no memory for each directory. */
static void
test_wildcards(void **state)
{
	struct arena *arena = arena_new(0);
	struct list_entry *entries;
	struct buf pattern;
	size_t count;

	(void)state;
	buf_init(&pattern, 0);
	for (int i = 0; i < 700; i++)
		buf_adds(&pattern, "*%*a");
	for (int i = 0; i < 300; i++) {
		char path[64];

		snprintf(path, sizeof path, "aaaaaaaaaaaaaaaa%d", i);
		assert_int_equal(mkdirat(account->root_fd, path, 0700), 0);
	}
	assert_int_equal(list_all(account, SPAN(""), buf_span(&pattern),
	    arena, &entries, &count, &why), 0);
	assert_int_equal(count, 0);
	assert_true(arena_used(arena) < 64 * 1024);
	buf_clear(&pattern);
	arena_free(arena);
}

/* Deeper than is shown, and no deeper than the stack. */
static void
test_deep(void **state)
{
	int fd = openat(account->root_fd, ".", O_RDONLY | O_DIRECTORY), next;

	(void)state;
	for (int i = 0; i < 400; i++) {
		assert_int_equal(mkdirat(fd, "dd", 0700), 0);
		next = openat(fd, "dd", O_RDONLY | O_DIRECTORY);
		close(fd);
		fd = next;
	}
	close(fd);
	assert_true(strlen(list("", "*")) > 100);
	assert_true(strlen(list("", "*")) < 90000);
	/* The whole of it is out of nftw()'s reach for the teardown. */
	while (renameat(account->root_fd, "dd/dd", account->root_fd, "ee") ==
	    0) {
		assert_int_equal(unlinkat(account->root_fd, "dd",
		    AT_REMOVEDIR), 0);
		assert_int_equal(renameat(account->root_fd, "ee",
		    account->root_fd, "dd"), 0);
	}
}

static enum fault_code
subscribe(const char *path, bool on)
{
	struct name name = { .path = path,
	    .inbox = strcmp(path, "INBOX") == 0 };
	int status;

	why.code = FAULT_NONE;
	status = on ? list_subscribe(account, &name, &why) :
	    list_unsubscribe(account, &name, &why);
	return status == 0 ? FAULT_NONE : why.code;
}

static const char *
contents(void)
{
	static struct buf b;
	int home = open(account->home, O_RDONLY | O_DIRECTORY);

	buf_clear(&b);
	buf_init(&b, 0);
	file_read_small(home, ".mailboxlist", 1 << 20, &b, &why);
	close(home);
	return buf_string(&b);
}

static void
write_list(const char *text, size_t n)
{
	char path[256];
	int fd;

	snprintf(path, sizeof path, "%s/.mailboxlist", account->home);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(file_write_full(fd, text, n), n);
	close(fd);
}

static void
test_subscribed(void **state)
{
	(void)state;
	assert_string_equal(lsub("", "*"), "");
	assert_int_equal(subscribe("x", false), FAULT_NOTFOUND);
	assert_int_equal(subscribe("x", true), FAULT_NONE);
	assert_int_equal(subscribe("x", true), FAULT_NONE);
	assert_int_equal(subscribe("a/b/c", true), FAULT_NONE);
	assert_int_equal(subscribe("INBOX", true), FAULT_NONE);
	assert_int_equal(subscribe("Entw\303\274rfe", true), FAULT_NONE);
	assert_string_equal(contents(), "x\na/b/c\nINBOX\nEntw&APw-rfe\n");
	assert_string_equal(lsub("", "*"), "INBOX Entw\303\274rfe a/b/c x");
	/* RFC 3501 6.3.9: a parent of what "%" does not reach. */
	assert_string_equal(lsub("", "%"), "INBOX Entw\303\274rfe a:n x");
	assert_string_equal(lsub("", "a/%"), "a/b:n");
	assert_string_equal(lsub("a/", "*"), "a/b/c");
	assert_int_equal(subscribe("x", false), FAULT_NONE);
	assert_string_equal(contents(), "a/b/c\nINBOX\nEntw&APw-rfe\n");

	/* Lines of the old toolkit, of others, and of nobody. */
	write_list("mail/old\r\n\n#news.x\n{host}y\n../z\nlast", 36);
	assert_string_equal(lsub("", "*"), "last old");
	assert_int_equal(subscribe("old", false), FAULT_NONE);
	assert_int_equal(subscribe("new", true), FAULT_NONE);
	assert_true(strstr(contents(), "#news.x\n{host}y\n../z\n") != NULL);
	assert_string_equal(lsub("", "*"), "last new");
}

/* .mailboxlist can be anything. */
static void
test_hostile(void **state)
{
	char path[256], *huge = malloc(BOUND_MAILBOXLIST + 10);

	(void)state;
	snprintf(path, sizeof path, "%s/.mailboxlist", account->home);
	for (int kind = 0; kind < 4; kind++) {
		struct list_entry *entries;
		size_t count = 1;
		int status;

		if (kind == 0)
			assert_int_equal(mkfifo(path, 0600), 0);
		else if (kind == 1)
			assert_int_equal(symlink("/etc/passwd", path), 0);
		else if (kind == 2)
			assert_int_equal(mkdir(path, 0700), 0);
		else
			write_list(memset(huge, 'x', BOUND_MAILBOXLIST + 1),
			    BOUND_MAILBOXLIST + 1);
		status = list_subscribed(account, SPAN(""), SPAN("*"),
		    memdriver.keep, &entries, &count, &why);
		assert_true(status == -1 || count == 0);
		/* Nothing of it is changed. */
		assert_int_not_equal(subscribe("x", true), FAULT_NONE);
		assert_int_equal(remove(path), 0);
	}
	/* Noise of all octets. */
	for (size_t i = 0; i < 100000; i++)
		huge[i] = (char)(i * 2654435761u >> 13);
	write_list(huge, 100000);
	lsub("", "%");
	assert_int_equal(subscribe("x", true), FAULT_NONE);
	assert_int_equal(subscribe("x", false), FAULT_NONE);
	free(huge);
}

int
main(void)
{
#define TEST(f)	MEMDRIVER_TEST(f, account)
	const struct CMUnitTest tests[] = {
		TEST(test_all),
		TEST(test_spaces),
		TEST(test_outside),
		TEST(test_big),
		TEST(test_wildcards),
		TEST(test_deep),
		TEST(test_subscribed),
		TEST(test_hostile),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
