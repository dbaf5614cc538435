/* SPDX-License-Identifier: Apache-2.0 */
/* POP3 before login: what is answered, what is asked of the front, and that
 * it is the same wherever the input is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/bounds.h"
#include "c-client/server/service.h"
#include "ipopd/prelogin.h"
#include "tests/lib/logged.h"

/* The circumstances of a row. */
enum { PLAINTEXT = 1, TLS = 2, OFFER = 4 };

struct dialogue_row {
	const char *why;
	unsigned how;
	const char *input;
	const char *says;	/* status words: "+" for +OK, "-" for -ERR,
				 * "?" for a challenge */
	char wants;		/* M(ore) S(TARTTLS) L(OGIN) C(lose) */
	const char *user, *password, *mechanism;	/* for L */
};

static void
begin(struct prelogin *p, unsigned how)
{
	*p = (struct prelogin){ .client = "[192.0.2.1]",
	    .plaintext = how & PLAINTEXT, .tls = how & TLS,
	    .tls_offer = how & OFFER };
	buf_init(&p->in, BOUND_PRELOGIN_IN);
	buf_init(&p->out, BOUND_PRELOGIN_OUT);
	logged_start();
	prelogin_pop.greet(p);
	assert_string_equal(buf_string(&p->out),
	    "+OK POP3 server ready\r\n");
	buf_reset(&p->out);
}

static void
finish(struct prelogin *p)
{
	free(p->state);
	buf_clear(&p->in);
	buf_clear(&p->out);
}

/* Feed in two pieces; the last want. */
static char
converse(struct prelogin *p, const char *input, size_t split)
{
	static const char names[] = "MSLC";
	enum prelogin_want want;

	buf_add(&p->in, input, split);
	want = prelogin_pop.input(p);
	if (want == PRELOGIN_MORE) {
		buf_adds(&p->in, input + split);
		want = prelogin_pop.input(p);
	}
	return names[want];
}

/* The status of each answer; lines of multi-line answers are passed over. */
static void
statuses(struct buf *out, char *to, size_t size)
{
	const char *p = buf_string(out), *end;
	size_t n = 0;

	for (; (end = strstr(p, "\r\n")) != NULL; p = end + 2)
		if (strncmp(p, "+OK ", 4) == 0)
			to[n++] = '+';
		else if (strncmp(p, "-ERR ", 5) == 0)
			to[n++] = '-';
		else if (strncmp(p, "+ ", 2) == 0)
			to[n++] = '?';
	assert_true(n < size);
	assert_int_equal(*p, '\0');
	to[n] = '\0';
}

static void
check_row(const struct dialogue_row *row)
{
	for (size_t split = 0; split <= strlen(row->input); split++) {
		struct prelogin p;
		char says[64], want;

		begin(&p, row->how);
		want = converse(&p, row->input, split);
		statuses(&p.out, says, sizeof says);
		if (want != row->wants || strcmp(says, row->says) != 0)
			fail_msg("%s, cut at %zu: %c and \"%s\"", row->why,
			    split, want, says);
		if (want == 'L') {
			assert_string_equal(p.credentials.user, row->user);
			assert_string_equal(p.credentials.password,
			    row->password);
			assert_string_equal(p.credentials.mechanism,
			    row->mechanism);
		}
		finish(&p);
	}
}

static const struct dialogue_row rows[] = {
	{ "nothing", PLAINTEXT, "", "", 'M', "", "", "" },
	{ "USER and PASS", PLAINTEXT, "USER joe\r\nPASS secret\r\n", "+", 'L',
	    "joe", "secret", "" },
	{ "any case, bare LF", PLAINTEXT, "user joe\npass secret\n", "+", 'L',
	    "joe", "secret", "" },
	{ "blanks around and in a password are the password", PLAINTEXT,
	    "USER joe \r\nPASS  a b \r\n", "+", 'L', "joe", " a b ", "" },
	{ "8-bit octets in a password", PLAINTEXT,
	    "USER joe\r\nPASS p\303\244\377\r\n", "+", 'L', "joe",
	    "p\303\244\377", "" },
	{ "PASS without USER", PLAINTEXT, "PASS x\r\n", "-", 'M', "", "",
	    "" },
	{ "PASS after something else may follow", PLAINTEXT,
	    "USER joe\r\nCAPA\r\nPASS x\r\n", "++", 'L', "joe", "x", "" },
	{ "no password", PLAINTEXT, "USER joe\r\nPASS\r\nPASS x\r\n", "+--",
	    'M', "", "", "" },
	{ "no name", PLAINTEXT, "USER\r\nUSER  \r\n", "--", 'M', "", "", "" },
	{ "no plaintext: USER is refused already", OFFER, "USER joe\r\n", "-",
	    'M', "", "", "" },
	{ "no plaintext: AUTH", OFFER, "AUTH PLAIN AGoAcA==\r\n", "-", 'M',
	    "", "", "" },
	{ "no plaintext: PASS", OFFER, "PASS x\r\n", "-", 'M', "", "", "" },
	{ "bare AUTH lists, with a trailing blank too", PLAINTEXT,
	    "AUTH\r\nAUTH \r\n", "++", 'M', "", "", "" },
	{ "AUTH PLAIN, initial response", PLAINTEXT,
	    "AUTH PLAIN AGoAcA==\r\n", "", 'L', "j", "p", "PLAIN" },
	{ "AUTH PLAIN, asked", PLAINTEXT, "AUTH plain\r\nAGoAcA==\r\n", "?",
	    'L', "j", "p", "PLAIN" },
	{ "AUTH LOGIN", PLAINTEXT, "AUTH LOGIN\r\nag==\r\ncA==\r\n", "??",
	    'L', "j", "p", "LOGIN" },
	{ "AUTH cancelled, then USER", PLAINTEXT,
	    "AUTH LOGIN\r\n*\r\nUSER joe\r\nPASS x\r\n", "?-+", 'L', "joe",
	    "x", "" },
	{ "a response is no command", PLAINTEXT,
	    "AUTH LOGIN\r\nQUIT\r\n", "??", 'M', "", "", "" },
	{ "malformed response", PLAINTEXT, "AUTH PLAIN\r\n!!!\r\nCAPA\r\n",
	    "?-+", 'M', "", "", "" },
	{ "unknown mechanism", PLAINTEXT, "AUTH GSSAPI\r\n", "-", 'M', "", "",
	    "" },
	{ "AUTH forgets USER", PLAINTEXT,
	    "USER joe\r\nAUTH\r\nPASS x\r\n", "++-", 'M', "", "", "" },
	{ "STLS", OFFER, "STLS\r\nNOOP\r\n", "+", 'S', "", "", "" },
	{ "STLS without certificate", 0, "STLS\r\n", "-", 'M', "", "", "" },
	{ "STLS twice", TLS | PLAINTEXT, "STLS\r\n", "-", 'M', "", "", "" },
	{ "QUIT", 0, "QUIT\r\nCAPA\r\n", "+", 'C', "", "", "" },
	{ "what Outlook tries is not counted", PLAINTEXT,
	    "UTF8\r\nLANG\r\nUTF8\r\nAPOP a b\r\nCAPA\r\n", "----+", 'M', "",
	    "", "" },
	{ "commands of the next state", PLAINTEXT, "STAT\r\nRETR 1\r\n", "--",
	    'M', "", "", "" },
	{ "nothing is read behind the third bad one", PLAINTEXT,
	    "A\r\nB\r\n\r\nQUIT\r\n", "---", 'M', "", "", "" },
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		check_row(&rows[i]);
}

/* What is behind the command that logs in belongs to the session. */
static void
test_pipelined(void **state)
{
	static const char input[] = "USER j\r\nPASS p\r\nSTAT\r\nQU";
	struct prelogin p;

	(void)state;
	begin(&p, PLAINTEXT);
	assert_int_equal(converse(&p, input, strlen(input)), 'L');
	assert_string_equal(buf_string(&p.in), "STAT\r\nQU");
	prelogin_pop.refused(&p, PRELOGIN_DENIED);
	assert_non_null(strstr(buf_string(&p.out), "-ERR [AUTH] "));
	assert_int_equal(p.credentials.user[0], '\0');
	assert_int_equal(p.credentials.password[0], '\0');
	buf_reset(&p.out);
	prelogin_pop.refused(&p, PRELOGIN_TEMPORARY);
	assert_non_null(strstr(buf_string(&p.out), "-ERR [SYS/TEMP] "));
	finish(&p);
}

/* RFC 2595 4: what was said in clear is forgotten. */
static void
test_secured(void **state)
{
	struct prelogin p;

	(void)state;
	begin(&p, PLAINTEXT | OFFER);
	assert_int_equal(converse(&p, "USER joe\r\nSTLS\r\n", 0), 'S');
	p.tls = true;
	p.tls_offer = false;
	prelogin_pop.secured(&p);
	buf_reset(&p.in);
	buf_reset(&p.out);
	assert_int_equal(converse(&p, "PASS x\r\nCAPA\r\n", 0), 'M');
	assert_memory_equal(buf_string(&p.out), "-ERR ", 5);
	assert_null(strstr(buf_string(&p.out), "STLS"));
	finish(&p);
}

static void
test_capa(void **state)
{
	static const struct {
		unsigned how;
		const char *there, *absent;
	} capa[] = {
		{ OFFER, "\r\nSTLS\r\n", "\r\nUSER\r\n" },
		{ OFFER, "\r\nPIPELINING\r\n", "\r\nSASL" },
		{ PLAINTEXT, "\r\nUSER\r\n", "\r\nSTLS\r\n" },
		{ PLAINTEXT, "\r\nSASL PLAIN LOGIN\r\n", "LOGIN-DELAY" },
		{ TLS | PLAINTEXT, "\r\nRESP-CODES\r\n", "\r\nSTLS\r\n" },
		{ 0, "\r\nUIDL\r\n", "IMPLEMENTATION" },
		{ 0, "\r\nTOP\r\n", "APOP" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof capa / sizeof capa[0]; i++) {
		struct prelogin p;

		begin(&p, capa[i].how);
		converse(&p, "CAPA\r\n", 3);
		assert_non_null(strstr(buf_string(&p.out), capa[i].there));
		assert_null(strstr(buf_string(&p.out), capa[i].absent));
		assert_memory_equal(p.out.p + p.out.n - 5, "\r\n.\r\n", 5);
		finish(&p);
	}
}

/* Rows for the limit of a name and a password, and one above. */
static void
test_limits(void **state)
{
	static const struct {
		size_t user, password;
		char wants;
	} limits[] = {
		{ 1, 1, 'L' },
		{ BOUND_USER, BOUND_PASSWORD, 'L' },
		{ BOUND_USER + 1, 1, 'M' },
		{ 1, BOUND_PASSWORD + 1, 'M' },
	};

	(void)state;
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		struct prelogin p;
		struct buf in;

		begin(&p, PLAINTEXT);
		buf_init(&in, 0);
		buf_addf(&in, "USER %0*d\r\nPASS %0*d\r\n",
		    (int)limits[i].user, 7, (int)limits[i].password, 7);
		assert_int_equal(converse(&p, buf_string(&in), 0),
		    limits[i].wants);
		buf_clear(&in);
		finish(&p);
	}
}

/* Floods: a line without end, commands without end, NULs. */
static void
test_floods(void **state)
{
	struct prelogin p;
	char want = 'M';

	(void)state;
	begin(&p, PLAINTEXT);
	for (size_t i = 0; i < BOUND_POP_LINE; i++)
		buf_addc(&p.in, 'x');
	assert_int_equal(converse(&p, "", 0), 'C');
	assert_non_null(strstr(logged_text(),
	    "Line too long before authentication host=[192.0.2.1]"));
	finish(&p);

	begin(&p, PLAINTEXT);
	for (int i = 0; i < 1000 && want == 'M'; i++) {
		want = converse(&p, "AUTH\r\n", 0);
		buf_reset(&p.out);
	}
	assert_int_equal(want, 'C');
	finish(&p);

	begin(&p, PLAINTEXT);
	buf_add(&p.in, "USER j\r\nPASS a\0b\r\n", 18);
	assert_int_equal(converse(&p, "", 0), 'M');
	assert_int_equal(p.bad, 1);
	assert_int_equal(p.credentials.user[0], '\0');
	finish(&p);
}

/* field.md 1.13: what fail2ban matches, whatever the name is. */
static void
test_log(void **state)
{
	struct prelogin p;

	(void)state;
	begin(&p, OFFER);
	converse(&p, "USER a host=[1.2.3.4]\r\n", 0);
	assert_memory_equal(logged_text(), "Login disabled user=", 20);
	assert_null(strstr(logged_text(), "[1.2.3.4]"));
	assert_non_null(strstr(logged_text(), " host=[192.0.2.1]\n"));
	finish(&p);
}

static void
test_bye(void **state)
{
	struct prelogin p;

	(void)state;
	begin(&p, 0);
	prelogin_pop.bye(&p, PRELOGIN_END_TIMEOUT);
	prelogin_pop.bye(&p, PRELOGIN_END_TRIES);
	assert_int_equal(p.out.n, 0);
	prelogin_pop.bye(&p, PRELOGIN_END_UNAVAILABLE);
	assert_memory_equal(buf_string(&p.out), "-ERR [SYS/TEMP] ", 16);
	finish(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_secured),
		cmocka_unit_test(test_capa),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_bye),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
