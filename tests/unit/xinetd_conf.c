/* SPDX-License-Identifier: Apache-2.0 */
/* xinetd.conf(5): services, defaults, and what is included. */
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
#include "c-client/doctor/xinetd_conf.h"

static void
tell(const struct entry *e, struct buf *out)
{
	buf_addf(out, "%u%s %s@%s %s%s%s %s %u/%u/%u %s %s [", e->line,
	    e->disabled ? "#" : "", e->service, e->address, e->protocol,
	    e->ipv4 ? "4" : "", e->ipv6 ? "6" : "",
	    e->wait ? "wait" : "nowait", e->limit, e->together,
	    e->per_source, e->user, e->path);
	for (size_t i = 0; i < e->argc; i++)
		buf_addf(out, "%s%s", i == 0 ? "" : "|", e->argv[i]);
	buf_addf(out, "]%s%s", e->missing[0] == '\0' ? "" : " no ",
	    e->missing);
}

static void
assert_tells(const char *text, const char *want)
{
	static struct entries list;
	static struct xinetd_conf x;
	struct buf out;

	list = (struct entries){ .arena = arena_new(0) };
	buf_init(&out, 0);
	xinetd_conf_init(&x, &list);
	xinetd_conf_parse(&x, "f", span_of(text));
	xinetd_conf_finish(&x);
	for (size_t i = 0; i < list.n; i++) {
		buf_adds(&out, out.n == 0 ? "" : "\n");
		tell(&list.of[i], &out);
	}
	for (size_t i = 0; i < x.includes; i++)
		buf_addf(&out, "%s%s%s", out.n == 0 ? "" : "\n",
		    x.include[i].path, x.include[i].directory ? "/" : "");
	assert_string_equal(buf_string(&out), want);
	buf_clear(&out);
	arena_free(list.arena);
}

static void
test_blocks(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "service imaps\n{\n\tsocket_type = stream\n\twait = no\n"
		  "\tuser = root\n\tserver = /s/imapd\n}\n",
		  "1 imaps@ tcp4 nowait 0/0/0 root /s/imapd [/s/imapd]" },
		{ "# x\nservice mail\n{\n port = 993\n type=UNLISTED\n"
		  " disable = yes\n user = joe\n wait = yes\n"
		  " server = /s/imapd\n server_args = --tls --config /e\n"
		  " bind = 192.0.2.1\n flags = IPv6 NODELAY\n"
		  " instances = 40\n per_source = 5\n cps = 25 30\n}\n",
		  "2# 993@192.0.2.1 tcp46 wait 1500/40/5 joe /s/imapd "
		  "[/s/imapd|--tls|--config|/e]" },
		/* Defaults, wherever they are; and switching off by name. */
		{ "service a\n{\nuser = root\nserver = /s/x\n}\n"
		  "defaults\n{\n instances = 60\n per_source += 10\n"
		  " disabled = b c\n}\n"
		  "service b\n{\nuser = root\ninstances = UNLIMITED\n}\n",
		  "1 a@ tcp4 nowait 0/60/10 root /s/x [/s/x]\n"
		  "12# b@ tcp4 nowait 0/60/10 root  []" },
		/* As inetd has it, with the name among the arguments. */
		{ "service a\n{\nuser = root\nserver = /usr/sbin/tcpd\n"
		  "server_args = /s/imapd\nflags = NAMEINARGS IPv4\n}\n",
		  "1 a@ tcp4 nowait 0/0/0 root /usr/sbin/tcpd [/s/imapd]" },
		{ "service a\n{\nserver = /s/x\n}\n",
		  "1 a@ tcp4 nowait 0/0/0  /s/x [/s/x] no user" },
		{ "includedir /etc/xinetd.d\ninclude /a b \nincludedir\n"
		  "include /a b\n", "/etc/xinetd.d/\n/a b" },
		/* What isn't closed, and what isn't anything. */
		{ "service a\n{\nuser = root\nserver = /s/x\nservice b\n{\n",
		  "1 a@ tcp4 nowait 0/0/0 root /s/x [/s/x]" },
		{ "service\n", "1 @ tcp4 nowait 0/0/0   [] no user" },
		{ "user = root\n}\n{\n= x\n", "" }, { "", "" },
		{ "service a\n{\n= x\nuser =\nport = 99999999\nport=0\n}",
		  "1 a@ tcp4 nowait 0/0/0   [] no user" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_tells(rows[i].text, rows[i].want);
}

static void
test_limits(void **state)
{
	static struct entries list;
	static struct xinetd_conf x;
	struct buf text;

	(void)state;
	for (unsigned n = XINETD_INCLUDES - 1; n <= XINETD_INCLUDES + 1; n++) {
		buf_init(&text, 0);
		for (unsigned i = 0; i < n; i++)
			buf_addf(&text, "include /f%u\n", i);
		buf_adds(&text, "defaults\n{\ndisabled =");
		for (unsigned i = 0; i < n; i++)
			buf_addf(&text, " d%u", i);
		buf_adds(&text, "\n}\n");
		for (unsigned i = 0; i < ENTRY_MAX + 1; i++)
			buf_addf(&text, "service a\n{\n}\n");
		list = (struct entries){ .arena = arena_new(0) };
		xinetd_conf_init(&x, &list);
		xinetd_conf_parse(&x, "f", buf_span(&text));
		xinetd_conf_finish(&x);
		assert_int_equal(x.includes, n < XINETD_INCLUDES ? n :
		    XINETD_INCLUDES);
		assert_int_equal(x.disabled_n, x.includes);
		assert_int_equal(list.n, ENTRY_MAX);
		assert_true(list.more);
		arena_free(list.arena);
		buf_clear(&text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_limits),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
