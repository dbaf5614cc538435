/* SPDX-License-Identifier: Apache-2.0 */
/* Parsed addresses, headers and parts as ADDRESS, ENVELOPE and BODY. */
#include "c-client/api/translate.h"

#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/mime/addr.h"
#include "c-client/mime/envelope.h"
#include "c-client/mime/header.h"
#include "c-client/mime/part.h"

#include "c-client/base/banned.h"

/* Programs have them without const, and don't write on them. */
char *body_types[TYPEMAX + 1] = {
	[TYPETEXT] = (char *)"TEXT",
	[TYPEMULTIPART] = (char *)"MULTIPART",
	[TYPEMESSAGE] = (char *)"MESSAGE",
	[TYPEAPPLICATION] = (char *)"APPLICATION",
	[TYPEAUDIO] = (char *)"AUDIO",
	[TYPEIMAGE] = (char *)"IMAGE",
	[TYPEVIDEO] = (char *)"VIDEO",
	[TYPEMODEL] = (char *)"MODEL",
	[TYPEOTHER] = (char *)"X-UNKNOWN",
};

char *body_encodings[ENCMAX + 1] = {
	[ENC7BIT] = (char *)"7BIT",
	[ENC8BIT] = (char *)"8BIT",
	[ENCBINARY] = (char *)"BINARY",
	[ENCBASE64] = (char *)"BASE64",
	[ENCQUOTEDPRINTABLE] = (char *)"QUOTED-PRINTABLE",
	[ENCOTHER] = (char *)"X-UNKNOWN",
};

char *
translate_string(struct span s)
{
	char *copy, *to;

	if (s.p == NULL)
		return NULL;
	copy = to = fs_get(s.n + 1);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\r' || s.p[i] == '\n')
			continue;
		*to++ = s.p[i] == '\0' ? (char)0x80 : s.p[i];
	}
	*to = '\0';
	return copy;
}

static char *
upper(struct span s)
{
	char *copy = translate_string(s);

	for (char *p = copy; p != NULL && *p != '\0'; p++)
		*p = (char)ascii_upper((unsigned char)*p);
	return copy;
}

void *
translate_buf(struct buf *b, unsigned long *len)
{
	char *copy = fs_get(b->n + 1);

	if (b->n > 0)
		memcpy(copy, b->p, b->n);
	copy[b->n] = '\0';
	if (len != NULL)
		*len = b->n;
	buf_clear(b);
	return copy;
}

static struct span
host_of(const struct addr *a, const char *host)
{
	if (a->host.p != NULL || a->group_start || a->group_end)
		return a->host;
	return a->mailbox.n == 0 || host == NULL ? SPAN("") : span_of(host);
}

ADDRESS *
translate_addresses(const struct addr *a, const char *host)
{
	ADDRESS *first = NULL, **last = &first;

	for (; a != NULL; a = a->next) {
		ADDRESS *one = mail_newaddr();

		one->personal = translate_string(a->name);
		one->adl = translate_string(a->adl);
		one->mailbox = translate_string(a->mailbox);
		one->host = translate_string(host_of(a, host));
		*last = one;
		last = &one->next;
	}
	return first;
}

/* The first field of that name, unfolded; p == NULL if there is none. */
static struct span
field_text(struct arena *a, struct span header, const char *name)
{
	struct header_field f;

	if (!header_find(header, name, &f))
		return (struct span){ NULL, 0 };
	return header_unfold(a, f.body);
}

ENVELOPE *
translate_envelope(struct span header, const char *host)
{
	struct arena *a = arena_new(0);
	ENVELOPE *env = mail_newenvelope();
	struct envelope e;

	envelope_read(a, header, &e);
	env->date = (unsigned char *)translate_string(e.date);
	env->subject = translate_string(e.subject);
	env->from = translate_addresses(e.from, host);
	env->sender = translate_addresses(e.sender, host);
	env->reply_to = translate_addresses(e.reply_to, host);
	env->to = translate_addresses(e.to, host);
	env->cc = translate_addresses(e.cc, host);
	env->bcc = translate_addresses(e.bcc, host);
	env->in_reply_to = translate_string(e.in_reply_to);
	env->message_id = translate_string(e.message_id);
	env->return_path = translate_addresses(addr_parse(a,
	    field_text(a, header, "Return-Path")), host);
	env->newsgroups = translate_string(field_text(a, header,
	    "Newsgroups"));
	env->followup_to = translate_string(field_text(a, header,
	    "Followup-To"));
	env->references = translate_string(field_text(a, header,
	    "References"));
	arena_free(a);
	return env;
}

/* The place of a name among the first `other` of a table, else `other`. */
static unsigned short
code_of(char *const *names, unsigned short other, struct span name)
{
	unsigned short i;

	for (i = 0; i < other; i++)
		if (span_is(name, names[i]))
			break;
	return i;
}

static PARAMETER *
parameters(const struct param *p)
{
	PARAMETER *first = NULL, **last = &first;

	for (; p != NULL; p = p->next) {
		PARAMETER *one = mail_newbody_parameter();

		one->attribute = upper(p->name);
		one->value = translate_string(p->value);
		*last = one;
		last = &one->next;
	}
	return first;
}

static STRINGLIST *
languages(const struct mime_language *l)
{
	STRINGLIST *first = NULL, **last = &first;

	for (; l != NULL; l = l->next) {
		STRINGLIST *one = mail_newstringlist();
		char *tag = translate_string(l->tag);

		one->text.data = (unsigned char *)tag;
		one->text.size = tag == NULL ? 0 : strlen(tag);
		*last = one;
		last = &one->next;
	}
	return first;
}

static void
place_set(PARTTEXT *to, uint64_t off, uint64_t octets, uint64_t base)
{
	to->offset = (unsigned long)(off - base);
	to->text.size = (unsigned long)octets;
}

static void body_fill(BODY *, const struct mime_part *, uint64_t base,
    const char *host);

static PART *
parts(const struct mime_part *child, uint64_t base, const char *host)
{
	PART *first = NULL, **last = &first;

	for (; child != NULL; child = child->next) {
		PART *one = mail_newbody_part();

		body_fill(&one->body, child, base, host);
		place_set(&one->body.mime, child->header_off,
		    child->header_octets, base);
		*last = one;
		last = &one->next;
	}
	return first;
}

static MESSAGE *
message(const struct mime_part *child, uint64_t base, const char *host)
{
	MESSAGE *m = mail_newmsg();

	m->env = translate_envelope(child->header, host);
	m->body = translate_body(child, base, host);
	place_set(&m->full, child->header_off,
	    child->header_octets + child->body_octets, base);
	place_set(&m->header, child->header_off, child->header_octets, base);
	place_set(&m->text, child->body_off, child->body_octets, base);
	return m;
}

static void
body_fill(BODY *body, const struct mime_part *p, uint64_t base,
    const char *host)
{
	body->type = code_of(body_types, TYPEOTHER, p->type);
	body->encoding = code_of(body_encodings, ENCOTHER, p->encoding);
	body->subtype = upper(p->subtype);
	body->parameter = parameters(p->params);
	body->id = translate_string(p->id);
	body->description = translate_string(p->description);
	body->disposition.type = upper(p->disposition);
	body->disposition.parameter = parameters(p->disposition_params);
	body->language = languages(p->language);
	body->location = translate_string(p->location);
	body->md5 = translate_string(p->md5);
	place_set(&body->contents, p->body_off, p->body_octets, base);
	body->size.bytes = (unsigned long)p->body_octets;
	if (p->kind == MIME_MESSAGE || body->type == TYPETEXT)
		body->size.lines = (unsigned long)p->body_lines;
	if (p->kind == MIME_MULTIPART)
		body->nested.part = parts(p->child, base, host);
	if (p->kind == MIME_MESSAGE)
		body->nested.msg = message(p->child, base, host);
}

BODY *
translate_body(const struct mime_part *p, uint64_t base, const char *host)
{
	BODY *body = mail_newbody();

	body_fill(body, p, base, host);
	return body;
}
