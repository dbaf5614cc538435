/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of inetd.conf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/doctor/entry.h"
#include "c-client/doctor/inetd_conf.h"

/* Entries in one line each. */
static void
tell(const struct entry *e, struct buf *out)
{
	buf_addf(out, "%u%s %s@%s %s%s%s %s.%u %s %s [", e->line,
	    e->disabled ? "#" : "", e->service, e->address, e->protocol,
	    e->ipv4 ? "4" : "", e->ipv6 ? "6" : "",
	    e->wait ? "wait" : "nowait", e->limit, e->user, e->path);
	for (size_t i = 0; i < e->argc; i++)
		buf_addf(out, "%s%s", i == 0 ? "" : "|", e->argv[i]);
	buf_addf(out, "]%s%s", e->missing[0] == '\0' ? "" : " no ",
	    e->missing);
}

static void
assert_tells(const char *text, size_t n, const char *want)
{
	static struct entries list;
	struct buf out;

	list = (struct entries){ .arena = arena_new(0) };
	buf_init(&out, 0);
	inetd_conf_parse(&list, "f", (struct span){ text, n });
	for (size_t i = 0; i < list.n; i++) {
		buf_adds(&out, i == 0 ? "" : "\n");
		tell(&list.of[i], &out);
	}
	assert_string_equal(buf_string(&out), want);
	buf_clear(&out);
	arena_free(list.arena);
}

static void
test_lines(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "imaps stream tcp nowait root /s/imapd imapd\n",
		  "1 imaps@ tcp46 nowait.0 root /s/imapd [imapd]" },
		/* Limits, groups, buffer sizes, arguments, no end of line. */
		{ "993\tstream\ttcp4,rcvbuf=16k\tnowait.1000\troot.mail\t"
		  "/s/imapd\timapd --config /e",
		  "1 993@ tcp44 nowait.1000 root /s/imapd "
		  "[imapd|--config|/e]" },
		{ "imap stream tcp6 nowait:60 root:mail /s/imapd imapd\r\n",
		  "1 imap@ tcp66 nowait.60 root /s/imapd [imapd]" },
		{ "imap stream tcp46 wait.2000000 root /s/imapd imapd\n",
		  "1 imap@ tcp4646 wait.0 root /s/imapd [imapd]" },
		/* Addresses. */
		{ "127.0.0.1:imap stream tcp nowait root /s/imapd imapd\n"
		  "*:imap stream tcp nowait root /s/imapd imapd\n"
		  "::1:imap stream tcp6 nowait root /s/imapd imapd\n"
		  "192.0.2.1:\n"
		  "pop3 stream tcp nowait root /s/pop pop\n"
		  "*:imaps stream tcp nowait root /s/imapd imapd\n"
		  "*:\n"
		  "pop3s stream tcp nowait root /s/pop pop\n",
		  "1 imap@127.0.0.1 tcp46 nowait.0 root /s/imapd [imapd]\n"
		  "2 imap@ tcp46 nowait.0 root /s/imapd [imapd]\n"
		  "3 imap@::1 tcp66 nowait.0 root /s/imapd [imapd]\n"
		  "5 pop3@192.0.2.1 tcp46 nowait.0 root /s/pop [pop]\n"
		  "6 imaps@ tcp46 nowait.0 root /s/imapd [imapd]\n"
		  "8 pop3s@ tcp46 nowait.0 root /s/pop [pop]" },
		/* Comments, and what only looks like one. */
		{ "# a comment\n#imaps stream tcp nowait root /s/imapd imapd\n"
		  "#<off># pop3s stream tcp nowait root /s/pop pop\n"
		  "## imap stream and so on\n\n \t\n",
		  "2# imaps@ tcp46 nowait.0 root /s/imapd [imapd]\n"
		  "3# pop3s@ tcp46 nowait.0 root /s/pop [pop]" },
		/* The next line goes on. */
		{ "imaps stream tcp\n\tnowait root /s/imapd\n imapd\n"
		  "\npop3s stream tcp nowait root /s/pop pop\n",
		  "1 imaps@ tcp46 nowait.0 root /s/imapd [imapd]\n"
		  "5 pop3s@ tcp46 nowait.0 root /s/pop [pop]" },
		/* Somebody in between, and what inetd does itself. */
		{ "imaps stream tcp nowait root /usr/sbin/tcpd /s/imapd\n"
		  "daytime stream tcp nowait root internal\n",
		  "1 imaps@ tcp46 nowait.0 root /usr/sbin/tcpd [/s/imapd]\n"
		  "2 daytime@ tcp46 nowait.0 root internal []" },
		/* What is left out. */
		{ "imaps stream tcp nowait root /s/imapd\n",
		  "1 imaps@ tcp46 nowait.0 root /s/imapd []" },
		{ "imaps stream tcp nowait /s/imapd imapd\n",
		  "1 imaps@ tcp46 nowait.0  /s/imapd [] no user" },
		{ "imaps stream tcp root /s/imapd imapd\n",
		  "1 imaps@ tcp46 nowait.0  /s/imapd [] no wait or nowait" },
		{ "imaps stream nowait root /s/imapd imapd\n",
		  "1 imaps@  nowait.0  /s/imapd [] no protocol" },
		{ "imaps tcp nowait root /s/imapd imapd\n",
		  "1 imaps@  nowait.0  /s/imapd [] no socket type" },
		{ "stream tcp nowait root /s/imapd imapd\n",
		  "1 stream@  nowait.0  /s/imapd [] no socket type" },
		{ "imaps stream tcp nowait root imapd imapd\n",
		  "1 imaps@ tcp46 nowait.0 root imapd [] no program" },
		{ "imaps\n", "1 imaps@  nowait.0   [] no socket type" },
		/* Hostile. */
		{ "im\x1b[1mps stream tcp nowait root /s/imapd \x7f\n",
		  "1 @ tcp46 nowait.0 root /s/imapd []" },
		{ "", "" }, { "#", "" }, { ":\n", "" }, { "\n\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_tells(rows[i].text, strlen(rows[i].text),
		    rows[i].want);
	assert_tells("a\0b stream tcp nowait root /s/x x\n", 33,
	    "1 @ tcp46 nowait.0 root /s/x [x]");
}

/* Words of a command line, and entries, up to their limits and one more. */
static void
test_limits(void **state)
{
	static struct entries list;
	struct buf text;

	(void)state;
	for (size_t n = ENTRY_WORDS - 1; n <= ENTRY_WORDS + 1; n++) {
		buf_init(&text, 0);
		buf_adds(&text, "s stream tcp nowait root /p");
		for (size_t i = 0; i < n; i++)
			buf_adds(&text, " w");
		list = (struct entries){ .arena = arena_new(0) };
		inetd_conf_parse(&list, "f", buf_span(&text));
		assert_int_equal(list.of[0].argc,
		    n < ENTRY_WORDS ? n : ENTRY_WORDS);
		arena_free(list.arena);
		buf_clear(&text);
	}
	for (size_t n = ENTRY_MAX - 1; n <= ENTRY_MAX + 1; n++) {
		buf_init(&text, 0);
		for (size_t i = 0; i < n; i++)
			buf_adds(&text, "s stream tcp nowait root /p w\n");
		list = (struct entries){ .arena = arena_new(0) };
		inetd_conf_parse(&list, "f", buf_span(&text));
		assert_int_equal(list.n, n < ENTRY_MAX ? n : ENTRY_MAX);
		assert_int_equal(list.more, n > ENTRY_MAX);
		arena_free(list.arena);
		buf_clear(&text);
	}
}

/* Wherever the file ends, nothing is read behind it. */
static void
test_cut(void **state)
{
	static const char text[] = "a:imaps stream tcp nowait.9 r.m /s/x x -y\n"
	    "  more\n#<off># b stream tcp wait r internal\nc\n";
	static struct entries list;

	(void)state;
	for (size_t n = 0; n < sizeof text; n++) {
		char *copy = malloc(n == 0 ? 1 : n);

		memcpy(copy, text, n);
		list = (struct entries){ .arena = arena_new(0) };
		inetd_conf_parse(&list, "f", (struct span){ copy, n });
		assert_true(list.n <= 4);
		arena_free(list.arena);
		free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_cut),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
