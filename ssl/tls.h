/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS for a server (OpenSSL 3, TLS 1.2 and 1.3).  Opaque; nobody else sees
 * OpenSSL's headers.  Without TLS in the build (SSLTYPE=none) tls_none.c
 * stands in: loading fails with a fault that says so.
 */
#ifndef SSL_TLS_H
#define SSL_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct fault;
struct tls_config;
struct tls;

/* From so many days before its end on a certificate is warned of. */
#define TLS_WARN_DAYS	21

/* Files that were loaded, and those that could not be used: hashes of their
 * paths.  More than there is room for are not known of. */
#define TLS_FILES	256
#define TLS_FILE_USED	1u	/* the bit of those that were loaded */
struct tls_files {
	uint32_t n;
	uint64_t of[TLS_FILES];
};

/* Strings, and the list of programs, are needed while it is loaded only. */
struct tls_options {
	const char *cert_dir;
	const char *key_dir;
	const char *const *programs;	/* up to NULL; empty ones are passed
					 * over, the last serves all */
	const char *address;		/* the local one, or NULL */
	const char *alpn;		/* "" for none */
	const char *policy;		/* modern, intermediate, old */
	const char *state_file;		/* of tls_state.h; "" for none */
	size_t record_max;		/* octets in a record; 0: as in TLS */
	struct tls_files *files;	/* NULL: nobody wants to know */
};

/*
 * Load certificates and keys: DIR/PROGRAM-ADDRESS.pem, else DIR/PROGRAM.pem,
 * for each program in turn (decisions.md 7), and for those who ask for a
 * server name (RFC 6066 3) DIR/PROGRAM-NAME.pem.  Keys and chains in one file
 * in any order, or the keys under the same name in key_dir; one of each kind
 * of RSA, ECDSA, Ed25519.  NULL with a fault that names the file, the reason
 * and the cure.
 */
struct tls_config *tls_config_load(const struct tls_options *,
    struct fault *);
void tls_config_free(struct tls_config *);

/* All that OpenSSL needs of files, so that children of this process find it
 * there.  No key is read.  False if it can't start. */
bool tls_wake(void);

/* A connection over the non-blocking socket `fd`, which stays the caller's. */
struct tls *tls_new(struct tls_config *, int fd);
void tls_free(struct tls *);

/* What the next call is to wait for, instead of a count. */
#define TLS_WANT_READ	(-2)
#define TLS_WANT_WRITE	(-3)

/* 0 when done, TLS_WANT_*, or -1 with a fault. */
int tls_handshake(struct tls *, struct fault *);

/* Octets moved; 0 from tls_read() is the peer's orderly end. */
ssize_t tls_read(struct tls *, void *, size_t, struct fault *);
ssize_t tls_write(struct tls *, const void *, size_t, struct fault *);
bool tls_pending(const struct tls *);	/* tls_read() has bytes at once */
/* From now on tls_read() takes from the socket what there is, also what is
 * behind the record that it wants: ask tls_pending() before waiting. */
void tls_read_ahead(struct tls *);
void tls_close(struct tls *);		/* close_notify, once, best effort */
const char *tls_describe(const struct tls *);	/* "TLSv1.3 ..." for logs */

/*
 * The other side, for who looks at a server as its clients do: any certificate
 * is taken, and tls_client_verify() says what a client would think of it.
 * NULL and a fault.
 */
struct tls *tls_client(int fd, const char *alpn, const char *server_name,
    struct fault *);

/* Does the chain that the server has shown lead to an authority of the
 * system's store?  0, or -1 and a fault that says what is wrong. */
int tls_client_verify(const struct tls *, struct fault *);

#endif
