/* SPDX-License-Identifier: Apache-2.0 */
/* Long work tells of itself. */
#include "c-client/store/progress.h"

#include <stddef.h>

#include "c-client/base/clock.h"

#include "c-client/base/banned.h"

/* Seconds until somebody hears of it, and between two times. */
#define TELL_FIRST	2.0
#define TELL_AGAIN	1.0

struct progress_pace
progress_begin(struct progress *to)
{
	return (struct progress_pace){ to, clock_steady() + TELL_FIRST };
}

bool
progress_step(struct progress_pace *p, uint64_t done, uint64_t total)
{
	bool goes_on;

	if (p->to == NULL || clock_steady() < p->next)
		return true;
	goes_on = p->to->tell(p->to, done, total);
	p->next = clock_steady() + TELL_AGAIN;
	return goes_on;
}
