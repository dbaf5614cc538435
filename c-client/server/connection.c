/* SPDX-License-Identifier: Apache-2.0 */
/* One client's connection: who it is, and the two processes that serve it. */
#include "c-client/server/connection.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/server/front.h"
#include "c-client/server/monitor.h"
#include "c-client/server/port.h"
#include "c-client/server/process.h"
#include "c-client/server/service.h"

#include "c-client/base/banned.h"

/* <sysexits.h> */
#define EXIT_OSERR	71

bool
connection_is_tls_port(const struct service *service, uint16_t port)
{
	return port == service->tls_port ||
	    port_is_called(port, service->tls_port_name);
}

/* The old toolkit's line; the port is named where the service has no name. */
static void
log_start(const struct connection *c, uint16_t port)
{
	const struct service *s = c->service;

	if (c->tls)
		log_line(LOG_DEBUG, "%ss SSL service init from %s",
		    s->log_name, c->host);
	else if (port == s->port || port_is_called(port, s->port_name))
		log_line(LOG_DEBUG, "%s service init from %s", s->log_name,
		    c->host);
	else
		log_line(LOG_DEBUG, "port %u service init from %s", port,
		    c->host);
}

/* Who is there?  False if he has gone already. */
static bool
look(struct connection *c, enum connection_tls how, uint16_t *port)
{
	struct netaddr local, peer;

	if (!netaddr_peer(STDIN_FILENO, &peer) ||
	    !netaddr_local(STDIN_FILENO, &local)) {
		log_line(LOG_INFO, "the client has gone: %s",
		    strerror(errno));
		return false;
	}
	netaddr_text(&peer, c->host);
	netaddr_text(&local, c->local);
	*port = netaddr_port(&local);
	c->tls = how == CONNECTION_TLS || (how == CONNECTION_BY_PORT &&
	    connection_is_tls_port(c->service, *port));
	return true;
}

static void
greet(struct connection *c, uint16_t port)
{
	int on = 1;

	snprintf(c->client, sizeof c->client, "[%s]", c->host);
	log_start(c, port);
	/* Answers are written whole, so waiting for more is only delay. */
	setsockopt(STDIN_FILENO, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(STDIN_FILENO, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

/* Without root and with a user data base that only root can ask. */
bool
connection_can_ask(const struct service *service, const struct config *config)
{
	if (geteuid() == 0 || config->auth == CONFIG_AUTH_USERS)
		return true;
	log_line(LOG_ERR, "%s was started as uid %lu: start it as root "
	    "(inetd.conf: \"stream tcp nowait root\"), or name a users file "
	    "in the configuration (auth = users:FILE)", service->program,
	    (unsigned long)geteuid());
	return false;
}

int
connection_pairs(int messages[2], int bytes[2])
{
	int size = 512 * 1024;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    messages) == -1)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, bytes) == -1) {
		close(messages[0]);
		close(messages[1]);
		return -1;
	}
	/* Room keeps both processes at work during a download.  Root may go
	 * above the system's limit. */
	for (int i = 0; i < 2; i++)
		if (setsockopt(bytes[i], SOL_SOCKET, SO_SNDBUFFORCE, &size,
		    sizeof size) == -1)
			setsockopt(bytes[i], SOL_SOCKET, SO_SNDBUF, &size,
			    sizeof size);
	return 0;
}

int
connection_monitor(struct connection *c, uint16_t port)
{
	greet(c, port);
	return monitor_run(c);
}

int
connection_serve(const struct service *service, const struct config *config,
    enum connection_tls how)
{
	struct connection c = { .service = service, .config = config };
	int messages[2], bytes[2];
	uint16_t port;

	if (!look(&c, how, &port))
		return 0;
	greet(&c, port);
	c.refused = !connection_can_ask(service, config);
	if (connection_pairs(messages, bytes) == -1 ||
	    (c.front = fork()) == -1) {
		log_line(LOG_ERR, "no process for a client: %s",
		    strerror(errno));
		return EXIT_OSERR;
	}
	if (c.front == 0) {
		process_end_last();
		c.client_fd = STDIN_FILENO;
		c.monitor_fd = messages[1];
		c.session_fd = bytes[1];
		front_run(&c);
	}
	close(messages[1]);
	close(bytes[1]);
	c.monitor_fd = messages[0];
	c.session_fd = bytes[0];
	return monitor_run(&c);
}
