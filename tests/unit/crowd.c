/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that are counted: by place, and until both processes are gone. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "c-client/server/crowd.h"

static struct netaddr
address(const char *text)
{
	struct netaddr a = { .n = sizeof a.u.v6 };

	if (inet_pton(AF_INET, text, &a.u.v4.sin_addr) == 1)
		a.u.v4.sin_family = AF_INET;
	else {
		assert_int_equal(inet_pton(AF_INET6, text,
		    &a.u.v6.sin6_addr), 1);
		a.u.v6.sin6_family = AF_INET6;
	}
	return a;
}

static struct crowd_member *
add(struct crowd *c, const char *from, enum errand_kind kind)
{
	struct errand e = { .kind = kind, .client = -1, .monitor = -1,
	    .session = -1 };
	struct netaddr a = address(from);

	return crowd_add(c, &e, &a);
}

static const struct {
	const char *a, *b;
	size_t same;
} places[] = {
	{ "192.0.2.1", "192.0.2.1", 1 },
	{ "192.0.2.1", "192.0.2.2", 0 },
	{ "192.0.2.1", "::ffff:192.0.2.1", 1 },
	{ "2001:db8:0:1::1", "2001:db8:0:1:ffff::9", 1 },
	{ "2001:db8:0:1::1", "2001:db8:0:2::1", 0 },
	{ "::1", "0.0.0.0", 0 },
	{ "::1", "::ffff:0.0.0.0", 0 },
};

static void
test_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		struct crowd c = { .n = 0 };
		struct netaddr b = address(places[i].b);

		add(&c, places[i].a, ERRAND_SERVE);
		add(&c, places[i].a, ERRAND_TURN_AWAY);
		assert_int_equal(crowd_from(&c, &b), places[i].same);
		free(c.of);
	}
}

static void
test_lives(void **state)
{
	struct crowd c = { .n = 0 };
	struct crowd_member *m = add(&c, "192.0.2.1", ERRAND_SERVE);
	uint32_t id = m->errand.id;

	(void)state;
	m->monitor = 10;
	crowd_sent(m, 1, 0);
	/* The monitor may end before there is a front. */
	crowd_ended(&c, crowd_of(&c, 10), 10);
	assert_int_equal(c.n, 1);
	crowd_requeue(&c, 2);
	assert_int_equal(m->state, CROWD_SENT);
	crowd_requeue(&c, 1);
	assert_int_equal(m->state, CROWD_WAITING);
	crowd_sent(m, 2, 0);
	crowd_taken(&c, m, 11);
	assert_int_equal(c.open, 0);
	crowd_requeue(&c, 2);
	assert_int_equal(m->state, CROWD_TAKEN);
	assert_null(crowd_of(&c, 10));
	crowd_ended(&c, crowd_of(&c, 11), 11);
	assert_int_equal(c.n + c.sessions + c.open, 0);
	assert_null(crowd_find(&c, id));
	/* One that is dropped lives as long as its monitor. */
	m = add(&c, "192.0.2.1", ERRAND_SERVE);
	m->monitor = 12;
	crowd_drop(&c, m);
	assert_int_equal(c.n, 1);
	crowd_ended(&c, crowd_of(&c, 12), 12);
	assert_int_equal(c.n, 0);
	free(c.of);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_lives),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
