/* SPDX-License-Identifier: Apache-2.0 */
/* Headers, written: of a message (RFC 5322 3.6) and of a body (RFC 2045). */
#include "c-client/api/rfc822_private.h"

#include <string.h>

#include "c-client/base/buf.h"
#include "c-client/mime/header.h"

#include "c-client/base/banned.h"

/* Where members of an envelope go. */
static const struct {
	const char *name;
	size_t text, addresses;		/* one of them; the other is 0 */
} fields[] = {
	{ "Newsgroups", offsetof(ENVELOPE, newsgroups), 0 },
	{ "Date", offsetof(ENVELOPE, date), 0 },
	{ "From", 0, offsetof(ENVELOPE, from) },
	{ "Sender", 0, offsetof(ENVELOPE, sender) },
	{ "Reply-To", 0, offsetof(ENVELOPE, reply_to) },
	{ "Subject", offsetof(ENVELOPE, subject), 0 },
	{ "To", 0, offsetof(ENVELOPE, to) },
	{ "Cc", 0, offsetof(ENVELOPE, cc) },
	{ "In-Reply-To", offsetof(ENVELOPE, in_reply_to), 0 },
	{ "Message-ID", offsetof(ENVELOPE, message_id), 0 },
	{ "Followup-To", offsetof(ENVELOPE, followup_to), 0 },
	{ "References", offsetof(ENVELOPE, references), 0 },
};

#define FIELDS	(sizeof fields / sizeof fields[0])

/* What a missing subtype is, by type. */
static const char *const subtypes[TYPEOTHER + 1] = {
	[TYPETEXT] = "PLAIN",
	[TYPEMULTIPART] = "MIXED",
	[TYPEMESSAGE] = "RFC822",
	[TYPEAPPLICATION] = "OCTET-STREAM",
	[TYPEAUDIO] = "BASIC",
	[TYPEIMAGE] = "UNKNOWN",
	[TYPEVIDEO] = "UNKNOWN",
	[TYPEMODEL] = "UNKNOWN",
	[TYPEOTHER] = "UNKNOWN",
};

/* The fields of the message that is sent on, without its empty line: behind
 * that would be its text. */
static void
remail_add(struct buf *out, const char *remail)
{
	struct header_iter it;
	struct header_field f;

	header_begin(&it, span_of(remail));
	while (header_next(&it, &f))
		if (f.name.n > 0)
			rfc822_field_add(out, f.name, f.body);
}

/* A pointer of an envelope, of whatever type; NULL if `off` is 0. */
static const void *
member(const ENVELOPE *env, size_t off)
{
	const void *p = NULL;

	if (off != 0)
		memcpy(&p, (const char *)env + off, sizeof p);
	return p;
}

static void
envelope_add(struct buf *out, const ENVELOPE *env)
{
	struct buf name, list;

	buf_init(&name, 0);
	buf_init(&list, 0);
	for (size_t i = 0; i < FIELDS; i++) {
		const char *text = member(env, fields[i].text);
		const ADDRESS *addresses = member(env, fields[i].addresses);

		buf_adds(&name, env->remail != NULL ? "ReSent-" : "");
		buf_adds(&name, fields[i].name);
		if (fields[i].addresses == offsetof(ENVELOPE, to) &&
		    addresses == NULL && env->cc == NULL && env->bcc != NULL)
			text = "undisclosed recipients: ;";
		if (addresses != NULL) {
			rfc822_addresses_add(&list, addresses, NULL);
			text = buf_string(&list);
		}
		if (text != NULL)
			rfc822_field_add(out, buf_span(&name), span_of(text));
		buf_reset(&name);
		buf_reset(&list);
	}
	buf_clear(&name);
	buf_clear(&list);
}

void
rfc822_header_add(struct buf *out, const ENVELOPE *env, const BODY *body)
{
	bool resent = env != NULL && env->remail != NULL;

	if (resent)
		remail_add(out, env->remail);
	if (env != NULL)
		envelope_add(out, env);
	if (body != NULL && !resent) {
		rfc822_field_add(out, SPAN("MIME-Version"), SPAN("1.0"));
		rfc822_body_header_add(out, body);
	}
}

/* RFC 2045 5.1. */
static bool
is_token_char(char c)
{
	return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

static bool
is_token(const char *s)
{
	if (s == NULL || *s == '\0')
		return false;
	for (; *s != '\0'; s++)
		if (!is_token_char(*s))
			return false;
	return true;
}

/* What is no token is not mended: it could become another one. */
static void
token_add(struct buf *out, const char *s, const char *otherwise)
{
	buf_adds(out, is_token(s) ? s : otherwise);
}

static void
parameters_add(struct buf *out, const PARAMETER *p)
{
	for (; p != NULL; p = p->next) {
		const char *value = p->value == NULL ? "" : p->value;

		if (!is_token(p->attribute))
			continue;
		buf_adds(out, "; ");
		buf_adds(out, p->attribute);
		buf_addc(out, '=');
		if (is_token(value))
			buf_adds(out, value);
		else
			rfc822_quoted_add(out, value);
	}
}

PARAMETER *
rfc822_parameter(PARAMETER *p, const char *name)
{
	for (; p != NULL; p = p->next)
		if (p->attribute != NULL &&
		    span_is(span_of(p->attribute), name))
			return p;
	return NULL;
}

static const char *
name_of(char *const *names, unsigned max, unsigned other, unsigned code)
{
	return code > max || names[code] == NULL ? names[other] : names[code];
}

static void
type_add(struct buf *out, const BODY *body)
{
	unsigned short type = body->type < TYPEOTHER ? body->type : TYPEOTHER;

	buf_adds(out, name_of(body_types, TYPEMAX, TYPEOTHER, body->type));
	buf_addc(out, '/');
	token_add(out, body->subtype, subtypes[type]);
	parameters_add(out, body->parameter);
	if (type == TYPETEXT && body->parameter == NULL)
		buf_adds(out, body->encoding == ENC7BIT ?
		    "; CHARSET=US-ASCII" : "; CHARSET=X-UNKNOWN");
}

static void
languages_add(struct buf *out, const STRINGLIST *l)
{
	for (; l != NULL; l = l->next) {
		token_add(out, (const char *)l->text.data, "x-unknown");
		if (l->next != NULL)
			buf_adds(out, ", ");
	}
}

static void
disposition_add(struct buf *out, const BODY *body)
{
	token_add(out, body->disposition.type, "attachment");
	parameters_add(out, body->disposition.parameter);
}

static void
string_field_add(struct buf *out, const char *name, const char *value)
{
	if (value != NULL)
		rfc822_field_add(out, span_of(name), span_of(value));
}

void
rfc822_body_header_add(struct buf *out, const BODY *body)
{
	struct buf value;

	buf_init(&value, 0);
	type_add(&value, body);
	rfc822_field_add(out, SPAN("Content-Type"), buf_span(&value));
	if (body->encoding != ENC7BIT)
		string_field_add(out, "Content-Transfer-Encoding", name_of(
		    body_encodings, ENCMAX, ENCOTHER, body->encoding));
	string_field_add(out, "Content-ID", body->id);
	string_field_add(out, "Content-Description", body->description);
	string_field_add(out, "Content-MD5", body->md5);
	if (body->language != NULL) {
		buf_reset(&value);
		languages_add(&value, body->language);
		rfc822_field_add(out, SPAN("Content-Language"),
		    buf_span(&value));
	}
	string_field_add(out, "Content-Location", body->location);
	if (body->disposition.type != NULL) {
		buf_reset(&value);
		disposition_add(&value, body);
		rfc822_field_add(out, SPAN("Content-Disposition"),
		    buf_span(&value));
	}
	buf_clear(&value);
}

void
rfc822_header(char *header, ENVELOPE *env, BODY *body)
{
	struct buf out;

	buf_init(&out, SENDBUFLEN - sizeof "\r\n");
	rfc822_header_add(&out, env, body);
	header = rfc822_copy(header, SENDBUFLEN, &out);
	memcpy(header, "\r\n", sizeof "\r\n");
	buf_clear(&out);
}

void
rfc822_write_body_header(char **dest, BODY *body)
{
	size_t used = strlen(*dest);
	struct buf out;

	*dest += used;
	if (used + 1 >= SENDBUFLEN)
		return;
	buf_init(&out, SENDBUFLEN - 1 - used);
	rfc822_body_header_add(&out, body);
	*dest = rfc822_copy(*dest, SENDBUFLEN - used, &out);
	buf_clear(&out);
}
