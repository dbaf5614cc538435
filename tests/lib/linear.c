/* SPDX-License-Identifier: Apache-2.0 */
/* Is a function's work in proportion to its input? */
#include "tests/lib/linear.h"

#include <stdint.h>
#include <time.h>

#include "c-client/base/banned.h"

#define NOTHING_NS	2000000

/* Eight times the input: linear work is 8, quadratic 64.  A sanitizer's memory
 * is slower to grow. */
#ifdef SANITIZED
#define MOST	40
#else
#define MOST	24
#endif

static int64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t
cost(void (*work)(size_t), size_t n)
{
	int64_t start = cpu_ns();

	work(n);
	return cpu_ns() - start;
}

bool
linear(void (*work)(size_t), size_t n)
{
	for (int i = 0; i < 5; i++) {
		int64_t small = cost(work, n), large = cost(work, 8 * n);

		if (large < NOTHING_NS || large < MOST * small)
			return true;
	}
	return false;
}
