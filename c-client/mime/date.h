/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates of messages and of IMAP, by civil arithmetic (proleptic Gregorian
 * calendar): the process's time zone and locale play no part.
 */
#ifndef MIME_DATE_H
#define MIME_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct buf;

struct date {
	int64_t secs;		/* since 1970-01-01 00:00:00 UTC */
	int16_t zone_minutes;	/* east of UTC; local time = secs + 60 * this */
};

/* A day count from and to a date; month 1 to 12, day 1 to 31. */
int64_t date_days(int64_t year, int month, int day);
void date_civil(int64_t days, int64_t *year, int *month, int *day);

/* The day, since 1970, on which it was written in its own zone: what SENTON
 * and BEFORE compare ("disregarding time and timezone", RFC 3501 6.4.4). */
int64_t date_local_day(const struct date *);

/*
 * A Date field's body (RFC 5322 3.3 and 4.3), generously: the weekday may
 * lack or be wrong, years have 2 to 4 digits, seconds, time and zone may lack
 * (0, UTC), comments and folds may be anywhere, names of months may be long,
 * and the form of asctime(3) is taken too.  Returns false, *out untouched,
 * if no day, month and year are found or one of the numbers is impossible.
 * A leap second is taken as the second after it.
 */
bool date_parse(struct span, struct date *out);

/* IMAP date-time (RFC 3501 9) without its quotes, strictly:
 * "17-Jul-1996 02:44:25 -0700", the day with two octets. */
bool date_parse_internal(struct span, struct date *out);

/* IMAP date (RFC 3501 9), quotes removed, strictly: "1-Feb-1994". */
bool date_parse_day(struct span, int64_t *days_since_1970);

/* " 2-Jan-2024 10:00:00 +0000".  Years outside 0 to 9999 are shown as the
 * nearest of these that fits the four digits. */
void date_write_internal(struct buf *, const struct date *);

/* "Tue, 2 Jan 2024 10:00:00 +0000" (RFC 5322 3.3). */
void date_write_rfc5322(struct buf *, const struct date *);

#endif
