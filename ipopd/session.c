/* SPDX-License-Identifier: Apache-2.0 */
/* A POP3 session: opening the maildrop, waiting for lines, the end. */
#include "ipopd/session.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "c-client/server/service.h"
#include "c-client/server/stream.h"
#include "c-client/store/box.h"
#include "c-client/store/message.h"
#include "c-client/store/record.h"
#include "ipopd/reply.h"
#include "ipopd/state_trans.h"

#include "c-client/base/banned.h"

/* `WHAT user=U host=H`, the shape that log readers know, and what follows. */
static void
log_session(const struct session_start *start, int level, const char *what,
    const char *more)
{
	struct span user = span_of(start->user);
	char name[LOG_FIELD_MAX];

	log_line(level, "%s user=%s host=%s%s", what,
	    log_field(user.p, user.n, name), start->client, more);
}

/* How often and how long (milliseconds) the one session's lock is tried for:
 * a client that lost its connection comes back before the old session has
 * noticed. */
#define LOCK_TRIES	20
#define LOCK_PAUSE	50

static int
lock_maildrop(struct session *s, struct fault *why)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE * 1000000 };

	for (int i = 1; account_lock_pop(&s->account, why) == -1; i++) {
		if (why->code != FAULT_INUSE || i == LOCK_TRIES)
			return -1;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* Open INBOX for this session alone. */
static int
open_maildrop(struct session *s, struct fault *why)
{
	const struct session_start *start = s->start;
	const struct name inbox = { .path = "INBOX", .inbox = true };

	if (account_open(&s->account, s->keep, start->config, start->user,
	    start->home, start->spool_writable, why) == -1)
		return -1;
	s->account_open = true;
	s->account.client = start->client;
	if (lock_maildrop(s, why) == -1)
		return -1;
	s->box = box_open(&s->account, &inbox, false, why);
	if (s->box == NULL || box_sync(s->box, why) == -1)
		return -1;
	s->reader = reader_new(s->box);
	return 0;
}

/*
 * Number the messages.  What another program marked as deleted is no part of
 * the maildrop, as with the old server.
 */
static void
take_messages(struct session *s)
{
	const struct box *box = s->box;

	s->uidvalidity = box->meta.uidvalidity;
	s->messages = memory_grow_array(NULL, box->count + 1,
	    sizeof *s->messages);
	for (size_t i = 0; i < box->count; i++) {
		const struct record *r = &box->records[i];

		if (r->flags & FLAG_DELETED)
			continue;
		s->messages[s->count++] = (struct session_message){
			.size = r->wire_size, .uid = r->uid };
		s->octets += r->wire_size;
		if (r->flags & FLAG_SEEN)
			s->last = s->count;
	}
	s->last_before = s->last;
}

static void
say_hello(struct session *s)
{
	const struct session_start *start = s->start;
	char more[64];

	/* Who started us from a shell was logged by whoever called. */
	if (start->preauth) {
		reply_ok(&s->stream->out,
		    "POP3 server ready, user %.200s, %zu messages",
		    start->user, s->count);
		return;
	}
	reply_ok(&s->stream->out, "Mailbox open, %zu messages", s->count);
	snprintf(more, sizeof more, " nmsgs=%zu/%zu", s->count,
	    s->box->count);
	log_session(start, LOG_INFO,
	    start->mechanism[0] != '\0' ? "Auth" : "Login", more);
}

struct session *
session_new(const struct session_start *start, struct fault *why)
{
	struct session *s = memory_zalloc(sizeof *s);

	s->start = start;
	s->stream = start->stream;
	s->keep = arena_new(0);
	s->why = "Logout";
	buf_init(&s->body, 0);
	if (open_maildrop(s, why) == -1) {
		reply_fault(&s->stream->out, why);
		session_free(s);
		return NULL;
	}
	take_messages(s);
	say_hello(s);
	return s;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	reader_free(s->reader);
	box_close(s->box);
	if (s->account_open)
		account_close(&s->account);
	arena_free(s->keep);
	buf_clear(&s->body);
	free(s->messages);
	free(s);
}

void
session_input(struct session *s)
{
	struct stream *stream = s->stream;
	size_t done = 0;

	while (!s->end) {
		struct span line;
		size_t used;
		enum line_event event = line_next(&s->lines,
		    span_slice(buf_span(&stream->in), done, stream->in.n),
		    &used, &line);

		done += used;
		if (event == LINE_MORE)
			break;
		if (event == LINE_READY)
			state_trans_run(s, line);
		else
			reply_err(&stream->out, NULL, event == LINE_BAD ?
			    "NUL in a line" : "Line too long");
		if (stream->out.n >= STREAM_FLUSH)
			stream_flush(stream);
	}
	buf_consume(&stream->in, done);
}

static void
log_unkept(const struct fault *why)
{
	log_line(why->code == FAULT_READONLY ? LOG_INFO : LOG_WARNING,
	    "Flags of INBOX not kept: %s", why->text);
}

/* What was retrieved, and stays, is \Seen.  That it can't be written down is
 * no reason to tell the client that its QUIT failed. */
static size_t
keep_seen(struct session *s, uint32_t *uids)
{
	const struct box_store seen = { .op = BOX_STORE_ADD,
	    .flags = FLAG_SEEN };
	struct fault why;
	uint64_t modseq;
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		if (s->messages[i].retrieved && !s->messages[i].deleted)
			uids[n++] = s->messages[i].uid;
	if (n != 0 && box_store_flags(s->box, uids, n, &seen, &modseq,
	    &why) == -1)
		log_unkept(&why);
	return n;
}

static int
remove_deleted(struct session *s, uint32_t *uids, struct fault *why)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		if (s->messages[i].deleted)
			uids[n++] = s->messages[i].uid;
	return n == 0 ? 0 : box_expunge(s->box, uids, n, false, why);
}

int
session_update(struct session *s, struct fault *why)
{
	struct fault flush;
	uint32_t *uids = memory_grow_array(NULL, s->count + 1, sizeof *uids);
	size_t seen = 0;
	char more[96];
	int status;

	if (box_sync(s->box, why) == 0 &&
	    s->box->meta.uidvalidity != s->uidvalidity) {
		/* Its UIDs are other messages' by now. */
		status = s->deleted == 0 ? 0 : fault_set(why, FAULT_CHANGED,
		    "INBOX was replaced");
	} else {
		seen = keep_seen(s, uids);
		status = remove_deleted(s, uids, why);
	}
	free(uids);
	if (box_flush(s->box, true, &flush) == -1)
		log_unkept(&flush);
	snprintf(more, sizeof more, " nmsgs=%zu ndele=%zu nseen=%zu",
	    s->count, status == 0 ? s->deleted : 0, seen);
	log_session(s->start, LOG_INFO, "Update", more);
	return status;
}

/* Why no more lines will come. */
static const char *
end_of(enum stream_event event)
{
	switch (event) {
	case STREAM_TIMEOUT:
		return "Autologout";
	case STREAM_SIGNAL:
		return stream_signal() == SIGHUP ? "Hangup" :
		    "Killed (terminated)";
	default:
		return "Unexpected client disconnect, while reading line";
	}
}

/* RFC 1939 section 3: one that was idle too long is left without a word. */
static void
serve(struct session *s)
{
	const struct session_start *start = s->start;
	uint64_t idle = start->config->idle_timeout != 0 ?
	    start->config->idle_timeout : start->service->idle_secs;
	int msecs = idle > INT_MAX / 1000 ? INT_MAX : (int)idle * 1000;

	session_input(s);
	while (!s->end) {
		enum stream_event event = stream_wait(s->stream, -1,
		    msecs);

		if (event == STREAM_INPUT) {
			session_input(s);
			continue;
		}
		s->why = end_of(event);
		s->end = true;
		if (event == STREAM_SIGNAL)
			reply_err(&s->stream->out, "SYS/TEMP",
			    "The server is shutting down");
	}
}

int
session_main(const struct session_start *start)
{
	struct fault why = { .code = FAULT_NONE };
	struct session *s = session_new(start, &why);
	char more[sizeof why.text + 2];

	if (s == NULL) {
		snprintf(more, sizeof more, ": %s", why.text);
		log_session(start, why.code == FAULT_INUSE ? LOG_INFO : LOG_ERR,
		    "Error opening or locking INBOX", more);
		stream_flush(start->stream);
		return 0;
	}
	serve(s);
	log_session(start, LOG_INFO, s->why, "");
	/* Who hears the answer to QUIT may begin the next session at once. */
	session_free(s);
	stream_flush(start->stream);
	return 0;
}
