/* SPDX-License-Identifier: Apache-2.0 */
/* IMAP's modified UTF-7 (RFC 3501 5.1.3): base64 of UTF-16BE with "," for "/",
 * without padding, between "&" and "-". */
#include "c-client/mime/utf7.h"

#include <stdint.h>

#include "c-client/base/buf.h"
#include "c-client/mime/charset.h"

#include "c-client/base/banned.h"

static const char alphabet[64] = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,"
};

static int
digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == ',' ? 63 : -1;
}

static bool
is_direct(unsigned char c)
{
	return c >= 0x20 && c <= 0x7e;
}

/* Add a code point other than a surrogate in UTF-8. */
static void
code_add(struct buf *out, uint32_t code)
{
	char to[4];
	size_t n = 0;

	if (code < 0x80)
		to[n++] = (char)code;
	else if (code < 0x800)
		to[n++] = (char)(0xc0 | code >> 6);
	else if (code < 0x10000)
		to[n++] = (char)(0xe0 | code >> 12);
	else {
		to[n++] = (char)(0xf0 | code >> 18);
		to[n++] = (char)(0x80 | (code >> 12 & 0x3f));
	}
	if (code >= 0x800)
		to[n++] = (char)(0x80 | (code >> 6 & 0x3f));
	if (code >= 0x80)
		to[n++] = (char)(0x80 | (code & 0x3f));
	buf_add(out, to, n);
}

/* A unit of UTF-16 inside a run.  *high is a surrogate that waits for its
 * other half, 0 if none.  False if it can't stand there. */
static bool
unit_decode(uint16_t unit, uint32_t *high, struct buf *out)
{
	bool is_low = unit >= 0xdc00 && unit <= 0xdfff;

	if ((*high != 0) != is_low)
		return false;
	if (is_low) {
		code_add(out, 0x10000 + ((*high - 0xd800) << 10) +
		    (unit - 0xdc00u));
		*high = 0;
		return true;
	}
	if (unit >= 0xd800 && unit <= 0xdbff) {
		*high = unit;
		return true;
	}
	if (unit == 0 || is_direct((unsigned char)(unit < 0x80 ? unit : 0)))
		return false;
	code_add(out, unit);
	return true;
}

/* A run of base64 from s on, behind the "&".  The octets used with the "-",
 * or 0 if it is malformed. */
static size_t
run_decode(struct span s, struct buf *out)
{
	uint32_t bits = 0, high = 0;
	unsigned have = 0;
	size_t at;

	for (at = 0; at < s.n && s.p[at] != '-'; at++) {
		int value = digit_value(s.p[at]);

		if (value == -1)
			return 0;
		bits = (bits << 6 | (uint32_t)value) & 0x3fffff;
		have += 6;
		if (have < 16)
			continue;
		have -= 16;
		if (!unit_decode((uint16_t)(bits >> have), &high, out))
			return 0;
	}
	if (at == s.n || have >= 6 || high != 0 ||
	    (bits & ((1u << have) - 1)) != 0)
		return 0;
	return at + 1;
}

static bool
decode(struct span s, struct buf *out)
{
	size_t at = 0, n;

	while (at < s.n) {
		unsigned char c = (unsigned char)s.p[at++];

		if (!is_direct(c))
			return false;
		if (c != '&') {
			buf_addc(out, (char)c);
			continue;
		}
		if (at < s.n && s.p[at] == '-') {
			buf_addc(out, '&');
			at++;
			continue;
		}
		n = run_decode(span_slice(s, at, s.n), out);
		if (n == 0)
			return false;
		at += n;
		/* What follows a run could have been in it, unless it is
		 * a direct character ("&-" is one). */
		if (at + 1 < s.n && s.p[at] == '&' && s.p[at + 1] != '-')
			return false;
	}
	return true;
}

bool
utf7_decode(struct span s, struct buf *out)
{
	size_t start = out->n;

	if (decode(s, out) && !out->full)
		return true;
	out->n = start;
	return false;
}

struct run {
	uint32_t bits;
	unsigned have;
	bool open;
};

static void
run_add(struct run *r, uint32_t unit, struct buf *out)
{
	if (!r->open) {
		buf_addc(out, '&');
		*r = (struct run){ .open = true };
	}
	r->bits = r->bits << 16 | unit;
	r->have += 16;
	while (r->have >= 6) {
		r->have -= 6;
		buf_addc(out, alphabet[r->bits >> r->have & 63]);
	}
	r->bits &= (1u << r->have) - 1;
}

static void
run_end(struct run *r, struct buf *out)
{
	if (!r->open)
		return;
	if (r->have > 0)
		buf_addc(out, alphabet[r->bits << (6 - r->have) & 63]);
	buf_addc(out, '-');
	r->open = false;
}

/* The code point of the `n` octets of valid UTF-8 at p. */
static uint32_t
code_point(const char *p, size_t n)
{
	static const unsigned char masks[5] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t code = (unsigned char)p[0] & masks[n];

	for (size_t i = 1; i < n; i++)
		code = code << 6 | ((unsigned char)p[i] & 0x3f);
	return code;
}

void
utf7_encode(struct span s, struct buf *out)
{
	struct run run = { .open = false };
	uint32_t code;
	size_t n;

	for (; s.n > 0; s = span_slice(s, n, s.n)) {
		n = charset_utf8_length(s);
		code = n == 0 ? 0xfffd : code_point(s.p, n);
		n = n == 0 ? 1 : n;
		if (code < 0x80 && is_direct((unsigned char)code)) {
			run_end(&run, out);
			buf_addc(out, (char)code);
			if (code == '&')
				buf_addc(out, '-');
		} else if (code < 0x10000)
			run_add(&run, code, out);
		else {
			run_add(&run, 0xd800 + ((code - 0x10000) >> 10), out);
			run_add(&run, 0xdc00 + (code & 0x3ff), out);
		}
	}
	run_end(&run, out);
}
