/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An address list and a message, parsed, written and parsed again: what was
 * written once is written the same from then on.
 */
#include <stdlib.h>
#include <string.h>

#include "c-client/base/buf.h"
#include "c-client/mime/header.h"
#include "c-client/rfc822.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

void
mm_log(char *string, long errflg)
{
	(void)string;
	(void)errflg;
}

void
mm_fatal(char *string)
{
	(void)string;
	abort();
}

static long
collect(void *to, char *string)
{
	buf_adds(to, string);
	return T;
}

/* The list that `text` is, written to `out`. */
static void
list_rewrite(const char *text, bool fold, struct buf *out)
{
	char room[16], *copy = cpystr(text);
	RFC822BUFFER b = { collect, out, room, room, room + sizeof room - 1 };
	ADDRESS *list = NULL;

	rfc822_parse_adrlist(&list, copy, NULL);
	must(rfc822_output_address_list(&b, list, fold, NULL) == T);
	must(rfc822_output_flush(&b) == T);
	mail_free_address(&list);
	fs_give((void **)&copy);
}

static void
check_list(const char *text)
{
	struct buf once, folded, again;

	buf_init(&once, 0);
	buf_init(&folded, 0);
	buf_init(&again, 0);
	list_rewrite(text, false, &once);
	must(strpbrk(buf_string(&once), "\r\n") == NULL);
	list_rewrite(buf_string(&once), true, &folded);
	list_rewrite(buf_string(&folded), false, &again);
	must(span_eq(buf_span(&once), buf_span(&again)));
	buf_clear(&once);
	buf_clear(&folded);
	buf_clear(&again);
}

static void
contents_set(BODY *body, struct span text)
{
	SIZEDTEXT *own = &body->contents.text;

	if (body->type == TYPEMULTIPART)
		for (PART *p = body->nested.part; p != NULL; p = p->next)
			contents_set(&p->body, text);
	must(body->contents.offset <= text.n &&
	    own->size <= text.n - body->contents.offset);
	own->data = fs_get(own->size);
	if (own->size > 0)
		memcpy(own->data, text.p + body->contents.offset, own->size);
}

/* The message that `from` has, written to `out`. */
static void
message_rewrite(struct span from, struct buf *out)
{
	size_t n = header_length(from);
	struct span rest = span_slice(from, n, from.n);
	char *header = fs_get(n), *text = fs_get(rest.n), room[64];
	RFC822BUFFER b = { collect, out, room, room, room + sizeof room - 1 };
	ENVELOPE *env;
	BODY *body;
	STRING s;

	if (n > 0)
		memcpy(header, from.p, n);
	if (rest.n > 0)
		memcpy(text, rest.p, rest.n);
	INIT(&s, mail_string, text, rest.n);
	rfc822_parse_msg(&env, &body, header, n, &s, NULL, 0);
	contents_set(body, (struct span){ text, rest.n });
	must(rfc822_output_full(&b, env, body, T) == T);
	mail_free_envelope(&env);
	mail_free_body(&body);
	fs_give((void **)&header);
	fs_give((void **)&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf message[4];

	for (size_t i = 0; i < 4; i++)
		buf_init(&message[i], 0);
	buf_add(&message[0], data, size);
	check_list(buf_string(&message[0]));
	/* Names of parameters that fell together are one the second time; "a*1*2"
	 * is piece 2 of "a*1", which then is piece 1 of "a". */
	for (size_t i = 0; i < 3; i++)
		message_rewrite(buf_span(&message[i]), &message[i + 1]);
	must(memchr(message[1].p, '*', message[1].n) != NULL ||
	    span_eq(buf_span(&message[2]), buf_span(&message[3])));
	for (size_t i = 0; i < 4; i++)
		buf_clear(&message[i]);
	return 0;
}
