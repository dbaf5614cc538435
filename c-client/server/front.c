/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front.  Only load_certificate() and what is before sandbox_enter() run
 * as root, and in a child of the nursery nothing; nothing is read from the
 * client before it is behind all walls.
 */
#include "c-client/server/front.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c-client/base/bounds.h"
#include "c-client/base/clock.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/server/certificates.h"
#include "c-client/server/connection.h"
#include "c-client/server/link.h"
#include "c-client/server/privsep.h"
#include "c-client/server/pump.h"
#include "c-client/server/sandbox.h"
#include "c-client/server/service.h"
#include "ssl/tls.h"

#include "c-client/base/banned.h"

#define READ_PIECE	(16u * 1024)

struct front {
	struct connection *connection;
	const struct service *service;
	struct tls_config *certificate;	/* NULL: no TLS */
	struct link link;
	struct prelogin prelogin;
	int64_t deadline;	/* of the whole dialogue, milliseconds */
	uint32_t tries_left;
};

/* Why waiting has ended. */
enum wake { WAKE_READY, WAKE_TIMEOUT, WAKE_GONE };

/* The front can't reach the log, so the monitor writes for it. */
static void
log_sink(void *arg, int level, const char *line)
{
	const struct front *f = arg;
	struct privsep_message m = { .type = PRIVSEP_LOG, .level = level,
	    .text = span_of(line) };

	if (f->connection->monitor_fd == -1)
		return;
	m.text = span_slice(m.text, 0, PRIVSEP_TEXT_MAX);
	privsep_send(f->connection->monitor_fd, &m);
}

/* The end.  Destructors would touch what the filter forbids. */
static void leave(struct front *) __attribute__((noreturn));

static void
leave(struct front *f)
{
	link_close(&f->link);
	_exit(0);
}

/*
 * Wait for the client, or for the monitor's leaving: it says nothing unasked,
 * so whatever is there to be read is its end.
 */
static enum wake
wait_client(struct front *f, ssize_t want, int64_t deadline)
{
	for (;;) {
		struct pollfd fds[2] = {
			{ .fd = f->link.fd, .events =
			    want == LINK_WANT_WRITE ? POLLOUT : POLLIN },
			{ .fd = f->connection->monitor_fd, .events = POLLIN },
		};
		int64_t left = deadline - clock_msecs();

		if (left <= 0)
			return WAKE_TIMEOUT;
		if (poll(fds, 2, left > INT32_MAX ? INT32_MAX :
		    (int)left) == -1 && errno != EINTR)
			return WAKE_GONE;
		if (fds[1].revents != 0)
			return WAKE_GONE;
		if (fds[0].revents != 0)
			return WAKE_READY;
	}
}

/* Send what the dialogue has to say.  Leaves if that can't be done. */
static void
send_out(struct front *f)
{
	struct buf *out = &f->prelogin.out;
	size_t sent = 0;

	while (sent < out->n) {
		ssize_t n = link_write(&f->link, out->p + sent, out->n - sent,
		    NULL);

		if (n > 0)
			sent += (size_t)n;
		else if (n == LINK_WANT_READ || n == LINK_WANT_WRITE) {
			if (wait_client(f, n, f->deadline) != WAKE_READY)
				_exit(0);
		} else
			_exit(0);
	}
	if (out->full)
		leave(f);
	buf_reset(out);
}

static void bye(struct front *, enum prelogin_end)
    __attribute__((noreturn));

static void
bye(struct front *f, enum prelogin_end why)
{
	/* The last words may come after the time is over. */
	f->deadline = clock_msecs() + 2000;
	f->service->prelogin->bye(&f->prelogin, why);
	send_out(f);
	leave(f);
}

/* More input from the client.  Leaves when there is none. */
static void
receive(struct front *f)
{
	struct buf *in = &f->prelogin.in;

	for (;;) {
		size_t room = in->max - in->n;
		char *to = buf_room(in, room < READ_PIECE ? room :
		    READ_PIECE);
		ssize_t n;

		if (room == 0 || to == NULL) {
			log_line(LOG_INFO, "Line too long before "
			    "authentication host=%s", f->connection->client);
			bye(f, PRELOGIN_END_TRIES);
		}
		n = link_read(&f->link, to, room < READ_PIECE ? room :
		    READ_PIECE, NULL);
		if (n > 0) {
			in->n += (size_t)n;
			return;
		}
		if (n != LINK_WANT_READ && n != LINK_WANT_WRITE)
			leave(f);
		switch (wait_client(f, n, f->deadline)) {
		case WAKE_TIMEOUT:
			log_line(LOG_INFO, "Autologout user=??? host=%s",
			    f->connection->client);
			bye(f, PRELOGIN_END_TIMEOUT);
		case WAKE_GONE:
			bye(f, PRELOGIN_END_UNAVAILABLE);
		case WAKE_READY:
			break;
		}
	}
}

/* Leaves unless TLS is up within its time. */
static void
handshake(struct front *f)
{
	int64_t deadline = clock_msecs() + (int64_t)BOUND_HANDSHAKE_SECS * 1000;
	struct fault why;
	int rc;

	if (deadline > f->deadline)
		deadline = f->deadline;
	f->link.tls = tls_new(f->certificate, f->link.fd);
	while ((rc = tls_handshake(f->link.tls, &why)) != 0) {
		if (rc == -1) {
			log_line(LOG_INFO, "Unable to accept SSL connection, "
			    "host=%s: %s", f->connection->client, why.text);
			/* The alert was sent; it should arrive. */
			leave(f);
		}
		if (wait_client(f, rc, deadline) != WAKE_READY) {
			log_line(LOG_INFO, "Unable to accept SSL connection, "
			    "host=%s: it took too long",
			    f->connection->client);
			_exit(0);
		}
	}
	f->prelogin.tls = f->prelogin.plaintext = true;
	f->prelogin.tls_offer = false;
}

static void
start_tls(struct front *f)
{
	send_out(f);
	if (f->certificate == NULL || f->prelogin.tls)
		leave(f);
	/* What came in clear behind the command isn't part of what comes over
	 * TLS (RFC 3501 6.2.1, RFC 2595 2.4; CVE-2011-0411). */
	buf_reset(&f->prelogin.in);
	handshake(f);
	f->service->prelogin->secured(&f->prelogin);
}

/* The user is in: give the connection away. */
static void hand_over(struct front *) __attribute__((noreturn));

static void
hand_over(struct front *f)
{
	struct connection *c = f->connection;
	struct buf *in = &f->prelogin.in;
	struct privsep_message m = { .type = PRIVSEP_HANDOVER,
	    .tls = f->link.tls != NULL, .pending = buf_span(in) };

	if (privsep_send(c->monitor_fd, &m) == -1)
		_exit(1);
	/* In clear the session has the client's socket itself. */
	if (f->link.tls == NULL)
		_exit(0);
	if (in->p != NULL)
		explicit_bzero(in->p, in->cap);
	buf_clear(in);
	buf_clear(&f->prelogin.out);
	close(c->monitor_fd);
	c->monitor_fd = -1;
	pump_run(&f->link, c->session_fd);
	close(c->session_fd);
	leave(f);
}

/* Ask the monitor, and tell the dialogue if the answer is no. */
static void
login(struct front *f)
{
	struct prelogin *p = &f->prelogin;
	struct privsep_message m = { .type = PRIVSEP_LOGIN };
	struct buf room;
	int rc;

	send_out(f);
	m.credentials = p->credentials;
	explicit_bzero(p->credentials.password,
	    sizeof p->credentials.password);
	rc = privsep_send(f->connection->monitor_fd, &m);
	explicit_bzero(&m, sizeof m);
	if (rc == -1)
		bye(f, PRELOGIN_END_UNAVAILABLE);
	/* However long it takes: the monitor bounds that. */
	buf_init(&room, PRIVSEP_MAX + 1);
	rc = privsep_receive(f->connection->monitor_fd, &room, &m);
	buf_clear(&room);
	if (rc != 1 || m.type != PRIVSEP_VERDICT)
		bye(f, PRELOGIN_END_UNAVAILABLE);
	if (m.verdict == PRIVSEP_YES)
		hand_over(f);
	f->service->prelogin->refused(p, m.verdict == PRIVSEP_DENIED ?
	    PRELOGIN_DENIED : PRELOGIN_TEMPORARY);
	if (--f->tries_left == 0) {
		send_out(f);
		bye(f, PRELOGIN_END_TRIES);
	}
}

static void dialogue(struct front *) __attribute__((noreturn));

static void
dialogue(struct front *f)
{
	struct prelogin *p = &f->prelogin;

	f->service->prelogin->greet(p);
	send_out(f);
	receive(f);
	for (;;) {
		enum prelogin_want want = f->service->prelogin->input(p);

		if (want != PRELOGIN_CLOSE && p->bad >= BOUND_BAD_COMMANDS) {
			send_out(f);
			log_line(LOG_INFO, "Too many bad commands before "
			    "authentication host=%s", f->connection->client);
			bye(f, PRELOGIN_END_TRIES);
		}
		switch (want) {
		case PRELOGIN_MORE:
			send_out(f);
			receive(f);
			break;
		case PRELOGIN_STARTTLS:
			start_tls(f);
			break;
		case PRELOGIN_LOGIN:
			login(f);
			break;
		case PRELOGIN_CLOSE:
			send_out(f);
			leave(f);
		}
	}
}

/*
 * The certificate, while we may still read it.  One line in the log says what
 * is wrong; a server that speaks plain passwords on purpose and has no
 * certificate at all isn't nagged.
 */
static void
load_certificate(struct front *f)
{
	const struct connection *c = f->connection;
	struct certificates files;
	struct fault why;

	certificates_find(&files, f->service, c->config);
	files.options.address = c->local;
	f->certificate = tls_config_load(&files.options, &why);
	if (f->certificate == NULL)
		log_line(!c->tls && c->config->plaintext ==
		    CONFIG_PLAINTEXT_ALWAYS && why.code == FAULT_NOTFOUND ?
		    LOG_DEBUG : LOG_ERR, "%s", why.text);
}

/* Descriptors 1 and 2 to /dev/null, and the log is closed.  A sanitizer keeps
 * its standard error. */
static int
silence(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	closelog();
	if (null == -1 || dup2(null, STDOUT_FILENO) == -1)
		return -1;
#ifndef SANITIZED
	if (dup2(null, STDERR_FILENO) == -1)
		return -1;
#endif
	if (null > STDERR_FILENO)
		close(null);
	return 0;
}

/*
 * Descriptors: 0 the client, 3 the monitor, 4 the session, as far as there
 * are such; no others but 1 and 2.
 */
static int
arrange_descriptors(struct connection *c)
{
	int *const all[] = { &c->client_fd, &c->monitor_fd, &c->session_fd };
	static const int places[] = { STDIN_FILENO, 3, 4 };
	unsigned last = STDERR_FILENO;

	/* Copies far above, so that none is in another's place. */
	for (size_t i = 0; i < 3; i++)
		if (*all[i] != -1 && (*all[i] = fcntl(*all[i],
		    F_DUPFD_CLOEXEC, 10)) == -1)
			return -1;
	for (size_t i = 0; i < 3; i++) {
		if (*all[i] == -1)
			continue;
		if (dup2(*all[i], places[i]) == -1)
			return -1;
		*all[i] = places[i];
		if (places[i] > (int)last)
			last = (unsigned)places[i];
	}
	if (close_range(last + 1, ~0u, 0) == -1)
		return -1;
	return fcntl(STDIN_FILENO, F_SETFL,
	    fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
}

static void
prepare(struct front *f)
{
	struct prelogin *p = &f->prelogin;
	const struct config *g = f->connection->config;

	f->link.fd = STDIN_FILENO;
	f->deadline = clock_msecs() + (int64_t)g->login_timeout * 1000;
	f->tries_left = g->login_tries == 0 ? 1 : g->login_tries;
	buf_init(&p->in, BOUND_PRELOGIN_IN);
	buf_init(&p->out, BOUND_PRELOGIN_OUT);
	p->client = f->connection->client;
	p->plaintext = g->plaintext == CONFIG_PLAINTEXT_ALWAYS;
	p->tls_offer = f->certificate != NULL;
}

static void serve(struct front *) __attribute__((noreturn));

static void
serve(struct front *f)
{
	const struct connection *c = f->connection;

	prepare(f);
	if (c->crowded)
		f->deadline = clock_msecs() +
		    (int64_t)BOUND_FAREWELL_SECS * 1000;
	if (c->tls)
		handshake(f);
	if (c->crowded || c->refused) {
		buf_adds(&f->prelogin.out, c->crowded ? f->service->crowded :
		    f->service->busy);
		send_out(f);
		leave(f);
	}
	dialogue(f);
}

static void give_up(const char *what) __attribute__((noreturn));

static void
give_up(const char *what)
{
	log_line(LOG_ERR, "front: %s: %s", what, strerror(errno));
	_exit(1);
}

void
front_run(struct connection *c)
{
	struct front f = { .connection = c, .service = c->service };
	struct fault why;

	log_to_sink(log_sink, &f);
	if (silence() == -1 || arrange_descriptors(c) == -1)
		give_up("descriptors");
	load_certificate(&f);
	if (c->tls && f.certificate == NULL)
		_exit(1);
	if (sandbox_enter(SANDBOX_FRONT, c->config->front_user, &why) == -1) {
		log_line(LOG_ERR, "front: %s", why.text);
		_exit(1);
	}
	serve(&f);
}

void
front_born(struct connection *c, struct tls_config *certificate)
{
	struct front f = { .connection = c, .service = c->service,
	    .certificate = certificate };

	log_to_sink(log_sink, &f);
	if (arrange_descriptors(c) == -1)
		give_up("descriptors");
	if (sandbox_narrow() == -1)
		give_up("seccomp filter");
	if (c->tls && certificate == NULL)
		_exit(1);
	serve(&f);
}
