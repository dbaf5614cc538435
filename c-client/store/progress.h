/* SPDX-License-Identifier: Apache-2.0 */
/* Long work tells of itself, and hears whether anybody waits for it. */
#ifndef STORE_PROGRESS_H
#define STORE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What hears of long work on a mailbox, a rewrite or a search: tell() is called
 * not more often than once a second, from the time on when it has taken two,
 * with what is done and the whole, octets or messages.  False: nobody waits for
 * it any more.  The object is the caller's.
 */
struct progress {
	bool (*tell)(struct progress *, uint64_t done, uint64_t total);
};

/* One piece of work. */
struct progress_pace {
	struct progress *to;	/* NULL: nobody wants to know */
	double next;		/* when it is told, by clock_steady() */
};

/* It begins. */
struct progress_pace progress_begin(struct progress *to);

/* It goes on.  False where it need not, as nobody waits for it; what was begun
 * to be written has to be. */
bool progress_step(struct progress_pace *, uint64_t done, uint64_t total);

#endif
