/* SPDX-License-Identifier: Apache-2.0 */
/* Dates of messages, as they stand in a MESSAGECACHE. */
#include "c-client/api/mail_date.h"

#include <stdio.h>
#include <stdlib.h>

#include "c-client/base/buf.h"
#include "c-client/mime/date.h"

#include "c-client/base/banned.h"

static int
zone_of(const MESSAGECACHE *elt)
{
	int minutes = (int)elt->zhours * 60 + (int)elt->zminutes;

	return elt->zoccident ? -minutes : minutes;
}

/* Programs may have put anything there; months are twelve. */
static struct date
date_of(const MESSAGECACHE *elt)
{
	int month = elt->month < 1 ? 1 : elt->month > 12 ? 12 : elt->month;
	int64_t days = date_days(BASEYEAR + (int)elt->year, month,
	    elt->day < 1 ? 1 : elt->day);
	int zone = zone_of(elt);

	return (struct date){ days * 86400 + elt->hours * 3600 +
	    elt->minutes * 60 + elt->seconds - 60 * zone, (int16_t)zone };
}

/* Programs have no more for it. */
#define DATE_ROOM	64

static char *
hand_over(char *string, struct buf *text)
{
	snprintf(string, DATE_ROOM, "%s", buf_string(text));
	buf_clear(text);
	return string;
}

char *
mail_date(char *string, MESSAGECACHE *elt)
{
	struct date date = date_of(elt);
	struct buf text;

	buf_init(&text, 0);
	date_write_internal(&text, &date);
	return hand_over(string, &text);
}

char *
mail_cdate(char *string, MESSAGECACHE *elt)
{
	static const char weekdays[] = "ThuFriSatSunMonTueWed";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct date date = date_of(elt);
	int64_t local = date.secs + 60 * (int64_t)date.zone_minutes, year;
	int64_t days = local / 86400 - (local % 86400 < 0);
	int secs = (int)(local - days * 86400), zone = zone_of(elt);
	int month, day;

	date_civil(days, &year, &month, &day);
	snprintf(string, DATE_ROOM,
	    "%.3s %.3s %2d %02d:%02d:%02d %04d %c%02d%02d\n",
	    weekdays + 3 * (days % 7 + 7 * (days % 7 < 0)),
	    months + 3 * (month - 1), day, secs / 3600, secs / 60 % 60,
	    secs % 60, (int)year, zone < 0 ? '-' : '+',
	    (zone < 0 ? -zone : zone) / 60, (zone < 0 ? -zone : zone) % 60);
	return string;
}

unsigned long
mail_longdate(MESSAGECACHE *elt)
{
	int64_t secs = date_of(elt).secs;

	return secs < 0 ? 0 : (unsigned long)secs;
}

bool
mail_date_set(MESSAGECACHE *elt, const struct date *date)
{
	/* Four bits for the hours of a zone: no place on earth has more, but
	 * headers have; that is the time in Greenwich then. */
	int zone = abs(date->zone_minutes) < 16 * 60 ? date->zone_minutes : 0;
	int64_t local = date->secs + 60 * (int64_t)zone, year;
	int64_t days = local / 86400 - (local % 86400 < 0);
	unsigned secs = (unsigned)(local - days * 86400);
	int month, day;

	date_civil(days, &year, &month, &day);
	if (year < BASEYEAR || year > BASEYEAR + 127)
		return false;
	elt->year = (unsigned)(year - BASEYEAR) & 127;
	elt->month = (unsigned)month & 15;
	elt->day = (unsigned)day & 31;
	elt->hours = secs / 3600 & 31;
	elt->minutes = secs / 60 % 60 & 63;
	elt->seconds = secs % 60 & 63;
	elt->zoccident = zone < 0;
	elt->zhours = (unsigned)abs(zone) / 60 & 15;
	elt->zminutes = (unsigned)abs(zone) % 60 & 63;
	return true;
}

long
mail_parse_date(MESSAGECACHE *elt, unsigned char *string)
{
	struct date date;
	struct span text;

	if (string == NULL)
		return NIL;
	text = span_of((char *)string);
	if (!date_parse_internal(text, &date) && !date_parse(text, &date))
		return NIL;
	return mail_date_set(elt, &date) ? T : NIL;
}

unsigned short
mail_shortdate(unsigned int year, unsigned int month, unsigned int day)
{
	return (unsigned short)((year & 127) << 9 | (month & 15) << 5 |
	    (day & 31));
}
