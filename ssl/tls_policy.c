/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies.  Ciphers are named one by one: a list of classes changes with
 * OpenSSL's version, and !aNULL forgotten once is a server in clear.
 */
#include "ssl/tls_policy.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/err.h>

#include "c-client/base/fault.h"

#include "c-client/base/banned.h"

struct policy {
	const char *name;
	int version;		/* the least */
	const char *ciphers;	/* of TLS 1.2 and before */
	bool ours;		/* our order counts, not the client's */
};

#define INTERMEDIATE							\
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"	\
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"	\
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"	\
	"DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:"		\
	"DHE-RSA-CHACHA20-POLY1305"

/* What was made before 2008 has SHA-1 and CBC, and no elliptic curves; at
 * OpenSSL's level 1 TLS 1.0 and 1.1 could not be had (RFC 8996 is why). */
#define OLD								\
	INTERMEDIATE ":"						\
	"ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:"		\
	"ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:"			\
	"ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:"		\
	"ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:"			\
	"DHE-RSA-AES128-SHA256:DHE-RSA-AES256-SHA256:"			\
	"AES128-GCM-SHA256:AES256-GCM-SHA384:"				\
	"AES128-SHA256:AES256-SHA256:AES128-SHA:AES256-SHA:"		\
	"DES-CBC3-SHA:@SECLEVEL=0"

static const struct policy policies[] = {
	{ "modern",	  TLS1_3_VERSION, INTERMEDIATE, false },
	{ "intermediate", TLS1_2_VERSION, INTERMEDIATE, false },
	{ "old",	  TLS1_VERSION,	  OLD,		true },
};

int
tls_policy_apply(SSL_CTX *ctx, const char *name, struct fault *why)
{
	for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
		const struct policy *p = &policies[i];

		if (strcmp(p->name, name) != 0)
			continue;
		if (SSL_CTX_set_min_proto_version(ctx, p->version) != 1 ||
		    SSL_CTX_set_cipher_list(ctx, p->ciphers) != 1) {
			ERR_clear_error();
			return fault_set(why, FAULT_CANNOT, "tls = %s: "
			    "OpenSSL has no such ciphers", name);
		}
		if (p->ours)
			SSL_CTX_set_options(ctx,
			    SSL_OP_CIPHER_SERVER_PREFERENCE);
		return 0;
	}
	return fault_set(why, FAULT_CANNOT, "tls = %s: no such policy", name);
}
