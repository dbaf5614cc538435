/* SPDX-License-Identifier: Apache-2.0 */
/* Files: whole transfers, names that stay below, replacing in one step. */
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
#include <seccomp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "tests/lib/child.h"
#include "tests/lib/tree.h"

static char base[64], root[80];
static int root_fd;

static void
put(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd != -1);
	assert_int_equal(file_write_full(fd, text, strlen(text)),
	    strlen(text));
	close(fd);
}

static void
test_beneath(void **state)
{
	static const struct {
		const char *path;
		bool good;
	} rows[] = {
		{ "in", true }, { "d/in", true }, { "d/./in", true },
		{ "../out", false }, { "d/../../out", false },
		{ "link-out", false }, { "link-up/out", false },
		{ "link-abs", false }, { "/etc/passwd", false },
		{ "missing", false }, { "in/x", false },
	};
	struct stat st;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int fd = file_open_beneath(root_fd, rows[i].path, O_RDONLY,
		    0);

		if ((fd != -1) != rows[i].good)
			fail_msg("%s", rows[i].path);
		assert_int_equal(file_stat_beneath(root_fd, rows[i].path,
		    &st) == 0, rows[i].good);
		if (fd != -1) {
			assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
			close(fd);
		}
	}
	assert_int_equal(file_open_beneath(root_fd, "../made",
	    O_WRONLY | O_CREAT, 0600), -1);
	assert_int_equal(file_open_beneath(root_fd, "link-up/made",
	    O_WRONLY | O_CREAT, 0600), -1);
}

/* A system without openat2(2): links are refused, all else is the same. */
static void
stepwise_child(void)
{
	static const struct {
		const char *path;
		bool good;
	} rows[] = {
		{ "in", true }, { "d/./real", true }, { "d//real", true },
		{ ".", true }, { "d/in", false }, { "../out", false },
		{ "d/../../out", false }, { "d/../in", false },
		{ "link-up/out", false }, { "link-out", false },
		{ "link-in", false }, { "/etc/passwd", false },
		{ "missing/x", false },
	};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (filter == NULL || seccomp_rule_add(filter,
	    SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0) != 0 ||
	    seccomp_load(filter) != 0)
		_exit(100);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int fd = file_open_beneath(root_fd, rows[i].path, O_RDONLY,
		    0);

		if ((fd != -1) != rows[i].good)
			_exit((int)i + 1);
		close(fd);
	}
	_exit(0);
}

static void
test_stepwise(void **state)
{
	int dir = openat(root_fd, "d", O_PATH);

	(void)state;
	put(dir, "real", "x");
	close(dir);
	child_succeeds(stepwise_child);
}

static void
test_dirs(void **state)
{
	const char *last;
	int fd;

	(void)state;
	assert_int_equal(mkdirat(root_fd, "a", 0700), 0);
	assert_int_equal(mkdirat(root_fd, "a/b", 0700), 0);
	fd = file_open_parent(root_fd, "a/b/c", &last);
	assert_true(fd != -1);
	assert_string_equal(last, "c");
	assert_int_equal(file_sync_directory(fd), 0);
	close(fd);
	fd = file_open_parent(root_fd, "x", &last);
	assert_true(fd != -1);
	assert_string_equal(last, "x");
	close(fd);
	assert_int_equal(file_open_parent(root_fd, "link-up/x", &last), -1);
}

static void
full_child(void)
{
	struct rlimit limit = { 4, 4 };
	struct fault why;
	struct stat st;

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	if (file_replace(root_fd, "list", SPAN("much longer"), &why) != -1)
		_exit(1);
	if (why.code != FAULT_QUOTA)
		_exit(2);
	if (fstatat(root_fd, "list", &st, 0) == -1 || st.st_size != 3)
		_exit(3);
	_exit(0);
}

static void
test_replace(void **state)
{
	struct fault why;
	struct buf b;
	struct stat st;

	(void)state;
	put(root_fd, "list", "old");
	assert_int_equal(file_replace(root_fd, "list", SPAN("new"), &why), 0);
	buf_init(&b, 0);
	assert_int_equal(file_read_small(root_fd, "list", 3, &b, &why), 0);
	assert_string_equal(buf_string(&b), "new");
	assert_int_equal(fstatat(root_fd, "list", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	child_succeeds(full_child);
	buf_clear(&b);
}

static void
test_create(void **state)
{
	struct fault why;
	struct buf b;

	(void)state;
	assert_int_equal(file_create(root_fd, "made", SPAN("one"), &why), 0);
	assert_int_equal(file_create(root_fd, "made", SPAN("two"), &why), -1);
	assert_int_equal(why.code, FAULT_EXISTS);
	buf_init(&b, 0);
	assert_int_equal(file_read_small(root_fd, "made", 3, &b, &why), 0);
	assert_string_equal(buf_string(&b), "one");
	buf_clear(&b);
	assert_int_equal(symlinkat("nothing", root_fd, "dangling"), 0);
	assert_int_equal(file_create(root_fd, "dangling", SPAN("two"), &why),
	    -1);
	assert_int_equal(why.code, FAULT_EXISTS);
}

static void
test_small(void **state)
{
	static const struct {
		const char *name;
		enum fault_code code;
	} rows[] = {
		{ "in", FAULT_NONE }, { "nothing", FAULT_NOTFOUND },
		{ "fifo", FAULT_CANNOT }, { "d", FAULT_CANNOT },
		{ "link-in", FAULT_CANNOT },
	};
	struct fault why;
	struct buf b;

	(void)state;
	assert_int_equal(mkfifoat(root_fd, "fifo", 0600), 0);
	buf_init(&b, 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		why.code = FAULT_NONE;
		file_read_small(root_fd, rows[i].name, 100, &b, &why);
		assert_int_equal(why.code, rows[i].code);
	}
	assert_string_equal(buf_string(&b), "inside");
	assert_int_equal(file_read_small(root_fd, "in", 5, &b, &why), -1);
	assert_int_equal(why.code, FAULT_LIMIT);
	buf_clear(&b);
}

static void
test_transfer(void **state)
{
	int pipes[2], fd = file_unnamed(base), other = file_unnamed(NULL);
	char *big = malloc(300000), *back = malloc(300000);
	pid_t pid;

	(void)state;
	for (size_t i = 0; i < 300000; i++)
		big[i] = (char)(i * 7);
	/* More than a pipe holds: in pieces. */
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0)
		_exit(file_write_full(pipes[1], big, 300000) == 300000 ? 0 :
		    1);
	close(pipes[1]);
	assert_int_equal(file_read_full(pipes[0], back, 300000), 300000);
	assert_memory_equal(big, back, 300000);
	assert_int_equal(file_read_full(pipes[0], back, 10), 0);
	close(pipes[0]);
	waitpid(pid, NULL, 0);

	assert_true(fd != -1 && other != -1);
	assert_int_equal(file_pwrite_full(fd, big, 1000, 5), 1000);
	assert_int_equal(file_pread_full(fd, back, 2000, 5), 1000);
	assert_memory_equal(big, back, 1000);
	assert_int_equal(file_pread_full(fd, back, 10, 5000), 0);
	close(fd);
	assert_int_equal(file_pread_full(fd, back, 10, 0), -1);
	assert_int_equal(file_write_full(fd, back, 10), -1);
	close(other);
	free(big);
	free(back);
}

static int
setup(void **state)
{
	(void)state;
	snprintf(base, sizeof base, "/tmp/imap-file-XXXXXX");
	if (mkdtemp(base) == NULL)
		return -1;
	snprintf(root, sizeof root, "%s/root", base);
	if (mkdir(root, 0700) == -1)
		return -1;
	root_fd = open(root, O_PATH | O_DIRECTORY);
	put(root_fd, "in", "inside");
	put(root_fd, "../out", "outside");
	if (mkdirat(root_fd, "d", 0700) == -1 ||
	    symlinkat("../in", root_fd, "d/in") == -1 ||
	    symlinkat("in", root_fd, "link-in") == -1 ||
	    symlinkat("../out", root_fd, "link-out") == -1 ||
	    symlinkat("..", root_fd, "link-up") == -1 ||
	    symlinkat("/etc/passwd", root_fd, "link-abs") == -1)
		return -1;
	return root_fd == -1 ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	close(root_fd);
	return tree_remove(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_beneath),
		cmocka_unit_test(test_stepwise),
		cmocka_unit_test(test_dirs),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_transfer),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
