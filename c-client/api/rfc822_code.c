/* SPDX-License-Identifier: Apache-2.0 */
/* Transfer encodings, both ways (RFC 2045 6.7 and 6.8). */
#include "c-client/rfc822.h"

#include <stdbool.h>

#include "c-client/api/translate.h"
#include "c-client/base/base64.h"
#include "c-client/base/buf.h"
#include "c-client/mime/transfer.h"

#include "c-client/base/banned.h"

/* Octets that make a line of 60 digits. */
#define BASE64_LINE	45u

/* Octets of a line without the "=" of a soft break. */
#define QP_LINE		75u

static void *
decode(enum transfer transfer, const unsigned char *src, unsigned long n,
    unsigned long *len)
{
	struct buf out;

	buf_init(&out, 0);
	transfer_decode(transfer, (struct span){ (const char *)src, n }, &out);
	return translate_buf(&out, len);
}

void *
rfc822_base64(unsigned char *src, unsigned long n, unsigned long *len)
{
	return decode(TRANSFER_BASE64, src, n, len);
}

unsigned char *
rfc822_qprint(unsigned char *src, unsigned long n, unsigned long *len)
{
	return decode(TRANSFER_QP, src, n, len);
}

unsigned char *
rfc822_binary(void *src, unsigned long n, unsigned long *len)
{
	struct span rest = { src, n };
	struct buf out;

	buf_init(&out, 0);
	while (rest.n > 0) {
		base64_encode(&out, span_slice(rest, 0, BASE64_LINE));
		buf_adds(&out, "\r\n");
		rest = span_slice(rest, BASE64_LINE, rest.n);
	}
	return translate_buf(&out, len);
}

static bool
is_line_end(struct span s)
{
	return s.n >= 2 && s.p[0] == '\r' && s.p[1] == '\n';
}

/* May this octet stand for itself, with `rest` behind it? */
static bool
is_literal(unsigned char c, struct span rest)
{
	if (c == ' ')
		return rest.n > 0 && !is_line_end(rest);
	return c > ' ' && c < 0x7f && c != '=';
}

unsigned char *
rfc822_8bit(unsigned char *src, unsigned long n, unsigned long *len)
{
	struct span rest = { (const char *)src, n };
	size_t column = 0, width;
	struct buf out;

	buf_init(&out, 0);
	while (rest.n > 0) {
		unsigned char c = (unsigned char)rest.p[0];
		bool line_end = is_line_end(rest), literal;

		rest = span_slice(rest, line_end ? 2 : 1, rest.n);
		literal = is_literal(c, rest);
		width = literal ? 1 : 3;
		if (!line_end && column + width > QP_LINE) {
			buf_adds(&out, "=\r\n");
			column = 0;
		}
		column = line_end ? 0 : column + width;
		if (line_end)
			buf_adds(&out, "\r\n");
		else if (literal)
			buf_addc(&out, (char)c);
		else
			buf_addf(&out, "=%02X", c);
	}
	return (unsigned char *)translate_buf(&out, len);
}
