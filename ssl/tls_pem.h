/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a certificate file holds, in any order: keys, certificates, and the
 * chain that belongs to a key.  For ssl/ only.
 */
#ifndef SSL_TLS_PEM_H
#define SSL_TLS_PEM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "c-client/base/span.h"

struct buf;
struct fault;

#define TLS_PEM_CERTS	32
#define TLS_PEM_KEYS	4

struct tls_pem {
	X509 *certs[TLS_PEM_CERTS];
	size_t n;
	EVP_PKEY *keys[TLS_PEM_KEYS];
	size_t key_n;
	bool encrypted;		/* there is a key, behind a pass phrase */
	bool damaged;		/* a block that isn't what it says */
};

/*
 * The octets of a certificate file, and what stat(2) says of it.  A fault
 * names the file: FAULT_NOTFOUND, FAULT_PERM, FAULT_CANNOT for what is no
 * regular file of a certificate's size.  Give them to tls_pem_wipe() when they
 * were read: there may be a key in it.
 */
int tls_pem_file(const char *path, struct buf *text, struct stat *,
    struct fault *);
void tls_pem_wipe(struct buf *);

/* What PEM text holds; other text around it is passed over. */
void tls_pem_parse(struct tls_pem *, struct span text);

/* Both at once. */
int tls_pem_read(struct tls_pem *, const char *path, struct stat *,
    struct fault *);
void tls_pem_clear(struct tls_pem *);

/* A certificate and behind it those that vouch for it; they are the file's. */
struct tls_chain {
	X509 *certs[TLS_PEM_CERTS];
	size_t n;
};

/*
 * The certificate of the key, and behind each its issuer.  What doesn't belong
 * to the chain is passed over, and so is the root: whoever trusts it has it.
 * Returns false if no certificate is the key's.
 */
bool tls_pem_chain(const struct tls_pem *, const EVP_PKEY *key,
    struct tls_chain *);

#endif
