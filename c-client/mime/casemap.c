/* SPDX-License-Identifier: Apache-2.0 */
/* Folding for comparison: ASCII here, the rest by utf8proc. */
#include "c-client/mime/casemap.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "c-client/base/buf.h"
#include "c-client/mime/charset.h"

#include "c-client/base/banned.h"

/* So much is folded at once, octets. */
#define PIECE_MAX	16384u

/* A character and what combines with it is never cut, unless more marks than
 * this follow each other: their sorting is quadratic, and no language has so
 * many (Unicode's UAX 15, stream-safe text, says 30). */
#define MARKS_MAX	30u

/* Octets from the beginning of s that are ASCII. */
static size_t
ascii_run(struct span s)
{
	size_t n = 0;

	while (n < s.n && (unsigned char)s.p[n] < 0x80)
		n++;
	return n;
}

static void
ascii_fold(struct span s, struct buf *out)
{
	char *to;

	if (s.n == 0 || (to = buf_room(out, s.n)) == NULL || out->full)
		return;
	for (size_t i = 0; i < s.n; i++)
		to[i] = (char)ascii_lower((unsigned char)s.p[i]);
	out->n += s.n;
}

/* May a new piece begin with this character?  Not if it could combine with
 * what stands before it: marks, and the vowels and finals of Hangul. */
static bool
is_start(struct span s)
{
	utf8proc_int32_t code;

	if (utf8proc_iterate((const utf8proc_uint8_t *)s.p,
	    (utf8proc_ssize_t)(s.n < 4 ? s.n : 4), &code) < 0)
		return true;
	if (code >= 0x1160 && code <= 0x11ff)
		return false;
	return utf8proc_get_property(code)->combining_class == 0 &&
	    utf8proc_category(code) != UTF8PROC_CATEGORY_MN &&
	    utf8proc_category(code) != UTF8PROC_CATEGORY_MC;
}

/* Valid characters that are not ASCII, from the beginning of s. */
static size_t
wide_run(struct span s)
{
	size_t n = 0, one, marks = 0;
	bool start;

	while (n < s.n && (unsigned char)s.p[n] >= 0x80) {
		one = charset_utf8_length(span_slice(s, n, 4));
		if (one == 0)
			break;
		start = is_start(span_slice(s, n, 4));
		marks = start ? 0 : marks + 1;
		if (marks > MARKS_MAX || (start && n >= PIECE_MAX))
			break;
		n += one;
	}
	return n;
}

static void
wide_map(struct span s, utf8proc_option_t options, struct buf *out)
{
	utf8proc_uint8_t *mapped = NULL;
	utf8proc_ssize_t n;

	n = utf8proc_map((const utf8proc_uint8_t *)s.p,
	    (utf8proc_ssize_t)s.n, &mapped, options);
	if (n > 0)
		buf_add(out, mapped, (size_t)n);
	free(mapped);
}

static void
ascii_map(struct span s, utf8proc_option_t options, struct buf *out)
{
	if ((options & UTF8PROC_CASEFOLD) != 0)
		ascii_fold(s, out);
	else
		buf_addspan(out, s);
}

static void
map(struct span s, utf8proc_option_t options, struct buf *out)
{
	size_t n, last;

	while (s.n > 0) {
		n = ascii_run(s);
		if (n == s.n) {
			ascii_map(s, options, out);
			return;
		}
		/* The last ASCII letter may combine with what follows. */
		last = n > 0 ? 1 : 0;
		ascii_map(span_slice(s, 0, n - last), options, out);
		s = span_slice(s, n - last, s.n);
		n = last + wide_run(span_slice(s, last, s.n));
		wide_map(span_slice(s, 0, n), options, out);
		s = span_slice(s, n, s.n);
		if (n == last && s.n > 0) {
			buf_adds(out, "\xef\xbf\xbd");
			s = span_slice(s, 1, s.n);
		}
	}
}

void
casemap_fold(struct span s, struct buf *out)
{
	map(s, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
	    UTF8PROC_CASEFOLD | UTF8PROC_IGNORE, out);
}

void
casemap_decompose(struct span s, bool fold, struct buf *out)
{
	map(s, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE |
	    (fold ? UTF8PROC_CASEFOLD : 0), out);
}
