/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between front and monitor: round trips, cuts, lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/server/privsep.h"

static const struct privsep_message good[] = {
	{ .type = PRIVSEP_LOG, .level = LOG_INFO, .text = { "hello", 5 } },
	{ .type = PRIVSEP_LOG, .level = LOG_AUTH | LOG_NOTICE,
	    .text = { "", 0 } },
	{ .type = PRIVSEP_LOGIN, .credentials = { .user = "joe",
	    .password = "secret", .mechanism = "PLAIN", .tag = "a1" } },
	{ .type = PRIVSEP_LOGIN },
	{ .type = PRIVSEP_VERDICT, .verdict = PRIVSEP_TEMPORARY },
	{ .type = PRIVSEP_HANDOVER, .tls = true, .pending = { "a\0b", 3 } },
	{ .type = PRIVSEP_HANDOVER },
};

#define GOOD	(sizeof good / sizeof good[0])

static void
test_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOOD; i++) {
		struct privsep_message m;
		struct buf data;

		buf_init(&data, 0);
		privsep_encode(&data, &good[i]);
		assert_int_equal(privsep_decode(buf_span(&data), &m), 0);
		assert_int_equal(m.type, good[i].type);
		assert_int_equal(m.level, good[i].level);
		assert_int_equal(m.tls, good[i].tls);
		assert_int_equal(m.verdict, good[i].verdict);
		assert_true(span_eq(m.text, good[i].text));
		assert_true(span_eq(m.pending, good[i].pending));
		assert_string_equal(m.credentials.user,
		    good[i].credentials.user);
		assert_string_equal(m.credentials.password,
		    good[i].credentials.password);
		assert_string_equal(m.credentials.mechanism,
		    good[i].credentials.mechanism);
		assert_string_equal(m.credentials.tag,
		    good[i].credentials.tag);
		buf_clear(&data);
	}
}

/* Cut anywhere, or with an octet behind: refused. */
static void
test_cuts(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOOD; i++) {
		struct privsep_message m;
		struct buf data;

		buf_init(&data, 0);
		privsep_encode(&data, &good[i]);
		for (size_t n = 0; n < data.n; n++) {
			/* A copy of its own lets a sanitizer see overruns. */
			char *cut = malloc(n + 1);

			memcpy(cut, data.p, n);
			assert_int_equal(privsep_decode(
			    (struct span){ cut, n }, &m), -1);
			free(cut);
		}
		buf_addc(&data, 'x');
		assert_int_equal(privsep_decode(buf_span(&data), &m), -1);
		buf_clear(&data);
	}
}

static void
test_lies(void **state)
{
	static const struct {
		struct span data;
		int result;
	} rows[] = {
		{ { "\1\6\0\0\1a", 6 }, 0 },
		{ { "\0\6\0\0\1a", 6 }, -1 },		/* no such type */
		{ { "\5\6\0\0\1a", 6 }, -1 },
		{ { "\377\6\0\0\1a", 6 }, -1 },
		{ { "\1\0\0\0\1a", 6 }, -1 },		/* LOG_EMERG */
		{ { "\1\2\0\0\1a", 6 }, -1 },		/* LOG_CRIT */
		{ { "\1\3\0\0\1a", 6 }, 0 },		/* LOG_ERR */
		{ { "\1\10\0\0\1a", 6 }, -1 },		/* beyond LOG_DEBUG */
		{ { "\1\205\0\0\1a", 6 }, 0 },		/* LOG_AUTH */
		{ { "\1\6\0\0\1\n", 6 }, -1 },		/* a second line */
		{ { "\1\6\0\0\1\0", 6 }, -1 },
		{ { "\1\6\0\0\1\177", 6 }, -1 },
		{ { "\1\6\0\0\2a", 6 }, -1 },		/* length too long */
		{ { "\1\6\377\377\377a", 6 }, -1 },
		{ { "\3\0", 2 }, 0 },
		{ { "\3\3", 2 }, -1 },			/* no such verdict */
		{ { "\4\2\0\0\0", 5 }, -1 },		/* no such truth */
		{ { "\4\1\0\0\0", 5 }, 0 },
		/* A NUL in a user name would hide the rest of it. */
		{ { "\2\0\0\3a\0b\0\0\0\0\0\0\0\0\0", 16 }, -1 },
		{ { "\2\0\0\3aab\0\0\0\0\0\0\0\0\0", 16 }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct privsep_message m;

		assert_int_equal(privsep_decode(rows[i].data, &m),
		    rows[i].result);
	}
}

/* Fields at their limits: n octets of `a` in field `field` of a login. */
static int
login_with(size_t field, size_t n)
{
	struct privsep_message m;
	struct buf data;
	int rc;

	buf_init(&data, 0);
	buf_addc(&data, PRIVSEP_LOGIN);
	for (size_t i = 0; i < 4; i++) {
		size_t length = i == field ? n : 0;

		buf_addc(&data, (char)(length >> 16));
		buf_addc(&data, (char)(length >> 8 & 0xff));
		buf_addc(&data, (char)(length & 0xff));
		for (size_t j = 0; j < length; j++)
			buf_addc(&data, 'a');
	}
	rc = privsep_decode(buf_span(&data), &m);
	buf_clear(&data);
	return rc;
}

static void
test_limits(void **state)
{
	static const size_t limits[4] = { BOUND_USER, BOUND_PASSWORD, 31,
	    BOUND_TAG };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(login_with(i, 0), 0);
		assert_int_equal(login_with(i, 1), 0);
		assert_int_equal(login_with(i, limits[i]), 0);
		assert_int_equal(login_with(i, limits[i] + 1), -1);
		assert_int_equal(login_with(i, 70000), -1);
	}
}

/* The longest hand-over goes through a socket in one piece. */
static void
test_socket(void **state)
{
	struct privsep_message m = { .type = PRIVSEP_HANDOVER }, got;
	char *pending = calloc(1, BOUND_PRELOGIN_IN);
	struct buf room;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	buf_init(&room, PRIVSEP_MAX + 1);
	m.pending = (struct span){ pending, BOUND_PRELOGIN_IN };
	assert_int_equal(privsep_send(pair[0], &m), 0);
	assert_int_equal(privsep_receive(pair[1], &room, &got), 1);
	assert_int_equal(got.pending.n, BOUND_PRELOGIN_IN);
	privsep_wipe(&room, &got);
	assert_int_equal(got.type, 0);
	assert_int_equal(send(pair[0], "\1", 1, 0), 1);
	assert_int_equal(privsep_receive(pair[1], &room, &got), -1);
	close(pair[0]);
	assert_int_equal(privsep_receive(pair[1], &room, &got), 0);
	close(pair[1]);
	buf_clear(&room);
	free(pending);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_socket),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
