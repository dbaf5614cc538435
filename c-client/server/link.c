/* SPDX-License-Identifier: Apache-2.0 */
/* The client's connection, in clear or through TLS. */
#include "c-client/server/link.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "c-client/base/clock.h"
#include "c-client/base/fault.h"
#include "ssl/tls.h"

#include "c-client/base/banned.h"

/* How long, in milliseconds, and how much input is thrown away at the end. */
#define LINGER_MSECS	2000
#define LINGER_OCTETS	(1024u * 1024)

_Static_assert(LINK_WANT_READ == TLS_WANT_READ &&
    LINK_WANT_WRITE == TLS_WANT_WRITE, "one set of codes");

ssize_t
link_read(struct link *l, void *to, size_t max, struct fault *why)
{
	ssize_t n;

	if (l->tls != NULL)
		return tls_read(l->tls, to, max, why);
	do
		n = read(l->fd, to, max);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN)
		return LINK_WANT_READ;
	return n >= 0 ? n : fault_errno(why, "read");
}

ssize_t
link_write(struct link *l, const void *from, size_t octets,
    struct fault *why)
{
	ssize_t n;

	if (l->tls != NULL)
		return tls_write(l->tls, from, octets, why);
	do
		n = write(l->fd, from, octets);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN)
		return LINK_WANT_WRITE;
	return n >= 0 ? n : fault_errno(why, "write");
}

void
link_read_ahead(struct link *l)
{
	if (l->tls != NULL)
		tls_read_ahead(l->tls);
}

bool
link_has_more(const struct link *l)
{
	return l->tls != NULL && tls_pending(l->tls);
}

void
link_close(struct link *l)
{
	int64_t end = clock_msecs() + LINGER_MSECS;
	size_t thrown = 0;
	char waste[4096];

	if (l->tls != NULL)
		tls_close(l->tls);
	if (shutdown(l->fd, SHUT_WR) == -1)
		return;
	while (thrown < LINGER_OCTETS) {
		struct pollfd fd = { .fd = l->fd, .events = POLLIN };
		int64_t left = end - clock_msecs();
		ssize_t n;

		if (left <= 0 || poll(&fd, 1, (int)left) <= 0)
			return;
		n = read(l->fd, waste, sizeof waste);
		if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
			return;
		if (n > 0)
			thrown += (size_t)n;
	}
}
