/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session's connection: bytes in, bytes out, both buffered.  What is behind
 * it (socket, front that does TLS, pipe) is not known here.
 */
#ifndef SERVER_STREAM_H
#define SERVER_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/buf.h"

struct fault;

struct stream {
	struct buf in;		/* received, not consumed: the session
				 * consumes with buf_consume() */
	struct buf out;		/* written, not sent */
	int in_fd, out_fd;
	int error;		/* errno of the first failed write, else 0 */
	uint32_t write_timeout;	/* seconds a peer may refuse to read */
};

enum stream_event {
	STREAM_INPUT,		/* `in` has grown */
	STREAM_OTHER,		/* the other descriptor is readable */
	STREAM_TIMEOUT,
	STREAM_EOF,		/* the peer closed, or a write failed */
	STREAM_SIGNAL		/* SIGTERM or SIGHUP: see stream_signal() */
};

/* Descriptors are taken over; `out_fd` may be `in_fd`. */
struct stream *stream_new(int in_fd, int out_fd);
void stream_free(struct stream *);	/* flushes, closes */

/*
 * Send what is in `out` first, then wait until there is more input, `other`
 * (-1: none) is readable, or `msecs` are over (-1: for ever).  No lock may be
 * held here: the peer may take its time.
 */
enum stream_event stream_wait(struct stream *, int other, int msecs);

/*
 * Send all that is in `out` now; waits for a slow peer up to write_timeout.
 * Returns -1 when the connection is broken (it stays so; further output is
 * thrown away).
 */
int stream_flush(struct stream *);

/* Send of `out` what the peer takes at once, and keep the rest: never waits,
 * and so may be called with locks held. */
void stream_push(struct stream *);

/* Room left before a flush is due: flush when out.n reaches this. */
#define STREAM_FLUSH	(64u * 1024)

/* Close in both directions at once without flushing: the peer must not take
 * what it has for a whole answer. */
void stream_abort(struct stream *);

/* The signal that asked the session to end, 0 if none did. */
int stream_signal(void);

#endif
