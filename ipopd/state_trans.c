/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POP3's TRANSACTION state.  STAT, LIST and UIDL are answered from the
 * session's own array: they read no mail, however large the mailbox is.
 */
#include "ipopd/state_trans.h"

#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/server/service.h"
#include "c-client/server/stream.h"
#include "c-client/store/box.h"
#include "ipopd/line.h"
#include "ipopd/reply.h"
#include "ipopd/retr.h"
#include "ipopd/session.h"

#include "c-client/base/banned.h"

/* A message number; 0 and an answer if it is none of ours, or marked (RFC 1939
 * section 5, DELE). */
static size_t
number_of(struct session *s, struct span word)
{
	uint64_t number;

	if (span_number(word, s->count, &number) && number != 0) {
		if (!s->messages[number - 1].deleted)
			return (size_t)number;
		reply_err(&s->stream->out, NULL, "Message %llu is deleted",
		    (unsigned long long)number);
		return 0;
	}
	reply_err(&s->stream->out, NULL, word.n == 0 ?
	    "A message number is missing" : "No such message");
	return 0;
}

static void
cmd_stat(struct session *s, const struct line *l)
{
	(void)l;
	reply_ok(&s->stream->out, "%zu %llu", s->count - s->deleted,
	    (unsigned long long)(s->octets - s->deleted_octets));
}

/* Keeps a long answer from being collected whole. */
static void
pass_on(struct session *s)
{
	if (s->stream->out.n >= STREAM_FLUSH)
		stream_flush(s->stream);
}

static void
cmd_list(struct session *s, const struct line *l)
{
	struct buf *out = &s->stream->out;
	size_t number;

	if (l->args.n != 0) {
		if ((number = number_of(s, l->args)) != 0)
			reply_ok(out, "%zu %llu", number,
			    (unsigned long long)s->messages[number - 1].size);
		return;
	}
	reply_ok(out, "%zu messages (%llu octets)", s->count - s->deleted,
	    (unsigned long long)(s->octets - s->deleted_octets));
	for (size_t i = 0; i < s->count; i++) {
		if (s->messages[i].deleted)
			continue;
		reply_size(out, i + 1, s->messages[i].size);
		pass_on(s);
	}
	reply_end(out);
}

static void
cmd_uidl(struct session *s, const struct line *l)
{
	struct buf *out = &s->stream->out;
	size_t number;

	if (l->args.n != 0) {
		if ((number = number_of(s, l->args)) == 0)
			return;
		buf_adds(out, "+OK ");
		reply_uid(out, number, s->uidvalidity,
		    s->messages[number - 1].uid);
		return;
	}
	reply_ok(out, "Unique-id listing follows");
	for (size_t i = 0; i < s->count; i++) {
		if (s->messages[i].deleted)
			continue;
		reply_uid(out, i + 1, s->uidvalidity, s->messages[i].uid);
		pass_on(s);
	}
	reply_end(out);
}

static void
cmd_retr(struct session *s, const struct line *l)
{
	size_t number = number_of(s, l->args);

	if (number == 0 || retr_send(s, number, RETR_WHOLE) != 0)
		return;
	s->messages[number - 1].retrieved = true;
	if (s->last < number)
		s->last = number;
}

static void
cmd_top(struct session *s, const struct line *l)
{
	struct span rest = l->args, word = line_word(&rest);
	uint64_t lines;
	size_t number = number_of(s, word);

	if (number == 0)
		return;
	if (!span_number(rest, RETR_WHOLE - 1, &lines))
		reply_err(&s->stream->out, NULL,
		    "TOP needs a number of lines");
	else
		retr_send(s, number, lines);
}

/* A positive answer promises that QUIT removes the message: of a mailbox that
 * can't be written there is none. */
static void
cmd_dele(struct session *s, const struct line *l)
{
	size_t number = number_of(s, l->args);
	struct session_message *m;

	if (number == 0)
		return;
	if (s->box->readonly) {
		reply_err(&s->stream->out, "SYS/PERM",
		    "The mailbox is read-only; nothing can be deleted");
		return;
	}
	m = &s->messages[number - 1];
	m->deleted = true;
	s->deleted++;
	s->deleted_octets += m->size;
	if (s->last < number)
		s->last = number;
	reply_ok(&s->stream->out, "Message %zu deleted", number);
}

static void
cmd_noop(struct session *s, const struct line *l)
{
	(void)l;
	reply_ok(&s->stream->out, "No-op to you too!");
}

static void
cmd_rset(struct session *s, const struct line *l)
{
	(void)l;
	for (size_t i = 0; i < s->count; i++)
		s->messages[i].deleted = false;
	s->deleted = 0;
	s->deleted_octets = 0;
	s->last = s->last_before;
	reply_ok(&s->stream->out, "Reset, %zu messages", s->count);
}

/* RFC 1460 section 5: of old clients that keep no list of what they had. */
static void
cmd_last(struct session *s, const struct line *l)
{
	(void)l;
	reply_ok(&s->stream->out, "%zu", s->last);
}

static void
cmd_capa(struct session *s, const struct line *l)
{
	const struct session_start *start = s->start;
	const struct reply_capa have = {
		.plaintext = !start->preauth && (start->tls ||
		    start->config->plaintext == CONFIG_PLAINTEXT_ALWAYS),
		.transaction = true,
	};

	(void)l;
	reply_capa(&s->stream->out, &have);
}

static void
cmd_quit(struct session *s, const struct line *l)
{
	struct fault why;

	(void)l;
	if (session_update(s, &why) == 0) {
		reply_ok(&s->stream->out, "Sayonara");
	} else {
		log_line(LOG_WARNING, "INBOX: not removed: %s", why.text);
		reply_fault(&s->stream->out, &why);
	}
	s->end = true;
}

static void
cmd_logged_in(struct session *s, const struct line *l)
{
	(void)l;
	reply_err(&s->stream->out, NULL, "You are logged in already");
}

static void
cmd_not_here(struct session *s, const struct line *l)
{
	(void)l;
	reply_err(&s->stream->out, NULL,
	    "This server doesn't have this command");
}

static const struct {
	const char *verb;
	void (*run)(struct session *, const struct line *);
} commands[] = {
	{ "STAT", cmd_stat },
	{ "LIST", cmd_list },
	{ "UIDL", cmd_uidl },
	{ "RETR", cmd_retr },
	{ "TOP", cmd_top },
	{ "DELE", cmd_dele },
	{ "NOOP", cmd_noop },
	{ "RSET", cmd_rset },
	{ "LAST", cmd_last },
	{ "CAPA", cmd_capa },
	{ "QUIT", cmd_quit },
	{ "USER", cmd_logged_in },
	{ "PASS", cmd_logged_in },
	{ "AUTH", cmd_logged_in },
	{ "APOP", cmd_logged_in },
	{ "STLS", cmd_logged_in },
	{ "UTF8", cmd_not_here },
	{ "LANG", cmd_not_here },
	{ "XTND", cmd_not_here },
};

void
state_trans_run(struct session *s, struct span line)
{
	struct line l;

	line_split(line, &l);
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (span_is(l.verb, commands[i].verb)) {
			commands[i].run(s, &l);
			return;
		}
	reply_err(&s->stream->out, NULL, "Unknown command");
}
