/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The byte pump.  Each direction has one bounded buffer that is filled when
 * it is empty; the socket buffers of the kernel keep both sides busy.
 */
#include "c-client/server/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "c-client/base/bounds.h"
#include "c-client/server/link.h"

#include "c-client/base/banned.h"

/* Octets in flight: downloads are what there is much of. */
#define DOWN_ROOM	(128u * 1024)
#define UP_ROOM		(32u * 1024)

/* What is shorter is a command, and its answer is waited for; behind what is
 * longer there is mostly more. */
#define MORE_LEAST	1024

struct flow {
	char *room;
	size_t size;
	size_t at, n;		/* unsent: room[at], n octets */
	bool ended;		/* the source has */
	bool shut;		/* the target was told */
};

struct pump {
	struct link *client;
	int session;
	struct flow up, down;
	bool client_ready, session_ready;	/* a read may find something */
	short client_events, session_events;
	bool writing;		/* waits for the client to read */
	bool over;
};

/* Take note of what a call on the link waits for. */
static void
want(struct pump *p, ssize_t code)
{
	p->client_events |= code == LINK_WANT_READ ? POLLIN : POLLOUT;
}

/*
 * Each step returns true if it moved something.  Between a command and its
 * answer each call counts: where the last read took what there was, poll(2) is
 * asked, and not the socket once more.
 */
static bool
up_fill(struct pump *p)
{
	struct flow *f = &p->up;
	ssize_t n;

	if (f->n != 0 || f->ended)
		return false;
	if (!p->client_ready) {
		p->client_events |= POLLIN;
		return false;
	}
	n = link_read(p->client, f->room, f->size, NULL);
	if (n == LINK_WANT_READ || n == LINK_WANT_WRITE) {
		want(p, n);
		p->client_ready = false;
		return false;
	}
	p->client_ready = n >= MORE_LEAST || link_has_more(p->client);
	f->at = 0;
	f->n = n > 0 ? (size_t)n : 0;
	f->ended = n <= 0;
	return true;
}

static bool
up_drain(struct pump *p)
{
	struct flow *f = &p->up;
	ssize_t n;

	if (f->n == 0) {
		if (!f->ended || f->shut)
			return false;
		shutdown(p->session, SHUT_WR);
		f->shut = true;
		return true;
	}
	n = write(p->session, f->room + f->at, f->n);
	if (n > 0) {
		f->at += (size_t)n;
		f->n -= (size_t)n;
	} else if (errno == EAGAIN) {
		p->session_events |= POLLOUT;
		return false;
	} else if (errno != EINTR) {
		/* The session is leaving; what it said still goes down. */
		f->n = 0;
		f->ended = f->shut = true;
	}
	return true;
}

static bool
down_fill(struct pump *p)
{
	struct flow *f = &p->down;
	ssize_t n;

	if (f->n != 0 || f->ended)
		return false;
	if (!p->session_ready) {
		p->session_events |= POLLIN;
		return false;
	}
	n = read(p->session, f->room, f->size);
	if (n == -1 && errno == EAGAIN) {
		p->session_events |= POLLIN;
		p->session_ready = false;
		return false;
	}
	if (n == -1 && errno == EINTR)
		return true;
	p->session_ready = n == (ssize_t)f->size;
	f->at = 0;
	f->n = n > 0 ? (size_t)n : 0;
	f->ended = n <= 0;
	return true;
}

static bool
down_drain(struct pump *p)
{
	struct flow *f = &p->down;
	ssize_t n;

	if (f->n == 0) {
		p->over |= f->ended;
		return false;
	}
	n = link_write(p->client, f->room + f->at, f->n, NULL);
	if (n == LINK_WANT_READ || n == LINK_WANT_WRITE) {
		want(p, n);
		p->writing = true;
		return false;
	}
	if (n <= 0) {
		p->over = true;
		return false;
	}
	f->at += (size_t)n;
	f->n -= (size_t)n;
	return true;
}

/* Sleep until one of the events comes.  False if the client won't read. */
static bool
pump_wait(struct pump *p)
{
	struct pollfd fds[2] = {
		{ .fd = p->client_events != 0 ? p->client->fd : -1,
		    .events = p->client_events },
		{ .fd = p->session_events != 0 ? p->session : -1,
		    .events = p->session_events },
	};
	int n;

	do
		n = poll(fds, 2, p->writing ? (int)BOUND_WRITE_SECS * 1000 :
		    -1);
	while (n == -1 && errno == EINTR);
	if (fds[0].revents != 0)
		p->client_ready = true;
	if (fds[1].revents != 0)
		p->session_ready = true;
	return n > 0;
}

void
pump_run(struct link *client, int session_fd)
{
	/* One pump a process: as static objects they cost no stack. */
	static char down_room[DOWN_ROOM], up_room[UP_ROOM];
	struct pump p = {
		.client = client,
		.session = session_fd,
		.client_ready = true,
		.session_ready = true,
		.up = { .room = up_room, .size = sizeof up_room },
		.down = { .room = down_room, .size = sizeof down_room },
	};
	int flags = fcntl(session_fd, F_GETFL);
	bool moved;

	link_read_ahead(client);
	if (flags != -1)
		fcntl(session_fd, F_SETFL, flags | O_NONBLOCK);
	while (!p.over) {
		p.client_events = p.session_events = 0;
		p.writing = false;
		moved = up_fill(&p);
		moved |= up_drain(&p);
		moved |= down_fill(&p);
		moved |= down_drain(&p);
		if (!moved && !p.over && !pump_wait(&p))
			return;
	}
}
