/* SPDX-License-Identifier: Apache-2.0 */
/* Fields as they are written: no line end but folds, and folds where lines are
 * long (RFC 5322 2.2.3). */
#include "c-client/api/rfc822_private.h"

#include <string.h>

#include "c-client/base/buf.h"

#include "c-client/base/banned.h"

/* RFC 5322 2.1.1, octets of a line without its end. */
#define LINE_MAX_OCTETS	78u

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_line_end(char c)
{
	return c == '\r' || c == '\n';
}

/* How much at s are blanks and line ends; were there line ends, and is the last
 * of them followed by a blank? */
static size_t
gap_length(struct span s, bool *line_end, bool *fold)
{
	size_t n;

	*line_end = *fold = false;
	for (n = 0; n < s.n && (is_blank(s.p[n]) || is_line_end(s.p[n])); n++) {
		*line_end = *line_end || is_line_end(s.p[n]);
		*fold = *line_end && is_blank(s.p[n]);
	}
	return n;
}

static size_t
word_length(struct span s)
{
	size_t n = 0;

	while (n < s.n && !is_blank(s.p[n]) && !is_line_end(s.p[n]))
		n++;
	return n;
}

/* The blanks of a gap; at least one if there was a line end.  Returns how many
 * that are. */
static size_t
blanks_add(struct buf *out, struct span gap)
{
	size_t n = 0;

	for (size_t i = 0; i < gap.n; i++)
		if (is_blank(gap.p[i])) {
			buf_addc(out, gap.p[i]);
			n++;
		}
	if (n == 0 && gap.n > 0) {
		buf_addc(out, ' ');
		n++;
	}
	return n;
}

/*
 * Each word is written with the gap in front of it, so that no line consists of
 * blanks alone.
 */
void
rfc822_text_add(struct buf *out, struct span s, bool fold, size_t column)
{
	bool line_end, folded;
	size_t gap, word;

	s = span_trim(s);
	while (s.n > 0) {
		gap = gap_length(s, &line_end, &folded);
		word = word_length(span_slice(s, gap, s.n));
		if (fold && gap > 0 && (folded ||
		    column + gap + word > LINE_MAX_OCTETS)) {
			buf_adds(out, "\r\n");
			column = 0;
		}
		column += blanks_add(out, span_slice(s, 0, gap)) + word;
		buf_addspan(out, span_slice(s, gap, word));
		s = span_slice(s, gap + word, s.n);
	}
}

void
rfc822_field_add(struct buf *out, struct span name, struct span value)
{
	size_t start = out->n;

	buf_addspan(out, name);
	buf_adds(out, ": ");
	rfc822_text_add(out, value, true, name.n + 2);
	buf_adds(out, "\r\n");
	if (out->full) {
		out->n = start;
		out->full = false;
	}
}

void
rfc822_quoted_add(struct buf *out, const char *s)
{
	buf_addc(out, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *s);
	}
	buf_addc(out, '"');
}

char *
rfc822_copy(char *to, size_t room, const struct buf *from)
{
	size_t n = from->n < room ? from->n : room - 1;

	if (n > 0)
		memcpy(to, from->p, n);
	to[n] = '\0';
	return to + n;
}
