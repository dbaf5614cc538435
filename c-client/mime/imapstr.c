/* SPDX-License-Identifier: Apache-2.0 */
/* Strings in the form of IMAP answers (RFC 3501 4.3). */
#include "c-client/mime/imapstr.h"

#include <string.h>

#include "c-client/base/buf.h"

#include "c-client/base/banned.h"

#define QUOTED_MAX	1000u

static bool
is_quotable(struct span s)
{
	if (s.n > QUOTED_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < ' ' && c != '\t') || c > '~')
			return false;
	}
	return true;
}

static char
octet(char c, bool upper)
{
	if (c == '\0')
		return (char)0x80;
	return upper ? (char)ascii_upper((unsigned char)c) : c;
}

static void
quoted_write(struct buf *out, struct span s, bool upper)
{
	char *to = buf_room(out, 2 * s.n + 2), *start = to;

	if (to == NULL || out->full)
		return;
	*to++ = '"';
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			*to++ = '\\';
		*to++ = octet(s.p[i], upper);
	}
	*to++ = '"';
	out->n += (size_t)(to - start);
}

static void
literal_write(struct buf *out, struct span s, bool upper)
{
	size_t n = 0;
	char *to;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] != '\r' && s.p[i] != '\n';
	if (n == 0) {
		buf_adds(out, "\"\"");
		return;
	}
	buf_addc(out, '{');
	buf_addnum(out, n);
	buf_adds(out, "}\r\n");
	to = buf_room(out, n);
	if (to == NULL || out->full)
		return;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\r' && s.p[i] != '\n')
			*to++ = octet(s.p[i], upper);
	out->n += n;
}

static void
string_write(struct buf *out, struct span s, bool upper)
{
	if (s.p == NULL)
		buf_add(out, "NIL", 3);
	else if (is_quotable(s))
		quoted_write(out, s, upper);
	else
		literal_write(out, s, upper);
}

void
imapstr_write(struct buf *out, struct span s)
{
	string_write(out, s, false);
}

void
imapstr_write_upper(struct buf *out, struct span s)
{
	string_write(out, s, true);
}
