/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The acceptor: a process that has listening sockets (inetd's mode `wait`,
 * systemd's Accept=no, --listen), takes each connection, and has processes of
 * its own made for it.  It reads nothing from them and knows no key.
 */
#ifndef SERVER_ACCEPTOR_H
#define SERVER_ACCEPTOR_H

#include <stdbool.h>

struct config;
struct listen;
struct service;

/*
 * Serve until SIGTERM or SIGINT, by which sessions are asked to end too.
 * SIGHUP has certificates read anew.  If `leaves`, end also when there was
 * nobody for idle_exit seconds: a client who comes meanwhile is in the queue
 * of the socket, which whoever started us looks at again.  Returns the exit
 * status; in a child, that of its connection.
 */
int acceptor_run(const struct service *, const struct config *,
    struct listen *, bool leaves);

#endif
