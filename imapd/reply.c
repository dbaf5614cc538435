/* SPDX-License-Identifier: Apache-2.0 */
/* Answers.  The only file that writes to the client. */
#include "imapd/reply.h"

#include <string.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/server/service.h"
#include "c-client/server/stream.h"
#include "c-client/store/box.h"
#include "imapd/args.h"
#include "imapd/command.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

/* Longer strings are literals even if they could be quoted. */
#define QUOTED_MAX	1000u

/*
 * Fault to response code (RFC 5530 section 3; TOOBIG: RFC 4469; READ-ONLY:
 * RFC 3501 7.1) and text.  What is a client's own affair is logged for
 * debugging only.
 */
static const struct {
	const char *code, *text;
	int level;
} faults[] = {
	[FAULT_NONE] = { "SERVERBUG", "Internal error", LOG_ERR },
	[FAULT_SYNTAX] = { "CLIENTBUG", "Malformed argument", LOG_DEBUG },
	[FAULT_LIMIT] = { "LIMIT", "Over a limit of this server",
	    LOG_INFO },
	[FAULT_NOTFOUND] = { "NONEXISTENT", "No such mailbox", LOG_DEBUG },
	[FAULT_EXISTS] = { "ALREADYEXISTS", "That name is there already",
	    LOG_DEBUG },
	[FAULT_PERM] = { "NOPERM", "Permission denied", LOG_INFO },
	[FAULT_READONLY] = { "READ-ONLY", "The mailbox is read-only",
	    LOG_DEBUG },
	[FAULT_INUSE] = { "INUSE",
	    "The mailbox is locked by another program", LOG_WARNING },
	[FAULT_QUOTA] = { "OVERQUOTA", "Disk full or over quota",
	    LOG_WARNING },
	[FAULT_IO] = { "UNAVAILABLE", "The mail store can't be used now",
	    LOG_ERR },
	[FAULT_CORRUPT] = { "CORRUPTION", "The mail store is damaged",
	    LOG_ERR },
	[FAULT_CANNOT] = { "CANNOT", "This server can't do that",
	    LOG_DEBUG },
	[FAULT_BADNAME] = { "CANNOT", "That is no name for a mailbox here",
	    LOG_DEBUG },
	[FAULT_EXPUNGED] = { "EXPUNGEISSUED",
	    "Some of the messages are gone", LOG_DEBUG },
	[FAULT_CHANGED] = { "INUSE",
	    "The mailbox is being changed by another program", LOG_WARNING },
	[FAULT_CHARSET] = { "BADCHARSET", "Unknown character set",
	    LOG_DEBUG },
	[FAULT_AUTH] = { "AUTHENTICATIONFAILED",
	    "Invalid login credentials", LOG_DEBUG },
	[FAULT_UNAVAILABLE] = { "UNAVAILABLE", "Try again later",
	    LOG_WARNING },
	[FAULT_CLOSED] = { "UNAVAILABLE", "The connection was closed",
	    LOG_INFO },
	[FAULT_TIMEOUT] = { "UNAVAILABLE", "It took too long", LOG_WARNING },
};

static size_t
row_of(const struct fault *why)
{
	size_t i = (size_t)why->code;

	return i < sizeof faults / sizeof faults[0] ? i : FAULT_NONE;
}

const char *
reply_code(const struct fault *why)
{
	return faults[row_of(why)].code;
}

const char *
reply_text(const struct fault *why)
{
	return faults[row_of(why)].text;
}

void
reply_log(struct session *s, const struct fault *why)
{
	log_line(faults[row_of(why)].level, "%s user=%s host=%s: %s",
	    s->command != NULL ? s->command->name : "Session",
	    s->start->user, s->start->client, why->text);
}

static void
add_text(struct buf *out, const char *code, const char *text)
{
	if (code != NULL) {
		buf_addc(out, '[');
		buf_adds(out, code);
		buf_adds(out, "] ");
	}
	buf_adds(out, text);
}

static void
answer(struct session *s, const char *status, const char *code,
    const char *text)
{
	if (reply_failed(s))
		return;
	s->answer.status = status;
	buf_reset(&s->answer.text);
	add_text(&s->answer.text, code, text);
}

void
reply_ok(struct session *s, const char *code, const char *text)
{
	answer(s, "OK", code, text);
}

void
reply_no(struct session *s, const char *code, const char *text)
{
	answer(s, "NO", code, text);
}

void
reply_bad(struct session *s, const char *text)
{
	answer(s, "BAD", NULL, text);
}

void
reply_bad_args(struct session *s, const struct args *a)
{
	reply_bad(s, a->error != NULL ? a->error : "Bad arguments");
}

void
reply_fault(struct session *s, const struct fault *why)
{
	reply_log(s, why);
	reply_no(s, reply_code(why), reply_text(why));
}

bool
reply_failed(const struct session *s)
{
	return s->answer.status != NULL && s->answer.status[0] != 'O';
}

struct buf *
reply_begin(struct session *s)
{
	return &s->stream->out;
}

bool
reply_pump(struct session *s)
{
	if (s->stream->out.n >= STREAM_FLUSH)
		stream_flush(s->stream);
	return s->stream->error == 0;
}

bool
reply_end(struct session *s)
{
	buf_add(&s->stream->out, "\r\n", 2);
	return reply_pump(s);
}

void
reply_untagged(struct session *s, const char *status, const char *code,
    const char *text)
{
	struct buf *out = reply_begin(s);

	buf_add(out, "* ", 2);
	buf_adds(out, status);
	buf_addc(out, ' ');
	add_text(out, code, text);
	reply_end(s);
}

void
reply_number(struct session *s, uint32_t n, const char *word)
{
	struct buf *out = reply_begin(s);

	buf_add(out, "* ", 2);
	buf_addnum(out, n);
	buf_addc(out, ' ');
	buf_adds(out, word);
	reply_end(s);
}

void
reply_continue(struct session *s, const char *text)
{
	struct buf *out = reply_begin(s);

	buf_add(out, "+ ", 2);
	buf_adds(out, text);
	reply_end(s);
}

void
reply_warn(struct session *s, const struct fault *why)
{
	reply_log(s, why);
	reply_untagged(s, "NO", reply_code(why), reply_text(why));
}

static void
add_progress(const struct session *s, struct buf *out, uint64_t done,
    uint64_t total)
{
	/* Numbers have 32 bits, and the first is the smaller one (RFC 9585
	 * 6 and 4). */
	while (total > UINT32_MAX) {
		total >>= 10;
		done >>= 10;
	}
	if (done >= total)
		done = total == 0 ? 0 : total - 1;
	buf_adds(out, "* OK [INPROGRESS (");
	if (s->tag.n == 0) {
		buf_adds(out, "NIL");
	} else {
		buf_addc(out, '"');
		buf_addspan(out, s->tag);
		buf_addc(out, '"');
	}
	buf_addc(out, ' ');
	buf_addnum(out, done);
	buf_addc(out, ' ');
	if (total == 0)
		buf_adds(out, "NIL");
	else
		buf_addnum(out, total);
	buf_adds(out, ")] Still working\r\n");
}

bool
reply_progress(struct session *s, uint64_t done, uint64_t total)
{
	struct buf *out = reply_begin(s);

	/* Behind BYE nothing may come, and a client that doesn't read need
	 * not hear it. */
	if (!s->end && out->n < STREAM_FLUSH)
		add_progress(s, out, done, total);
	stream_push(s->stream);
	return s->stream->error == 0;
}

/* QUOTED-CHAR of RFC 3501 9 where nobody has to guess: printable ASCII. */
static bool
can_be_quoted(struct span s)
{
	if (s.n > QUOTED_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((signed char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

void
reply_literal(struct buf *out, struct span s)
{
	if (s.n == 0) {
		buf_add(out, "\"\"", 2);
		return;
	}
	buf_addc(out, '{');
	buf_addnum(out, s.n);
	buf_add(out, "}\r\n", 3);
	buf_addspan(out, s);
}

void
reply_string(struct buf *out, struct span s)
{
	if (!can_be_quoted(s)) {
		reply_literal(out, s);
		return;
	}
	buf_addc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, s.p[i]);
	}
	buf_addc(out, '"');
}

void
reply_mailbox(struct buf *out, const char *path)
{
	struct buf wire;

	buf_init(&wire, 0);
	name_write(&wire, path);
	reply_string(out, buf_span(&wire));
	buf_clear(&wire);
}

static const struct {
	uint16_t flag;
	const char *name;
} flag_names[] = {
	{ FLAG_ANSWERED, "\\Answered" },
	{ FLAG_FLAGGED, "\\Flagged" },
	{ FLAG_DELETED, "\\Deleted" },
	{ FLAG_SEEN, "\\Seen" },
	{ FLAG_DRAFT, "\\Draft" },
};

static void
add_word(struct buf *out, bool *first, const char *word)
{
	if (!*first)
		buf_addc(out, ' ');
	*first = false;
	buf_adds(out, word);
}

void
reply_flags(struct buf *out, const struct box *box, const struct record *r,
    bool recent)
{
	bool first = true;

	buf_addc(out, '(');
	for (size_t i = 0; i < sizeof flag_names / sizeof flag_names[0]; i++)
		if (r->flags & flag_names[i].flag)
			add_word(out, &first, flag_names[i].name);
	if (recent)
		add_word(out, &first, "\\Recent");
	for (size_t w = 0; w < BOUND_KEYWORDS / 64; w++)
		for (uint64_t bits = r->keywords.bits[w]; bits != 0;
		    bits &= bits - 1) {
			size_t k = w * 64 + (size_t)__builtin_ctzll(bits);

			if (k < box->meta.keyword_count)
				add_word(out, &first, box->meta.keywords[k]);
		}
	buf_addc(out, ')');
}

void
reply_tagged(struct session *s)
{
	struct buf *out = reply_begin(s);
	struct span text = buf_span(&s->answer.text);

	if (s->tag.n == 0)
		buf_addc(out, '*');
	else
		buf_addspan(out, s->tag);
	buf_addc(out, ' ');
	if (s->answer.status == NULL) {
		buf_adds(out, "OK ");
		buf_adds(out, s->uid ? "UID " : "");
		buf_adds(out, s->command != NULL ? s->command->name :
		    "Command");
		buf_adds(out, " completed");
	} else {
		buf_adds(out, s->answer.status);
		buf_addc(out, ' ');
		buf_addspan(out, text);
	}
	reply_end(s);
}
