/* SPDX-License-Identifier: Apache-2.0 */
/* Names in /etc/services. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/server/port.h"

static const char services[] =
    "# comment imaps 1/tcp\n"
    "imaps\t\t1993/tcp\t\t\t# IMAP over SSL\n"
    "imaps 1994/udp\n"
    "pop3s 1995/tcp spop3 other\n"
    "short\n"
    "nothing 17\n"
    "big 70000/tcp\n"
    "  blanks   18/tcp   alias#comment\n";

static void
test_names(void **state)
{
	static const struct {
		uint16_t port;
		const char *name;
		bool found;
	} rows[] = {
		{ 1993, "imaps", true }, { 1994, "imaps", false },
		{ 1, "imaps", false }, { 1995, "pop3s", true },
		{ 1995, "spop3", true }, { 1995, "other", true },
		{ 1995, "pop3", false }, { 17, "nothing", false },
		{ 18, "blanks", true }, { 18, "alias", true },
		{ 18, "comment", false }, { 4464, "big", false },
		{ 0, "short", false },
	};
	char file[] = "/tmp/unit-services.XXXXXX";
	int fd = mkstemp(file);

	(void)state;
	assert_true(fd != -1);
	assert_int_equal(write(fd, services, sizeof services - 1),
	    (ssize_t)sizeof services - 1);
	close(fd);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(port_is_called_in(file, rows[i].port,
		    rows[i].name), rows[i].found);
	unlink(file);
	assert_false(port_is_called_in(file, 1993, "imaps"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
