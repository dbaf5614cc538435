/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets: those that --listen asks for, and those that whoever
 * started us has made. */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/bounds.h"
#include "c-client/server/connection.h"

struct arguments;
struct fault;
struct service;

struct listen {
	size_t n;
	struct {
		int fd;		/* non-blocking */
		uint16_t port;
		bool tls;	/* from the first byte */
	} of[BOUND_LISTENERS];
};

/*
 * Bind all addresses of the command line, and log `listening on ADDRESS:PORT
 * (tls|plain)` for each.  -1 with a fault if one can't be had.
 */
int listen_open(struct listen *, const struct service *,
    const struct arguments *, struct fault *);

/* Take `n` sockets from descriptor `first` on, which listen already. */
void listen_take(struct listen *, const struct service *, int first,
    size_t n, enum connection_tls);

/* Close them. */
void listen_close(struct listen *);

#endif
