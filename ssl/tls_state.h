/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the processes of all connections have in common: the keys of session
 * tickets, so that who comes again is known by another process (RFC 5077, RFC
 * 8446 4.6.1), and which warnings were given today.  A file that only the
 * server's user may read, replaced in one step; whoever is killed while he
 * makes a new one leaves the old one.  For ssl/ only.
 */
#ifndef SSL_TLS_STATE_H
#define SSL_TLS_STATE_H

#include <stdbool.h>
#include <stdint.h>

struct fault;

/* A new key is made by the first process that finds the newest so old; with
 * three generations a ticket is good for twelve to eighteen hours. */
#define TLS_STATE_KEY_SECS	(6 * 60 * 60)
#define TLS_STATE_KEYS		3

struct tls_state_key {
	int64_t made;			/* seconds since 1970; 0: no key */
	unsigned char name[16];		/* sent with the ticket, in clear */
	unsigned char cipher[32];	/* of AES-256-CBC */
	unsigned char mac[32];		/* of HMAC-SHA256 */
};

struct tls_state;

/*
 * Read the file, or make it.  NULL where it can't be had (FAULT_PERM, also
 * where others could read or write it; FAULT_IO): nothing is shared then.
 */
struct tls_state *tls_state_open(const char *path, struct fault *);
void tls_state_free(struct tls_state *);	/* wipes; NULL is allowed */

/* The newest key. */
const struct tls_state_key *tls_state_key(const struct tls_state *);
/* The one with this name, NULL: there is none (any more). */
const struct tls_state_key *tls_state_key_find(const struct tls_state *,
    const unsigned char name[16]);

/*
 * Was this warning not given today, and is it this process that gives it?  It
 * is counted as given then.  One process gives twenty at most and leaves others
 * to those after it.  Without a state (NULL), and where the file can't be
 * written, it is always true.
 */
bool tls_state_warn(struct tls_state *, const char *warning);

#endif
