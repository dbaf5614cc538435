/* SPDX-License-Identifier: Apache-2.0 */
/* Units of systemd: sockets, services, and drop-ins behind them. */
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
#include "c-client/doctor/systemd_unit.h"

static void
tell(const struct entry *e, struct buf *out)
{
	buf_addf(out, "%s:%u %s@%s %s%s%s %s%s %u/%u/%u %s %s [", e->file,
	    e->line, e->service, e->address, e->stream ? "" : "no port ",
	    e->ipv4 ? "4" : "", e->ipv6 ? "6" : "",
	    e->wait ? "wait" : "nowait", e->input ? "" : " no input",
	    e->limit, e->together, e->per_source, e->user, e->path);
	for (size_t i = 0; i < e->argc; i++)
		buf_addf(out, "%s%s", i == 0 ? "" : "|", e->argv[i]);
	buf_addf(out, "]%s%s", e->missing[0] == '\0' ? "" : " no ",
	    e->missing);
}

static void
test_units(void **state)
{
	static const struct {
		const char *socket, *drop_in, *service, *want;
	} rows[] = {
		{ "[Unit]\nDescription=x\n[Socket]\nListenStream=993\n"
		  "Accept=yes\nMaxConnections=256\n"
		  "MaxConnectionsPerSource=20\nTriggerLimitBurst=10\n", "",
		  "[Service]\nExecStart=/s/imapd\nStandardInput=socket\n",
		  "s:4 993@ 46 nowait 300/256/20 root /s/imapd [/s/imapd]" },
		{ "[Socket]\nListenStream=0.0.0.0:993\n"
		  "ListenStream=[::]:993\nListenStream = 127.0.0.1:143 \n"
		  "ListenStream=[::1]:143\nListenStream=/run/x\n"
		  "BindIPv6Only=ipv6-only\nAccept=no\n", "",
		  "[Service]\nExecStart=-@/s/imapd imapd --config \\\n /e\n"
		  "User=joe\n",
		  "s:2 993@ 4 wait no input 0/0/0 joe /s/imapd "
		  "[imapd|--config|/e]\n"
		  "s:3 993@ 6 wait no input 0/0/0 joe /s/imapd "
		  "[imapd|--config|/e]\n"
		  "s:4 143@127.0.0.1 4 wait no input 0/0/0 joe /s/imapd "
		  "[imapd|--config|/e]\n"
		  "s:5 143@::1 6 wait no input 0/0/0 joe /s/imapd "
		  "[imapd|--config|/e]\n"
		  "s:6 /run/x@ no port  wait no input 0/0/0 joe /s/imapd "
		  "[imapd|--config|/e]" },
		/* A drop-in adds, and takes back. */
		{ "[Socket]\nListenStream=143\nAccept=true\n",
		  "[Socket]\nListenStream=\nListenStream=993\n",
		  "[Service]\nExecStart=/s/imapd\nStandardInput=socket\n",
		  "d:3 993@ 46 nowait 0/0/0 root /s/imapd [/s/imapd]" },
		/* Keys of another section, no service, nothing. */
		{ "ListenStream=1\n[Install]\nListenStream=2\nWantedBy=x\n"
		  "[Socket]\n;ListenStream=3\n#ListenStream=4\n", "", "", "" },
		{ "[Socket]\nListenStream=993\n", "", "[Unit]\nExecStart=/x\n",
		  "s:2 993@ 46 wait no input 0/0/0 root  [] no ExecStart" },
		{ "[Socket]\nListenStream=[]:993\nListenStream=[\n"
		  "ListenStream=:\nListenStream=@x\n", "",
		  "[Service]\nExecStart=-@:+!\n",
		  "s:2 993@ 46 wait no input 0/0/0 root  []\n"
		  "s:3 [@ no port  wait no input 0/0/0 root  []\n"
		  "s:4 @ no port  wait no input 0/0/0 root  []\n"
		  "s:5 @x@ no port  wait no input 0/0/0 root  []" },
		{ "[", "=", "[]\n=\\", "" }, { "", "\\\n\\", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		static struct entries list;
		struct systemd_socket socket = { .listens = 0 };
		struct systemd_service service = { .line = 0 };
		struct buf out;

		list = (struct entries){ .arena = arena_new(0) };
		buf_init(&out, 0);
		systemd_unit_socket(&socket, "s", span_of(rows[i].socket));
		systemd_unit_socket(&socket, "d", span_of(rows[i].drop_in));
		systemd_unit_service(&service, "v", span_of(rows[i].service));
		systemd_unit_entries(&list, &socket, &service, "u", true);
		for (size_t k = 0; k < list.n; k++) {
			buf_adds(&out, k == 0 ? "" : "\n");
			tell(&list.of[k], &out);
		}
		assert_string_equal(buf_string(&out), rows[i].want);
		buf_clear(&out);
		arena_free(list.arena);
	}
}

static void
test_limits(void **state)
{
	struct buf text;

	(void)state;
	for (size_t n = SYSTEMD_LISTENS - 1; n <= SYSTEMD_LISTENS + 1; n++) {
		struct systemd_socket socket = { .listens = 0 };

		buf_init(&text, 0);
		buf_adds(&text, "[Socket]\n");
		for (size_t i = 0; i < n; i++)
			buf_adds(&text, "ListenStream=993\n");
		systemd_unit_socket(&socket, "s", buf_span(&text));
		assert_int_equal(socket.listens,
		    n < SYSTEMD_LISTENS ? n : SYSTEMD_LISTENS);
		buf_clear(&text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_limits),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
