/* SPDX-License-Identifier: Apache-2.0 */
/* IDLE (RFC 2177): sleeps until the mailbox or the client says something. */
#include "imapd/command.h"


#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/clock.h"
#include "c-client/store/box.h"
#include "c-client/store/watch.h"
#include "imapd/args.h"
#include "imapd/reply.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

/* Devices between forget a connection that is silent for long. */
#define KEEP_ALIVE_MSECS	(2 * 60 * 1000)

/* "DONE" and its line end; more without a line end is no DONE any more. */
#define DONE_MAX		16u

struct idle {
	struct watch *watch;	/* NULL: no mailbox is selected */
	int64_t end, alive;	/* when to end, when to say something */
};

/* Has the client ended it?  Takes its line; what is behind DONE is the next
 * command. */
static bool
take_done(struct session *s)
{
	struct buf *in = &s->stream->in;
	struct span line = buf_span(in);
	ptrdiff_t lf = span_find_char(line, '\n');

	if (lf == -1 && line.n < DONE_MAX)
		return false;
	if (lf != -1)
		line.n = (size_t)lf;
	if (!span_is(span_trim(line), "DONE"))
		reply_bad(s, "DONE is expected");
	/* A line that goes on and on is left to the loop, which refuses it. */
	if (lf != -1)
		buf_consume(in, (size_t)lf + 1);
	return true;
}

static int
next_msecs(const struct session *s, const struct idle *i)
{
	int64_t next = i->end < i->alive ? i->end : i->alive;
	int64_t now = clock_msecs();
	int msecs;

	msecs = next <= now ? 0 : (int)(next - now);
	if (i->watch != NULL && watch_msecs(i->watch) < msecs)
		msecs = watch_msecs(i->watch);
	if (s->box != NULL && s->box->unsettled && BOX_SETTLE_MSECS < msecs)
		msecs = BOX_SETTLE_MSECS;
	return msecs;
}

/* Look at the mailbox; what that takes of memory must not stay. */
static void
look(struct session *s)
{
	session_sync(s, true);
	arena_reset(s->scratch);
	if (s->box != NULL)
		box_rest(s->box);
}

static void
on_timeout(struct session *s, struct idle *i)
{
	int64_t now = clock_msecs();

	if (now >= i->end) {
		session_autologout(s);
		return;
	}
	if (i->watch != NULL)
		look(s);
	if (now >= i->alive) {
		reply_untagged(s, "OK", NULL, "Still here");
		i->alive = now + KEEP_ALIVE_MSECS;
	}
}

static void
idle(struct session *s, struct idle *i)
{
	if (i->watch != NULL)
		look(s);
	while (!s->end && !take_done(s)) {
		int fd = i->watch != NULL ? watch_fd(i->watch) : -1;

		switch (session_wait(s, fd, next_msecs(s, i))) {
		case STREAM_OTHER:
			if (watch_take(i->watch))
				look(s);
			break;
		case STREAM_TIMEOUT:
			on_timeout(s, i);
			break;
		case STREAM_INPUT:
		case STREAM_EOF:
		case STREAM_SIGNAL:
			break;
		}
	}
}

void
cmd_idle(struct session *s, struct args *a)
{
	struct idle i = { .watch = NULL };

	if (!args_end(a)) {
		reply_bad_args(s, a);
		return;
	}
	i.end = clock_msecs() + s->idle_msecs;
	i.alive = clock_msecs() + KEEP_ALIVE_MSECS;
	if (s->box != NULL)
		i.watch = watch_new(s->box);
	reply_continue(s, "idling");
	idle(s, &i);
	watch_free(i.watch);
}
