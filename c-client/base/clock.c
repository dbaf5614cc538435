/* SPDX-License-Identifier: Apache-2.0 */
/* What time it is. */
#include "c-client/base/clock.h"

#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "c-client/base/banned.h"

#define PAUSE_LEAST	5u
#define PAUSE_MOST	50u

int64_t
clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

void
clock_second_end(int64_t second)
{
	struct timespec now, rest = { 0, 0 };

	while (clock_gettime(CLOCK_REALTIME, &now) == 0 &&
	    now.tv_sec == second) {
		rest.tv_nsec = 999999999 - now.tv_nsec;
		nanosleep(&rest, NULL);
	}
}

double
clock_steady(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int64_t
clock_msecs(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
clock_pause(void)
{
	uint32_t random = 0;
	struct timespec ts = { 0, 0 };

	if (getrandom(&random, sizeof random, GRND_NONBLOCK) !=
	    sizeof random)
		random = (uint32_t)getpid();
	ts.tv_nsec = (long)(PAUSE_LEAST +
	    random % (PAUSE_MOST - PAUSE_LEAST + 1)) * 1000000;
	nanosleep(&ts, NULL);
}
