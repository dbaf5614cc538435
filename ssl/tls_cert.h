/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate files: where they are, what is in them, and whether it can be
 * used.  For ssl/ only.
 */
#ifndef SSL_TLS_CERT_H
#define SSL_TLS_CERT_H

#include <stdbool.h>

#include <openssl/ssl.h>

struct fault;
struct tls_options;
struct tls_state;

/* The longest path that is tried. */
#define TLS_CERT_PATH	1024

/*
 * Give `ctx` certificates, chains and keys.  The files tried are those of
 * tls_config_load(); the first that exists is the one, and what is wrong with
 * it is not covered up by another.  Returns 0, or -1 with a fault that names
 * file, reason and cure: FAULT_NOTFOUND if there is no file at all,
 * FAULT_PERM, FAULT_SYNTAX or FAULT_CANNOT otherwise.  What is wrong and does
 * not keep it from being used is logged, once a day as far as `state` (may be
 * NULL) knows.
 */
int tls_cert_load(SSL_CTX *ctx, const struct tls_options *,
    struct tls_state *state, struct fault *);

/*
 * The first of those files that exists, and where its key may be besides.
 * False if there is none; the names are then the last that were tried.
 */
bool tls_cert_path(const struct tls_options *, char path[static TLS_CERT_PATH],
    char key_path[static TLS_CERT_PATH]);

/*
 * What tls_cert_load() does, for one file whose name is known.  It is
 * noted in options->files.  `key_path` is where keys are looked for if `path`
 * holds none; it may be missing.
 */
int tls_cert_use(SSL_CTX *ctx, const struct tls_options *, const char *path,
    const char *key_path, struct tls_state *state, struct fault *);

#endif
