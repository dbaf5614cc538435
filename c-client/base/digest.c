/* SPDX-License-Identifier: Apache-2.0 */
/* Fingerprints of messages.  The only file outside ssl/ that sees OpenSSL. */
#include "c-client/base/digest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "c-client/base/memory.h"

#include "c-client/base/banned.h"

struct digest {
	EVP_MD *kind;
	EVP_MD_CTX *context;
};

/*
 * SHA-256 is in each OpenSSL, in its FIPS provider too: what fails here is
 * memory only, or a program that was linked wrongly.
 */
struct digest *
digest_new(void)
{
	struct digest *d = memory_zalloc(sizeof *d);

	/* A session needs nothing of the system's TLS policy: reading it costs
	 * more than the mail of a delivery. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	d->kind = EVP_MD_fetch(NULL, "SHA256", NULL);
	d->context = EVP_MD_CTX_new();
	if (d->kind == NULL || d->context == NULL)
		memory_exhausted(sizeof *d);
	return d;
}

void
digest_free(struct digest *d)
{
	if (d == NULL)
		return;
	EVP_MD_CTX_free(d->context);
	EVP_MD_free(d->kind);
	free(d);
}

void
digest_begin(struct digest *d)
{
	int ok = EVP_DigestInit_ex2(d->context, d->kind, NULL);

	assert(ok == 1);
	(void)ok;
}

void
digest_add(struct digest *d, const void *p, size_t n)
{
	int ok = EVP_DigestUpdate(d->context, p, n);

	assert(ok == 1);
	(void)ok;
}

void
digest_end(struct digest *d, uint8_t out[DIGEST_SIZE])
{
	unsigned char whole[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	int ok = EVP_DigestFinal_ex(d->context, whole, &n);

	assert(ok == 1 && n >= DIGEST_SIZE);
	(void)ok;
	memcpy(out, whole, DIGEST_SIZE);
}

const char *
digest_library(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}
