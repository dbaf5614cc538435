/* SPDX-License-Identifier: Apache-2.0 */
/* IMAP before login: what is answered, and what is asked of the front. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/bounds.h"
#include "imapd/prelogin.h"
#include "tests/lib/logged.h"

enum { CLEAR, OFFER, SECURE };	/* no TLS and no certificate; not yet; TLS */

static void
begin(struct prelogin *p, int how, bool plaintext)
{
	memset(p, 0, sizeof *p);
	buf_init(&p->in, BOUND_PRELOGIN_IN);
	buf_init(&p->out, BOUND_PRELOGIN_OUT);
	p->tls = how == SECURE;
	p->tls_offer = how == OFFER;
	p->plaintext = plaintext || how == SECURE;
	p->client = "[192.0.2.1]";
	prelogin_ops_imap.greet(p);
	logged_start();
}

/*
 * Feed `text`, up to `cut` first, with a front's part played: each login is
 * written as "<user/password/mechanism>" and refused, STARTTLS as "<tls>",
 * the end as "<close>", three bad commands as "<bad>".
 */
static void
play(struct prelogin *p, struct span text, size_t cut, struct buf *got)
{
	for (int part = 0; part < 2; part++) {
		enum prelogin_want want;

		buf_addspan(&p->in, part == 0 ? span_slice(text, 0, cut) :
		    span_slice(text, cut, text.n));
		do {
			want = prelogin_ops_imap.input(p);
			buf_addspan(got, buf_span(&p->out));
			buf_reset(&p->out);
			if (want == PRELOGIN_LOGIN) {
				buf_addf(got, "<%s/%s/%s>",
				    p->credentials.user,
				    p->credentials.password,
				    p->credentials.mechanism);
				prelogin_ops_imap.refused(p,
				    PRELOGIN_DENIED);
				buf_addspan(got, buf_span(&p->out));
				buf_reset(&p->out);
			}
			if (want == PRELOGIN_STARTTLS) {
				buf_adds(got, "<tls>");
				buf_reset(&p->in);
				p->tls = p->plaintext = true;
				prelogin_ops_imap.secured(p);
			}
			if (want == PRELOGIN_CLOSE) {
				buf_adds(got, "<close>");
				return;
			}
			if (p->bad >= BOUND_BAD_COMMANDS) {
				buf_adds(got, "<bad>");
				return;
			}
		} while (want != PRELOGIN_MORE);
	}
}

#define NO_LOGIN "NO [AUTHENTICATIONFAILED] Invalid login credentials\r\n"
#define READY "+ Ready for the literal\r\n"

static const struct {
	int how;
	bool plaintext;
	const char *input, *output;
} rows[] = {
	{ CLEAR, true, "a NOOP\r\n", "a OK NOOP completed\r\n" },
	{ CLEAR, true, "a CAPABILITY\r\n", "* CAPABILITY IMAP4rev1 ID "
	  "LITERAL- SASL-IR AUTH=PLAIN AUTH=LOGIN\r\n"
	  "a OK CAPABILITY completed\r\n" },
	{ OFFER, false, "a CAPABILITY\r\n", "* CAPABILITY IMAP4rev1 ID "
	  "LITERAL- SASL-IR STARTTLS LOGINDISABLED\r\n"
	  "a OK CAPABILITY completed\r\n" },
	{ SECURE, false, "a CAPABILITY\r\n", "* CAPABILITY IMAP4rev1 ID "
	  "LITERAL- SASL-IR AUTH=PLAIN AUTH=LOGIN\r\n"
	  "a OK CAPABILITY completed\r\n" },
	{ CLEAR, true, "a LOGIN joe \"a b\"\r\n", "<joe/a b/>a " NO_LOGIN },
	{ CLEAR, true, "a LOGIN {3}\r\njoe {3}\r\na b\r\n",
	  READY READY "<joe/a b/>a " NO_LOGIN },
	{ CLEAR, true, "a LOGIN {3+}\r\njoe {3+}\r\na b\r\n",
	  "<joe/a b/>a " NO_LOGIN },
	{ CLEAR, true, "a LOGIN joe \"\xe4\"\r\n",
	  "<joe/\xe4/>a " NO_LOGIN },
	{ CLEAR, true, "a LOGIN \"\" x\r\n", "a " NO_LOGIN },
	{ CLEAR, true, "a LOGIN joe\r\n", "a BAD Missing argument\r\n" },
	{ CLEAR, true, "a LOGIN joe x y\r\n",
	  "a BAD Too many arguments\r\n" },
	/* Refused before a literal is asked for. */
	{ OFFER, false, "a LOGIN {3}\r\nb NOOP\r\n",
	  "a NO [PRIVACYREQUIRED] No passwords without TLS\r\n"
	  "b OK NOOP completed\r\n" },
	{ OFFER, false, "a LOGIN joe {3}\r\nb NOOP\r\n",
	  "a NO [PRIVACYREQUIRED] No passwords without TLS\r\n"
	  "b OK NOOP completed\r\n" },
	{ OFFER, false, "a LOGIN joe pw\r\n",
	  "a NO [PRIVACYREQUIRED] No passwords without TLS\r\n" },
	{ OFFER, false, "a AUTHENTICATE PLAIN AGpvZQB4\r\n",
	  "a NO [PRIVACYREQUIRED] No passwords without TLS\r\n" },
	{ CLEAR, true, "a AUTHENTICATE PLAIN AGpvZQB4\r\n",
	  "<joe/x/PLAIN>a " NO_LOGIN },
	{ CLEAR, true, "a AUTHENTICATE PLAIN\r\nAGpvZQB4\r\n",
	  "+ \r\n<joe/x/PLAIN>a " NO_LOGIN },
	{ CLEAR, true, "a authenticate login\r\nam9l\r\neA==\r\n",
	  "+ VXNlcm5hbWU6\r\n+ UGFzc3dvcmQ6\r\n"
	  "<joe/x/LOGIN>a " NO_LOGIN },
	{ CLEAR, true, "a AUTHENTICATE PLAIN\r\n*\r\nb NOOP\r\n",
	  "+ \r\na BAD Cancelled\r\nb OK NOOP completed\r\n" },
	{ CLEAR, true, "a AUTHENTICATE PLAIN =\r\n",
	  "a BAD Malformed authentication response\r\n" },
	{ CLEAR, true, "a AUTHENTICATE PLAIN !!!\r\n",
	  "a BAD Malformed authentication response\r\n" },
	{ CLEAR, true, "a AUTHENTICATE X\r\n",
	  "a NO [CANNOT] Unknown mechanism\r\n" },
	{ CLEAR, true, "a STARTTLS\r\n",
	  "a NO [UNAVAILABLE] There is no certificate\r\n" },
	{ SECURE, false, "a STARTTLS\r\n",
	  "a BAD TLS is active already\r\n" },
	{ OFFER, false, "a STARTTLS x\r\n",
	  "a BAD Too many arguments\r\n" },
	{ CLEAR, true, "a ID NIL\r\nb ID ()\r\nc ID (\"a\" NIL)\r\n",
	  "* ID (\"name\" \"imapd\")\r\na OK ID completed\r\n"
	  "* ID (\"name\" \"imapd\")\r\nb OK ID completed\r\n"
	  "* ID (\"name\" \"imapd\")\r\nc OK ID completed\r\n" },
	{ CLEAR, true, "a LOGOUT\r\nb NOOP\r\n",
	  "* BYE IMAP4rev1 server terminating connection\r\n"
	  "a OK LOGOUT completed\r\n<close>" },
	/* States and garbage. */
	{ CLEAR, true, "a SELECT INBOX\r\nb IDLE\r\nc UID FETCH 1 ALL\r\n",
	  "a BAD Log in first\r\nb BAD Log in first\r\n"
	  "c BAD Log in first\r\n<bad>" },
	{ CLEAR, true, "a FOO\r\n\r\nb\r\nc NOOP\r\n",
	  "a BAD Unknown command\r\n* BAD Null command\r\n"
	  "b BAD Missing command\r\n<bad>" },
	{ CLEAR, true, "GET / HTTP/1.1\r\nHost: x\r\n",
	  "* BYE This is an IMAP server\r\n<close>" },
	{ CLEAR, true, "a+b NOOP\r\n", "* BAD Bad tag\r\n" },
	{ CLEAR, true, "a NOOP x\r\n", "a BAD Too many arguments\r\n" },
	{ CLEAR, true, "a NOOP {3}\r\nb NOOP\r\n",
	  "a BAD No literal is expected here\r\nb OK NOOP completed\r\n" },
	{ CLEAR, true, "a NOOP {3+}\r\nxyz\r\nb NOOP\r\n",
	  "a BAD No literal is expected here\r\nb OK NOOP completed\r\n" },
	{ CLEAR, true, "a LOGIN {4097}\r\nb NOOP\r\n",
	  "a BAD Literal too large\r\nb OK NOOP completed\r\n" },
	{ CLEAR, true, "a LOGIN {4294967296+}\r\nb NOOP\r\n",
	  "* BYE [TOOBIG] Literal too large\r\n<close>" },
};

static void
test_dialogues(void **state)
{
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct span text = span_of(rows[i].input);

		for (size_t cut = 0; cut <= text.n; cut++) {
			struct prelogin p;
			struct buf got;

			begin(&p, rows[i].how, rows[i].plaintext);
			buf_reset(&p.out);
			buf_init(&got, 0);
			play(&p, text, cut, &got);
			if (!span_eq(buf_span(&got),
			    span_of(rows[i].output))) {
				bad++;
				print_message("# row %zu cut %zu: %s\n", i,
				    cut, buf_string(&got));
			}
			buf_clear(&got);
			prelogin_imap_free(&p);
		}
	}
	assert_int_equal(bad, 0);
}

static void
test_greeting(void **state)
{
	struct prelogin p;

	(void)state;
	begin(&p, OFFER, false);
	assert_string_equal(buf_string(&p.out), "* OK [CAPABILITY IMAP4rev1 "
	    "ID LITERAL- SASL-IR STARTTLS LOGINDISABLED] IMAP4rev1 server "
	    "ready\r\n");
	prelogin_imap_free(&p);
}

/* What came in clear behind STARTTLS is not part of what comes after it. */
static void
test_injection(void **state)
{
	struct prelogin p;
	struct buf got;

	(void)state;
	begin(&p, OFFER, false);
	buf_reset(&p.out);
	buf_init(&got, 0);
	play(&p, SPAN("a STARTTLS\r\nb LOGIN x {3}\r\n"), 0, &got);
	assert_string_equal(buf_string(&got),
	    "a OK Begin TLS negotiation now\r\n<tls>");
	play(&p, SPAN("c NOOP\r\n"), 0, &got);
	assert_string_equal(buf_string(&got),
	    "a OK Begin TLS negotiation now\r\n<tls>c OK NOOP completed\r\n");
	buf_clear(&got);
	prelogin_imap_free(&p);
}

/* Lines: the limit, and one octet more; without an end, too. */
static void
test_long_lines(void **state)
{
	char line[BOUND_LINE_PRELOGIN + 3];

	(void)state;
	for (size_t n = BOUND_LINE_PRELOGIN - 1; n <= BOUND_LINE_PRELOGIN + 1;
	    n++)
		for (int end = 0; end < 2; end++) {
			bool over = n > BOUND_LINE_PRELOGIN;
			struct prelogin p;
			struct buf got;

			memset(line, 'x', sizeof line);
			memcpy(line, "a FOO ", 6);
			line[n] = end ? '\n' : 'x';
			begin(&p, CLEAR, true);
			buf_reset(&p.out);
			buf_init(&got, 0);
			play(&p, (struct span){ line, n + (size_t)end }, n / 2,
			    &got);
			assert_string_equal(buf_string(&got), over ?
			    "* BYE [TOOBIG] Line too long\r\n<close>" : end ?
			    "a BAD Unknown command\r\n" : "");
			assert_int_equal(over, *logged_text() != '\0');
			buf_clear(&got);
			prelogin_imap_free(&p);
		}
}

/* The shape that fail2ban knows, with the user where he is told. */
static void
test_log(void **state)
{
	struct prelogin p;
	struct buf got;

	(void)state;
	begin(&p, OFFER, false);
	buf_init(&got, 0);
	play(&p, SPAN("a LOGIN joe x\r\nb LOGIN {3}\r\n"), 0, &got);
	assert_string_equal(logged_text(),
	    "Login disabled user=joe auth=joe host=[192.0.2.1]\n"
	    "Login disabled user= auth= host=[192.0.2.1]\n");
	buf_clear(&got);
	prelogin_imap_free(&p);
}

static void
test_lengths(void **state)
{
	(void)state;
	for (size_t n = BOUND_USER; n <= BOUND_USER + 1; n++) {
		struct prelogin p;
		struct buf text, got;

		begin(&p, CLEAR, true);
		buf_reset(&p.out);
		buf_init(&text, 0);
		buf_init(&got, 0);
		buf_adds(&text, "a LOGIN ");
		for (size_t i = 0; i < n; i++)
			buf_addc(&text, 'u');
		buf_adds(&text, " x\r\n");
		play(&p, buf_span(&text), 0, &got);
		assert_int_equal(p.bad, n > BOUND_USER);
		assert_int_equal(strlen(p.credentials.user),
		    n > BOUND_USER ? 0 : n);
		buf_clear(&text);
		buf_clear(&got);
		prelogin_imap_free(&p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_greeting),
		cmocka_unit_test(test_dialogues),
		cmocka_unit_test(test_injection),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_lengths),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
