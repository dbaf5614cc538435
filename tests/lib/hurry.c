/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: time goes $HURRY times as fast for what looks at the clock
 * or waits in poll(2), and alarms come $HURRY_ALARM times as early.  So a test
 * sees what happens after two minutes and does not wait for them.  Where
 * $HURRY_EVENTS is set, a wait in poll(2) of a minute or more has no end but
 * what is waited for: who does something then was told, and did not look.
 */
#include <dlfcn.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#define MINUTE	60000

static int64_t factor = 1, alarm_factor = 1;
static bool events_only;

static int64_t
number(const char *name)
{
	const char *text = getenv(name);
	int64_t n = text == NULL ? 1 : strtoll(text, NULL, 10);

	return n < 1 ? 1 : n;
}

/* The servers clear their environment, so it is read before main(). */
__attribute__((constructor)) static void
remember(void)
{
	factor = number("HURRY");
	alarm_factor = number("HURRY_ALARM");
	events_only = getenv("HURRY_EVENTS") != NULL;
}

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	int (*real)(clockid_t, struct timespec *);
	void *found = dlsym(RTLD_NEXT, "clock_gettime");
	int64_t nsecs;
	int rc;

	memcpy(&real, &found, sizeof real);
	rc = real(clock, ts);
	if (rc != 0 || clock != CLOCK_MONOTONIC || factor == 1)
		return rc;
	nsecs = (int64_t)ts->tv_nsec * factor;
	ts->tv_sec = ts->tv_sec * factor + nsecs / 1000000000;
	ts->tv_nsec = nsecs % 1000000000;
	return 0;
}

/* One that is over too early would be asked for again at once. */
int
poll(struct pollfd *fds, nfds_t n, int msecs)
{
	int (*real)(struct pollfd *, nfds_t, int);
	void *found = dlsym(RTLD_NEXT, "poll");

	memcpy(&real, &found, sizeof real);
	if (events_only && msecs >= MINUTE)
		msecs = -1;
	return real(fds, n, msecs <= 0 ? msecs : (int)(msecs / factor) + 1);
}

unsigned
alarm(unsigned secs)
{
	struct itimerval t = { .it_value.tv_sec = 0 };
	int64_t msecs = (int64_t)secs * 1000 / alarm_factor;

	t.it_value.tv_sec = msecs / 1000;
	t.it_value.tv_usec = msecs % 1000 * 1000;
	setitimer(ITIMER_REAL, &t, NULL);
	return 0;
}
