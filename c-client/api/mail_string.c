/* SPDX-License-Identifier: Apache-2.0 */
/* mail_string: a message in memory, which is one piece. */
#include "c-client/mail.h"

#include "c-client/base/banned.h"

/* No more is ever read than is there, whatever the program asks for. */
static void
string_setpos(STRING *s, unsigned long at)
{
	if (at > s->size)
		at = s->size;
	s->curpos = s->chunk + at;
	s->cursize = s->chunksize - at;
}

static void
string_init(STRING *s, void *data, unsigned long size)
{
	s->data = data;
	s->data1 = 0;
	s->chunk = data;
	s->size = s->chunksize = size;
	s->offset = 0;
	string_setpos(s, 0);
}

/* The last octet of the piece: SNX() has counted it already. */
static char
string_next(STRING *s)
{
	char c = '\0';

	if (s->curpos < s->chunk + s->chunksize)
		c = *s->curpos++;
	s->cursize = s->chunksize - (unsigned long)(s->curpos - s->chunk);
	return c;
}

STRINGDRIVER mail_string = { string_init, string_next, string_setpos };
