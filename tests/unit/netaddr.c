/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as text, both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "c-client/base/netaddr.h"

static void
test_parse(void **state)
{
	static const struct {
		const char *text, *address;	/* NULL: refused */
		uint16_t port;
	} rows[] = {
		{ "127.0.0.1:993", "127.0.0.1", 993 },
		{ "127.0.0.1:0", "127.0.0.1", 0 },
		{ "127.0.0.1:65535", "127.0.0.1", 65535 },
		{ "127.0.0.1:65536", NULL, 0 },
		{ "127.0.0.1:-1", NULL, 0 },
		{ "127.0.0.1:", NULL, 0 },
		{ "127.0.0.1", NULL, 0 },
		{ ":993", NULL, 0 },
		{ "", NULL, 0 },
		{ "*:143", "0.0.0.0", 143 },
		{ "[::1]:143", "::1", 143 },
		{ "[::]:143", "::", 143 },
		{ "[2001:DB8::1]:1", "2001:db8::1", 1 },
		/* IPv4-mapped is IPv4, decisions.md 7. */
		{ "[::ffff:192.0.2.1]:1", "192.0.2.1", 1 },
		{ "[::1]", NULL, 0 },
		{ "[::1:993", NULL, 0 },
		{ "[]:993", NULL, 0 },
		{ "::1:993", NULL, 0 },
		{ "[127.0.0.1]:993", NULL, 0 },
		{ "localhost:993", NULL, 0 },
		{ "127.1:993", NULL, 0 },
		{ "1.2.3.4.5:993", NULL, 0 },
		{ "[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:"
		    "cccc:dddd:eeee]:993", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[NETADDR_TEXT];
		struct netaddr a;

		assert_int_equal(netaddr_parse(span_of(rows[i].text), &a),
		    rows[i].address != NULL);
		if (rows[i].address == NULL)
			continue;
		assert_string_equal(netaddr_text(&a, text), rows[i].address);
		assert_int_equal(netaddr_port(&a), rows[i].port);
		assert_true(netaddr_is_internet(&a));
	}
}

static void
test_other_family(void **state)
{
	struct netaddr a = { .n = sizeof a.u };
	char text[NETADDR_TEXT];

	(void)state;
	a.u.any.sa_family = AF_UNIX;
	assert_false(netaddr_is_internet(&a));
	assert_int_equal(netaddr_port(&a), 0);
	assert_string_equal(netaddr_text(&a, text), "unknown");
	assert_false(netaddr_peer(-1, &a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_other_family),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
