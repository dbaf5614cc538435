/* SPDX-License-Identifier: Apache-2.0 */
/* Messages, written through a buffer that empties itself. */
#include "c-client/api/rfc822_private.h"

#include <string.h>

#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"

#include "c-client/base/banned.h"

long
rfc822_output_flush(RFC822BUFFER *b)
{
	*b->cur = '\0';
	b->cur = b->beg;
	return b->f == NULL ? LONGT : b->f(b->s, b->beg);
}

/* Octets from the beginning of s without a NUL. */
static size_t
run_length(struct span s)
{
	const char *nul = s.n == 0 ? NULL : memchr(s.p, '\0', s.n);

	return nul == NULL ? s.n : (size_t)(nul - s.p);
}

long
rfc822_output_put(RFC822BUFFER *b, struct span s)
{
	while (s.n > 0) {
		size_t room = (size_t)(b->end - b->cur), n = run_length(s);

		if (n == 0) {
			s = span_slice(s, 1, s.n);
			continue;
		}
		if (room == 0) {
			if (b->f == NULL || b->end == b->beg ||
			    rfc822_output_flush(b) == NIL)
				return NIL;
			continue;
		}
		n = n < room ? n : room;
		memcpy(b->cur, s.p, n);
		b->cur += n;
		s = span_slice(s, n, s.n);
	}
	return LONGT;
}

/* Text of a body as it is. */
static long
text_put(RFC822BUFFER *b, const SIZEDTEXT *text)
{
	if (text->data == NULL)
		return LONGT;
	return rfc822_output_put(b, (struct span){ (const char *)text->data,
	    text->size });
}

/* All of a buffer, which is cleared. */
static long
whole_put(RFC822BUFFER *b, struct buf *from)
{
	long done = rfc822_output_put(b, buf_span(from));

	buf_clear(from);
	return done;
}

static long body_put(RFC822BUFFER *, BODY *, size_t depth);

/* The line end in front of a delimiter belongs to it (RFC 2046 5.1.1). */
static long
parts_put(RFC822BUFFER *b, BODY *body, size_t depth)
{
	const PARAMETER *boundary = rfc822_parameter(body->parameter,
	    "BOUNDARY");
	struct buf out;

	if (boundary == NULL)
		return LONGT;
	buf_init(&out, 0);
	for (PART *p = body->nested.part; p != NULL; p = p->next) {
		buf_addf(&out, "--%s\r\n", boundary->value);
		rfc822_body_header_add(&out, &p->body);
		buf_adds(&out, "\r\n");
		if (whole_put(b, &out) == NIL ||
		    body_put(b, &p->body, depth + 1) == NIL ||
		    rfc822_output_put(b, SPAN("\r\n")) == NIL)
			return NIL;
	}
	buf_addf(&out, "--%s--\r\n", boundary->value);
	return whole_put(b, &out);
}

static long
body_put(RFC822BUFFER *b, BODY *body, size_t depth)
{
	if (body->type == TYPEMULTIPART && depth < BOUND_MIME_DEPTH)
		return parts_put(b, body, depth);
	return text_put(b, &body->contents.text);
}

long
rfc822_output_full(RFC822BUFFER *b, ENVELOPE *env, BODY *body, long ok8bit)
{
	struct buf out;

	if (body != NULL && ok8bit)
		rfc822_encode_body_8bit(env, body);
	else if (body != NULL)
		rfc822_encode_body_7bit(env, body);
	buf_init(&out, 0);
	rfc822_header_add(&out, env, body);
	buf_adds(&out, "\r\n");
	if (whole_put(b, &out) == NIL ||
	    (body != NULL && body_put(b, body, 0) == NIL))
		return NIL;
	return rfc822_output_flush(b);
}

long
rfc822_output(char *tmp, ENVELOPE *env, BODY *body, soutr_t f, void *s,
    long ok8bit)
{
	char room[SENDBUFLEN];
	RFC822BUFFER b = { .f = f, .s = s, .beg = room, .cur = room,
		.end = room + sizeof room - 1 };

	(void)tmp;
	return rfc822_output_full(&b, env, body, ok8bit);
}
