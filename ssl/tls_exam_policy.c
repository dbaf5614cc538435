/* SPDX-License-Identifier: Apache-2.0 */
/* What openssl.cnf leaves of a policy. */
#include "ssl/tls_exam.h"

#include <stdio.h>
#include <unistd.h>

#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "c-client/base/fault.h"
#include "ssl/tls_policy.h"

#include "c-client/base/banned.h"

static const struct {
	int version;
	const char *name;
	uint64_t off;
} versions[] = {
	{ TLS1_VERSION, "TLSv1.0", SSL_OP_NO_TLSv1 },
	{ TLS1_1_VERSION, "TLSv1.1", SSL_OP_NO_TLSv1_1 },
	{ TLS1_2_VERSION, "TLSv1.2", SSL_OP_NO_TLSv1_2 },
	{ TLS1_3_VERSION, "TLSv1.3", SSL_OP_NO_TLSv1_3 },
};

/* The versions between what is least and what is most; 0 is no limit. */
static void
set_versions(struct tls_exam_policy *p, SSL_CTX *ctx)
{
	long least = SSL_CTX_get_min_proto_version(ctx);
	long most = SSL_CTX_get_max_proto_version(ctx);

	for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
		if ((least != 0 && versions[i].version < least) ||
		    (most != 0 && versions[i].version > most) ||
		    (SSL_CTX_get_options(ctx) & versions[i].off) != 0)
			continue;
		if (p->versions++ == 0)
			snprintf(p->least, sizeof p->least, "%s",
			    versions[i].name);
		snprintf(p->most, sizeof p->most, "%s", versions[i].name);
	}
}

static size_t
count_ciphers(SSL_CTX *ctx)
{
	SSL *ssl = SSL_new(ctx);
	STACK_OF(SSL_CIPHER) *all = ssl == NULL ? NULL :
	    SSL_get1_supported_ciphers(ssl);
	int n = all == NULL ? 0 : sk_SSL_CIPHER_num(all);

	sk_SSL_CIPHER_free(all);
	SSL_free(ssl);
	ERR_clear_error();
	return (size_t)n;
}

int
tls_exam_policy(const char *policy, struct tls_exam_policy *p,
    struct fault *why)
{
	char *file = CONF_get1_default_config_file();
	SSL_CTX *ctx;
	int rc = -1;

	*p = (struct tls_exam_policy){ .versions = 0 };
	snprintf(p->file, sizeof p->file, "%s", file == NULL ? "" : file);
	OPENSSL_free(file);
	p->readable = access(p->file, R_OK) == 0;
	OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL);
	if ((ctx = SSL_CTX_new(TLS_server_method())) == NULL)
		fault_set(why, FAULT_CANNOT, "OpenSSL can't start");
	else
		rc = tls_policy_apply(ctx, policy, why);
	if (rc == 0) {
		p->level = SSL_CTX_get_security_level(ctx);
		set_versions(p, ctx);
		p->ciphers = count_ciphers(ctx);
	}
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}
