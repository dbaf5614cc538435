/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages between a front and its monitor: one datagram each over a
 * SOCK_SEQPACKET pair, typed, with bounded fields.  Both sides decode as if
 * the other were hostile; what may be sent when is the monitor's table.
 */
#ifndef SERVER_PRIVSEP_H
#define SERVER_PRIVSEP_H

#include <stdbool.h>

#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/span.h"
#include "c-client/server/service.h"

enum privsep_type {
	PRIVSEP_LOG = 1,	/* front: a log line */
	PRIVSEP_LOGIN,		/* front: may this user in? */
	PRIVSEP_VERDICT,	/* monitor: the answer */
	PRIVSEP_HANDOVER	/* front, after a yes: go on from here */
};

enum privsep_verdict { PRIVSEP_YES, PRIVSEP_DENIED, PRIVSEP_TEMPORARY };

struct privsep_message {
	enum privsep_type type;
	int level;			/* LOG: LOG_ERR to LOG_DEBUG, and
					 * perhaps LOG_AUTH */
	struct span text;		/* LOG: printable, at most 1,000 */
	struct credentials credentials;	/* LOGIN */
	enum privsep_verdict verdict;	/* VERDICT */
	bool tls;			/* HANDOVER */
	struct span pending;		/* HANDOVER: read, not consumed */
};

#define PRIVSEP_TEXT_MAX	1000u

/* The longest message: a hand-over with all that a front may hold. */
#define PRIVSEP_MAX		(BOUND_PRELOGIN_IN + 64u)

/* Append the message to an empty `out`. */
void privsep_encode(struct buf *out, const struct privsep_message *);

/*
 * Read one whole datagram.  Spans point into `data`.  Returns 0, or -1 for an
 * unknown type, a field that is too long or cut, a NUL or (in a log line)
 * a control character, a level or verdict out of range, or octets behind.
 */
int privsep_decode(struct span data, struct privsep_message *out);

/* Send one message; the encoding is wiped.  Returns 0, or -1 with errno. */
int privsep_send(int fd, const struct privsep_message *);

/*
 * Wait for one datagram and read it.  `room` keeps what the spans point into,
 * and is the caller's to wipe.  Returns 1; 0 when the other side has closed;
 * -1 on errors and messages that privsep_decode() refuses.
 */
int privsep_receive(int fd, struct buf *room, struct privsep_message *);

/* Wipe what a message and its room held. */
void privsep_wipe(struct buf *room, struct privsep_message *);

#endif
