/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --listen: a server with sockets of its own, for trying it out and for
 * tests.  A process for each connection, as inetd would start it.
 */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

struct arguments;
struct config;
struct fault;
struct service;

/*
 * Bind all addresses, log `listening on ADDRESS:PORT (tls|plain)` for each,
 * and serve until SIGTERM or SIGINT.  Children of ours are then asked to end
 * too.  Returns the exit status, in a child that of its connection; -1 with a
 * fault if an address can't be had.
 */
int listen_run(const struct service *, const struct config *,
    const struct arguments *, struct fault *why);

#endif
