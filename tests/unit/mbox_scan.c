/* SPDX-License-Identifier: Apache-2.0 */
/* Separators, and scans of real, cut and hostile mailboxes. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/base/bounds.h"
#include "c-client/base/fault.h"
#include "c-client/formats/mbox_scan.h"
#include "c-client/formats/mbox_separator.h"
#include "tests/lib/mboxroom.h"

#include "c-client/base/banned.h"

static void
test_separators(void **state)
{
	/* date: -2 no separator, -1 none without an empty line before it and
	 * without a date, else the time */
	static const struct {
		const char *line;
		int64_t date;
		int zone;
	} rows[] = {
		{ "From a@b Mon Jan  1 00:00:00 2024", 1704067200, 0 },
		{ "From a@b Mon Jan  1 00:00:00 2024\n", 1704067200, 0 },
		{ "From a@b Mon Jan  1 00:00:00 2024\r\n", 1704067200, 0 },
		{ "From a@b Mon Jan  1 00:00:00 2024 +0100", 1704063600, 60 },
		{ "From a@b Mon Jan  1 00:00:00 -0230 2024", 1704076200,
		    -150 },
		{ "From a@b Mon Jan  1 00:00:00 EST 2024", 1704085200, -300 },
		{ "From a@b Mon Jan  1 00:00:00 2024 GMT", 1704067200, 0 },
		{ "From a@b Mon Jan  1 00:00:00 MET DST 2024", 1704063600,
		    60 },
		{ "From a@b Mon Jan  1 00:00 2024", 1704067200, 0 },
		{ "From a@b Mon Jan 1 0:00 2024", 1704067200, 0 },
		{ "From a@b Mon, 1 Jan 2024 00:00:00 +0000", 1704067200, 0 },
		{ "From a@b Mon, 1 Jan 2024 00:00:00", 1704067200, 0 },
		{ "From a b c Mon Jan  1 00:00:00 2024", 1704067200, 0 },
		{ "From  Mon Jan  1 00:00:00 2024", 1704067200, 0 },
		{ "From a Mon Jan  1 00:00:00 2024 remote from host",
		    1704067200, 0 },
		{ "From \"a b\"@c Sat Feb 29 23:59:60 2020\t", 1583020800,
		    0 },
		{ "From - Mon Jan  1 00:00:00 2024", 1704067200, 0 },
		{ "From -", -1, 0 },
		{ "From - \n", -1, 0 },
		{ "From someone@example.org\r\n", -1, 0 },
		{ "From here on", -2, 0 },
		{ "From a@b Mon Jan  1 00:00:00 2024 x y z", -2, 0 },
		{ "From a@b Mon Jan  1 00:00:00 24", -2, 0 },
		{ "From a@b Mon Jan 32 00:00:00 2024", -2, 0 },
		{ "From a@b Mon Jan  1 24:00:00 2024", -2, 0 },
		{ "From a@b Mon Jan  1 00-00-00 2024", -2, 0 },
		{ "From a@b Jan  1 00:00:00 2024", -2, 0 },
		{ "from a@b Mon Jan  1 00:00:00 2024", -2, 0 },
		{ ">From a@b Mon Jan  1 00:00:00 2024", -2, 0 },
		{ "From:a@b Mon Jan  1 00:00:00 2024", -2, 0 },
		{ "From ", -2, 0 },
		{ "From \n", -2, 0 },
		{ "From   ", -2, 0 },
		{ "From", -2, 0 },
		{ "", -2, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct mbox_separator sep;
		struct span line = span_of(rows[i].line);

		if (mbox_separator_parse(line, false, &sep) !=
		    (rows[i].date >= 0))
			fail_msg("%s", rows[i].line);
		assert_int_equal(mbox_separator_parse(line, true, &sep),
		    rows[i].date != -2);
		assert_int_equal(sep.dated, rows[i].date >= 0);
		if (sep.dated) {
			assert_int_equal(sep.secs, rows[i].date);
			assert_int_equal(sep.zone_minutes, rows[i].zone);
		}
	}
}

/* The line's length: the limit, one more. */
static void
test_separator_limit(void **state)
{
	static const char date[] = " Mon Jan  1 00:00:00 2024\n";
	char line[MBOX_SEPARATOR_MAX + 8];
	struct mbox_separator sep;

	(void)state;
	for (size_t n = MBOX_SEPARATOR_MAX - 2; n < sizeof line; n++) {
		memset(line, 'x', n);
		memcpy(line, "From ", 5);
		memcpy(line + n - (sizeof date - 1), date, sizeof date - 1);
		assert_int_equal(mbox_separator_parse((struct span){ line, n },
		    true, &sep), n <= MBOX_SEPARATOR_MAX);
	}
}

/* The machine's zone, with summer time, where none is written. */
static void
test_local_zone(void **state)
{
	struct mbox_separator sep;

	(void)state;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	assert_true(mbox_separator_parse(SPAN(
	    "From a Mon Jul  1 12:00:00 2024"), false, &sep));
	assert_int_equal(sep.secs, 1719828000);
	assert_int_equal(sep.zone_minutes, 120);
	assert_true(mbox_separator_parse(SPAN(
	    "From a Mon Jan  1 12:00:00 2024"), false, &sep));
	assert_int_equal(sep.zone_minutes, 60);
	setenv("TZ", "UTC", 1);
	tzset();
}

static void
test_first(void **state)
{
	static const struct {
		const char *head;
		int at;
	} rows[] = {
		{ "", 0 }, { "\n", 1 }, { "\r\n\n", 3 }, { "From -\nx", 0 },
		{ "\n\nFrom a\n", 2 }, { "\xEF\xBB\xBF" "From -\n", 3 },
		{ "\xEF\xBB\xBF", 3 }, { "Hello\n", -1 },
		{ "From here on\n", -1 }, { " From -\n", -1 },
		{ "\rFrom -\n", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(mbox_separator_first(span_of(rows[i].head)),
		    rows[i].at);
}

static struct mboxroom room;

static void
scan_file(struct mbox_scan *scan, struct mbox_keywords *k, uint64_t from,
    int expect)
{
	struct fault f = { .code = FAULT_NONE };
	struct stat st;

	memset(scan, 0, sizeof *scan);
	mbox_keywords_init(k);
	scan->fd = open(room.spool, O_RDONLY | O_CLOEXEC);
	assert_int_equal(fstat(scan->fd, &st), 0);
	scan->from = from;
	scan->to = (uint64_t)st.st_size;
	scan->now = 1800000000;
	scan->keywords = k;
	if (mbox_scan(scan, &f) != (expect == FAULT_NONE ? 0 : -1))
		fail_msg("scan: %d %s", f.code, f.text);
	assert_int_equal(f.code, expect);
	close(scan->fd);
}

/* Scan what is in the spool, and compare with the plain way. */
static void
compare(struct span file)
{
	static struct mbox_keywords k;
	struct mbox_scan scan;
	struct plain plain;

	mboxroom_write(room.spool, file);
	scan_file(&scan, &k, 0, FAULT_NONE);
	plain = plain_split(file);
	assert_int_equal(scan.count, plain.count);
	assert_int_equal(scan.internal, plain.internal);
	assert_true(scan.octets <= file.n + file.n / 10);
	for (size_t i = 0; i < scan.count; i++) {
		const struct record *r = &scan.messages[i].r;
		const struct plain_message *m = &plain.messages[i];

		assert_int_equal(r->place, m->place);
		assert_int_equal(r->disk_size, m->end - m->place);
		assert_int_equal(r->separator, m->separator);
		assert_int_equal(r->disk_header, m->header);
		assert_int_equal(r->wire_header, m->wire_header);
		assert_int_equal(r->wire_size, m->wire.n);
	}
	mbox_scan_clear(&scan);
	mbox_keywords_clear(&k);
	plain_free(&plain);
}

static const char small[] =
    "From a@b Mon Jan  1 00:00:00 2024\nSubject: 1\nStatus: RO\n"
    " folded\nX: y\n\nbody\n\nFrom -\nA: b\n\n\n\n"
    "From c Tue Jan  2 00:00:00 2024 +0100\r\nA: b\r\n\r\nx\r\n\r\ny\rz\n"
    "From c Tue Jan  2 00:00:00 2024\nFrom d Tue Jan  2 00:00:00 2024\n"
    "\nFrom e\nX-UID: 3\n\nFrom here\nFFFF\nFrom \nFrom x y z\n\r\n"
    "From last\nA: b\n\nend";

static void
test_every_cut(void **state)
{
	(void)state;
	for (size_t n = sizeof small - 1; n-- > 0; )
		if (mbox_separator_first((struct span){ small, n }) >= 0)
			compare((struct span){ small, n });
}

/* Each part of the file once across the border of two blocks. */
static void
test_every_border(void **state)
{
	struct buf b;

	(void)state;
	for (size_t shift = 0; shift < sizeof small + 8; shift++) {
		buf_init(&b, 0);
		buf_adds(&b, "From a Mon Jan  1 00:00:00 2024\nA: b\n\n");
		while (b.n < 256 * 1024 - sizeof small + shift)
			buf_addc(&b, 'x');
		buf_adds(&b, "\n\n");
		buf_add(&b, small, sizeof small - 1);
		compare(buf_span(&b));
		buf_clear(&b);
	}
}

static void
test_generated(void **state)
{
	(void)state;
	plain_generate(20240101, 3000, compare);
}

/* Nothing but separators; lines without end. */
static void
test_floods(void **state)
{
	static const char *const lines[] = {
		"From a Mon Jan  1 00:00:00 2024\n", "\nFrom a\n", "\nFrom ",
		"\nF", "\n", "\r\n", "\r", "A: b\n", "\nFrom x y",
		"Status: O\n", "\n\n\nFrom -\n\n\n",
	};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		buf_init(&b, 0);
		buf_adds(&b, "From a Mon Jan  1 00:00:00 2024\n");
		while (b.n < 600000)
			buf_adds(&b, lines[i]);
		compare(buf_span(&b));
		buf_clear(&b);
	}
}

/* A header at, and over, the limit: what is beyond belongs to the body. */
static void
test_huge_header(void **state)
{
	static struct mbox_keywords k;
	struct mbox_scan scan;
	struct buf b;

	(void)state;
	for (int lines = 0; lines < 2; lines++) {
		size_t begin;

		buf_init(&b, 0);
		buf_adds(&b, "From a Mon Jan  1 00:00:00 2024\n");
		begin = b.n;
		while (b.n < BOUND_MIME_HEADER + 100000) {
			buf_adds(&b, "X: 0123456789012345678901234567890123");
			if (lines)
				buf_addc(&b, '\n');
		}
		buf_adds(&b, "\n\nbody\n\nFrom b\nA: b\n\nx\n");
		mboxroom_write(room.spool, buf_span(&b));
		scan_file(&scan, &k, 0, FAULT_NONE);
		assert_int_equal(scan.count, 2);
		assert_int_equal(scan.messages[0].r.disk_header,
		    BOUND_MIME_HEADER);
		assert_int_equal(scan.messages[0].r.place + begin, begin);
		assert_int_equal(scan.messages[1].r.wire_size, 11);
		mbox_scan_clear(&scan);
		mbox_keywords_clear(&k);
		buf_clear(&b);
	}
}

/* A part that is added to a file: what is a tail, and what is none. */
static void
test_tails(void **state)
{
	static const char old[] =
	    "From a Mon Jan  1 00:00:00 2024\nA: b\n\nx\n";
	static const struct {
		const char *tail;
		int expect;
		size_t count, begin;
	} rows[] = {
		{ "\nFrom b\nA: b\n\n", FAULT_NONE, 1, 1 },
		{ "From b Mon Jan  1 00:00:00 2024\n", FAULT_NONE, 1, 0 },
		{ "From b\nA: b\n\n", FAULT_CORRUPT, 0, 0 },
		{ "\n\r\n\nFrom b\n\nFrom c\n", FAULT_NONE, 2, 4 },
		{ "more\n", FAULT_CORRUPT, 0, 0 },
		{ "\n", FAULT_NONE, 0, 1 },
		{ "", FAULT_NONE, 0, 0 },
	};
	static struct mbox_keywords k;
	struct mbox_scan scan;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		mboxroom_write(room.spool, SPAN(old));
		mboxroom_add(room.spool, span_of(rows[i].tail));
		scan_file(&scan, &k, sizeof old - 1, rows[i].expect);
		assert_int_equal(scan.count, rows[i].count);
		if (rows[i].expect == FAULT_NONE)
			assert_int_equal(scan.begin,
			    sizeof old - 1 + rows[i].begin);
		mbox_scan_clear(&scan);
		mbox_keywords_clear(&k);
	}
}

static void
test_no_mailbox(void **state)
{
	static struct mbox_keywords k;
	struct mbox_scan scan;
	struct fault f = { .code = FAULT_NONE };

	(void)state;
	mboxroom_write(room.spool, SPAN("root:x:0:0:root:/root:/bin/sh\n"));
	scan_file(&scan, &k, 0, FAULT_CORRUPT);
	/* It became shorter than it was said to be. */
	mboxroom_write(room.spool, SPAN(small));
	scan.fd = open(room.spool, O_RDONLY | O_CLOEXEC);
	scan.to = 100000;
	assert_int_equal(mbox_scan(&scan, &f), -1);
	assert_int_equal(f.code, FAULT_CHANGED);
	close(scan.fd);
	mbox_scan_clear(&scan);
	mbox_keywords_clear(&k);
}

/* Real mailboxes, where they lie beside the checkout. */
static void
test_corpus(void **state)
{
	static const struct {
		const char *path;
		size_t count;
	} rows[] = {
		{ "../shared/corpus/mbox/content-length.mbox", 27 },
		{ "../shared/corpus/mbox/issue1189.mbox", 4 },
		{ "../shared/corpus/mbox/simple.mbox", 1 },
		{ "../shared/corpus/mbox/unmunged.mbox", 2 },
		{ "../shared/corpus/written/created", 5 },
		{ "../shared/corpus/written/delivered", 4 },
		{ "../shared/corpus/written/first", 0 },
	};

	(void)state;
	if (access("../shared/corpus", R_OK) == -1)
		mboxroom_no_corpus();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf b = mboxroom_read(rows[i].path);
		struct plain p = plain_split(buf_span(&b));

		assert_int_equal(p.count, rows[i].count);
		plain_free(&p);
		compare(buf_span(&b));
		buf_clear(&b);
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
		cmocka_unit_test(test_separators),
		cmocka_unit_test(test_separator_limit),
		cmocka_unit_test(test_local_zone),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_every_border),
		cmocka_unit_test(test_generated),
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_huge_header),
		cmocka_unit_test(test_tails),
		cmocka_unit_test(test_no_mailbox),
		cmocka_unit_test(test_corpus),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, mboxroom_teardown);
}
