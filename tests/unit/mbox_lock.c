/* SPDX-License-Identifier: Apache-2.0 */
/* Locks against other programs, hostile names of locks, no deadlock. */
#include <fcntl.h>
#include <lockfile.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/base/fault.h"
#include "c-client/base/clock.h"
#include "c-client/formats/mbox_lock.h"
#include "tests/lib/mboxroom.h"

#include "c-client/base/banned.h"

static struct mboxroom room;
static char dot[128];

static int
mailbox_open(void)
{
	int fd = open(room.spool, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_int_not_equal(fd, -1);
	return fd;
}

static bool
has_dot(void)
{
	struct stat st;

	return lstat(dot, &st) == 0;
}

static void
test_kinds(void **state)
{
	static const struct {
		enum mbox_lock_kind a, b;
		bool both;
	} rows[] = {
		{ MBOX_LOCK_READ, MBOX_LOCK_READ, true },
		{ MBOX_LOCK_READ, MBOX_LOCK_SCAN, true },
		{ MBOX_LOCK_SCAN, MBOX_LOCK_READ, true },
		{ MBOX_LOCK_SCAN, MBOX_LOCK_SCAN, false },
		{ MBOX_LOCK_READ, MBOX_LOCK_WRITE, false },
		{ MBOX_LOCK_WRITE, MBOX_LOCK_READ, false },
		{ MBOX_LOCK_WRITE, MBOX_LOCK_SCAN, false },
		{ MBOX_LOCK_WRITE, MBOX_LOCK_WRITE, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct fault f = { .code = FAULT_NONE };
		struct mbox_lock a, b;
		int fa = mailbox_open(), fb = mailbox_open();

		mbox_lock_init(&a, room.spool, 0, true);
		mbox_lock_init(&b, room.spool, 0, true);
		assert_int_equal(mbox_lock_take(&a, fa, rows[i].a, &f), 0);
		assert_int_equal(has_dot(), rows[i].a != MBOX_LOCK_READ);
		if ((mbox_lock_take(&b, fb, rows[i].b, &f) == 0) !=
		    rows[i].both)
			fail_msg("row %zu", i);
		if (!rows[i].both)
			assert_int_equal(f.code, FAULT_INUSE);
		mbox_lock_drop(&a);
		mbox_lock_drop(&b);
		assert_false(has_dot());
		assert_int_equal(mbox_lock_take(&b, fb, rows[i].b, &f), 0);
		mbox_lock_drop(&b);
		mbox_lock_drop(&b);
		close(fa);
		close(fb);
	}
}

/* Closing another descriptor of the file must not lose the lock. */
static void
test_other_descriptor(void **state)
{
	struct fault f = { .code = FAULT_NONE };
	struct mbox_lock a;
	int fd = mailbox_open(), status;
	pid_t pid;

	(void)state;
	mbox_lock_init(&a, room.spool, 1, true);
	assert_int_equal(mbox_lock_take(&a, fd, MBOX_LOCK_WRITE, &f), 0);
	close(mailbox_open());
	pid = fork();
	if (pid == 0) {
		struct flock fl = { .l_type = F_WRLCK };

		_exit(fcntl(mailbox_open(), F_SETLK, &fl) == 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	mbox_lock_drop(&a);
	close(fd);
}

/* What may have the name of the lock. */
static void
put_live(void)
{
	char pid[16];
	int n = snprintf(pid, sizeof pid, "%d\n", getpid());

	mboxroom_write(dot, (struct span){ pid, (size_t)n });
}

static void
put_stale(void)
{
	struct timespec old[2] = { { 1700000000, 0 }, { 1700000000, 0 } };

	mboxroom_write(dot, SPAN("0"));
	assert_int_equal(utimensat(AT_FDCWD, dot, old, 0), 0);
}

static void
put_dead(void)
{
	char text[16];
	pid_t pid = fork();
	int n;

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	n = snprintf(text, sizeof text, "%d\n", pid);
	mboxroom_write(dot, (struct span){ text, (size_t)n });
}

static void
put_link(void)
{
	assert_int_equal(symlink("/etc/passwd", dot), 0);
}

static void
put_nowhere(void)
{
	assert_int_equal(symlink("/nonexistent/x", dot), 0);
}

static void
put_directory(void)
{
	assert_int_equal(mkdir(dot, 0700), 0);
}

static void
put_fifo(void)
{
	assert_int_equal(mkfifo(dot, 0600), 0);
}

static void
put_hard(void)
{
	char other[160];

	snprintf(other, sizeof other, "%s/other", room.dir);
	mboxroom_write(other, SPAN("precious"));
	assert_int_equal(link(other, dot), 0);
}

static void
test_names(void **state)
{
	static const struct {
		void (*put)(void);
		bool taken;	/* the mailbox can be locked */
		bool stays;	/* what was there is there after it */
	} rows[] = {
		{ put_live, false, true }, { put_stale, true, false },
		{ put_dead, true, false }, { put_link, true, true },
		{ put_nowhere, true, true }, { put_directory, true, true },
		{ put_fifo, true, true }, { put_hard, false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct fault f = { .code = FAULT_NONE };
		struct mbox_lock a;
		int fd = mailbox_open();
		double begin = clock_steady();

		rows[i].put();
		mbox_lock_init(&a, room.spool, 0, true);
		if ((mbox_lock_take(&a, fd, MBOX_LOCK_WRITE, &f) == 0) !=
		    rows[i].taken)
			fail_msg("row %zu: %s", i, f.text);
		if (rows[i].put == put_live) {
			char pid[16];

			snprintf(pid, sizeof pid, "%d", getpid());
			assert_int_equal(f.code, FAULT_INUSE);
			assert_non_null(strstr(f.text, pid));
		}
		mbox_lock_drop(&a);
		assert_int_equal(has_dot(), rows[i].stays);
		assert_true(clock_steady() - begin < 3);
		if (unlink(dot) == -1)
			rmdir(dot);
		close(fd);
	}
}

/* fcntl is held by another program: its pid is told, and the dot-lock is not
 * left behind. */
static void
test_fcntl_held(void **state)
{
	struct fault f = { .code = FAULT_NONE };
	struct mbox_lock a;
	int fd = mailbox_open(), ready[2];
	char pid_text[16], c;
	double begin;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct flock fl = { .l_type = F_WRLCK };

		if (fcntl(mailbox_open(), F_SETLK, &fl) == 0 &&
		    write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	mbox_lock_init(&a, room.spool, 1, true);
	begin = clock_steady();
	assert_int_equal(mbox_lock_take(&a, fd, MBOX_LOCK_READ, &f), -1);
	assert_int_equal(mbox_lock_take(&a, fd, MBOX_LOCK_WRITE, &f), -1);
	assert_true(clock_steady() - begin >= 2);
	assert_int_equal(f.code, FAULT_INUSE);
	snprintf(pid_text, sizeof pid_text, "%d", pid);
	assert_non_null(strstr(f.text, pid_text));
	assert_false(has_dot());
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(mbox_lock_take(&a, fd, MBOX_LOCK_WRITE, &f), 0);
	mbox_lock_drop(&a);
	close(fd);
	close(ready[0]);
	close(ready[1]);
}

/* No dot-lock can be made: fcntl alone, found out once. */
static void
test_impossible(void **state)
{
	struct fault f = { .code = FAULT_NONE };
	struct mbox_lock a;
	int fd = mailbox_open();

	(void)state;
	mbox_lock_init(&a, "/proc/self/no-such-directory/mailbox", 1, true);
	assert_int_equal(mbox_lock_take(&a, fd, MBOX_LOCK_WRITE, &f), 0);
	assert_true(a.dot_impossible);
	mbox_lock_drop(&a);
	mbox_lock_init(&a, room.spool, 1, false);
	assert_int_equal(mbox_lock_take(&a, fd, MBOX_LOCK_WRITE, &f), 0);
	assert_false(has_dot());
	mbox_lock_drop(&a);
	close(fd);
}

/* As procmail does it: the dot-lock, then waiting for fcntl with it in hand. */
static void
other_program(int rounds)
{
	int fd = mailbox_open();

	for (int i = 0; i < rounds; i++) {
		struct timespec hold = { 0, 10000000 };
		struct flock fl = { .l_type = F_WRLCK };

		while (lockfile_create(dot, 0, L_PID) != L_SUCCESS)
			nanosleep(&hold, NULL);
		if (fcntl(fd, F_SETLKW, &fl) == -1)
			_exit(1);
		nanosleep(&hold, NULL);
		fl.l_type = F_UNLCK;
		fcntl(fd, F_SETLK, &fl);
		lockfile_remove(dot);
	}
	_exit(0);
}

static void
ours(int rounds, bool alone)
{
	int fd = mailbox_open();
	struct fault f = { .code = FAULT_NONE };
	struct mbox_lock l;

	mbox_lock_init(&l, room.spool, 30, true);
	for (int i = 0; i < rounds; i++) {
		/* A reader who holds fcntl for a while makes them wait. */
		if (mbox_lock_take(&l, fd, alone ? MBOX_LOCK_READ :
		    MBOX_LOCK_WRITE, &f) == -1)
			_exit(2);
		nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
		mbox_lock_drop(&l);
	}
	_exit(0);
}

static void
test_no_deadlock(void **state)
{
	pid_t pids[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			alarm(60);
			if (i < 2)
				other_program(10);
			ours(10, i == 3);
		}
	}
	for (int i = 0; i < 4; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_false(has_dot());
}

static int
setup(void **state)
{
	mboxroom_setup(&room, state);
	snprintf(dot, sizeof dot, "%s.lock", room.spool);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_other_descriptor),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_fcntl_held),
		cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_no_deadlock),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, mboxroom_teardown);
}
