/* SPDX-License-Identifier: Apache-2.0 */
/* The "From " lines of mailbox files. */
#include "c-client/formats/mbox_separator.h"

#include <string.h>
#include <time.h>

#include "c-client/mime/date.h"

#include "c-client/base/banned.h"

/* Enough for the longest date and "remote from host". */
#define WORDS_MAX	10

static const char months[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
};

static const char weekdays[7][4] = {
	"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"
};

/*
 * The forms of dates, a letter a word: W weekday, C weekday with comma,
 * M month, D day, T time, Y year, Z zone.  (Two zones: "MET DST".)
 */
static const char *const forms[] = {
	"WMDTY", "WMDTYZ", "WMDTZY", "WMDTZZY", "CDMYT", "CDMYTZ"
};

struct civil {
	int year, month, day, hour, minute, second;
	bool zoned;
	bool zone_named;
	int zone;
};

/* `n` digits at p as a number, -1 if there is another octet. */
static int
digits(const char *p, size_t n)
{
	int value = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		value = value * 10 + (p[i] - '0');
	}
	return value;
}

static bool
is_weekday(struct span w)
{
	for (size_t i = 0; i < 7; i++)
		if (w.n == 3 && memcmp(w.p, weekdays[i], 3) == 0)
			return true;
	return false;
}

static bool
month_read(struct span w, struct civil *c)
{
	for (int i = 0; i < 12; i++)
		if (w.n == 3 && memcmp(w.p, months[i], 3) == 0) {
			c->month = i + 1;
			return true;
		}
	return false;
}

/* "h:mm", "hh:mm", "hh:mm:ss" */
static bool
time_read(struct span w, struct civil *c)
{
	size_t h = w.n == 4 || w.n == 7 ? 1 : 2;

	if (w.n != h + 3 && w.n != h + 6)
		return false;
	if (w.p[h] != ':' || (w.n == h + 6 && w.p[h + 3] != ':'))
		return false;
	c->hour = digits(w.p, h);
	c->minute = digits(w.p + h + 1, 2);
	c->second = w.n == h + 6 ? digits(w.p + h + 4, 2) : 0;
	return c->hour >= 0 && c->hour <= 23 && c->minute >= 0 &&
	    c->minute <= 59 && c->second >= 0 && c->second <= 60;
}

static bool
zone_read(struct span w, struct civil *c)
{
	c->zoned = true;
	if (w.n == 5 && (w.p[0] == '+' || w.p[0] == '-')) {
		int h = digits(w.p + 1, 2), m = digits(w.p + 3, 2);

		c->zone = h * 60 + m;
		if (w.p[0] == '-')
			c->zone = -c->zone;
		return h >= 0 && h <= 23 && m >= 0 && m <= 59;
	}
	for (size_t i = 0; i < w.n; i++)
		if (w.p[i] < 'A' || w.p[i] > 'Z')
			return false;
	c->zone_named = true;
	return w.n >= 1 && w.n <= 5;
}

static bool
word_read(struct span w, char kind, struct civil *c)
{
	switch (kind) {
	case 'W':
		return is_weekday(w);
	case 'C':
		return w.n == 4 && w.p[3] == ',' &&
		    is_weekday(span_slice(w, 0, 3));
	case 'M':
		return month_read(w, c);
	case 'D':
		c->day = w.n <= 2 ? digits(w.p, w.n) : -1;
		return c->day >= 1 && c->day <= 31;
	case 'T':
		return time_read(w, c);
	case 'Y':
		c->year = w.n == 4 ? digits(w.p, 4) : -1;
		return c->year >= 0;
	default:
		return zone_read(w, c);
	}
}

/* Take the last word off `s`; false if there is none. */
static bool
word_take(struct span *s, struct span *word)
{
	size_t end = s->n, at;

	while (end > 0 && (s->p[end - 1] == ' ' || s->p[end - 1] == '\t'))
		end--;
	at = end;
	while (at > 0 && s->p[at - 1] != ' ' && s->p[at - 1] != '\t')
		at--;
	*word = span_slice(*s, at, end - at);
	*s = span_slice(*s, 0, at);
	return word->n > 0;
}

/* Seconds since 1970 of a time without zone, by the machine's clock. */
static void
local_date(int64_t civil_secs, struct mbox_separator *out)
{
	struct tm tm;
	time_t t = (time_t)civil_secs;
	long east = 0;

	for (int i = 0; i < 2; i++) {
		if (localtime_r(&t, &tm) == NULL)
			break;
		east = tm.tm_gmtoff;
		t = (time_t)(civil_secs - east);
	}
	out->secs = t;
	out->zone_minutes = (int16_t)(east / 60);
}

static void
date_make(const struct civil *c, struct span text, struct mbox_separator *out)
{
	int64_t secs = date_days(c->year, c->month, c->day) * 86400 +
	    c->hour * 3600 + c->minute * 60 + c->second;
	struct date named;

	out->dated = true;
	if (c->zone_named && date_parse(text, &named)) {
		out->secs = named.secs;
		out->zone_minutes = named.zone_minutes;
	} else if (c->zoned) {
		out->secs = secs - (int64_t)c->zone * 60;
		out->zone_minutes = (int16_t)c->zone;
	} else
		local_date(secs, out);
}

/* Does `form` fit the words?  words[count - 1] is the first of them. */
static bool
form_fits(const char *form, const struct span *words, size_t count,
    struct civil *c)
{
	size_t n = strlen(form);

	if (n > count)
		return false;
	memset(c, 0, sizeof *c);
	for (size_t i = 0; i < n; i++)
		if (!word_read(words[n - 1 - i], form[i], c))
			return false;
	return true;
}

static bool
date_find(struct span rest, struct mbox_separator *out)
{
	struct span words[WORDS_MAX], *w = words;
	size_t count = 0;
	struct civil c;

	while (count < WORDS_MAX && word_take(&rest, &words[count]))
		count++;
	if (count > 3 && span_eq(w[1], SPAN("from")) &&
	    span_eq(w[2], SPAN("remote"))) {
		w += 3;
		count -= 3;
	}
	/* No form ends in anything else: most lines go no further. */
	if (count < 5 || w[0].n < 1 || w[0].n > 8)
		return false;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if (form_fits(forms[i], w, count, &c)) {
			const char *from = w[strlen(forms[i]) - 1].p;
			const char *to = w[0].p + w[0].n;

			date_make(&c, (struct span){ from,
			    (size_t)(to - from) }, out);
			return true;
		}
	}
	return false;
}

static bool
is_one_word(struct span rest)
{
	struct span word, more;

	return word_take(&rest, &word) && !word_take(&rest, &more);
}

bool
mbox_separator_parse(struct span line, bool after_empty,
    struct mbox_separator *out)
{
	struct span rest;

	out->dated = false;
	out->secs = 0;
	out->zone_minutes = 0;
	if (line.n < 6 || line.n > MBOX_SEPARATOR_MAX ||
	    memcmp(line.p, "From ", 5) != 0)
		return false;
	rest = span_slice(line, 5, line.n);
	if (rest.n > 0 && rest.p[rest.n - 1] == '\n')
		rest.n--;
	if (rest.n > 0 && rest.p[rest.n - 1] == '\r')
		rest.n--;
	return date_find(rest, out) || (after_empty && is_one_word(rest));
}

ptrdiff_t
mbox_separator_first(struct span head)
{
	struct mbox_separator ignored;
	const char *lf;
	size_t at = 0;

	if (head.n >= 3 && memcmp(head.p, "\xEF\xBB\xBF", 3) == 0)
		at = 3;
	while (at < head.n && (head.p[at] == '\n' ||
	    (head.p[at] == '\r' && at + 1 < head.n && head.p[at + 1] == '\n')))
		at++;
	if (at == head.n)
		return (ptrdiff_t)at;
	head = span_slice(head, at, head.n);
	lf = memchr(head.p, '\n', head.n);
	if (lf != NULL)
		head.n = (size_t)(lf - head.p) + 1;
	return mbox_separator_parse(head, true, &ignored) ?
	    (ptrdiff_t)at : -1;
}
