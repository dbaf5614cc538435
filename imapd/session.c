/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One session: the loop around commands, and its beginning and end.  What it
 * tells of the selected mailbox is in session_box.c.
 */
#include "imapd/session.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "c-client/server/service.h"
#include "c-client/store/box.h"
#include "c-client/store/parsed.h"
#include "imapd/args.h"
#include "imapd/command.h"
#include "imapd/reply.h"

#include "c-client/base/banned.h"

unsigned
session_state(const struct session *s)
{
	return s->view != NULL ? STATE_SELECTED : STATE_AUTH;
}

void
session_bye(struct session *s, const char *why, const char *text)
{
	if (s->end)
		return;
	s->end = true;
	s->why = why;
	if (text != NULL)
		reply_untagged(s, "BYE", NULL, text);
}

static const struct {
	enum stream_event event;
	int signal;
	const char *why, *text;
} ends[] = {
	{ STREAM_EOF, 0,
	    "Unexpected client disconnect, while reading line", NULL },
	{ STREAM_SIGNAL, SIGHUP, "Hangup", "Server hangup" },
	{ STREAM_SIGNAL, 0, "Killed (terminated)", "Server shutting down" },
};

enum stream_event
session_wait(struct session *s, int other, int msecs)
{
	enum stream_event e = stream_wait(s->stream, other, msecs);

	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		if (ends[i].event != e || (ends[i].signal != 0 &&
		    ends[i].signal != stream_signal()))
			continue;
		session_bye(s, ends[i].why, ends[i].text);
		break;
	}
	return e;
}

void
session_autologout(struct session *s)
{
	session_bye(s, "Autologout", "Autologout (idle for too long)");
}

/* Tag, and the row of the command; the rest is left in `a`.  False, with the
 * answer set, if there is no command at all. */
static bool
parse_head(struct session *s, struct args *a)
{
	struct span text = wire_text(&s->wire), name;
	size_t n = 0;

	s->tag = (struct span){ "", 0 };
	s->command = NULL;
	s->uid = false;
	args_init(a, s->parse, text);
	if (text.n == 0) {
		reply_bad(s, "Null command");
		return false;
	}
	if (!args_tag(a, &s->tag)) {
		s->tag = (struct span){ "", 0 };
		reply_bad_args(s, a);
		return false;
	}
	if (args_is_end(a)) {
		reply_bad(s, "Missing command");
		return false;
	}
	if (!args_space(a) || !args_atom(a, &name)) {
		reply_bad(s, "Bad command");
		return false;
	}
	if (span_is(name, "UID")) {
		s->uid = true;
		if (!args_space(a) || !args_atom(a, &name)) {
			reply_bad(s, "Missing command behind UID");
			return false;
		}
		n = 1;
	}
	s->command = command_find(name, n == 1);
	return true;
}

static bool
in_state(const struct session *s)
{
	return s->command != NULL && s->command->run != NULL &&
	    s->command->states & session_state(s);
}

/* A literal was announced: collect it, give it out in pieces, or skip it. */
static void
take_literal(struct session *s)
{
	struct args a;

	if (!parse_head(s, &a) || !in_state(s)) {
		wire_refuse(&s->wire);
		return;
	}
	switch (s->command->literal == NULL ? LITERAL_KEEP :
	    s->command->literal(s, &a, s->wire.size)) {
	case LITERAL_KEEP:
		if (!wire_keep(&s->wire))
			return;
		break;
	case LITERAL_STREAM:
		wire_stream(&s->wire);
		break;
	case LITERAL_REFUSE:
		wire_refuse(&s->wire);
		return;
	}
	if (s->wire.sync)
		reply_continue(s, "Ready for the literal");
}

/* All of a command is done: updates, answer, and forget it. */
static void
finish(struct session *s)
{
	const struct command *c = s->command;
	bool may_expunge;

	if (c != NULL && !(c->flags & CMD_NOSYNC) && in_state(s) && !s->end) {
		may_expunge = s->uid || !(c->flags & CMD_NOEXPUNGE);
		session_sync(s, may_expunge);
	}
	/* BYE has said it all, but where it is part of the answer. */
	if (!s->end || (c != NULL && c->flags & CMD_BYE))
		reply_tagged(s);
	if (s->parsed != NULL)
		parsed_flush(s->parsed);
	s->answer.status = NULL;
	s->command = NULL;
	s->uid = false;
	s->tag = (struct span){ "", 0 };
	arena_reset(s->scratch);
	arena_reset(s->parse);
}

static void
abandon(struct session *s)
{
	if (s->append != NULL)
		cmd_append_abandon(s);
}

static void
run_command(struct session *s)
{
	struct args a;

	if (parse_head(s, &a))
		command_run(s, s->command, &a);
	abandon(s);
	finish(s);
}

/* It was refused, or too big, and is now out of the way. */
static void
run_skipped(struct session *s)
{
	struct args a;

	if (parse_head(s, &a)) {
		if (!in_state(s))
			command_run(s, s->command, &a);
		else if (s->wire.over)
			reply_bad(s, "Command or literal too long");
		else
			reply_bad(s, "Bad command");
	}
	if (s->wire.over)
		log_line(LOG_INFO, "Overlong client command user=%s host=%s",
		    s->start->user, s->start->client);
	abandon(s);
	finish(s);
	if (s->wire.lost)
		session_bye(s, "Overlong client literal",
		    "[TOOBIG] Nobody can take a literal of that size");
}

/* Take what there is of the input.  False if more has to come first. */
static bool
step(struct session *s)
{
	struct buf *in = &s->stream->in;
	size_t used;
	enum wire_event e = wire_feed(&s->wire, buf_span(in), &used);

	if (e == WIRE_PIECE)
		s->command->piece(s, s->wire.piece);
	buf_consume(in, used);
	switch (e) {
	case WIRE_MORE:
		return false;
	case WIRE_LITERAL:
		take_literal(s);
		break;
	case WIRE_PIECE:
		break;
	case WIRE_COMMAND:
		run_command(s);
		break;
	case WIRE_SKIPPED:
		run_skipped(s);
		break;
	}
	return true;
}

/* The first line: the answer to the login, or the greeting of a user who
 * started us himself. */
static void
first_line(struct session *s)
{
	const struct session_start *st = s->start;
	struct command_facts facts = { .login = true };
	struct buf *out = reply_begin(s);

	if (st->preauth) {
		buf_adds(out, "* PREAUTH [CAPABILITY ");
		command_capabilities(out, &facts);
		buf_adds(out, "] Pre-authenticated user ");
		buf_adds(out, st->user);
		buf_adds(out, " IMAP4rev1 server ready");
	} else {
		buf_adds(out, st->tag[0] != '\0' ? st->tag : "*");
		buf_adds(out, " OK [CAPABILITY ");
		command_capabilities(out, &facts);
		buf_adds(out, "] User ");
		buf_adds(out, st->user);
		buf_adds(out, " authenticated");
	}
	reply_end(s);
}

struct session *
session_new(const struct session_start *start, struct fault *why)
{
	struct session *s = memory_zalloc(sizeof *s);
	uint32_t secs = start->config->idle_timeout;

	s->start = start;
	s->stream = start->stream;
	s->keep = arena_new(0);
	s->scratch = arena_new(0);
	s->parse = arena_new(BOUND_COMMAND_ARENA);
	s->tag = (struct span){ "", 0 };
	if (secs == 0)
		secs = start->service->idle_secs;
	s->idle_msecs = secs > 24 * 3600 ? 24 * 3600 * 1000 :
	    (int)secs * 1000;
	wire_init(&s->wire, &wire_session);
	buf_init(&s->answer.text, 0);
	if (account_open(&s->account, s->keep, start->config, start->user,
	    start->home, start->spool_writable, why) == -1) {
		reply_untagged(s, "BYE", reply_code(why), reply_text(why));
		s->account.keep = NULL;
		session_free(s);
		return NULL;
	}
	s->account.client = start->client;
	first_line(s);
	return s;
}

void
session_free(struct session *s)
{
	abandon(s);
	session_unselect(s);
	if (s->account.keep != NULL)
		account_close(&s->account);
	wire_clear(&s->wire);
	buf_clear(&s->answer.text);
	arena_free(s->parse);
	arena_free(s->scratch);
	arena_free(s->keep);
	free(s);
}

int
session_main(const struct session_start *start)
{
	struct fault why;
	struct session *s = session_new(start, &why);

	if (s == NULL) {
		stream_flush(start->stream);
		log_line(LOG_ERR, "Session user=%s host=%s: %s", start->user,
		    start->client, why.text);
		return EXIT_FAILURE;
	}
	while (!s->end)
		if (!step(s) && session_wait(s, -1, s->idle_msecs) ==
		    STREAM_TIMEOUT)
			session_autologout(s);
	log_line(LOG_INFO, "%s user=%s host=%s", s->why, start->user,
	    start->client);
	stream_flush(s->stream);
	session_free(s);
	return EXIT_SUCCESS;
}
