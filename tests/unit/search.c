/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searching a mailbox of a few messages: each row is a search and the numbers
 * of the messages that match.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/mime/date.h"
#include "c-client/store/message.h"
#include "c-client/store/search.h"
#include "c-client/store/seqset.h"
#include "imapd/args.h"
#include "imapd/search_args.h"
#include "tests/lib/fakebox.h"

#define PLAIN \
	"From: =?UTF-8?Q?J=C3=BCrgen?= \"the\" Tall <Jt@Example.ORG>\r\n" \
	"To: a@b.example, \"Doe, John\" <john@doe.example>\r\n" \
	"Subject: A long\r\n\t subject =?iso-8859-1?Q?=E4=F6?=\r\n" \
	" =?iso-8859-1?Q?=FC?= end\r\n" \
	"Date: Tue, 2 Jan 2024 23:30:00 -0500\r\n" \
	"X-Empty:\r\n" \
	"\r\n" \
	"Hello World,\r\nna\xC3\xAFve caf\xC3\xA9 needle-one\r\n"

#define MULTI \
	"From: root\r\nSubject: multi\r\n" \
	"Date: Wed, 3 Jan 2024 00:30:00 +0900\r\n" \
	"Cc: Group: x@y.example;\r\n" \
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n" \
	"preamble-word\r\n--b\r\n" \
	"Content-Type: text/plain; charset=iso-8859-1\r\n" \
	"Content-Transfer-Encoding: quoted-printable\r\n\r\n" \
	"soft=\r\nbreak gr=FC=DFe\r\n" \
	"--b\r\n" \
	"Content-Type: text/html; charset=utf-16be\r\n" \
	"Content-Transfer-Encoding: base64\r\n\r\n" \
	"AFcAaQBkAGUAIABXAG8AcgBkAAo=\r\n" \
	"--b\r\n" \
	"Content-Type: application/octet-stream; name=secret-name.bin\r\n" \
	"Content-Disposition: attachment;\r\n" \
	" filename*0*=utf-8''%C3%A4ttach; filename*1*=ment.txt\r\n\r\n" \
	"binary-word\r\n" \
	"--b\r\n" \
	"Content-Type: message/rfc822\r\n\r\n" \
	"Subject: =?utf-8?B?aW5uZXIgw6Q=?=\r\n\r\ninner body\r\n" \
	"--b--\r\n"

#define BARE	"\r\nno header, needle-three\r\n"

#define BADDATE	"Date: some day\r\nDate: Tue, 2 Jan 2024 10:00:00 +0000\r\n" \
	"Bcc: hidden@x.example\r\n\r\n\xE4 latin\r\n"

static const char *const keywords[] = { "$Junk", "Other" };

static struct record *
dated(struct record *r, int day, int16_t zone)
{
	struct date d;

	/* Half past eleven in the evening, in its own zone. */
	d.secs = date_days(2024, 2, day) * 86400 + 23 * 3600 + 1800 -
	    60 * (int64_t)zone;
	r->date = d.secs;
	r->zone = zone;
	return r;
}

static struct reader *
setup(void)
{
	struct record *r;

	fake_reset();
	for (size_t i = 0; i < 2; i++)
		fake.box.meta.keywords[i] = keywords[i];
	fake.box.meta.keyword_count = 2;
	r = dated(fake_add(10, SPAN(PLAIN)), 1, -300);
	r->flags = FLAG_SEEN | FLAG_ANSWERED;
	r->keywords.bits[0] = 1;
	r = dated(fake_add(20, SPAN(MULTI)), 2, 540);
	r->flags = FLAG_FLAGGED | FLAG_DRAFT;
	uidruns_add(&fake.view.recent, 20, 1);
	r = dated(fake_add(30, SPAN(BARE)), 3, 0);
	r->flags = FLAG_DELETED | FLAG_SEEN;
	r->keywords.bits[0] = 2;
	uidruns_add(&fake.view.recent, 30, 1);
	fake.view.recent_count = 2;
	dated(fake_add(40, SPAN(BADDATE)), 4, 0);
	return reader_new(&fake.box);
}

/* "1,3", "" or "FAULT". */
static const char *
found(const char *text, struct reader *reader, struct buf *out)
{
	static const struct search_args_star star = { 4, 40 };
	struct arena *arena = arena_new(0);
	struct fault why = { 0 };
	struct search_key *key;
	uint32_t *numbers;
	size_t count;
	struct args a;

	buf_reset(out);
	args_init(&a, arena, span_of(text));
	key = search_args_parse(&a, &star, &why);
	assert_non_null(key);
	if (search_run(&fake.view, reader, key, arena, &numbers, &count,
	    &why) == 0)
		for (size_t i = 0; i < count; i++)
			buf_addf(out, "%s%u", i == 0 ? "" : ",", numbers[i]);
	else
		buf_adds(out, "FAULT");
	arena_free(arena);
	return buf_string(out);
}

static const struct row {
	const char *text, *numbers;
} rows[] = {
	{ " ALL", "1,2,3,4" },
	{ " 2:3", "2,3" }, { " *", "4" }, { " UID 20,40:99", "2,4" },
	{ " SEEN", "1,3" }, { " UNSEEN", "2,4" }, { " ANSWERED", "1" },
	{ " FLAGGED", "2" }, { " DRAFT", "2" }, { " DELETED", "3" },
	{ " UNDELETED", "1,2,4" }, { " RECENT", "2,3" }, { " OLD", "1,4" },
	{ " NEW", "2" }, { " KEYWORD $junk", "1" }, { " KEYWORD Other", "3" },
	{ " UNKEYWORD Other", "1,2,4" }, { " KEYWORD Nobody", "" },
	{ " UNKEYWORD Nobody", "1,2,3,4" },
	{ " BEFORE 2-Feb-2024", "1" }, { " ON 2-Feb-2024", "2" },
	{ " SINCE 2-Feb-2024", "2,3,4" }, { " ON 5-Feb-2024", "" },
	{ " SENTON 2-Jan-2024", "1" }, { " SENTON 3-Jan-2024", "2" },
	{ " SENTBEFORE 3-Jan-2024", "1" }, { " SENTSINCE 2-Jan-2024", "1,2" },
	{ " NOT SENTSINCE 2-Jan-2024", "3,4" },
	{ " LARGER 27", "1,2,4" }, { " SMALLER 27", "" },
	{ " SMALLER 28", "3" }, { " LARGER 26 SMALLER 28", "3" },

	{ " SUBJECT \"LONG SUBJECT\"", "1" },
	{ " SUBJECT \"long  subject\"", "1" },
	{ " SUBJECT {3}\r\n\xC3\xA4u", "" },
	{ " SUBJECT {6}\r\n\xC3\x84\xC3\x96\xC3\x9C", "1" },
	{ " SUBJECT \"\"", "1,2" },
	{ " SUBJECT inner", "" },
	{ " HEADER X-Empty \"\"", "1" }, { " HEADER X-Empty x", "" },
	{ " HEADER x-empty \"\"", "1" }, { " HEADER X \"\"", "" },
	{ " HEADER Date \"2 Jan 2024\"", "1,4" },
	{ " HEADER Subject ubject:", "" },
	{ " FROM {7}\r\nj\xC3\xBCRGEN", "1" },
	{ " FROM jt@example.org", "1" }, { " FROM root", "2" },
	{ " FROM \"the Tall <jt@\"", "1" },
	{ " TO \"Doe, John\"", "1" }, { " TO \"John <john@\"", "1" },
	{ " TO a@b.example", "1" }, { " TO nobody", "" },
	{ " CC x@y", "2" }, { " BCC hidden", "4" }, { " CC \"\"", "2" },

	{ " BODY \"hello world\"", "1" },
	{ " BODY {5}\r\nCAF\xC3\x89", "1" },
	{ " BODY subject", "2" },	/* of the message inside */
	{ " BODY softbreak", "2" },
	{ " BODY {7}\r\ngr\xC3\xBC\xC3\x9F" "E", "2" },
	{ " BODY \"wide word\"", "2" },
	{ " BODY binary-word", "" }, { " BODY preamble-word", "" },
	{ " BODY secret-name", "2" },
	{ " BODY {9}\r\n\xC3\xA4ttachme", "2" },
	{ " BODY {8}\r\ninner \xC3\x84", "2" },
	{ " BODY \"inner body\"", "2" },
	{ " BODY {8}\r\n\xC3\xA4 latin", "4" },
	{ " BODY \"\"", "1,2,3,4" },
	{ " TEXT subject", "1,2" }, { " TEXT needle", "1,3" },
	{ " TEXT \"from: root\"", "2" }, { " TEXT absent", "" },
	{ " NOT TEXT subject", "3,4" },
	{ " CHARSET ISO-8859-1 SUBJECT {1}\r\n\xE4", "1" },

	{ " OR SEEN BODY inner", "1,2,3" },
	{ " OR BODY inner SEEN", "1,2,3" },
	{ " OR FROM root BODY needle", "1,2,3" },
	{ " NOT (SEEN BODY needle)", "2,4" },
	{ " NOT (BODY needle FROM root)", "1,2,3,4" },
	{ " OR (FROM root BODY wide) (SEEN SUBJECT long)", "1,2" },
	{ " OR OR 1 2 4", "1,2,4" },
	{ " BODY inner TEXT softbreak SUBJECT multi", "2" },
	{ " NOT NOT BODY inner", "2" },
};

static void
test_rows(void **state)
{
	struct reader *reader = setup();
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char name[100];

		snprintf(name, sizeof name, "%s -> %s", rows[i].text,
		    rows[i].numbers);
		found(rows[i].text, reader, &out);
		if (strcmp(buf_string(&out), rows[i].numbers) != 0)
			print_message("# %s: %s\n", name, buf_string(&out));
		assert_string_equal(buf_string(&out), rows[i].numbers);
	}
	buf_clear(&out);
	reader_free(reader);
}

/* No octet is read that is not needed. */
static void
test_cost(void **state)
{
	static const struct {
		const char *text;
		int reads;
		uint64_t most;
	} costs[] = {
		{ " SEEN SINCE 1-Jan-2000 LARGER 5", 0, 0 },
		{ " BODY needle 3", 1, sizeof BARE },
		{ " FROM root UNSEEN ANSWERED", 0, 0 },
		{ " OR ALL BODY x", 0, 0 },
		{ " FROM nobody", 4, 900 },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++) {
		struct reader *reader = setup();

		found(costs[i].text, reader, &out);
		assert_int_equal(fake.reads, costs[i].reads);
		assert_true(fake.octets <= costs[i].most);
		reader_free(reader);
	}
	buf_clear(&out);
}

static void
drop_second(void)
{
	fake_remove(20);
}

static void
test_faults(void **state)
{
	static const struct {
		const char *text;
		int changed;
		enum fault_code fault;
		void (*on_sync)(void);
		const char *numbers;
	} cases[] = {
		{ " TEXT subject", 1, FAULT_NONE, NULL, "1,2" },
		{ " TEXT subject", 1, FAULT_NONE, drop_second, "1" },
		{ " NOT TEXT subject", 1, FAULT_NONE, drop_second, "3,4" },
		{ " TEXT subject", 0, FAULT_IO, NULL, "" },
		{ " NOT TEXT subject", 0, FAULT_IO, NULL, "1,2,3,4" },
		{ " TEXT subject", 0, FAULT_INUSE, NULL, "FAULT" },
		{ " SEEN", 0, FAULT_INUSE, NULL, "1,3" },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct reader *reader = setup();

		fake.changed = cases[i].changed;
		fake.fault = cases[i].fault;
		fake.on_sync = cases[i].on_sync;
		assert_string_equal(found(cases[i].text, reader, &out),
		    cases[i].numbers);
		reader_free(reader);
	}
	buf_clear(&out);
}

/* Text that lies across the pieces in which long bodies are searched, in lines
 * and without any line end, kept in memory and not. */
static void
test_pieces(void **state)
{
	static const struct {
		size_t size, at;
		bool lines;
	} pieces[] = {
		{ 200000, 65536, true }, { 200000, 65530, true },
		{ 200000, 131070, false }, { 3000000, 1048570, false },
		{ BOUND_WHOLE + 100000, 65530, true },
		{ BOUND_WHOLE + 100000, BOUND_WHOLE - 3, true },
		{ 2 * BOUND_WHOLE, 1048572, false },
	};
	struct buf text, out;

	(void)state;
	buf_init(&text, 0);
	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		struct reader *reader = setup();

		buf_reset(&text);
		buf_adds(&text, "Subject: x\r\n\r\n");
		while (text.n < pieces[i].size)
			buf_addc(&text, pieces[i].lines &&
			    text.n % 70 == 69 ? '\n' : 'q');
		memcpy(text.p + pieces[i].at, "NeedleHere", 10);
		memcpy(text.p + text.n - 7, "TheEnd!", 7);
		fake_add(50, buf_span(&text));
		assert_string_equal(found(" BODY needlehere", reader, &out),
		    "5");
		assert_string_equal(found(" BODY needleherex", reader, &out),
		    "");
		assert_string_equal(found(" BODY theend!", reader, &out),
		    "5");
		reader_free(reader);
	}
	buf_clear(&text);
	buf_clear(&out);
}

/* The fast way through ASCII is the slow one's equal. */
static void
test_lower(void **state)
{
	char from[64], to[64];

	(void)state;
	for (size_t n = 0; n < 40; n++)
		for (size_t wide = 0; wide <= n; wide++) {
			for (size_t i = 0; i < n; i++)
				from[i] = (char)((i * 37 + n * 11) % 128);
			if (wide < n)
				from[wide] = (char)0xc3;
			assert_int_equal(ascii_lower_run(to, from, n), wide);
			for (size_t i = 0; i < wide; i++)
				assert_int_equal(to[i], ascii_lower(from[i]));
		}
	for (int c = 0; c < 128; c++) {
		memset(from, c, 8);
		assert_int_equal(ascii_lower_run(to, from, 8), 8);
		assert_int_equal(to[3], ascii_lower(c));
	}
}

static void
test_limit(void **state)
{
	static const struct {
		size_t count;
		const char *numbers;
	} limits[] = {
		{ BOUND_SEARCH_TEXTS, "1" },
		{ BOUND_SEARCH_TEXTS + 1, "FAULT" },
	};
	struct buf text, out;

	(void)state;
	buf_init(&text, 0);
	buf_init(&out, 0);
	for (size_t i = 0; i < 2; i++) {
		struct reader *reader = setup();

		buf_reset(&text);
		for (size_t j = 0; j < limits[i].count; j++)
			buf_adds(&text, " BODY hello");
		assert_string_equal(found(buf_string(&text), reader, &out),
		    limits[i].numbers);
		reader_free(reader);
	}
	buf_clear(&text);
	buf_clear(&out);
	fake_reset();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_lower),
		cmocka_unit_test(test_limit),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
