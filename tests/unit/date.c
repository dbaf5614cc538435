/* SPDX-License-Identifier: Apache-2.0 */
/* Dates of mail, read generously, and of IMAP, read strictly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "c-client/base/buf.h"
#include "c-client/base/memory.h"
#include "c-client/mime/date.h"
#include "tests/lib/linear.h"

/* 2 Jan 2024 10:00:00 UTC. */
#define JAN2	1704189600

static const struct {
	const char *text;
	bool ok;
	int64_t secs;
	int zone;
} rows[] = {
	{ "Tue, 2 Jan 2024 10:00:00 +0000", true, JAN2, 0 },
	{ "Tue, 02 Jan 2024 12:30:00 +0230", true, JAN2, 150 },
	{ "2 Jan 2024 10:00:00 GMT", true, JAN2, 0 },
	{ "2 Jan 2024 05:00:00 EST", true, JAN2, -300 },
	{ "2 jan 24 10:00 ut", true, JAN2, 0 },
	{ "Tue, 2 Jan 2024 10:00:00", true, JAN2, 0 },
	{ "Tue Jan  2 10:00:00 2024", true, JAN2, 0 },
	{ "Tue Jan  2 12:00:00 CEST 2024", true, JAN2, 120 },
	{ "Tue, 2 January 2024 10:00:00 Z", true, JAN2, 0 },
	{ "2-Jan-2024 10:00:00 +0000", true, JAN2, 0 },
	{ "2024-01-02T10:00:00Z", true, JAN2, 0 },
	{ "2024-01-02T11:00:00+01:00", true, JAN2, 60 },
	{ "Tue,\r\n 2\r\n Jan\r\n 2024\r\n 10:00:00\r\n -0000 (none)", true,
	    JAN2, 0 },
	{ "(c) Tue (d), 2 (e(f)) Jan 2024 10 : 00 (:) : 00 +0000", true,
	    JAN2, 0 },
	{ "Tue, 2 Jan 124 10:00:00 +0000", true, JAN2, 0 },
	{ "Tue, 2 Jan 2024 10:00:00 +9999", true, JAN2, 0 },
	{ "Wed, 2 Jan 2024 10:00:00 +0000", true, JAN2, 0 },
	{ "Tue, 2 Jan 2024", true, JAN2 - 36000, 0 },
	{ "Thu, 13 Feb 1969 23:32:54 -0330", true, -27723426, -210 },
	{ "1 Jan 70 00:00:00 +0000", true, 0, 0 },
	{ "1 Jan 50 00:00:00 +0000", true, -631152000, 0 },
	{ "1 Jan 49 00:00:00 +0000", true, 2493072000, 0 },
	{ "31 Dec 1998 23:59:60 +0000", true, 915148800, 0 },
	{ "29 Feb 2024 00:00:00 +0000", true, 1709164800, 0 },
	{ "29 Feb 2023 00:00:00 +0000", false, 0, 0 },
	{ "29 Feb 1900 00:00:00 +0000", false, 0, 0 },
	{ "29 Feb 2000 00:00:00 +0000", true, 951782400, 0 },
	{ "32 Jan 2024 10:00:00 +0000", false, 0, 0 },
	{ "0 Jan 2024 10:00:00 +0000", false, 0, 0 },
	{ "2 Jan 2024 24:00:00 +0000", false, 0, 0 },
	{ "2 Jan 2024 10:60:00 +0000", false, 0, 0 },
	{ "2 Jan 2024 10:00:61 +0000", false, 0, 0 },
	{ "2 Foo 2024 10:00:00 +0000", false, 0, 0 },
	{ "2 Jan 20240 10:00:00 +0000", false, 0, 0 },
	{ "99999999999999999999 Jan 2024", false, 0, 0 },
	{ "", false, 0, 0 },
	{ "Jan", false, 0, 0 },
	{ "10:00:00", false, 0, 0 },
	{ "((((", false, 0, 0 },
};

static void
test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct date d = { -7, 7 };

		assert_int_equal(date_parse(span_of(rows[i].text), &d),
		    rows[i].ok);
		assert_int_equal(d.secs, rows[i].ok ? rows[i].secs : -7);
		assert_int_equal(d.zone_minutes, rows[i].ok ? rows[i].zone :
		    7);
	}
}

static void
test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t n = strlen(rows[i].text);

		for (size_t cut = 0; cut <= n; cut++) {
			char *copy = memory_alloc(cut);
			struct date d;
			int64_t day;

			memcpy(copy, rows[i].text, cut);
			date_parse((struct span){ copy, cut }, &d);
			date_parse_internal((struct span){ copy, cut }, &d);
			date_parse_day((struct span){ copy, cut }, &day);
			free(copy);
		}
	}
}

static void
test_internal(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t secs;
		int zone;
	} strict[] = {
		{ " 2-Jan-2024 10:00:00 +0000", true, JAN2, 0 },
		{ "02-JAN-2024 10:00:00 +0000", true, JAN2, 0 },
		{ "17-Jul-1996 02:44:25 -0700", true, 837596665, -420 },
		{ "2-Jan-2024 10:00:00 +0000", false, 0, 0 },
		{ " 2-Jan-2024 10:00:00 GMT", false, 0, 0 },
		{ " 2-Jan-2024 10:00:00", false, 0, 0 },
		{ " 2-Jan-24 10:00:00 +0000", false, 0, 0 },
		{ " 2-Jan-2024 10:00:00 +2400", false, 0, 0 },
		{ " 2-Jan-2024 10:00:00 +0060", false, 0, 0 },
		{ " 2-Jan-2024 10:00:00 +2359", true, JAN2 - 86340, 1439 },
		{ "31-Apr-2024 10:00:00 +0000", false, 0, 0 },
		{ "  -Jan-2024 10:00:00 +0000", false, 0, 0 },
		{ " 2-Jan-2024 10:00:00 +0000 ", false, 0, 0 },
		{ "\" 2-Jan-2024 10:00:00 +0000\"", false, 0, 0 },
		{ "", false, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof strict / sizeof strict[0]; i++) {
		struct date d = { -7, 7 };

		assert_int_equal(date_parse_internal(span_of(strict[i].text),
		    &d), strict[i].ok);
		assert_int_equal(d.secs, strict[i].ok ? strict[i].secs : -7);
		assert_int_equal(d.zone_minutes, strict[i].ok ?
		    strict[i].zone : 7);
	}
}

static void
test_day(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t day;
	} days[] = {
		{ "1-Feb-1994", true, 8797 }, { "01-feb-1994", true, 8797 },
		{ "1-Jan-1970", true, 0 }, { "31-Dec-1969", true, -1 },
		{ "29-Feb-2023", false, 0 }, { "1-Feb-94", false, 0 },
		{ " 1-Feb-1994", false, 0 }, { "1 Feb 1994", false, 0 },
		{ "", false, 0 }, { "0-Feb-1994", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
		int64_t day = -99;

		assert_int_equal(date_parse_day(span_of(days[i].text), &day),
		    days[i].ok);
		assert_int_equal(day, days[i].ok ? days[i].day : -99);
	}
}

static void
test_write(void **state)
{
	static const struct {
		struct date d;
		const char *internal, *mail;
	} dates[] = {
		{ { JAN2, 0 }, " 2-Jan-2024 10:00:00 +0000",
		    "Tue, 2 Jan 2024 10:00:00 +0000" },
		{ { JAN2, -330 }, " 2-Jan-2024 04:30:00 -0530",
		    "Tue, 2 Jan 2024 04:30:00 -0530" },
		{ { JAN2, 840 }, " 3-Jan-2024 00:00:00 +1400",
		    "Wed, 3 Jan 2024 00:00:00 +1400" },
		{ { -1, 0 }, "31-Dec-1969 23:59:59 +0000",
		    "Wed, 31 Dec 1969 23:59:59 +0000" },
		{ { INT64_MAX, 0 }, "31-Dec-9999 23:59:59 +0000",
		    "Fri, 31 Dec 9999 23:59:59 +0000" },
		{ { INT64_MIN, 0 }, " 1-Jan-0000 00:00:00 +0000",
		    "Sat, 1 Jan 0000 00:00:00 +0000" },
		{ { JAN2, INT16_MAX }, " 2-Jan-2024 10:00:00 +0000",
		    "Tue, 2 Jan 2024 10:00:00 +0000" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
		struct buf out;

		buf_init(&out, 0);
		date_write_internal(&out, &dates[i].d);
		assert_string_equal(buf_string(&out), dates[i].internal);
		buf_reset(&out);
		date_write_rfc5322(&out, &dates[i].d);
		assert_string_equal(buf_string(&out), dates[i].mail);
		buf_clear(&out);
	}
}

/* Against the C library's calendar, day by day over 1600 years, and back. */
static void
test_calendar(void **state)
{
	(void)state;
	for (int64_t day = date_days(1200, 1, 1);
	    day < date_days(2800, 1, 1); day += 17) {
		time_t t = (time_t)(day * 86400);
		int64_t year;
		int month, mday;
		struct tm tm;

		gmtime_r(&t, &tm);
		date_civil(day, &year, &month, &mday);
		assert_int_equal(year, tm.tm_year + 1900);
		assert_int_equal(month, tm.tm_mon + 1);
		assert_int_equal(mday, tm.tm_mday);
		assert_int_equal(date_days(year, month, mday), day);
	}
}

static void
test_round_trip(void **state)
{
	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct date d = { (int64_t)i * 123456789 % 250000000000 -
		    60000000000, (int16_t)(i % 2880 - 1439) };
		struct date back;
		struct buf out;

		buf_init(&out, 0);
		date_write_internal(&out, &d);
		assert_true(date_parse_internal(buf_span(&out), &back));
		assert_int_equal(back.secs, d.secs);
		assert_int_equal(back.zone_minutes, d.zone_minutes);
		buf_reset(&out);
		date_write_rfc5322(&out, &d);
		assert_true(date_parse(buf_span(&out), &back));
		assert_int_equal(back.secs, d.secs);
		buf_clear(&out);
	}
}

static void
test_local_day(void **state)
{
	struct date d = { 86400 * 5 + 82800, 120 };

	(void)state;
	assert_int_equal(date_local_day(&d), 6);
	d.zone_minutes = 0;
	assert_int_equal(date_local_day(&d), 5);
	d.secs = -1;
	assert_int_equal(date_local_day(&d), -1);
}

static const char *const bombs[] = {
	"(", "1(", "1:", "1:(", "+1", "a ", "1 ", "\\", "2024-", "10:00 ",
};
static size_t bomb;

static void
bomb_work(size_t n)
{
	struct date d;
	struct buf text;

	buf_init(&text, 0);
	for (size_t i = 0; i < n; i++)
		buf_adds(&text, bombs[bomb]);
	date_parse(buf_span(&text), &d);
	buf_clear(&text);
}

static void
test_linear(void **state)
{
	(void)state;
	for (bomb = 0; bomb < sizeof bombs / sizeof bombs[0]; bomb++)
		assert_true(linear(bomb_work, 20000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_internal),
		cmocka_unit_test(test_day),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_calendar),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_local_day),
		cmocka_unit_test(test_linear),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
