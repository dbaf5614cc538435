/* SPDX-License-Identifier: Apache-2.0 */
/* What time it is, by the clock that is set and by one that never is. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Seconds since 1970 by the exact clock: time(2) may be a tick behind, and a
 * second that is over must not come again as a UIDVALIDITY. */
int64_t clock_now(void);
/* Sleep until this second is over. */
void clock_second_end(int64_t second);

/* On a clock that is never set, for deadlines: seconds, milliseconds. */
double clock_steady(void);
int64_t clock_msecs(void);

/* Sleep for 5 to 50 ms, by chance: those who wait for the same lock don't try
 * for it at the same moments. */
void clock_pause(void);

#endif
