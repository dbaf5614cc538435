/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client's connection from its first byte to the session's end: forks
 * the front, and is itself the monitor and then the session.
 */
#ifndef SERVER_CONNECTION_H
#define SERVER_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "c-client/base/netaddr.h"

struct config;
struct service;

struct connection {
	const struct service *service;
	const struct config *config;
	bool tls;		/* from the first byte */
	bool refused;		/* nobody can log in: say so and close */
	char client[NETADDR_TEXT + 2];	/* "[192.0.2.1]" */
	char host[NETADDR_TEXT];	/* the same without brackets */
	char local[NETADDR_TEXT];	/* our address */
	int monitor_fd;		/* to the monitor, or in it to the front */
	int session_fd;		/* to the session, or in it to the front */
	pid_t front;		/* in the monitor */
};

enum connection_tls { CONNECTION_BY_PORT, CONNECTION_TLS, CONNECTION_PLAIN };

/*
 * Serve the client that is connected to descriptor 0 and return the exit
 * status.  No other descriptor above 2 is open but the log's.
 */
int connection_serve(const struct service *, const struct config *,
    enum connection_tls);

/* Does this local port mean TLS from the first byte (decisions.md 6)? */
bool connection_is_tls_port(const struct service *, uint16_t port);

#endif
