/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts the octets of a client into commands: lines and literals (RFC 3501
 * 2.2.1 and 4.3, RFC 7888).  It owns no descriptor and knows no command; it is
 * fed, and says what to do next.  Memory is bounded by the limits, whatever
 * comes.
 */
#ifndef IMAPD_WIRE_H
#define IMAPD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/buf.h"
#include "c-client/base/span.h"

enum wire_event {
	WIRE_MORE,	/* all was consumed: feed more */
	WIRE_LITERAL,	/* a literal was announced; call wire_keep(),
			 * wire_stream() or wire_refuse() */
	WIRE_PIECE,	/* next octets of a streamed literal: `piece` */
	WIRE_COMMAND,	/* a whole command: wire_text() */
	WIRE_SKIPPED	/* a refused command, or one over a limit (`over`), is
			 * through: answer it; wire_text() is its beginning */
};

struct wire_limits {
	size_t line;		/* all lines of a command together, without
				 * their ends */
	size_t text;		/* lines and kept literals together */
	uint64_t literal;	/* a literal that is kept */
	unsigned literals;	/* in one command */
};
extern const struct wire_limits wire_prelogin, wire_session;

struct wire {
	const struct wire_limits *limits;
	struct buf text;	/* the command up to now: lines with their ends
				 * and literals, without the last line end */
	uint64_t size;		/* WIRE_LITERAL: octets announced */
	bool sync;		/* it waits for "+" */
	struct span piece;	/* WIRE_PIECE: in the fed octets */
	bool over;		/* WIRE_SKIPPED: over a limit */
	bool long_line;		/* the limit was that of the command as a whole
				 * (lines, number of literals), not of one
				 * literal; true as soon as it is passed */
	bool lost;		/* WIRE_SKIPPED: a literal of more than 32 bits
				 * is on its way; nothing behind it can be
				 * understood, the connection has to end */
	size_t mark;		/* where in the text the streamed literal was */

	/* wire.c's own. */
	enum { WIRE_IN_LINE, WIRE_ASKED, WIRE_IN_LITERAL, WIRE_REFUSED,
	    WIRE_DONE } state;
	bool streaming;		/* this literal is given out in pieces */
	bool skipping;		/* nothing more is kept of this command */
	uint64_t left;		/* octets missing from the literal */
	unsigned literals;
	size_t line_used;	/* octets of lines so far */
	char tail[32];		/* the last octets of the line: it may announce
				 * a literal */
	size_t tail_n;
};

void wire_init(struct wire *, const struct wire_limits *);
void wire_clear(struct wire *);

/*
 * Consume from `in`; *used is how much.  After WIRE_COMMAND and WIRE_SKIPPED
 * the next call begins a new command and forgets the text.  A line ends in
 * CRLF or in LF alone.
 */
enum wire_event wire_feed(struct wire *, struct span in, size_t *used);

/*
 * The answers to WIRE_LITERAL.  wire_keep(): collect it; the caller sends "+"
 * if `sync`.  It is refused by itself if it is over the limits: false then,
 * and no "+".  wire_stream(): give it out in pieces, and go on behind it;
 * any size.  wire_refuse(): the command is answered with an error; what the
 * client sends of it all the same (not `sync`) is skipped.
 */
bool wire_keep(struct wire *);
void wire_stream(struct wire *);
void wire_refuse(struct wire *);

/* The command's text. */
struct span wire_text(const struct wire *);

#endif
