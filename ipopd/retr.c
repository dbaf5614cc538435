/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending messages.  What is read whole is sent whole; of a message that is
 * too long for that a copy of our own is sent.  Only where there is no room for
 * one it is read and sent in pieces, and if another program takes it away
 * meanwhile the connection is broken off: other bytes are never sent in its
 * place.
 */
#include "ipopd/retr.h"

#include <string.h>

#include "c-client/base/bounds.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/server/stream.h"
#include "c-client/store/box.h"
#include "c-client/store/message.h"
#include "ipopd/reply.h"
#include "ipopd/session.h"
#include "ipopd/stuff.h"

#include "c-client/base/banned.h"

/* A long message is read in pieces of this many octets. */
#define READ_PIECE	(256u * 1024)

/* Output that is collected before it is sent: large writes, little memory. */
#define SEND_PIECE	(64u * 1024)

/* The memory that one long message took is given back above this. */
#define KEEP_BODY	(512u * 1024)

/* How far the answer is. */
struct retrieval {
	struct stuff stuff;
	uint64_t header;	/* octets of the header that are left */
	uint64_t lines;		/* lines of the body that are left */
	bool collect;		/* nothing is sent yet: it may be taken back */
};

/* How much of `piece` belongs to the answer. */
static size_t
wanted(struct retrieval *p, struct span piece)
{
	size_t at = p->header < piece.n ? (size_t)p->header : piece.n;

	p->header -= at;
	if (p->lines == RETR_WHOLE)
		return piece.n;
	while (at < piece.n && p->lines != 0) {
		ptrdiff_t end = span_find_char(span_slice(piece, at, piece.n),
		    '\n');

		if (end == -1)
			return piece.n;
		at += (size_t)end + 1;
		p->lines--;
	}
	return at;
}

static bool
is_done(const struct retrieval *p)
{
	return p->header == 0 && p->lines == 0;
}

/* -1: the connection is broken. */
static int
send_piece(struct session *s, struct retrieval *p, struct span piece)
{
	struct stream *stream = s->stream;

	piece.n = wanted(p, piece);
	for (size_t at = 0; at < piece.n; at += SEND_PIECE) {
		stuff_add(&p->stuff, &stream->out,
		    span_slice(piece, at, SEND_PIECE));
		if (!p->collect && stream->out.n >= STREAM_FLUSH &&
		    stream_flush(stream) == -1)
			return -1;
	}
	return 0;
}

static void
begin(struct session *s, uint64_t size, uint64_t lines)
{
	if (lines == RETR_WHOLE)
		reply_ok(&s->stream->out, "%llu octets",
		    (unsigned long long)size);
	else
		reply_ok(&s->stream->out, "Top of message follows");
}

/* The header alone is in the index's neighbourhood: no body is read. */
static int
send_header(struct session *s, const struct session_message *m,
    struct retrieval *p, struct fault *why)
{
	struct span header;

	if (reader_header(s->reader, m->uid, &header, why) == -1)
		return -1;
	begin(s, m->size, 0);
	p->header = header.n;
	return send_piece(s, p, header);
}

static int
send_whole(struct session *s, const struct session_message *m,
    struct retrieval *p, struct fault *why)
{
	struct buf *body = &s->body;
	const struct record *r;
	ptrdiff_t i;

	buf_reset(body);
	if (body->cap > KEEP_BODY && m->size < KEEP_BODY)
		buf_clear(body);
	if (reader_copy(s->reader, m->uid, m->size, body, why) == -1)
		return -1;
	if ((i = box_find(s->box, m->uid)) == -1)
		return fault_set(why, FAULT_EXPUNGED, "UID %u", m->uid);
	r = &s->box->records[i];
	p->header = r->wire_header;
	begin(s, m->size, p->lines);
	return send_piece(s, p, buf_span(body));
}

/* One piece of a long one from *at on. */
static int
send_next(struct session *s, struct message *message, struct retrieval *p,
    uint64_t *at, struct fault *why)
{
	struct buf *body = &s->body;
	uint64_t left = message_size(message) - *at;

	/* A few lines of its top are kept back until they are all there; for
	 * more of it, what is left is copied before anything is sent. */
	if (p->collect && (p->lines == RETR_WHOLE || *at >= BOUND_WHOLE)) {
		if (message_pin(message, *at, left, why) == -1)
			return -1;
		p->collect = false;
	}
	buf_reset(body);
	if (message_read(message, *at, left < READ_PIECE ? (size_t)left :
	    READ_PIECE, body, why) == -1)
		return -1;
	if (body->n == 0)
		return fault_set(why, FAULT_CHANGED, "it ends too early");
	*at += body->n;
	return send_piece(s, p, buf_span(body));
}

/* A long one. */
static int
send_pieces(struct session *s, const struct session_message *m,
    struct retrieval *p, struct fault *why)
{
	struct message *message = reader_open(s->reader, m->uid, why);
	size_t before = s->stream->out.n;
	uint64_t at = 0;
	int status = 0;

	if (message == NULL)
		return -1;
	if (message_size(message) != m->size)
		return fault_set(why, FAULT_CHANGED, "UID %u has another size",
		    m->uid);
	p->header = message_header_size(message);
	p->collect = true;
	begin(s, m->size, p->lines);
	while (at < m->size && !is_done(p) && status == 0)
		status = send_next(s, message, p, &at, why);
	reader_unpin(s->reader);
	if (status == 0 || s->stream->error != 0)
		return status;
	if (p->collect) {
		s->stream->out.n = before;
		return -1;
	}
	log_line(LOG_WARNING, "INBOX: UID %u went away while it was sent: %s",
	    m->uid, why->text);
	stream_abort(s->stream);
	s->end = true;
	s->why = "Hangup";
	return -1;
}

int
retr_send(struct session *s, size_t number, uint64_t lines)
{
	const struct session_message *m = &s->messages[number - 1];
	struct fault why = { .code = FAULT_NONE };
	struct retrieval p = { .lines = lines };
	int status;

	/* A mailbox that was rebuilt gives its numbers to other messages. */
	if (s->box->meta.uidvalidity != s->uidvalidity)
		status = fault_set(&why, FAULT_EXPUNGED, "UIDVALIDITY");
	else if (lines == 0)
		status = send_header(s, m, &p, &why);
	else if (m->size <= BOUND_WHOLE)
		status = send_whole(s, m, &p, &why);
	else
		status = send_pieces(s, m, &p, &why);
	if (s->stream->error != 0)
		return -1;
	if (status == -1) {
		if (why.code != FAULT_EXPUNGED)
			log_line(LOG_WARNING, "INBOX: message %zu: %s", number,
			    why.text);
		reply_fault(&s->stream->out, &why);
		return -1;
	}
	stuff_end(&p.stuff, &s->stream->out);
	return 0;
}
