/* SPDX-License-Identifier: Apache-2.0 */
/* Mailbox files by their names. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/base/fault.h"
#include "c-client/base/clock.h"
#include "c-client/formats/mbox.h"
#include "c-client/store/box.h"
#include "c-client/store/driver.h"
#include "tests/lib/mboxroom.h"

#include "c-client/base/banned.h"

static struct mboxroom room;
static const struct driver *const driver = &mbox_driver;

static void
test_inbox(void **state)
{
	struct fault f = { .code = FAULT_NONE };
	struct name a = mboxroom_name("a");

	(void)state;
	assert_int_equal(driver->probe(&room.account, &mboxroom_inbox, &f),
	    DRIVER_NOT_OURS);
	assert_int_equal(f.code, FAULT_NOTFOUND);
	assert_int_equal(driver->remove(&room.account, &mboxroom_inbox, &f),
	    -1);
	assert_int_equal(f.code, FAULT_CANNOT);
	assert_int_equal(driver->rename(&room.account, &mboxroom_inbox, &a,
	    &f), -1);
	assert_int_equal(f.code, FAULT_CANNOT);
	assert_int_equal(driver->rename(&room.account, &a, &mboxroom_inbox,
	    &f), -1);
	assert_int_equal(driver->create(&room.account, &mboxroom_inbox, &f),
	    0);
	assert_int_equal(driver->create(&room.account, &mboxroom_inbox, &f),
	    -1);
	assert_int_equal(f.code, FAULT_EXISTS);
	assert_int_equal(driver->probe(&room.account, &mboxroom_inbox, &f),
	    DRIVER_MAILBOX);
	unlink(room.spool);
}

/* Names of things that are no mailboxes, and must not be waited for, opened
 * with effect, removed or renamed. */
static void
test_hostile(void **state)
{
	static const struct {
		const char *path;
		enum driver_kind kind;
		enum fault_code code;
	} rows[] = {
		{ "directory", DRIVER_NOT_OURS, FAULT_BADNAME },
		{ "fifo", DRIVER_NOT_OURS, FAULT_BADNAME },
		{ "socket", DRIVER_NOT_OURS, FAULT_NOTFOUND },
		{ "device", DRIVER_NOT_OURS, FAULT_PERM },
		{ "out", DRIVER_NOT_OURS, FAULT_PERM },
		{ "up", DRIVER_NOT_OURS, FAULT_PERM },
		{ "loop", DRIVER_NOT_OURS, FAULT_PERM },
		{ "nowhere", DRIVER_NOT_OURS, FAULT_NOTFOUND },
		{ "text", DRIVER_NOT_OURS, FAULT_CANNOT },
		{ "blanks", DRIVER_NOT_OURS, FAULT_CANNOT },
		{ "text/below", DRIVER_NOT_OURS, FAULT_NOTFOUND },
		{ "empty", DRIVER_MAILBOX, FAULT_NONE },
		{ "mail", DRIVER_MAILBOX, FAULT_NONE },
		{ "inside", DRIVER_MAILBOX, FAULT_NONE },
	};
	double begin = clock_steady();
	struct buf blanks;

	(void)state;
	assert_int_equal(chdir(room.root), 0);
	buf_init(&blanks, 0);
	while (blanks.n < 10000)
		buf_addc(&blanks, '\n');
	assert_int_equal(mkdir("directory", 0700), 0);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(symlink("/dev/zero", "device"), 0);
	assert_int_equal(symlink("/etc/passwd", "out"), 0);
	assert_int_equal(symlink("../secret", "up"), 0);
	assert_int_equal(symlink("loop", "loop"), 0);
	assert_int_equal(symlink("nothing", "nowhere"), 0);
	assert_int_equal(symlink("mail", "inside"), 0);
	mboxroom_write("../secret", SPAN("From -\n"));
	mboxroom_write("text", SPAN("hello\n"));
	mboxroom_write("blanks", buf_span(&blanks));
	mboxroom_write("empty", SPAN(""));
	mboxroom_write("mail", SPAN("From -\nA: b\n\nx\n"));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct name name = mboxroom_name(rows[i].path);
		struct name to = mboxroom_name("moved");
		struct fault f = { .code = FAULT_NONE };
		enum fault_code code;

		if (mboxroom_probe(&room, driver, rows[i].path, &code) !=
		    rows[i].kind || code != rows[i].code)
			fail_msg("%s: %d", rows[i].path, code);
		if (rows[i].kind == DRIVER_MAILBOX)
			continue;
		assert_null(box_open(&room.account, &name, false, &f));
		assert_int_equal(driver->remove(&room.account, &name, &f),
		    -1);
		assert_int_equal(driver->rename(&room.account, &name, &to,
		    &f), -1);
		assert_int_equal(access("moved", F_OK), -1);
	}
	assert_int_equal(access("fifo", F_OK), 0);
	assert_int_equal(access("text", F_OK), 0);
	assert_int_equal(access("../secret", F_OK), 0);
	assert_true(clock_steady() - begin < 5);
	buf_clear(&blanks);
	assert_int_equal(chdir("/"), 0);
}

/* Nothing is made outside of the root, over something, or in what is no
 * directory. */
static void
test_create(void **state)
{
	static const struct {
		const char *path;
		enum fault_code code;
	} rows[] = {
		{ "mail", FAULT_EXISTS }, { "directory", FAULT_EXISTS },
		{ "out", FAULT_EXISTS }, { "nowhere", FAULT_EXISTS },
		{ "text/x", FAULT_NOTFOUND }, { "no/x", FAULT_NOTFOUND },
		{ "../x", FAULT_PERM }, { "directory/x", FAULT_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct name name = mboxroom_name(rows[i].path);
		struct fault f = { .code = FAULT_NONE };

		driver->create(&room.account, &name, &f);
		if (f.code != rows[i].code)
			fail_msg("%s: %d %s", rows[i].path, f.code, f.text);
	}
}

/* A mailbox that can only be read. */
static void
test_readonly(void **state)
{
	struct name name = mboxroom_name("readonly");
	struct mboxroom_item item = { .text = SPAN("A: b\r\n\r\n") };
	struct fault f = { .code = FAULT_NONE };
	char path[128];
	struct box *box;

	(void)state;
	snprintf(path, sizeof path, "%s/readonly", room.root);
	mboxroom_write(path, SPAN("From -\nA: b\n\nx\n"));
	assert_int_equal(chmod(path, 0400), 0);
	if (geteuid() == 0) {
		/* Modes don't bind root: as somebody else. */
		assert_int_equal(chmod(room.dir, 0711), 0);
		assert_int_equal(chown(room.root, 65534, 65534), 0);
		assert_int_equal(chown(room.index, 65534, 65534), 0);
		assert_int_equal(chown(path, 65534, 65534), 0);
		assert_int_equal(seteuid(65534), 0);
	}
	box = mboxroom_open(&room, &name);
	assert_true(box->readonly);
	assert_int_equal(box->count, 1);
	buf_clear(&(struct buf){ .p = mboxroom_message(box, 0).p });
	box_close(box);
	assert_int_equal(mboxroom_append(&room, &name, NULL, &item, 1, &f),
	    -1);
	assert_int_equal(f.code, FAULT_READONLY);
	chmod(path, 0);
	assert_int_equal(mboxroom_probe(&room, driver, "readonly", &f.code),
	    DRIVER_NOT_OURS);
	assert_int_equal(f.code, FAULT_PERM);
	if (geteuid() == 65534)
		assert_int_equal(seteuid(0), 0);
}

static int
setup(void **state)
{
	return mboxroom_setup(&room, state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inbox),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_readonly),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, mboxroom_teardown);
}
