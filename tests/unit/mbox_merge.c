/* SPDX-License-Identifier: Apache-2.0 */
/* Whose UIDs count in a mailbox that others number too (box->shared). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/store/box.h"
#include "tests/lib/mboxroom.h"

static struct mboxroom room;
static char path[128];

struct file {
	uint32_t validity, last;	/* 0: the file has none */
	const char *messages;		/* letters */
	uint32_t uids[4];		/* X-UID of each; 0: none */
};

/* Messages that differ in what is in their headers. */
static void
file_write(const struct file *f, uint32_t validity)
{
	struct buf b;

	buf_init(&b, 0);
	for (size_t i = 0; f->messages[i] != '\0'; i++) {
		buf_addf(&b, "From a@b Sat Jan  6 10:00:00 2024\n"
		    "Message-ID: <%c@x>\n", f->messages[i]);
		if (i == 0 && f->validity != 0)
			buf_addf(&b, "X-IMAPbase: %010u %010u\n", validity +
			    f->validity - 100, f->last);
		if (f->uids[i] != 0)
			buf_addf(&b, "X-UID: %u\n", f->uids[i]);
		buf_addf(&b, "\nbody %c\n\n", f->messages[i]);
	}
	mboxroom_write(path, buf_span(&b));
	buf_clear(&b);
}

static void
test_rows(void **state)
{
	/* `validity` 100 is the index's, 90 an older one. */
	static const struct {
		const char *what;
		struct file file;	/* what is there after a, b, c got 1,
					 * 2, 3 in the index alone */
		bool shared;
		uint32_t validity, uids[4], uidnext;
	} rows[] = {
		{ "nobody wrote anything: as the index has it",
		    { 0, 0, "abc", { 0 } }, true, 100, { 1, 2, 3 }, 4 },
		{ "somebody wrote the same",
		    { 100, 3, "abc", { 1, 2, 3 } }, true, 100, { 1, 2, 3 },
		    4 },
		{ "he was first, with other UIDs",
		    { 100, 9, "abc", { 4, 6, 9 } }, true, 100, { 4, 6, 9 },
		    10 },
		{ "of his own mailbox its owner's index decides",
		    { 100, 9, "abc", { 4, 6, 9 } }, false, 100, { 1, 2, 3 },
		    10 },
		{ "he was first, with another UIDVALIDITY",
		    { 90, 7, "abc", { 5, 6, 7 } }, true, 90, { 5, 6, 7 }, 8 },
		{ "that does not count at home",
		    { 90, 7, "abc", { 5, 6, 7 } }, false, 100, { 1, 2, 3 },
		    4 },
		{ "one that was never written came and went",
		    { 100, 3, "abd", { 1, 2, 3 } }, true, 100, { 1, 2, 3 },
		    4 },
		{ "new ones begin behind the file's last",
		    { 100, 3, "abcd", { 1, 2, 3, 0 } }, true, 100,
		    { 1, 2, 3, 4 }, 5 },
		{ "also where that is higher",
		    { 100, 20, "abcd", { 1, 2, 3, 0 } }, true, 100,
		    { 1, 2, 3, 21 }, 22 },
		{ "a forged UID above the last is none",
		    { 100, 3, "abcd", { 1, 2, 3, 77 } }, true, 100,
		    { 1, 2, 3, 4 }, 5 },
		{ "a number that does not ascend is none",
		    { 100, 9, "abcd", { 1, 2, 3, 2 } }, true, 100,
		    { 1, 2, 3, 10 }, 11 },
	};
	struct name name = mboxroom_name("shared");

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		static const struct file plain = { 0, 0, "abc", { 0 } };
		uint32_t validity;
		struct box *box;
		size_t n = strlen(rows[i].file.messages);

		mboxroom_forget_index(&room);
		file_write(&plain, 0);
		box = mboxroom_open(&room, &name);
		assert_int_equal(box->count, 3);
		assert_int_equal(box->meta.uidnext, 4);
		validity = box->meta.uidvalidity;
		file_write(&rows[i].file, validity);
		box->shared = rows[i].shared;
		mboxroom_sync(box);
		if (box->count != n || box->meta.uidnext != rows[i].uidnext ||
		    box->meta.uidvalidity != validity + rows[i].validity -
		    100)
			fail_msg("%s: %zu, UIDNEXT %u, UIDVALIDITY %d",
			    rows[i].what, box->count, box->meta.uidnext,
			    (int)(box->meta.uidvalidity - validity));
		for (size_t k = 0; k < n; k++)
			if (box->records[k].uid != rows[i].uids[k])
				fail_msg("%s: %zu has %u", rows[i].what, k,
				    box->records[k].uid);
		/* And now the file says it. */
		assert_false(box->unsticky);
		for (size_t k = 0; rows[i].shared && k < n; k++)
			assert_int_equal(box->records[k].uid_seen,
			    rows[i].uids[k]);
		box_close(box);
	}
}

static int
setup(void **state)
{
	mboxroom_setup(&room, state);
	snprintf(path, sizeof path, "%s/shared", room.root);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, mboxroom_teardown);
}
