/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte-stuffing at the speed of memchr and memcpy.  It looks for dots, not for
 * line ends: base64 has none and text has fewer, and the octet before a dot
 * says whether it begins a line.
 */
#include "ipopd/stuff.h"

#include <string.h>

#include "c-client/base/banned.h"

void
stuff_add(struct stuff *s, struct buf *out, struct span piece)
{
	const char *p = piece.p, *end = piece.p + piece.n;
	const char *from = p, *dot;

	if (piece.n == 0)
		return;
	if (*p == '.' && !s->inside)
		buf_addc(out, '.');
	for (p++; p < end; p = dot + 1) {
		if ((dot = memchr(p, '.', (size_t)(end - p))) == NULL)
			break;
		if (dot[-1] != '\n')
			continue;
		buf_add(out, from, (size_t)(dot - from));
		buf_addc(out, '.');
		from = dot;
	}
	buf_add(out, from, (size_t)(end - from));
	s->inside = end[-1] != '\n';
}

void
stuff_end(struct stuff *s, struct buf *out)
{
	if (s->inside)
		buf_add(out, "\r\n", 2);
	buf_add(out, ".\r\n", 3);
	s->inside = false;
}
