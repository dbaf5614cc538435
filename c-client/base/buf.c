/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers that grow up to a maximum. */
#include "c-client/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "c-client/base/memory.h"

#include "c-client/base/banned.h"

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_clear(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}

void
buf_reset(struct buf *b)
{
	b->n = 0;
	b->full = false;
}

char *
buf_room(struct buf *b, size_t n)
{
	size_t want, cap;

	if (n > SIZE_MAX / 4 - b->n)
		memory_exhausted(n);
	want = b->n + n;
	if (b->max != 0 && want > b->max) {
		b->full = true;
		return NULL;
	}
	if (want > b->cap || b->p == NULL) {
		cap = b->cap < 256 ? 256 : b->cap;
		while (cap < want)
			cap *= 2;
		b->p = memory_grow(b->p, cap);
		b->cap = cap;
	}
	return b->p + b->n;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	char *to;

	if (n == 0 || b->full || (to = buf_room(b, n)) == NULL)
		return;
	memcpy(to, p, n);
	b->n += n;
}

void
buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_addspan(struct buf *b, struct span s)
{
	buf_add(b, s.p, s.n);
}

void
buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_addnum(struct buf *b, uint64_t value)
{
	char digits[20];
	size_t at = sizeof digits;

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	buf_add(b, digits + at, sizeof digits - at);
}

void
buf_addf(struct buf *b, const char *format, ...)
{
	va_list ap;
	char *to;
	int n;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0 || b->full || (to = buf_room(b, (size_t)n + 1)) == NULL)
		return;
	va_start(ap, format);
	vsnprintf(to, (size_t)n + 1, format, ap);
	va_end(ap);
	b->n += (size_t)n;
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
		return;
	}
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

struct span
buf_span(const struct buf *b)
{
	return (struct span){ b->n == 0 ? "" : b->p, b->n };
}

const char *
buf_string(struct buf *b)
{
	char *to = buf_room(b, 1);

	if (to == NULL)
		return "";
	*to = '\0';
	return b->p;
}
