/* SPDX-License-Identifier: Apache-2.0 */
/* Messages and address lists, parsed by mime/ and handed on. */
#include "c-client/rfc822.h"

#include <stdbool.h>
#include <stdio.h>

#include "c-client/api/translate.h"
#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/mime/addr.h"
#include "c-client/mime/addr_lex.h"
#include "c-client/mime/header.h"
#include "c-client/mime/part.h"

#include "c-client/base/banned.h"

/* Octets of a bad list that mm_log() is told. */
#define LOG_OCTETS	80u

/* A header without its empty line, if it has one. */
static struct span
fields_of(struct span header)
{
	size_t n;

	header.n = n = header_length(header);
	if (n > 0 && header.p[n - 1] == '\n') {
		n--;
		if (n > 0 && header.p[n - 1] == '\r')
			n--;
	}
	if (n == 0 || header.p[n - 1] == '\n')
		header.n = n;
	return header;
}

/* Feed a header with its empty line; how many octets that were. */
static size_t
header_feed(struct mime_parser *m, struct span header)
{
	struct span fields = fields_of(header);
	size_t added = 2;

	if (fields.n > 0 && fields.p[fields.n - 1] != '\n')
		added = 4;
	mime_parser_feed(m, fields.p, fields.n);
	mime_parser_feed(m, "\r\n\r\n", added);
	return fields.n + added;
}

/* Feed what is behind the position; it is where it was then. */
static void
text_feed(struct mime_parser *m, STRING *text)
{
	unsigned long start = GETPOS(text), left = SIZE(text), n;

	while (left > 0 && text->cursize > 0) {
		n = text->cursize < left ? text->cursize : left;
		mime_parser_feed(m, text->curpos, n);
		left -= n;
		if (left > 0)
			SETPOS(text, GETPOS(text) + n);
	}
	SETPOS(text, start);
}

void
rfc822_parse_msg_full(ENVELOPE **env, BODY **body, char *header,
    unsigned long n, STRING *text, char *host, unsigned long depth,
    unsigned long flags)
{
	struct span h = { n == 0 ? "" : header, n };
	struct mime_parser *m;
	struct arena *a;
	size_t base;

	(void)depth;
	(void)flags;
	*env = translate_envelope(h, host);
	if (body == NULL)
		return;
	a = arena_new(BOUND_MIME_ARENA);
	m = mime_parser_new(a);
	base = header_feed(m, h);
	if (text != NULL)
		text_feed(m, text);
	*body = translate_body(mime_parser_end(m), base, host);
	arena_free(a);
}

static void
complain(const char *list)
{
	char text[LOG_OCTETS + 40], *to;

	to = text + snprintf(text, sizeof text, "Invalid mailbox list: ");
	for (size_t i = 0; i < LOG_OCTETS && list[i] != '\0'; i++)
		*to++ = (unsigned char)list[i] < ' ' ? ' ' : list[i];
	*to = '\0';
	mm_log(text, PARSE);
}

/* Is there more in it than blanks, comments and commas? */
static bool
has_tokens(struct span list)
{
	struct addr_lex lex = { .rest = list };
	struct addr_token t;

	while ((t = addr_lex_next(&lex)).kind != ADDR_END)
		if (t.kind != ADDR_SPECIAL || t.text.p[0] != ',')
			return true;
	return false;
}

static void
invalidate(ADDRESS *a)
{
	fs_give((void **)&a->mailbox);
	fs_give((void **)&a->host);
	a->mailbox = cpystr("INVALID_ADDRESS");
	a->host = cpystr(ERRHOST);
}

void
rfc822_parse_adrlist(ADDRESS **list, char *string, char *host)
{
	struct span text = span_of(string);
	struct arena *a = arena_new(0);
	ADDRESS **last = list;
	bool bad = false;

	while (*last != NULL)
		last = &(*last)->next;
	*last = translate_addresses(addr_parse(a, text), host);
	for (ADDRESS *one = *last; one != NULL; one = one->next) {
		if (one->mailbox == NULL || *one->mailbox != '\0' ||
		    one->host == NULL)
			continue;
		invalidate(one);
		bad = true;
	}
	if (*last == NULL && has_tokens(text)) {
		*last = mail_newaddr();
		invalidate(*last);
		bad = true;
	}
	if (bad)
		complain(string);
	arena_free(a);
}
