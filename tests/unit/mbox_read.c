/* SPDX-License-Identifier: Apache-2.0 */
/* Reading messages: the wire form, at every offset, from files of all kinds,
 * and from files that others change meanwhile. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/formats/mbox.h"
#include "c-client/formats/wire.h"
#include "c-client/store/box.h"
#include "tests/lib/mboxroom.h"

#include "c-client/base/banned.h"

static struct mboxroom room;

static const char small[] =
    "From a@b Mon Jan  1 00:00:00 2024\nSubject: 1\nStatus: RO\n"
    " folded\nX: y\n\nbody\n\nFrom -\nA: b\n\n\n\n"
    "From c Tue Jan  2 00:00:00 2024 +0100\r\nA: b\r\n\r\nx\r\n\r\ny\rz\n"
    "From c Tue Jan  2 00:00:00 2024\nFrom d Tue Jan  2 00:00:00 2024\n"
    "\nFrom e\nX-UID: 3\n\nFrom here\nFFFF\nFrom \nFrom x y z\n\r\n"
    "From nul\nA: \0b\n\n\0\0\n\n\n\r\r\n\nX-UID: 1\n\xE9\n\n"
    "From last\nA: b\n\nend";

/* All messages are what the plain way makes of the file. */
static void
compare(struct span file)
{
	struct plain p = plain_split(file);
	struct box *box;

	mboxroom_write(room.spool, file);
	box = mboxroom_open(&room, &mboxroom_inbox);
	assert_int_equal(box->count, p.count);
	for (size_t i = 0; i < p.count; i++) {
		struct buf b = mboxroom_message(box, i);

		assert_int_equal(b.n, p.messages[i].wire.n);
		if (b.n > 0)
			assert_memory_equal(b.p, p.messages[i].wire.p, b.n);
		buf_clear(&b);
	}
	box_close(box);
	plain_free(&p);
}

static void
test_small(void **state)
{
	(void)state;
	for (size_t n = sizeof small - 1; n > 40; n--)
		compare((struct span){ small, n });
}

/* Each offset and each length. */
static void
test_pieces(void **state)
{
	struct fault f = { .code = FAULT_NONE };
	struct box *box;
	struct buf b;

	(void)state;
	mboxroom_write(room.spool, (struct span){ small, sizeof small - 1 });
	box = mboxroom_open(&room, &mboxroom_inbox);
	buf_init(&b, 0);
	for (size_t i = 0; i < box->count; i++) {
		struct buf whole = mboxroom_message(box, i);

		for (size_t off = 0; off <= whole.n + 1; off++) {
			size_t rest = off > whole.n ? 0 : whole.n - off;

			for (size_t len = 0; len <= rest + 1; len++) {
				size_t n = len < rest ? len : rest;

				buf_reset(&b);
				buf_addc(&b, '#');
				assert_int_equal(box->driver->read(box,
				    &box->records[i], off, len, &b, &f), 0);
				assert_int_equal(b.n, n + 1);
				if (n > 0)
					assert_memory_equal(b.p + 1,
					    whole.p + off, n);
			}
		}
		buf_clear(&whole);
	}
	buf_clear(&b);
	box_close(box);
}

/* A long message, read in pieces forwards, backwards and at random. */
static void
test_long(void **state)
{
	static const char *const lines[] = { "\n", "a\n", "\r\n", "xyz\r\n",
	    "0123456789012345678901234567890123456789\n", "\r" };
	unsigned seed = 7;
	struct fault f = { .code = FAULT_NONE };
	struct buf file, b;
	struct plain p;
	struct box *box;
	const struct buf *wire;

	(void)state;
	buf_init(&file, 0);
	buf_init(&b, 0);
	buf_adds(&file, "From a Mon Jan  1 00:00:00 2024\nA: b\n\n");
	while (file.n < 5 * 1024 * 1024)
		buf_adds(&file, lines[rand_r(&seed) % 6]);
	p = plain_split(buf_span(&file));
	wire = &p.messages[0].wire;
	mboxroom_write(room.spool, buf_span(&file));
	box = mboxroom_open(&room, &mboxroom_inbox);
	assert_int_equal(box->records[0].wire_size, wire->n);
	for (int run = 0; run < 400; run++) {
		size_t len = (size_t)rand_r(&seed) % 70000;
		size_t off = (size_t)rand_r(&seed) % wire->n;

		if (run < 200)
			off = wire->n / 200 * (size_t)run;
		else if (run < 300)
			off = wire->n / 100 * (size_t)(299 - run);
		buf_reset(&b);
		assert_int_equal(box->driver->read(box, &box->records[0],
		    off, len, &b, &f), 0);
		assert_int_equal(b.n, wire->n - off < len ? wire->n - off :
		    len);
		assert_memory_equal(b.p, wire->p + off, b.n);
	}
	box_close(box);
	plain_free(&p);
	buf_clear(&file);
	buf_clear(&b);
}

/* What a caller's buffer can't take is a fault, and nothing is wrong then. */
static void
test_full(void **state)
{
	struct fault f = { .code = FAULT_NONE };
	struct box *box;
	struct buf b;

	(void)state;
	mboxroom_write(room.spool, (struct span){ small, sizeof small - 1 });
	box = mboxroom_open(&room, &mboxroom_inbox);
	for (size_t max = 1; max < box->records[0].wire_size; max++) {
		buf_init(&b, max);
		assert_int_equal(box->driver->read(box, &box->records[0], 0,
		    SIZE_MAX, &b, &f), -1);
		assert_int_equal(f.code, FAULT_LIMIT);
		buf_clear(&b);
	}
	box_close(box);
}

static void
test_generated(void **state)
{
	(void)state;
	plain_generate(20240102, 300, compare);
}

/* A header that does not fit a block, and metadata in it. */
static void
test_long_header(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	buf_adds(&b, "From a Mon Jan  1 00:00:00 2024\n");
	while (b.n < 1024 * 1024)
		buf_adds(&b, "Received: by somebody\nStatus: RO\n\tfold\n");
	buf_adds(&b, "\nbody\n\nFrom b\nA: b\n\nx\n");
	compare(buf_span(&b));
	buf_clear(&b);
}

static void
test_corpus(void **state)
{
	static const char *const paths[] = {
		"../shared/corpus/mbox/content-length.mbox",
		"../shared/corpus/mbox/issue1189.mbox",
		"../shared/corpus/mbox/simple.mbox",
		"../shared/corpus/mbox/unmunged.mbox",
		"../shared/corpus/written/created",
		"../shared/corpus/written/delivered",
	};

	(void)state;
	if (access("../shared/corpus", R_OK) == -1)
		mboxroom_no_corpus();
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct buf b = mboxroom_read(paths[i]);

		compare(buf_span(&b));
		buf_clear(&b);
	}
}

static void
flip(struct box *box)
{
	int fd = open(room.spool, O_WRONLY | O_CLOEXEC);

	(void)box;
	assert_int_equal(file_pwrite_full(fd, "XXXX", 4, 45), 4);
	close(fd);
}

static void
cut(struct box *box)
{
	(void)box;
	assert_int_equal(truncate(room.spool, 50), 0);
}

static void
cut_all(struct box *box)
{
	(void)box;
	assert_int_equal(truncate(room.spool, 0), 0);
}

static void
drop(struct box *box)
{
	(void)box;
	assert_int_equal(unlink(room.spool), 0);
}

static void
replace(struct box *box)
{
	(void)box;
	assert_int_equal(unlink(room.spool), 0);
	mboxroom_write(room.spool, SPAN(
	    "From x Mon Jan  1 00:00:00 2024\nOther: one\n\nother\n"));
}

static void
grow(struct box *box)
{
	(void)box;
	mboxroom_add(room.spool, SPAN(
	    "From x Mon Jan  1 00:00:00 2024\nOther: one\n\nother\n"));
}

/* The index says what is not so. */
static void
lie_place(struct box *box)
{
	box->records[0].place++;
}

static void
lie_sizes(struct box *box)
{
	box->records[0].wire_header++;
}

static void
lie_far(struct box *box)
{
	box->records[0].place = UINT64_MAX - 10;
}

static void
lie_long(struct box *box)
{
	box->records[0].wire_size = 2 * box->records[0].disk_size;
}

/* Whatever happens to file and records: the message's octets or a fault. */
static void
test_changes(void **state)
{
	static const char old[] = "From a Mon Jan  1 00:00:00 2024\nA: b\n\n"
	    "the first one is this\n\nFrom b\nB: c\n\nsecond\n";
	static const struct {
		void (*what)(struct box *);
		bool first_stays;	/* after a sync */
		size_t count;
	} rows[] = {
		{ flip, false, 2 }, { cut, false, 1 }, { cut_all, false, 0 },
		{ drop, false, 0 }, { replace, false, 1 }, { grow, true, 3 },
		{ lie_place, true, 2 }, { lie_sizes, false, 2 },
		{ lie_far, true, 2 }, { lie_long, false, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct fault f = { .code = FAULT_NONE };
		struct buf first, again;
		struct record r;
		struct box *box;

		mboxroom_forget_index(&room);
		mboxroom_write(room.spool, SPAN(old));
		box = mboxroom_open(&room, &mboxroom_inbox);
		first = mboxroom_message(box, 0);
		/* Not from memory. */
		((struct mbox *)box->state)->reader.filled = false;
		((struct mbox *)box->state)->reader.is_open = false;
		rows[i].what(box);
		r = box->records[0];
		buf_init(&again, 0);
		if (box->driver->read(box, &r, 0, SIZE_MAX, &again, &f) == 0)
			fail_msg("row %zu was read", i);
		assert_int_equal(f.code, FAULT_CHANGED);
		assert_int_equal(again.n, 0);
		mboxroom_sync(box);
		assert_int_equal(box->count, rows[i].count);
		for (size_t k = 0; k < box->count; k++) {
			struct buf b = mboxroom_message(box, k);

			if (k == 0 && rows[i].first_stays) {
				assert_int_equal(b.n, first.n);
				assert_memory_equal(b.p, first.p, b.n);
				assert_int_equal(box->records[0].uid, r.uid);
			}
			buf_clear(&b);
		}
		buf_clear(&first);
		buf_clear(&again);
		box_close(box);
	}
}

/* Counting and converting: each start and end of pieces that matter, against
 * octet by octet. */
static void
test_wire(void **state)
{
	static const char chars[] = "\n\r\0Fxxxx";
	unsigned seed = 3;

	(void)state;
	for (int run = 0; run < 6000; run++) {
		char text[320];
		size_t n = (size_t)rand_r(&seed) % (run < 4000 ? 70 : 310);
		size_t used, i, kinds = 3 + (size_t)run % 6;
		uint64_t bare = 0, expect = 0;
		struct buf out, plain;
		bool found;

		for (i = 0; i < n + 2; i++)
			text[i] = run % 4 == 3 && rand_r(&seed) % 30 != 0 ?
			    '\n' : run % 4 == 2 && rand_r(&seed) % 9 != 0 ?
			    'x' : chars[(size_t)rand_r(&seed) % kinds];
		found = wire_count(text + 1, n, &used, &bare);
		for (i = 1; i <= n; i++) {
			if (text[i] != '\n')
				continue;
			expect += text[i - 1] != '\r';
			if (text[i + 1] == 'F')
				break;
		}
		assert_int_equal(found, i <= n);
		assert_int_equal(used, found ? i : n);
		assert_int_equal(bare, expect);

		buf_init(&plain, 0);
		for (i = 1; i <= n; i++) {
			if (text[i] == '\n' && text[i - 1] != '\r')
				buf_addc(&plain, '\r');
			buf_addc(&plain, text[i] == '\0' ? '\x80' : text[i]);
		}
		buf_init(&out, 0);
		assert_int_equal(wire_add(&out, SIZE_MAX, text + 1, n,
		    text[0]), n);
		assert_true(span_eq(buf_span(&out), buf_span(&plain)));
		for (size_t room_left = 0; room_left < plain.n; room_left++) {
			buf_reset(&out);
			used = wire_add(&out, room_left, text + 1, n,
			    text[0]);
			assert_true(out.n <= room_left);
			assert_true(out.n + 1 >= room_left);
			assert_true(span_eq(buf_span(&out), span_slice(
			    buf_span(&plain), 0, out.n)));
			assert_true(used <= n);
		}
		buf_clear(&out);
		buf_clear(&plain);
	}
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
		cmocka_unit_test(test_wire),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_generated),
		cmocka_unit_test(test_long_header),
		cmocka_unit_test(test_corpus),
		cmocka_unit_test(test_changes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, mboxroom_teardown);
}
