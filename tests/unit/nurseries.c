/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nurseries as their parent sees them, with a nursery that this file plays:
 * fronts that are killed before they say that they have their client, processes
 * that are short, and numbers of processes that are gone.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "c-client/base/bounds.h"
#include "c-client/base/config.h"
#include "c-client/server/crowd.h"
#include "c-client/server/errand.h"
#include "c-client/server/nurseries.h"
#include "c-client/server/nursery.h"
#include "c-client/server/service.h"
#include "ssl/tls_watch.h"
#include "tests/lib/child.h"
#include "tests/lib/logged.h"

/* What the nurseries to come do with an errand, each its own. */
enum play {
	PLAY_SERVE,		/* a front that takes it and goes on */
	PLAY_KILLED,		/* a front that is killed before that */
	PLAY_SHORT,		/* no process for a front */
	PLAY_NO_LOAD		/* ends before it is ready */
};

static const enum play *plays;
static const struct service service = { .program = "test" };
static struct config config;
static struct crowd crowd;
static struct nurseries n;
static pid_t known[8];		/* fronts that were heard of, by the crowd */

void
nursery_run(const struct service *s, const struct config *c, int control)
{
	enum play play = plays[n.last_number - 1];
	struct report r = { .kind = REPORT_READY };
	struct errand e;

	(void)s;
	(void)c;
	if (play == PLAY_NO_LOAD)
		_exit(1);
	report_send(control, &r);
	while (errand_receive(control, &e) == 1) {
		long pid = 1;

		r = (struct report){ .kind = REPORT_FAILED, .id = e.id,
		    .error = EAGAIN };
		if (play == PLAY_SHORT)
			report_send(control, &r);
		else
			pid = syscall(SYS_clone, NURSERY_CLONE, NULL, NULL,
			    NULL, NULL);
		if (pid == 0 && play == PLAY_SERVE) {
			r.kind = REPORT_TAKEN;
			r.pid = (pid_t)syscall(SYS_getpid);
			r.error = 0;
			report_send(control, &r);
		}
		if (pid == 0)
			_exit(0);
		close(e.client);
		close(e.monitor);
		close(e.session);
	}
	_exit(0);
}

static void
shed(void *arg)
{
	(void)arg;
	nurseries_shed(&n);
	crowd_shed(&crowd);
}

static void
begin(const enum play *of)
{
	config_defaults(&config);
	crowd = (struct crowd){ .n = 0 };
	memset(known, 0, sizeof known);
	plays = of;
	n = (struct nurseries){ .service = &service, .config = &config,
	    .crowd = &crowd, .shed = shed };
	logged_start();
	nurseries_open(&n);
}

static void
end(void)
{
	nurseries_shed(&n);
	while (wait(NULL) != -1)
		continue;
	tls_watch_free(n.watch);
	crowd_shed(&crowd);
	free(crowd.of);
	logged_free();
}

/* A client whose front is wanted. */
static void
add(void)
{
	struct errand e = { .kind = ERRAND_SERVE, .host = "192.0.2.1",
	    .local = "192.0.2.2" };
	struct netaddr peer = { .n = sizeof peer.u.v4 };

	peer.u.v4.sin_family = AF_INET;
	e.client = dup(STDIN_FILENO);
	e.monitor = dup(STDIN_FILENO);
	e.session = dup(STDIN_FILENO);
	crowd_add(&crowd, &e, &peer)->monitor = 1;
}

/* One turn of the acceptor's loop, after an event or two. */
static void
turn(void)
{
	struct pollfd fds[NURSERIES];
	struct crowd_member *m;
	int status;
	pid_t pid;

	poll(fds, nurseries_poll(&n, fds), 10);
	nurseries_hear(&n);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (nurseries_ended(&n, pid, status))
			continue;
		nurseries_hear(&n);
		if ((m = crowd_of(&crowd, pid)) == NULL)
			nurseries_front_lost(&n);
		else
			known[m->errand.id] = pid;
	}
	nurseries_tend(&n);
}

static void
serve_all(void)
{
	while (crowd.open > 0)
		turn();
}

static void
test_served(void **state)
{
	static const enum play of[] = { PLAY_SERVE };

	(void)state;
	begin(of);
	add();
	add();
	serve_all();
	while (known[1] == 0 || known[2] == 0)
		turn();
	assert_int_equal(n.last_number, 1);
	end();
}

/* No connection is lost by it; a nursery that did nothing else ends. */
static void
test_front_killed(void **state)
{
	static const enum play of[] = { PLAY_KILLED, PLAY_KILLED, PLAY_SERVE };

	(void)state;
	begin(of);
	add();
	add();
	serve_all();
	while (known[1] == 0 || known[2] == 0)
		turn();
	assert_int_equal(crowd.n, 2);
	assert_int_equal(n.last_number, 3);
	end();
}

/* Asked again a second later, eight times at most. */
static void
test_short(void **state)
{
	static const enum play of[] = { PLAY_SHORT };

	(void)state;
	begin(of);
	add();
	while (crowd.of[0].tries == 0 || crowd.of[0].state == CROWD_SENT)
		turn();
	assert_int_equal(crowd.of[0].state, CROWD_WAITING);
	assert_true(n.send_breath > 0);
	n.send_breath = INT64_MAX;
	turn();
	assert_int_equal(crowd.of[0].tries, 1);
	while (crowd.open > 0) {
		n.send_breath = 0;
		turn();
	}
	assert_int_equal(crowd.of[0].tries, BOUND_ERRAND_TRIES);
	assert_non_null(strstr(logged_text(), "no process for a client: "
	    "Resource temporarily unavailable"));
	end();
}

/* No nursery can be made, for all places are taken. */
static void
test_no_nursery(void **state)
{
	static const enum play of[] = { PLAY_NO_LOAD };

	(void)state;
	begin(of);
	while (n.of[0].used)
		turn();
	for (size_t i = 0; i < NURSERIES; i++)
		n.of[i] = (struct nursery_place){ .used = true, .fd = -1,
		    .pid = 1 };
	add();
	turn();
	assert_true(n.start_breath > 0 && nurseries_due(&n) > 0);
	n.start_breath = INT64_MAX;
	for (int i = 0; i < 10; i++)
		turn();
	assert_int_equal(crowd.open, 1);
	assert_int_equal(crowd.of[0].tries, 1);
	assert_string_equal(logged_text(), "no process for the certificates: "
	    "Resource temporarily unavailable\n");
	while (crowd.open > 0) {
		n.start_breath = 0;
		turn();
	}
	end();
}

/* kill(0) would end the acceptor, and all sessions. */
static void
reap_before_it_is_heard(void)
{
	static const enum play of[] = { PLAY_NO_LOAD };
	int status;

	if (setpgid(0, 0) == -1)
		_exit(2);
	begin(of);
	if (n.next == NULL || waitpid(n.next->pid, &status, 0) == -1)
		_exit(3);
	nurseries_ended(&n, n.next->pid, status);
	n.next->since -= (int64_t)2000 * BOUND_NURSERY_SECS;
	nurseries_tend(&n);
	_exit(0);
}

static void
test_reaped(void **state)
{
	(void)state;
	child_succeeds(reap_before_it_is_heard);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_served),
		cmocka_unit_test(test_front_killed),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_no_nursery),
		cmocka_unit_test(test_reaped),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
