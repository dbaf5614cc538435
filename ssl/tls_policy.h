/* SPDX-License-Identifier: Apache-2.0 */
/* What may be negotiated, by name.  For ssl/ only. */
#ifndef SSL_TLS_POLICY_H
#define SSL_TLS_POLICY_H

#include <openssl/ssl.h>

struct fault;

/*
 * Give `ctx` the versions and ciphers of the policy with this name: modern,
 * intermediate or old, as Mozilla's recommendations mean them.  None of them
 * has ciphers without encryption or without a certificate.  FAULT_CANNOT
 * where OpenSSL has nothing of it, or there is no such policy.
 */
int tls_policy_apply(SSL_CTX *ctx, const char *name, struct fault *);

#endif
