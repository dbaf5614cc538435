/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket below OpenSSL's records.  A record has 16 KiB at most, and each is
 * written by itself, which wakes who reads: where more follows at once, TCP is
 * told to wait for it (MSG_MORE), and sends what a segment holds.
 *
 * Must not know what is written.
 */
#ifndef SSL_TLS_SOCKET_H
#define SSL_TLS_SOCKET_H

#include <stdbool.h>

#include <openssl/bio.h>

struct tls_socket {
	int fd;		/* non-blocking */
	bool more;	/* another write follows whatever becomes of this one */
};

/* What such sockets have in common; the caller's, for BIO_meth_free(), and
 * outlives them.  NULL without memory, as is the other one. */
BIO_METHOD *tls_socket_method(void);

/* For writing.  The socket, and its descriptor, stay the caller's, and outlive
 * it. */
BIO *tls_socket_bio(const BIO_METHOD *, struct tls_socket *);

#endif
