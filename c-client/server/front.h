/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front: the only process that reads what the network sends before login,
 * and beside its nursery the only one that holds the private key.
 */
#ifndef SERVER_FRONT_H
#define SERVER_FRONT_H

struct connection;
struct tls_config;

/*
 * Run as the front of this connection: load the certificate, go behind the
 * walls, hold the dialogue before login, and then move bytes.  Never returns,
 * and leaves by _exit(2).
 */
void front_run(struct connection *) __attribute__((noreturn));

/* The same in a child of the nursery, where certificates are loaded (NULL:
 * there is none) and most of the walls are there. */
void front_born(struct connection *, struct tls_config *)
    __attribute__((noreturn));

#endif
