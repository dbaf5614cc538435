/* SPDX-License-Identifier: Apache-2.0 */
/* Encoded-words (RFC 2047): found one after the other, neighbours of the same
 * character set gathered as octets before they are converted. */
#include "c-client/mime/encword.h"

#include <stdbool.h>
#include <string.h>

#include "c-client/base/buf.h"
#include "c-client/mime/charset.h"
#include "c-client/mime/transfer.h"

#include "c-client/base/banned.h"

struct word {
	struct span charset;	/* without RFC 2231's "*language" */
	char encoding;		/* 'b' or 'q' */
	struct span text;
	size_t octets;		/* of the whole encoded-word */
};

/*
 * The encoded-word that s begins with.  The text may hold blanks, which some
 * programs write, but no "?" in front of its end.
 */
static bool
word_find(struct span s, struct word *w)
{
	struct span rest;
	ptrdiff_t mark, star;

	if (s.n < 8 || s.p[0] != '=' || s.p[1] != '?')
		return false;
	/* The longest name that charset.h knows, and a language. */
	rest = span_slice(s, 2, 200);
	mark = span_find_char(rest, '?');
	if (mark <= 0)
		return false;
	w->charset = span_slice(rest, 0, (size_t)mark);
	star = span_find_char(w->charset, '*');
	if (star >= 0)
		w->charset.n = (size_t)star;
	rest = span_slice(s, 2 + (size_t)mark + 1, s.n);
	if (rest.n < 4 || rest.p[1] != '?')
		return false;
	w->encoding = (char)ascii_lower((unsigned char)rest.p[0]);
	if (w->encoding != 'b' && w->encoding != 'q')
		return false;
	rest = span_slice(rest, 2, rest.n);
	mark = span_find_char(rest, '?');
	if (mark < 0 || (size_t)mark + 1 >= rest.n || rest.p[mark + 1] != '=')
		return false;
	w->text = span_slice(rest, 0, (size_t)mark);
	w->octets = (size_t)(rest.p + mark + 2 - s.p);
	return true;
}

static int
hex(char c)
{
	int l = ascii_lower((unsigned char)c);

	if (l >= '0' && l <= '9')
		return l - '0';
	return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/* The "Q" encoding, RFC 2047 4.2; what is malformed stays. */
static void
q_decode(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '_')
			c = ' ';
		else if (c == '=' && i + 2 < s.n && hex(s.p[i + 1]) != -1 &&
		    hex(s.p[i + 2]) != -1) {
			c = (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]));
			i += 2;
		}
		buf_addc(out, c);
	}
}

static size_t
blank_length(struct span s)
{
	size_t n = 0;

	while (n < s.n && (s.p[n] == ' ' || s.p[n] == '\t' ||
	    s.p[n] == '\r' || s.p[n] == '\n'))
		n++;
	return n;
}

/*
 * s begins with `w`.  Decode it and the neighbours that follow in the same
 * character set.  Returns the octets of all of them; *known tells whether
 * anything was added, which is not so if the character set is unknown.
 */
static size_t
run_decode(struct span s, const struct word *w, struct buf *octets,
    struct buf *out, bool *known)
{
	struct word next = *w;
	size_t at = 0, gap = 0;

	buf_reset(octets);
	do {
		at += gap + next.octets;
		if (next.encoding == 'b')
			transfer_decode(TRANSFER_BASE64, next.text, octets);
		else
			q_decode(next.text, octets);
		gap = blank_length(span_slice(s, at, s.n));
	} while (word_find(span_slice(s, at + gap, s.n), &next) &&
	    span_eq_nocase(next.charset, w->charset));
	*known = charset_to_utf8(w->charset, buf_span(octets), out) == 0;
	return at;
}

/* The next "=?" in s, or s.n. */
static size_t
word_start(struct span s)
{
	size_t at = 0;
	ptrdiff_t n;

	while ((n = span_find_char(span_slice(s, at, s.n), '=')) >= 0) {
		at += (size_t)n;
		if (at + 1 < s.n && s.p[at + 1] == '?')
			return at;
		at++;
	}
	return s.n;
}

/* Plain text between words: dropped if it is blanks between two of them. */
static void
text_add(struct span text, bool between, struct buf *out)
{
	if (between && blank_length(text) == text.n)
		return;
	charset_guess_utf8(text, out);
}

void
encword_decode(struct span s, struct buf *out)
{
	size_t plain = 0, at = 0, mark, used;
	bool after_word = false, known;
	struct buf octets;
	struct word w;

	buf_init(&octets, 0);
	for (;;) {
		struct span rest;

		at += word_start(span_slice(s, at, s.n));
		if (at == s.n)
			break;
		rest = span_slice(s, at, s.n);
		if (!word_find(rest, &w)) {
			at += 2;
			continue;
		}
		mark = out->n;
		text_add(span_slice(s, plain, at - plain), after_word, out);
		used = run_decode(rest, &w, &octets, out, &known);
		at += used;
		if (known)
			plain = at;
		else
			out->n = mark;	/* stays, with what is before it */
		after_word = known;
	}
	text_add(span_slice(s, plain, s.n), false, out);
	buf_clear(&octets);
}
