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
	bool crowded;		/* there is no room: the same */
	char client[NETADDR_TEXT + 2];	/* "[192.0.2.1]" */
	char host[NETADDR_TEXT];	/* the same without brackets */
	char local[NETADDR_TEXT];	/* our address */
	int client_fd;		/* in the front: the client */
	int monitor_fd;		/* to the monitor, or in it to the front; -1:
				 * there is none */
	int session_fd;		/* to the session, or in it to the front */
	pid_t front;		/* in the monitor; 0: no child of it */
};

enum connection_tls { CONNECTION_BY_PORT, CONNECTION_TLS, CONNECTION_PLAIN };

/*
 * Serve the client that is connected to descriptor 0 and return the exit
 * status.  No other descriptor above 2 is open but the log's.
 */
int connection_serve(const struct service *, const struct config *,
    enum connection_tls);

/*
 * The same without making the front, which somebody else has made: the
 * members but `client` are set, and descriptor 0 is the client.
 */
int connection_monitor(struct connection *, uint16_t port);

/*
 * The two pairs between a front and its monitor: messages, and the session's
 * octets.  -1 with errno; none is open then.
 */
int connection_pairs(int messages[2], int bytes[2]);

/* Could anybody ever log in?  If not, the log says what would help. */
bool connection_can_ask(const struct service *, const struct config *);

/* Does this local port mean TLS from the first byte (decisions.md 6)? */
bool connection_is_tls_port(const struct service *, uint16_t port);

#endif
