/* SPDX-License-Identifier: Apache-2.0 */
/* Dates: the forms of mail, read generously, and IMAP's, read strictly. */
#include "c-client/mime/date.h"

#include <string.h>

#include "c-client/base/buf.h"

#include "c-client/base/banned.h"

#define DAY_SECS	86400

static const char months[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
};

static const char weekdays[7][4] = {
	"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"
};

/* RFC 5322 4.3; the military letters of RFC 822 were defined backwards there
 * and mean an unknown zone, which is UTC. */
static const struct {
	char name[5];
	int16_t minutes;
} zones[] = {
	{ "UT", 0 }, { "GMT", 0 }, { "UTC", 0 },
	{ "EST", -300 }, { "EDT", -240 }, { "CST", -360 }, { "CDT", -300 },
	{ "MST", -420 }, { "MDT", -360 }, { "PST", -480 }, { "PDT", -420 },
	{ "WET", 0 }, { "WEST", 60 }, { "BST", 60 }, { "MET", 60 },
	{ "CET", 60 }, { "MEST", 120 }, { "CEST", 120 }, { "EET", 120 },
	{ "EEST", 180 }, { "JST", 540 },
};

/*
 * Days since 1970-01-01.  Years begin in March here, so that the leap day is
 * the last; an era is 400 of them and has always 146,097 days.
 */
int64_t
date_days(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t in_era = y - era * 400;
	int64_t from_march = (month + 9) % 12;
	int64_t in_year = (153 * from_march + 2) / 5 + day - 1;

	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 +
	    in_year - 719468;
}

void
date_civil(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t in_era = z - era * 146097;
	int64_t y = (in_era - in_era / 1460 + in_era / 36524 -
	    in_era / 146096) / 365;
	int64_t in_year = in_era - (365 * y + y / 4 - y / 100);
	int64_t from_march = (5 * in_year + 2) / 153;

	*day = (int)(in_year - (153 * from_march + 2) / 5 + 1);
	*month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
	*year = y + era * 400 + (*month <= 2);
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;

	return a % b < 0 ? q - 1 : q;
}

int64_t
date_local_day(const struct date *d)
{
	return floor_div(d->secs + (int64_t)d->zone_minutes * 60, DAY_SECS);
}

/* What a date is made of, -1 where it was not found. */
struct civil {
	int64_t year;
	int month, day;
	int hour, minute, second;
	int zone;		/* minutes */
};

static int
month_length(int64_t year, int month)
{
	static const int lengths[12] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};

	if (month == 2 && year % 4 == 0 && (year % 100 != 0 ||
	    year % 400 == 0))
		return 29;
	return lengths[month - 1];
}

static bool
civil_to_date(const struct civil *c, struct date *out)
{
	if (c->month < 1 || c->day < 1 || c->year < 0 || c->year > 9999 ||
	    c->day > month_length(c->year, c->month) ||
	    c->hour > 23 || c->minute > 59 || c->second > 60)
		return false;
	out->secs = date_days(c->year, c->month, c->day) * DAY_SECS +
	    c->hour * 3600 + c->minute * 60 + c->second -
	    (int64_t)c->zone * 60;
	out->zone_minutes = (int16_t)c->zone;
	return true;
}

/* A month by its first three letters: 1 to 12, or 0. */
static int
month_of(struct span word)
{
	for (int m = 0; m < 12; m++)
		if (span_starts_nocase(word, months[m]))
			return m + 1;
	return 0;
}

enum token {
	TOKEN_END, TOKEN_NUMBER, TOKEN_WORD, TOKEN_OTHER
};

struct lexer {
	struct span rest;
	char before;		/* the octet in front of the token */
	struct span text;
	int number;		/* at most 99,999 */
};

/* Step over a comment, nested ones included; an open one goes to the end. */
static void
comment_skip(struct span *s)
{
	size_t depth = 0;

	while (s->n > 0) {
		char c = s->p[0];

		*s = span_slice(*s, 1, s->n);
		if (c == '\\')
			*s = span_slice(*s, 1, s->n);
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			return;
	}
}

static enum token
lexer_next(struct lexer *l)
{
	struct span *s = &l->rest;
	size_t n = 0;

	l->before = ' ';
	while (s->n > 0 && (strchr(" \t\r\n,", s->p[0]) != NULL ||
	    s->p[0] == '(')) {
		if (s->p[0] == '(')
			comment_skip(s);
		else
			*s = span_slice(*s, 1, s->n);
	}
	if (s->n == 0)
		return TOKEN_END;
	if (!ascii_is_alnum((unsigned char)s->p[0])) {
		l->before = s->p[0];
		l->text = span_slice(*s, 0, 1);
		*s = span_slice(*s, 1, s->n);
		return TOKEN_OTHER;
	}
	l->number = 0;
	if (ascii_is_digit((unsigned char)s->p[0])) {
		while (n < s->n && ascii_is_digit((unsigned char)s->p[n])) {
			l->number = l->number * 10 + (s->p[n] - '0');
			if (l->number > 99999)
				l->number = 99999;
			n++;
		}
	} else {
		while (n < s->n && ascii_is_alnum((unsigned char)s->p[n]) &&
		    !ascii_is_digit((unsigned char)s->p[n]))
			n++;
	}
	l->text = span_slice(*s, 0, n);
	*s = span_slice(*s, n, s->n);
	return ascii_is_digit((unsigned char)l->text.p[0]) ?
	    TOKEN_NUMBER : TOKEN_WORD;
}

/* Years of two and three digits, RFC 5322 4.3. */
static int64_t
year_of(const struct lexer *l)
{
	if (l->text.n == 2 || l->text.n == 1)
		return l->number + (l->number < 50 ? 2000 : 1900);
	if (l->text.n == 3)
		return l->number + 1900;
	return l->number;
}

/* "hh" was read and a colon (or a full stop, as some write) follows. */
static void
time_read(struct lexer *l, struct civil *c)
{
	int *parts[] = { &c->minute, &c->second };

	c->hour = l->number;
	for (size_t i = 0; i < 2; i++) {
		struct lexer ahead = *l;

		if (lexer_next(&ahead) != TOKEN_OTHER ||
		    (ahead.text.p[0] != ':' && ahead.text.p[0] != '.') ||
		    lexer_next(&ahead) != TOKEN_NUMBER)
			return;
		*parts[i] = ahead.number;
		*l = ahead;
	}
}

static void
zone_word(struct span word, struct civil *c)
{
	for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++)
		if (span_is(word, zones[i].name))
			c->zone = zones[i].minutes;
}

/* "+hhmm", also "+hh:mm" and "+hh"; one that can't be is UTC. */
static void
zone_number(struct lexer *l, char sign, struct civil *c)
{
	struct lexer ahead = *l;
	int minutes;

	if (l->text.n <= 2) {
		minutes = l->number * 60;
		if (lexer_next(&ahead) == TOKEN_OTHER &&
		    ahead.text.p[0] == ':' &&
		    lexer_next(&ahead) == TOKEN_NUMBER) {
			minutes += ahead.number;
			*l = ahead;
		}
	} else
		minutes = l->number / 100 * 60 + l->number % 100;
	if (minutes < 24 * 60)
		c->zone = sign == '-' ? -minutes : minutes;
}

static bool
is_time_next(const struct lexer *l)
{
	struct lexer ahead = *l;

	return lexer_next(&ahead) == TOKEN_OTHER && ahead.text.p[0] == ':';
}

/* A number that is no part of a time or zone: day first, then year; "2024-
 * 01-31" (RFC 3339) is year, month, day. */
static bool
number_place(struct lexer *l, char sign, struct civil *c)
{
	if (is_time_next(l) && c->hour == -1)
		time_read(l, c);
	else if (c->hour != -1 && (sign == '+' || sign == '-'))
		zone_number(l, sign, c);
	else if (c->year == -1 && l->text.n == 4 && c->month == -1)
		c->year = l->number;
	else if (c->year != -1 && c->month == -1)
		c->month = l->number;
	else if (c->day == -1)
		c->day = l->number;
	else if (c->year == -1)
		c->year = year_of(l);
	return c->month <= 12;
}

bool
date_parse(struct span text, struct date *out)
{
	struct civil c = { -1, -1, -1, -1, -1, -1, 0 };
	struct lexer l = { .rest = text };
	enum token token;
	char sign = ' ';

	while ((token = lexer_next(&l)) != TOKEN_END) {
		if (token == TOKEN_NUMBER && !number_place(&l, sign, &c))
			return false;
		if (token == TOKEN_WORD && c.month == -1 &&
		    month_of(l.text) != 0)
			c.month = month_of(l.text);
		else if (token == TOKEN_WORD && c.hour != -1)
			zone_word(l.text, &c);
		sign = token == TOKEN_OTHER ? l.text.p[0] : ' ';
	}
	if (c.year == -1)
		return false;
	c.hour = c.hour == -1 ? 0 : c.hour;
	c.minute = c.minute == -1 ? 0 : c.minute;
	c.second = c.second == -1 ? 0 : c.second;
	return civil_to_date(&c, out);
}

/*
 * Match `text` with a pattern: 'd' is a digit, 'D' a digit or blank, 'M' a
 * letter, 'S' a sign; others stand for themselves.
 */
static bool
matches(struct span text, const char *pattern)
{
	if (text.n != strlen(pattern))
		return false;
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		switch (pattern[i]) {
		case 'D':
			if (c == ' ')
				break;
			/* FALLTHROUGH */
		case 'd':
			if (!ascii_is_digit(c))
				return false;
			break;
		case 'M':
			if (!ascii_is_alnum(c) || ascii_is_digit(c))
				return false;
			break;
		case 'S':
			if (c != '+' && c != '-')
				return false;
			break;
		default:
			if (c != (unsigned char)pattern[i])
				return false;
		}
	}
	return true;
}

/* The number in `n` octets at p, blanks counting as zeros. */
static int
digits(const char *p, size_t n)
{
	int value = 0;

	for (size_t i = 0; i < n; i++)
		value = value * 10 + (p[i] == ' ' ? 0 : p[i] - '0');
	return value;
}

bool
date_parse_internal(struct span s, struct date *out)
{
	struct civil c;

	if (!matches(s, "Dd-MMM-dddd dd:dd:dd Sdddd"))
		return false;
	c.day = digits(s.p, 2);
	c.month = month_of(span_slice(s, 3, 3));
	c.year = digits(s.p + 7, 4);
	c.hour = digits(s.p + 12, 2);
	c.minute = digits(s.p + 15, 2);
	c.second = digits(s.p + 18, 2);
	c.zone = digits(s.p + 22, 2) * 60 + digits(s.p + 24, 2);
	if (digits(s.p + 22, 2) > 23 || digits(s.p + 24, 2) > 59)
		return false;
	if (s.p[21] == '-')
		c.zone = -c.zone;
	return civil_to_date(&c, out);
}

bool
date_parse_day(struct span s, int64_t *days_since_1970)
{
	struct civil c = { 0, 0, 0, 0, 0, 0, 0 };
	struct date d;
	size_t n;

	if (matches(s, "d-MMM-dddd"))
		n = 1;
	else if (matches(s, "dd-MMM-dddd"))
		n = 2;
	else
		return false;
	c.day = digits(s.p, n);
	c.month = month_of(span_slice(s, n + 1, 3));
	c.year = digits(s.p + n + 5, 4);
	if (!civil_to_date(&c, &d))
		return false;
	*days_since_1970 = date_days(c.year, c.month, c.day);
	return true;
}

/* A date taken apart in its own zone, kept within four digits of years. */
static int64_t
date_split(const struct date *d, struct civil *c)
{
	int64_t least = date_days(0, 1, 1) * DAY_SECS;
	int64_t most = date_days(10000, 1, 1) * DAY_SECS - 1;
	int64_t local = d->secs, days, secs;

	c->zone = d->zone_minutes;
	if (c->zone <= -24 * 60 || c->zone >= 24 * 60)
		c->zone = 0;
	if (local < least - 2 * DAY_SECS || local > most + 2 * DAY_SECS)
		local = local < 0 ? least : most;
	else
		local += c->zone * 60;
	local = local < least ? least : local > most ? most : local;
	days = floor_div(local, DAY_SECS);
	secs = local - days * DAY_SECS;
	date_civil(days, &c->year, &c->month, &c->day);
	c->hour = (int)(secs / 3600);
	c->minute = (int)(secs / 60 % 60);
	c->second = (int)(secs % 60);
	return days;
}

static void
time_write(struct buf *out, const struct civil *c)
{
	int zone = c->zone < 0 ? -c->zone : c->zone;

	buf_addf(out, " %02d:%02d:%02d %c%02d%02d", c->hour, c->minute,
	    c->second, c->zone < 0 ? '-' : '+', zone / 60, zone % 60);
}

void
date_write_internal(struct buf *out, const struct date *d)
{
	struct civil c;

	date_split(d, &c);
	buf_addf(out, "%2d-%s-%04d", c.day, months[c.month - 1],
	    (int)c.year);
	time_write(out, &c);
}

void
date_write_rfc5322(struct buf *out, const struct date *d)
{
	struct civil c;
	int64_t days = date_split(d, &c);
	int64_t weekday = (days % 7 + 11) % 7;	/* 1970-01-01: Thursday */

	buf_addf(out, "%s, %d %s %04d", weekdays[weekday], c.day,
	    months[c.month - 1], (int)c.year);
	time_write(out, &c);
}
