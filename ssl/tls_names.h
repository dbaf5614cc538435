/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates by the server name that a client asks for (RFC 6066 3).  For
 * ssl/ only. */
#ifndef SSL_TLS_NAMES_H
#define SSL_TLS_NAMES_H

#include <stdbool.h>

#include <openssl/ssl.h>

struct tls_options;
struct tls_names;
struct tls_state;

/*
 * All PROGRAM-NAME.pem of the certificate directory, each in a context that
 * `make` makes.  One that can't be used is logged, and its name gets the
 * certificate that is everybody's.  NULL: there are none.
 */
struct tls_names *tls_names_load(const struct tls_options *,
    SSL_CTX *(*make)(void *), void *arg, struct tls_state *);
void tls_names_free(struct tls_names *);	/* NULL is allowed */

/* The NAME of PROGRAM-NAME.pem: one that has a dot and is no address.  False
 * for another file. */
#define TLS_NAMES_NAME	254
bool tls_names_of_file(const char *program, const char *file,
    char name[static TLS_NAMES_NAME]);

/* The context for this name, or NULL. */
SSL_CTX *tls_names_find(const struct tls_names *, const char *name);

#endif
