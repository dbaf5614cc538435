/* SPDX-License-Identifier: Apache-2.0 */
/* A session's connection, over poll(2). */
#include "c-client/server/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "c-client/base/bounds.h"
#include "c-client/base/clock.h"
#include "c-client/base/memory.h"

#include "c-client/base/banned.h"

/* One read(2); `in` keeps at most IN_MAX of input that nobody consumed. */
#define READ_PIECE	(64u * 1024)
#define IN_MAX		(256u * 1024)

/* After a signal a peer that doesn't read gets this much more time. */
#define SIGNAL_GRACE_MSECS	2000

struct stream_private {
	struct stream s;	/* first: the public part is its address */
	int in_flags, out_flags; /* descriptor flags to give back, or -1 */
};

/* Signals come to a process, not to a stream: the event descriptor wakes
 * whatever poll(2) is going on. */
static volatile sig_atomic_t signal_seen;
static int signal_fd = -1;

static void
on_signal(int number)
{
	static const uint64_t one = 1;
	int saved = errno;
	ssize_t wrote;

	signal_seen = number;
	wrote = write(signal_fd, &one, sizeof one);
	(void)wrote;
	errno = saved;
}

static void
catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal,
	    .sa_flags = SA_RESTART };

	if (signal_fd != -1)
		return;
	signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (signal_fd == -1)
		return;		/* the default action ends the session too */
	sigemptyset(&sa.sa_mask);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

int
stream_signal(void)
{
	return signal_seen;
}

/* The wake-up of a forked child's signal is not ours to act on. */
static void
drain_signal_fd(void)
{
	uint64_t count;
	ssize_t got = read(signal_fd, &count, sizeof count);

	(void)got;
}

static int
make_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1 || flags & O_NONBLOCK)
		return -1;
	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	return flags;
}

struct stream *
stream_new(int in_fd, int out_fd)
{
	struct stream_private *p = memory_zalloc(sizeof *p);

	catch_signals();
	p->s.in_fd = in_fd;
	p->s.out_fd = out_fd;
	p->s.write_timeout = BOUND_WRITE_SECS;
	buf_init(&p->s.in, IN_MAX);
	buf_init(&p->s.out, 0);
	p->in_flags = make_nonblocking(in_fd);
	p->out_flags = make_nonblocking(out_fd);
	return &p->s;
}

static void
close_both(struct stream *s)
{
	if (s->in_fd != -1)
		close(s->in_fd);
	if (s->out_fd != -1 && s->out_fd != s->in_fd)
		close(s->out_fd);
	s->in_fd = s->out_fd = -1;
}

void
stream_free(struct stream *s)
{
	struct stream_private *p = (struct stream_private *)s;

	if (s == NULL)
		return;
	stream_flush(s);
	/* A terminal is shared with the shell that comes back after us. */
	if (p->out_flags != -1 && s->out_fd != -1)
		fcntl(s->out_fd, F_SETFL, p->out_flags);
	if (p->in_flags != -1 && s->in_fd != -1)
		fcntl(s->in_fd, F_SETFL, p->in_flags);
	close_both(s);
	buf_clear(&s->in);
	buf_clear(&s->out);
	free(p);
}

void
stream_abort(struct stream *s)
{
	struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	/* A reset, so that nobody takes a part for the whole.  Unix sockets
	 * and pipes know none; there the end is all there is. */
	if (s->out_fd != -1) {
		setsockopt(s->out_fd, SOL_SOCKET, SO_LINGER, &at_once,
		    sizeof at_once);
		shutdown(s->out_fd, SHUT_RDWR);
	}
	close_both(s);
	buf_reset(&s->in);
	buf_reset(&s->out);
	if (s->error == 0)
		s->error = ECONNABORTED;
}

static int
msecs_until(int64_t deadline)
{
	int64_t left = deadline - clock_msecs();

	return left <= 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

static int
broken(struct stream *s, int error)
{
	if (s->error == 0)
		s->error = error;
	buf_reset(&s->out);
	return -1;
}

/* Wait until the peer reads again.  Returns -1 if it takes too long. */
static int
wait_writable(struct stream *s)
{
	int64_t deadline = clock_msecs() + (int64_t)s->write_timeout * 1000;

	for (;;) {
		struct pollfd fds[2] = {
			{ .fd = s->out_fd, .events = POLLOUT },
			{ .fd = signal_fd, .events = POLLIN },
		};

		/* Once we are asked to end, a slow peer has to hurry. */
		if (signal_seen != 0) {
			fds[1].fd = -1;
			if (deadline > clock_msecs() + SIGNAL_GRACE_MSECS)
				deadline = clock_msecs() + SIGNAL_GRACE_MSECS;
		}
		if (poll(fds, 2, msecs_until(deadline)) == -1 &&
		    errno != EINTR)
			return broken(s, errno);
		if (fds[0].revents != 0)
			return 0;
		if (fds[1].fd != -1 && fds[1].revents != 0)
			drain_signal_fd();
		if (msecs_until(deadline) == 0)
			return broken(s, ETIMEDOUT);
	}
}

int
stream_flush(struct stream *s)
{
	size_t sent = 0;

	if (s->error != 0 || s->out_fd == -1) {
		buf_reset(&s->out);
		return -1;
	}
	while (sent < s->out.n) {
		ssize_t n = write(s->out_fd, s->out.p + sent, s->out.n - sent);

		if (n >= 0)
			sent += (size_t)n;
		else if (errno == EAGAIN) {
			if (wait_writable(s) == -1)
				return -1;
		} else if (errno != EINTR)
			return broken(s, errno);
	}
	buf_reset(&s->out);
	/* One huge answer shouldn't hold its memory for ever. */
	if (s->out.cap > 4 * STREAM_FLUSH)
		buf_clear(&s->out);
	return 0;
}

void
stream_push(struct stream *s)
{
	while (s->error == 0 && s->out_fd != -1 && s->out.n > 0) {
		ssize_t n = write(s->out_fd, s->out.p, s->out.n);

		if (n >= 0)
			buf_consume(&s->out, (size_t)n);
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			broken(s, errno);
	}
}

/* 1: `in` has grown; 0: nothing there; -1: the end. */
static int
take_input(struct stream *s)
{
	size_t room = s->in.max - s->in.n;
	ssize_t n;
	char *to;

	if (room > READ_PIECE)
		room = READ_PIECE;
	if ((to = buf_room(&s->in, room)) == NULL)
		return 0;
	n = read(s->in_fd, to, room);
	if (n > 0) {
		s->in.n += (size_t)n;
		return 1;
	}
	return n == -1 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

enum stream_event
stream_wait(struct stream *s, int other, int msecs)
{
	int64_t deadline = msecs < 0 ? -1 : clock_msecs() + msecs;

	if (stream_flush(s) == -1 || s->in_fd == -1)
		return STREAM_EOF;
	while (signal_seen == 0) {
		/* Input that nobody consumes is left to the peer. */
		struct pollfd fds[3] = {
			{ .fd = s->in.n < s->in.max ? s->in_fd : -1,
			    .events = POLLIN },
			{ .fd = other, .events = POLLIN },
			{ .fd = signal_fd, .events = POLLIN },
		};
		int ready = poll(fds, 3,
		    deadline == -1 ? -1 : msecs_until(deadline));

		if (signal_seen != 0)
			break;
		if (ready == -1 && errno != EINTR)
			return STREAM_EOF;
		if (ready == 0)
			return STREAM_TIMEOUT;
		if (ready == -1)
			continue;
		if (fds[2].revents != 0)
			drain_signal_fd();
		if (fds[0].revents != 0) {
			int got = take_input(s);

			if (got != 0)
				return got == 1 ? STREAM_INPUT : STREAM_EOF;
		}
		if (fds[1].revents != 0)
			return STREAM_OTHER;
	}
	return STREAM_SIGNAL;
}
