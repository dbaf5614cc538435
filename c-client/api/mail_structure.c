/* SPDX-License-Identifier: Apache-2.0 */
/* Envelopes and structures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "c-client/api/local.h"
#include "c-client/api/tell.h"
#include "c-client/api/translate.h"
#include "c-client/api/user.h"
#include "c-client/base/fault.h"
#include "c-client/store/message.h"
#include "c-client/store/view.h"

#include "c-client/base/banned.h"

static int
read_envelope(struct local *l, struct local_message *m, uint32_t uid,
    struct fault *why)
{
	struct span header;

	if (m->env != NULL)
		return 0;
	if (reader_header(l->reader, uid, &header, why) == -1)
		return -1;
	m->env = translate_envelope(header, BADHOST);
	return 0;
}

static int
read_body(struct local *l, struct local_message *m, uint32_t uid,
    struct fault *why)
{
	struct message *message;
	const struct mime_part *root;

	if (m->body != NULL)
		return 0;
	if ((message = reader_open(l->reader, uid, why)) == NULL ||
	    (root = message_structure(message, why)) == NULL)
		return -1;
	m->body = translate_body(root, 0, BADHOST);
	return 0;
}

ENVELOPE *
mail_fetch_structure(MAILSTREAM *stream, unsigned long msgno, BODY **body,
    long flags)
{
	struct local_message *m = local_asked(stream, msgno,
	    (flags & FT_UID) != 0);
	struct local *l;
	struct fault why;
	uint32_t uid;

	if (body != NULL)
		*body = NULL;
	if (m == NULL)
		return NULL;
	l = stream->local;
	if (stream->scache)
		local_parse_only(l, m->elt.msgno);
	uid = local_uid(stream, m->elt.msgno);
	if (read_envelope(l, m, uid, &why) == -1 ||
	    (body != NULL && read_body(l, m, uid, &why) == -1)) {
		tell_error("Can't read message %lu: %s", m->elt.msgno,
		    why.text);
		return NULL;
	}
	if (body != NULL)
		*body = m->body;
	return m->env;
}

/* The part with this number inside a body; NULL if there is none. */
static BODY *
step(BODY *b, unsigned long number)
{
	PART *part;

	if (b->type == TYPEMESSAGE && b->nested.msg != NULL) {
		b = b->nested.msg->body;
		if (b->type != TYPEMULTIPART)
			return number == 1 ? b : NULL;
	}
	if (b->type != TYPEMULTIPART)
		return NULL;
	part = b->nested.part;
	while (part != NULL && --number > 0)
		part = part->next;
	return part == NULL ? NULL : &part->body;
}

BODY *
mail_body(MAILSTREAM *stream, unsigned long msgno, unsigned char *section)
{
	char *p = (char *)section, *end;
	BODY *b = NULL;

	if (p == NULL || *p == '\0' ||
	    mail_fetch_structure(stream, msgno, &b, NIL) == NULL)
		return NULL;
	/* A message without parts is its own part 1. */
	for (bool first = true; b != NULL; first = false) {
		unsigned long number = *p < '1' || *p > '9' ? 0 :
		    strtoul(p, &end, 10);

		if (number == 0 || (*end != '\0' && *end != '.'))
			return NULL;
		if (first && b->type != TYPEMULTIPART)
			b = number == 1 ? b : NULL;
		else
			b = step(b, number);
		if (*end == '\0')
			return b;
		p = end + 1;
	}
	return NULL;
}

/* `length` octets and a NUL. */
static void
put_column(char *s, const char *text, size_t length, char pad)
{
	size_t n = text == NULL ? 0 : strlen(text);

	memset(s, pad, length);
	s[length] = '\0';
	if (n > 0)
		memcpy(s, text, n < length ? n : length);
}

void
mail_fetchfrom(char *s, MAILSTREAM *stream, unsigned long msgno,
    long length)
{
	ENVELOPE *env = mail_fetch_structure(stream, msgno, NULL, NIL);
	ADDRESS *from = env == NULL ? NULL : env->from;
	char text[2 * MAILTMPLEN];
	size_t room = length < 0 ? 0 : (size_t)length;

	/* The beginning of a group is nobody. */
	while (from != NULL && from->host == NULL)
		from = from->next;
	if (from == NULL) {
		put_column(s, NULL, room, ' ');
		return;
	}
	if (from->personal != NULL && from->personal[0] != '\0') {
		put_column(s, from->personal, room, ' ');
		return;
	}
	snprintf(text, sizeof text, "%.*s@%.*s", MAILTMPLEN - 2,
	    from->mailbox == NULL ? "" : from->mailbox, MAILTMPLEN - 2,
	    from->host);
	put_column(s, text, room, ' ');
}

void
mail_fetchsubject(char *s, MAILSTREAM *stream, unsigned long msgno,
    long length)
{
	ENVELOPE *env = mail_fetch_structure(stream, msgno, NULL, NIL);
	const char *subject = env == NULL ? NULL : env->subject;

	put_column(s, subject == NULL ? " " : subject,
	    length < 0 ? 0 : (size_t)length, '\0');
}

static void
overview(MAILSTREAM *stream, uint32_t number, overview_t tell)
{
	struct local_message *m = local_message(stream, number);
	OVERVIEW ov = { .subject = NULL };
	ENVELOPE *env;

	if (m == NULL ||
	    (env = mail_fetch_structure(stream, number, NULL, NIL)) == NULL)
		return;
	ov.subject = env->subject;
	ov.from = env->from;
	ov.date = (char *)env->date;
	ov.message_id = env->message_id;
	ov.references = env->references;
	ov.optional.octets = m->elt.rfc822_size;
	tell(stream, local_uid(stream, number), &ov, number);
}

static void
overviews(MAILSTREAM *stream, char *sequence, overview_t tell, bool uid)
{
	struct user *u;
	uint32_t *numbers;
	size_t count;

	if (local_of(stream) == NULL) {
		tell_error("There is no open mailbox");
		return;
	}
	u = local_enter(stream);
	if (local_sequence(stream, sequence, uid, &numbers, &count) == 0)
		for (size_t i = 0; i < count; i++)
			overview(stream, numbers[i], tell);
	local_leave(stream, u);
}

void
mail_fetch_overview(MAILSTREAM *stream, char *sequence, overview_t tell)
{
	overviews(stream, sequence, tell, true);
}

void
mail_fetch_overview_sequence(MAILSTREAM *stream, char *sequence,
    overview_t tell)
{
	overviews(stream, sequence, tell, false);
}
