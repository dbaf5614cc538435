/* SPDX-License-Identifier: Apache-2.0 */
/* A client of the server on this machine. */
#include "c-client/doctor/probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "c-client/base/clock.h"
#include "c-client/base/fault.h"
#include "ssl/tls.h"

#include "c-client/base/banned.h"

/* What a server may say in one answer's line, octets. */
#define LINE_MAX_OCTETS	(64u * 1024)

static int
wait_for(struct probe *p, short events, struct fault *why)
{
	struct pollfd pfd = { .fd = p->fd, .events = events };
	int64_t left;
	int rc;

	do {
		left = p->deadline - clock_msecs();
		rc = poll(&pfd, 1, left < 0 ? 0 : (int)left);
	} while (rc == -1 && errno == EINTR);
	if (rc == -1)
		return fault_errno(why, "poll");
	return rc == 1 ? 0 : fault_set(why, FAULT_TIMEOUT, "no answer");
}

int
probe_open(struct probe *p, uint16_t port, uint32_t secs, struct fault *why)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof errno;
	int error = 0;

	*p = (struct probe){ .deadline = clock_msecs() + (int64_t)secs *
	    1000 };
	buf_init(&p->in, LINE_MAX_OCTETS);
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd == -1)
		return fault_errno(why, "socket");
	if (connect(p->fd, (struct sockaddr *)&to, sizeof to) == -1 &&
	    errno != EINPROGRESS)
		error = errno;
	else if (wait_for(p, POLLOUT, why) == -1)
		return -1;
	else
		getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &n);
	if (error == ECONNREFUSED)
		return fault_set(why, FAULT_NOTFOUND, "nobody listens");
	errno = error;
	return error == 0 ? 0 : fault_errno(why, "connect");
}

void
probe_close(struct probe *p)
{
	if (p->tls != NULL)
		tls_close(p->tls);
	tls_free(p->tls);
	if (p->fd != -1)
		close(p->fd);
	buf_clear(&p->in);
}

/* What TLS waits for. */
static int
wait_tls(struct probe *p, ssize_t want, struct fault *why)
{
	return wait_for(p, want == TLS_WANT_WRITE ? POLLOUT : POLLIN, why);
}

int
probe_secure(struct probe *p, const char *alpn, struct fault *why)
{
	char name[256];
	int rc;

	if (gethostname(name, sizeof name) == -1)
		name[0] = '\0';
	name[sizeof name - 1] = '\0';
	buf_reset(&p->in);
	p->taken = 0;
	if ((p->tls = tls_client(p->fd, alpn, name, why)) == NULL)
		return -1;
	while ((rc = tls_handshake(p->tls, why)) != 0)
		if (rc == -1 || wait_tls(p, rc, why) == -1)
			return -1;
	return 0;
}

/* One call's worth, in clear or not; TLS_WANT_* where it has to wait. */
static ssize_t
write_some(struct probe *p, const char *from, size_t n, struct fault *why)
{
	ssize_t did;

	if (p->tls != NULL)
		return tls_write(p->tls, from, n, why);
	did = send(p->fd, from, n, MSG_NOSIGNAL);
	if (did == -1 && errno == EAGAIN)
		return TLS_WANT_WRITE;
	return did != -1 ? did : fault_errno(why, "send");
}

static ssize_t
read_some(struct probe *p, char *to, size_t n, struct fault *why)
{
	ssize_t did;

	if (p->tls != NULL)
		return tls_read(p->tls, to, n, why);
	did = recv(p->fd, to, n, 0);
	if (did == -1 && errno == EAGAIN)
		return TLS_WANT_READ;
	return did != -1 ? did : fault_errno(why, "receive");
}

int
probe_send(struct probe *p, const char *line, struct fault *why)
{
	struct buf out;
	ssize_t did;
	int rc = 0;

	buf_init(&out, 0);
	buf_adds(&out, line);
	buf_adds(&out, "\r\n");
	while (rc == 0 && out.n != 0) {
		did = write_some(p, out.p, out.n, why);
		if (did > 0)
			buf_consume(&out, (size_t)did);
		else if (did == TLS_WANT_READ || did == TLS_WANT_WRITE)
			rc = wait_tls(p, did, why);
		else
			rc = -1;
	}
	/* A password may be in it. */
	if (out.p != NULL)
		explicit_bzero(out.p, out.cap);
	buf_clear(&out);
	return rc;
}

static int
receive(struct probe *p, struct fault *why)
{
	char *room = buf_room(&p->in, 4096);
	ssize_t did;

	if (room == NULL)
		return fault_set(why, FAULT_LIMIT, "an endless line");
	did = read_some(p, room, 4096, why);
	if (did == 0)
		return fault_set(why, FAULT_CLOSED, "it closed the "
		    "connection");
	if (did > 0) {
		p->in.n += (size_t)did;
		return 0;
	}
	return did == -1 ? -1 : wait_tls(p, did, why);
}

const char *
probe_line(struct probe *p, struct fault *why)
{
	char *end;

	buf_consume(&p->in, p->taken);
	p->taken = 0;
	while (p->in.n == 0 ||
	    (end = memchr(p->in.p, '\n', p->in.n)) == NULL)
		if (receive(p, why) == -1)
			return NULL;
	p->taken = (size_t)(end - p->in.p) + 1;
	if (end != p->in.p && end[-1] == '\r')
		end--;
	*end = '\0';
	return p->in.p;
}
