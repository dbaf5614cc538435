/* SPDX-License-Identifier: Apache-2.0 */
/* Coding, character sets and the date of rfc822.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "c-client/base/memory.h"
#include "c-client/mime/date.h"
#include "c-client/rfc822.h"
#include "tests/lib/linear.h"
#include "tests/lib/mm_told.h"

typedef unsigned char *(*encoder)(unsigned char *, unsigned long,
    unsigned long *);

static unsigned char *
binary(unsigned char *src, unsigned long n, unsigned long *len)
{
	return rfc822_binary(src, n, len);
}

static unsigned char *
base64(unsigned char *src, unsigned long n, unsigned long *len)
{
	return rfc822_base64(src, n, len);
}

/* What `code` makes of it, which has no octet behind its end. */
static unsigned char *
coded(encoder code, const char *src, size_t n, unsigned long *len)
{
	unsigned char *copy = memory_alloc(n), *out;

	memcpy(copy, src, n);
	out = code(copy, n, len);
	free(copy);
	assert_non_null(out);
	assert_int_equal(out[*len], '\0');
	return out;
}

#define TEN	"0123456789"
#define LINE_75	TEN TEN TEN TEN TEN TEN TEN "01234"

static void
test_table(void **state)
{
	static const struct {
		encoder code;
		const char *in, *want;
	} rows[] = {
		{ rfc822_8bit, "", "" },
		{ rfc822_8bit, "a", "a" },
		{ rfc822_8bit, "a=b", "a=3Db" },
		{ rfc822_8bit, "a\r\n", "a\r\n" },
		{ rfc822_8bit, "a \r\n", "a=20\r\n" },
		{ rfc822_8bit, "a ", "a=20" },
		{ rfc822_8bit, "a \tb", "a =09b" },
		{ rfc822_8bit, "\n\r\r\n", "=0A=0D\r\n" },
		{ rfc822_8bit, "\xfe\x7f", "=FE=7F" },
		{ rfc822_8bit, LINE_75, LINE_75 },
		{ rfc822_8bit, LINE_75 "\r\n", LINE_75 "\r\n" },
		{ rfc822_8bit, LINE_75 "x", LINE_75 "=\r\nx" },
		{ rfc822_8bit, TEN TEN TEN TEN TEN TEN TEN "01=", TEN TEN TEN
		    TEN TEN TEN TEN "01=3D" },
		{ rfc822_8bit, TEN TEN TEN TEN TEN TEN TEN "012=", TEN TEN TEN
		    TEN TEN TEN TEN "012=\r\n=3D" },
		{ binary, "", "" },
		{ binary, "a", "YQ==\r\n" },
		{ binary, TEN TEN TEN TEN "0123", "MDEyMzQ1Njc4OTAxMjM0NTY3"
		    "ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM=\r\n" },
		{ binary, TEN TEN TEN TEN "01234", "MDEyMzQ1Njc4OTAxMjM0NTY3"
		    "ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0\r\n" },
		{ binary, TEN TEN TEN TEN "012345", "MDEyMzQ1Njc4OTAxMjM0NTY3"
		    "ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0\r\nNQ==\r\n" },
		{ base64, "", "" },
		{ base64, "YQ==", "a" },
		{ base64, "*Y Q", "a" },
		{ rfc822_qprint, "", "" },
		{ rfc822_qprint, "a=3D=\r\nb \r\n=zz", "a=b\r\n=zz" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		unsigned long n;
		unsigned char *out = coded(rows[i].code, rows[i].in,
		    strlen(rows[i].in), &n);

		assert_string_equal((char *)out, rows[i].want);
		assert_int_equal(n, strlen(rows[i].want));
		fs_give((void **)&out);
		assert_null(out);
	}
}

static void
check_round(encoder code, encoder back, const char *octets, size_t n)
{
	unsigned long len, again, column = 0;
	unsigned char *there = coded(code, octets, n, &len);
	unsigned char *here = coded(back, (char *)there, len, &again);

	assert_int_equal(again, n);
	assert_memory_equal(here, octets, n);
	for (size_t i = 0; i < len; i++) {
		assert_true(there[i] < 0x80 && there[i] != '\0');
		column = there[i] == '\n' ? 0 : column + 1;
		assert_true(column <= 77);	/* with its CR */
	}
	fs_give((void **)&there);
	fs_give((void **)&here);
}

/* All octets, each with each behind it, and each length from 0 on. */
static void
test_round_trips(void **state)
{
	static char pairs[2 * 256 * 256];

	(void)state;
	for (size_t i = 0; i < 256 * 256; i++) {
		pairs[2 * i] = (char)(i >> 8);
		pairs[2 * i + 1] = (char)i;
	}
	check_round(binary, base64, pairs, sizeof pairs);
	check_round(rfc822_8bit, rfc822_qprint, pairs, sizeof pairs);
	for (size_t n = 0; n <= 200; n++) {
		check_round(binary, base64, pairs + 9000, n);
		check_round(rfc822_8bit, rfc822_qprint, pairs + 9000, n);
	}
}

static void
code_all(size_t n)
{
	unsigned char *text = memory_zalloc(n), *out;
	unsigned long len;

	memset(text, ' ', n / 2);
	out = rfc822_8bit(text, n, &len);
	fs_give((void **)&out);
	out = rfc822_binary(text, n, &len);
	fs_give((void **)&out);
	free(text);
}

static void
test_linear(void **state)
{
	(void)state;
	assert_true(linear(code_all, 40000));
}

static void
check_text(const char *in, long flags, const char *want)
{
	SIZEDTEXT src = { NULL, 0 }, dst = { NULL, 7 };
	char *copy = cpystr(in);

	cpytxt(&src, copy, strlen(copy));
	assert_int_equal(utf8_mime2text(&src, &dst, flags), T);
	assert_string_equal((char *)dst.data, want);
	assert_int_equal(dst.size, strlen(want));
	assert_ptr_not_equal(dst.data, src.data);
	fs_give((void **)&src.data);
	fs_give((void **)&dst.data);
	fs_give((void **)&copy);
}

static void
test_mime2text(void **state)
{
	(void)state;
	check_text("", NIL, "");
	check_text("plain  text ", NIL, "plain  text ");
	check_text("=?iso-8859-1?Q?caf=E9?= x", NIL, "caf\xc3\xa9 x");
	check_text("=?iso-8859-1?Q?caf=E9?=\r\n =?utf-8?B?eA==?=", NIL,
	    "caf\xc3\xa9x");
	check_text("caf\xe9", NIL, "caf\xc3\xa9");
	check_text("=?x-nobody?Q?x?=", NIL, "=?x-nobody?Q?x?=");
	check_text("Caf\xc3\xa9 X", U8T_DECOMPOSE, "Cafe\xcc\x81 X");
	check_text("Caf\xc3\x89 X", U8T_CANONICAL, "cafe\xcc\x81 x");
	check_text("=?iso-8859-1?b?THV6b26uMTQ=?= dot CoM", U8T_DECOMPOSE,
	    "Luzon\xc2\xae" "14 dot CoM");
}

static void
check_name(const char *utf8, const char *utf7)
{
	unsigned char *in, *out;

	if (utf8 != NULL) {
		in = (unsigned char *)cpystr(utf8);
		out = utf8_to_mutf7(in);
		assert_string_equal((char *)out, utf7);
		fs_give((void **)&in);
		fs_give((void **)&out);
	}
	in = (unsigned char *)cpystr(utf7);
	out = utf8_from_mutf7(in);
	if (utf8 == NULL)
		assert_null(out);
	else
		assert_string_equal((char *)out, utf8);
	fs_give((void **)&in);
	fs_give((void **)&out);
}

static void
test_mutf7(void **state)
{
	unsigned char bad[] = "a\xff";

	(void)state;
	check_name("", "");
	check_name("INBOX", "INBOX");
	check_name("a&b", "a&-b");
	check_name("t\xc3\xa4st", "t&AOQ-st");
	check_name(NULL, "&AOQ");
	check_name(NULL, "&AGE-");
	check_name(NULL, "\xff");
	assert_null(utf8_to_mutf7(bad));
}

static void
test_date(void **state)
{
	static const struct {
		const char *tz;
		int minutes;
	} zones[] = {
		{ "UTC", 0 }, { "AAA-5:30", 330 }, { "AAA+12", -720 },
		{ "AAA-14", 840 },
	};
	char text[48];
	struct date d;

	(void)state;
	for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
		int64_t from = (int64_t)time(NULL), to;

		setenv("TZ", zones[i].tz, 1);
		memset(text, 'x', sizeof text);
		rfc822_date(text);
		to = (int64_t)time(NULL) + 1;
		assert_true(strlen(text) < 40);
		assert_true(date_parse(span_of(text), &d));
		assert_true(from <= d.secs && d.secs <= to);
		assert_int_equal(d.zone_minutes, zones[i].minutes);
	}
	unsetenv("TZ");
	assert_int_equal(mm_told_count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_linear),
		cmocka_unit_test(test_mime2text),
		cmocka_unit_test(test_mutf7),
		cmocka_unit_test(test_date),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
