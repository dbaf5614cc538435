/* SPDX-License-Identifier: Apache-2.0 */
/* Base64, strict in what it accepts. */
#include "c-client/base/base64.h"

#include <stdint.h>

#include "c-client/base/banned.h"

static const char alphabet[64] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The six bits of a digit, -1 if it is none. */
static int
digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four digits, of which the last `pads` are "=".  False if they are bad. */
static bool
quad_value(const char *p, size_t pads, uint32_t *value)
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++) {
		int six = i < 4 - pads ? digit_value(p[i]) : 0;

		if (six < 0)
			return false;
		v = v << 6 | (uint32_t)six;
	}
	*value = v;
	return (v & (pads == 0 ? 0 : pads == 1 ? 0xffu : 0xffffu)) == 0;
}

bool
base64_decode_strict(struct span text, struct buf *out)
{
	size_t pads = 0, at, octets;
	uint32_t v;
	char *to;

	if (text.n % 4 != 0)
		return false;
	if (text.n == 0)
		return true;
	if (text.p[text.n - 1] == '=')
		pads = text.p[text.n - 2] == '=' ? 2 : 1;
	octets = text.n / 4 * 3 - pads;
	if (out->full || (to = buf_room(out, octets)) == NULL)
		return false;
	for (at = 0; at < text.n; at += 4) {
		size_t skip = at + 4 == text.n ? pads : 0;

		if (!quad_value(text.p + at, skip, &v))
			return false;
		*to++ = (char)(v >> 16);
		if (skip < 2)
			*to++ = (char)(v >> 8 & 0xff);
		if (skip < 1)
			*to++ = (char)(v & 0xff);
	}
	out->n += octets;
	return true;
}

void
base64_encode(struct buf *out, struct span data)
{
	for (size_t i = 0; i < data.n; i += 3) {
		size_t left = data.n - i;
		uint32_t v = (uint32_t)(unsigned char)data.p[i] << 16;

		if (left > 1)
			v |= (uint32_t)(unsigned char)data.p[i + 1] << 8;
		if (left > 2)
			v |= (uint32_t)(unsigned char)data.p[i + 2];
		buf_addc(out, alphabet[v >> 18]);
		buf_addc(out, alphabet[v >> 12 & 63]);
		buf_addc(out, left > 1 ? alphabet[v >> 6 & 63] : '=');
		buf_addc(out, left > 2 ? alphabet[v & 63] : '=');
	}
}
