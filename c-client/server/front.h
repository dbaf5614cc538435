/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front: the only process that reads what the network sends before login,
 * and the only one that holds the private key.
 */
#ifndef SERVER_FRONT_H
#define SERVER_FRONT_H

struct connection;

/*
 * Run as the front of this connection: load the certificate, go behind the
 * walls, hold the dialogue before login, and then move bytes.  Descriptor 0
 * is the client.  Never returns, and leaves by _exit(2).
 */
void front_run(struct connection *) __attribute__((noreturn));

#endif
