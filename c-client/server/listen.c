/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets. */
#include "c-client/server/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/server/arguments.h"
#include "c-client/server/port.h"
#include "c-client/server/service.h"

#include "c-client/base/banned.h"

#define BACKLOG		128

/* Address and port as they are written on the command line. */
static void
describe(const struct netaddr *a, char out[NETADDR_TEXT + 10])
{
	char text[NETADDR_TEXT];
	struct buf b;

	netaddr_text(a, text);
	buf_init(&b, NETADDR_TEXT + 9);
	buf_addf(&b, a->u.any.sa_family == AF_INET6 &&
	    strchr(text, ':') != NULL ? "[%s]:%u" : "%s:%u", text,
	    netaddr_port(a));
	memcpy(out, buf_string(&b), b.n + 1);
	buf_clear(&b);
}

/* One line: address, reason, and who has the port if that is known. */
static int
bind_fault(const struct netaddr *a, int error, struct fault *why)
{
	char text[NETADDR_TEXT + 10], holder[PORT_HOLDER] = "";

	describe(a, text);
	if (error == EADDRINUSE)
		port_holder(netaddr_port(a), holder);
	return fault_set(why, FAULT_UNAVAILABLE, "can't listen on %s: %s%s%s",
	    text, strerror(error), holder[0] == '\0' ? "" : ", held by ",
	    holder);
}

static int
open_one(const struct netaddr *a, struct fault *why)
{
	int on = 1, fd = socket(a->u.any.sa_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), saved;

	if (fd == -1)
		return bind_fault(a, errno, why);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, &a->u.any, a->n) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	return bind_fault(a, saved, why);
}

static void
add(struct listen *l, const struct service *service, int fd,
    enum connection_tls tls, struct netaddr *bound)
{
	netaddr_local(fd, bound);
	l->of[l->n].fd = fd;
	l->of[l->n].port = netaddr_port(bound);
	l->of[l->n].tls = tls == CONNECTION_TLS ||
	    (tls == CONNECTION_BY_PORT &&
	    connection_is_tls_port(service, netaddr_port(bound)));
	l->n++;
}

int
listen_open(struct listen *l, const struct service *service,
    const struct arguments *args, struct fault *why)
{
	l->n = 0;
	while (l->n < args->listeners) {
		char text[NETADDR_TEXT + 10];
		struct netaddr bound;
		int fd = open_one(&args->listen[l->n].address, why);

		if (fd == -1)
			return -1;
		add(l, service, fd, args->listen[l->n].tls, &bound);
		describe(&bound, text);
		log_line(LOG_INFO, "listening on %s (%s)", text,
		    l->of[l->n - 1].tls ? "tls" : "plain");
	}
	return 0;
}

/* Descriptor 0 will be a client's in each child: it is not to be closed with
 * what listens. */
static int
move_away(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (null == -1 || moved == -1 || dup2(null, fd) == -1)
		moved = fd;
	if (null != -1)
		close(null);
	return moved;
}

void
listen_take(struct listen *l, const struct service *service, int first,
    size_t n, enum connection_tls tls)
{
	l->n = 0;
	for (size_t i = 0; i < n && i < BOUND_LISTENERS; i++) {
		int fd = first == STDIN_FILENO ? move_away(first) :
		    first + (int)i;
		struct netaddr bound;

		/* A client that has gone again must not hold up the others. */
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		add(l, service, fd, tls, &bound);
	}
}

void
listen_close(struct listen *l)
{
	for (size_t i = 0; i < l->n; i++)
		close(l->of[i].fd);
	l->n = 0;
}
