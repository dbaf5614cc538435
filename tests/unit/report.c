/* SPDX-License-Identifier: Apache-2.0 */
/* Findings: how they are shown, quoted and counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/buf.h"
#include "c-client/doctor/report.h"

static void
test_quote(void **state)
{
	static const struct {
		const char *text, *word;
	} rows[] = {
		{ "/etc/imapd.conf", "/etc/imapd.conf" },
		{ "a_b-c.d:e,f+g@h%i=j", "a_b-c.d:e,f+g@h%i=j" },
		{ "", "''" },
		{ "a b", "'a b'" },
		{ "it's", "'it'\\''s'" },
		{ "'", "''\\'''" },
		{ "$(rm)", "'$(rm)'" },
		{ "`x`;|&<>", "'`x`;|&<>'" },
		{ "~joe", "'~joe'" },
		{ "*", "'*'" },
		{ "a\nb", "'a\nb'" },
	};
	struct report r;

	(void)state;
	report_init(&r);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_string_equal(report_quote(&r, rows[i].text),
		    rows[i].word);
	report_clear(&r);
}

/* What the shell makes of a quoted word is the word. */
static void
test_shell(void **state)
{
	struct report r;
	char text[2] = "", command[64], got[8];

	(void)state;
	report_init(&r);
	for (int c = 1; c < 256; c++) {
		FILE *f;

		text[0] = (char)c;
		snprintf(command, sizeof command, "printf %%s. %s",
		    report_quote(&r, text));
		f = popen(command, "r");
		assert_non_null(f);
		memset(got, 0, sizeof got);
		assert_int_equal(fread(got, 1, sizeof got - 1, f), 2);
		assert_int_equal(pclose(f), 0);
		assert_memory_equal(got, ((char[]){ (char)c, '.' }), 2);
	}
	report_clear(&r);
}

static void
test_regex(void **state)
{
	struct report r;

	(void)state;
	report_init(&r);
	assert_string_equal(report_regex(&r, SPAN("plain word")),
	    "plain word");
	assert_string_equal(report_regex(&r, SPAN("/a.b*[c]^$\\&")),
	    "\\/a\\.b\\*\\[c\\]\\^\\$\\\\\\&");
	assert_string_equal(report_regex(&r, SPAN("")), "");
	report_clear(&r);
}

static void
test_text(void **state)
{
	struct report r;
	struct buf out;

	(void)state;
	report_init(&r);
	buf_init(&out, 0);
	assert_int_equal(report_status(&r), 0);
	report_begin(&r, "spool");
	report_ok(&r, "%s is %d", "it", 7);
	report_unknown(&r, "no right");
	assert_int_equal(report_status(&r), 0);
	report_warning(&r, "a\tb\x1b[2J\x7f\xff \xc3\xa4 \xc2\x9b""1m");
	assert_int_equal(report_status(&r), 1);
	report_begin(&r, "pam");
	assert_false(report_has_failed(&r, "pam"));
	report_failed(&r, "gone");
	report_mend(&r, "touch %s", report_quote(&r, "/a b"));
	assert_true(report_has_failed(&r, "pam"));
	assert_false(report_has_failed(&r, "spool"));
	assert_int_equal(report_status(&r), 2);
	report_text(&r, &out);
	assert_string_equal(buf_string(&out),
	    "ok       spool: it is 7\n"
	    "unknown  spool: could not look: no right\n"
	    "warning  spool: a\\x09b\\x1b[2J\\x7f\\xff \xc3\xa4 \\xc2\\x9b1m\n"
	    "FAILED   pam: gone\n"
	    "\ttouch '/a b'\n"
	    "1 ok, 1 warning, 1 FAILED, 1 unknown\n");
	buf_clear(&out);
	report_clear(&r);
}

static void
test_json(void **state)
{
	static const struct {
		const char *text, *json;
	} rows[] = {
		{ "plain", "plain" },
		{ "\"\\/", "\\\"\\\\/" },
		{ "\x01\n\x1f\x7f", "\\u0001\\u000a\\u001f\\u007f" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xa7",
		    "\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xa7" },
		/* Cut, overlong, a surrogate, beyond the last: no UTF-8. */
		{ "\xc3", "\\u00c3" },
		{ "\xe2\x82", "\\u00e2\\u0082" },
		{ "\xc0\x80", "\\u00c0\\u0080" },
		{ "\xe0\x9f\xbf", "\\u00e0\\u009f\\u00bf" },
		{ "\xed\xa0\x80", "\\u00ed\\u00a0\\u0080" },
		{ "\xf0\x8f\xbf\xbf", "\\u00f0\\u008f\\u00bf\\u00bf" },
		{ "\xf4\x90\x80\x80", "\\u00f4\\u0090\\u0080\\u0080" },
		{ "\xff", "\\u00ff" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct report r;
		struct buf out;
		char wanted[400];

		report_init(&r);
		buf_init(&out, 0);
		report_begin(&r, "x");
		report_failed(&r, "%s", rows[i].text);
		report_mend(&r, "%s", rows[i].text);
		report_json(&r, "imapd", "1", &out);
		snprintf(wanted, sizeof wanted, "{\"program\": \"imapd\", "
		    "\"version\": \"1\", \"ok\": 0, \"warning\": 0, "
		    "\"failed\": 1, \"unknown\": 0, \"findings\": [\n"
		    "{\"check\": \"x\", \"state\": \"failed\", "
		    "\"evidence\": \"%s\", \"mend\": \"%s\"}\n]}\n",
		    rows[i].json, rows[i].json);
		assert_string_equal(buf_string(&out), wanted);
		buf_clear(&out);
		report_clear(&r);
	}
}

/* More findings than were made room for, each longer than a line. */
static void
test_many(void **state)
{
	struct report r;
	char text[5000];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	report_init(&r);
	for (unsigned i = 0; i < 1000; i++)
		report_warning(&r, "%u %s", i, text);
	assert_int_equal(r.n, REPORT_MAX + 1);
	assert_int_equal(strlen(r.findings[REPORT_MAX - 1].evidence),
	    4 + 4999);
	report_mend(&r, "mends nothing");
	assert_string_equal(r.findings[REPORT_MAX].mend, "");
	assert_non_null(strstr(r.findings[REPORT_MAX].evidence,
	    "there are more"));
	/* The next check has its own room. */
	report_begin(&r, "next");
	report_failed(&r, "one");
	report_mend(&r, "mended");
	assert_int_equal(r.n, REPORT_MAX + 2);
	assert_string_equal(r.findings[REPORT_MAX + 1].mend, "mended");
	report_clear(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_shell),
		cmocka_unit_test(test_regex),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_many),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
