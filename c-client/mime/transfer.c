/* SPDX-License-Identifier: Apache-2.0 */
/* Content transfer encodings, decoded in pieces (RFC 2045 6.7 and 6.8). */
#include "c-client/mime/transfer.h"

#include <stdbool.h>
#include <string.h>

#include "c-client/base/buf.h"

#include "c-client/base/banned.h"

/* So many blanks are text wherever they stand: no transport pads a line up to
 * RFC 5322's limit, and what is undecided stays bounded. */
#define BLANKS_MAX	998u

enum transfer
transfer_of(struct span name)
{
	struct span s = span_trim(name);

	if (span_is(s, "base64"))
		return TRANSFER_BASE64;
	if (span_is(s, "quoted-printable"))
		return TRANSFER_QP;
	return TRANSFER_IDENTITY;
}

void
transfer_begin(struct transfer_state *t, enum transfer transfer)
{
	t->transfer = transfer;
	t->bits = 0;
	t->digits = 0;
	t->n = 0;
}

/* The value of a digit of RFC 2045's table 1, or -1. */
static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Octets for the digits that are left when a run of base64 ends. */
static void
base64_flush(struct transfer_state *t, struct buf *out)
{
	if (t->digits >= 2)
		buf_addc(out, (char)(t->bits >> (6 * t->digits - 8)));
	if (t->digits == 3)
		buf_addc(out, (char)(t->bits >> 2));
	t->bits = 0;
	t->digits = 0;
}

/* Padding ends a run; another may follow, as where encoded files were put
 * one behind the other.  Octets that are no digits are skipped. */
static void
base64_feed(struct transfer_state *t, struct span in, struct buf *out)
{
	char *to = buf_room(out, in.n / 4 * 3 + 3), *start = to;

	if (to == NULL || out->full)
		return;
	for (size_t i = 0; i < in.n; i++) {
		int value = base64_value(in.p[i]);

		if (value == -1) {
			if (in.p[i] != '=' || t->digits == 0)
				continue;
			out->n += (size_t)(to - start);
			base64_flush(t, out);
			to = buf_room(out, (in.n - i) / 4 * 3 + 3);
			if (to == NULL)
				return;
			start = to;
			continue;
		}
		t->bits = t->bits << 6 | (uint32_t)value;
		if (++t->digits < 4)
			continue;
		*to++ = (char)(t->bits >> 16);
		*to++ = (char)(t->bits >> 8);
		*to++ = (char)t->bits;
		t->bits = 0;
		t->digits = 0;
	}
	out->n += (size_t)(to - start);
}

static int
hex(char c)
{
	int l = ascii_lower((unsigned char)c);

	if (l >= '0' && l <= '9')
		return l - '0';
	return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/* How much at s is blanks, at most BLANKS_MAX. */
static size_t
blanks(struct span s)
{
	size_t n = 0;

	while (n < s.n && n < BLANKS_MAX && (s.p[n] == ' ' || s.p[n] == '\t'))
		n++;
	return n;
}

/*
 * An "=" at s.  Returns the octets used, or 0 if more must be seen first
 * (never with `last`).
 */
static size_t
qp_escape(struct span s, bool last, struct buf *out)
{
	size_t n;

	if (s.n >= 3 && hex(s.p[1]) != -1 && hex(s.p[2]) != -1) {
		buf_addc(out, (char)(hex(s.p[1]) << 4 | hex(s.p[2])));
		return 3;
	}
	n = 1 + blanks(span_slice(s, 1, s.n));
	if (n > BLANKS_MAX) {
		buf_addc(out, '=');
		return 1;
	}
	if (n < s.n && s.p[n] == '\n')
		return n + 1;		/* soft line break */
	if (n + 1 < s.n && s.p[n] == '\r' && s.p[n + 1] == '\n')
		return n + 2;
	if (!last && (n == s.n || (n + 1 == s.n && s.p[n] == '\r') ||
	    (s.n == 2 && hex(s.p[1]) != -1)))
		return 0;
	if (last && n == s.n)
		return n;		/* "=" at the very end */
	buf_addc(out, '=');
	return 1;
}

/* Blanks at s: dropped in front of a line end, since transport may have added
 * them (RFC 2045 6.7 rule 3).  Returns as qp_escape() does. */
static size_t
qp_blanks(struct span s, bool last, struct buf *out)
{
	size_t n = blanks(s);
	bool cr = n < s.n && s.p[n] == '\r';

	if (n < BLANKS_MAX && n + cr == s.n) {
		if (!last)
			return 0;
		if (!cr)
			return n;
	}
	if (n < BLANKS_MAX && n < s.n && (s.p[n] == '\n' ||
	    (cr && n + 1 < s.n && s.p[n + 1] == '\n')))
		return n;
	buf_add(out, s.p, n);
	return n;
}

static size_t
qp_plain(struct span s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != '=' && s.p[n] != ' ' && s.p[n] != '\t')
		n++;
	return n;
}

/* Decode as much of s as can be decided; returns how much that was. */
static size_t
qp_decode(struct span s, bool last, struct buf *out)
{
	size_t at = 0, n;

	while (at < s.n) {
		struct span rest = span_slice(s, at, s.n);

		n = qp_plain(rest);
		if (n > 0)
			buf_add(out, rest.p, n);
		else if (rest.p[0] == '=')
			n = qp_escape(rest, last, out);
		else
			n = qp_blanks(rest, last, out);
		if (n == 0)
			break;
		at += n;
	}
	return at;
}

static void
qp_feed(struct transfer_state *t, struct span in, struct buf *out)
{
	size_t kept = t->n, fill, used;

	if (kept > 0) {
		fill = sizeof t->kept - kept;
		fill = in.n < fill ? in.n : fill;
		memcpy(t->kept + kept, in.p, fill);
		used = qp_decode((struct span){ t->kept, kept + fill }, false,
		    out);
		if (used < kept) {
			/* All of `in` fitted, and decided nothing yet. */
			memmove(t->kept, t->kept + used, kept + fill - used);
			t->n = kept + fill - used;
			return;
		}
		in = span_slice(in, used - kept, in.n);
	}
	used = qp_decode(in, false, out);
	in = span_slice(in, used, in.n);
	t->n = in.n;
	if (in.n > 0)
		memcpy(t->kept, in.p, in.n);
}

void
transfer_feed(struct transfer_state *t, struct span in, struct buf *out)
{
	if (in.n == 0)
		return;
	switch (t->transfer) {
	case TRANSFER_BASE64:
		base64_feed(t, in, out);
		break;
	case TRANSFER_QP:
		qp_feed(t, in, out);
		break;
	default:
		buf_addspan(out, in);
	}
}

void
transfer_end(struct transfer_state *t, struct buf *out)
{
	if (t->transfer == TRANSFER_BASE64)
		base64_flush(t, out);
	if (t->transfer == TRANSFER_QP)
		qp_decode((struct span){ t->kept, t->n }, true, out);
	t->n = 0;
}

void
transfer_decode(enum transfer transfer, struct span in, struct buf *out)
{
	struct transfer_state t;

	transfer_begin(&t, transfer);
	transfer_feed(&t, in, out);
	transfer_end(&t, out);
}
