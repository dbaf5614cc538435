/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate files: which one is taken, and what a server is given of it. */
#include "ssl/tls_cert.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>

#include <xxhash.h>

#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "ssl/tls.h"
#include "ssl/tls_pem.h"
#include "ssl/tls_state.h"

#include "c-client/base/banned.h"

static void nag(struct tls_state *, const char *path, int level,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Each connection would say it again.  It is the same of the same file also
 * when the days that are left have become one less. */
static void
nag(struct tls_state *state, const char *path, int level, const char *fmt, ...)
{
	char what[TLS_CERT_PATH + 256], line[2 * TLS_CERT_PATH + 256];
	va_list ap;

	snprintf(what, sizeof what, "%s %s", fmt, path);
	if (!tls_state_warn(state, what))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	log_line(level, "%s", line);
}

/* Wrong dates are for the client to judge, whose user can still read his mail
 * then; who runs the server is told. */
static void
warn_of_dates(const char *path, const X509 *leaf, struct tls_state *state)
{
	int days = 0, secs = 0;

	if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0)
		nag(state, path, LOG_ERR, "certificate %s: it is not valid "
		    "before a later day, and clients warn of it; check the "
		    "clock", path);
	if (ASN1_TIME_diff(&days, &secs, NULL, X509_get0_notAfter(leaf)) != 1)
		return;
	if (days < 0 || secs < 0)
		nag(state, path, LOG_ERR, "certificate %s: it has expired, "
		    "and clients warn of it; get a new one and put it there",
		    path);
	else if (days < TLS_WARN_DAYS)
		nag(state, path, LOG_WARNING, "certificate %s: it expires in "
		    "%d day%s; get a new one and put it there", path, days,
		    days == 1 ? "" : "s");
}

static int
refused(const char *path, struct fault *why)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	fault_set(why, FAULT_CANNOT, "certificate %s: OpenSSL refuses it "
	    "(%s); make one with an RSA key of 2048 bits or more, ECDSA or "
	    "Ed25519", path, reason == NULL ? "unknown reason" : reason);
	ERR_clear_error();
	return -1;
}

static int
give(SSL_CTX *ctx, const struct tls_chain *c, EVP_PKEY *key, const char *path,
    struct fault *why)
{
	if (SSL_CTX_use_certificate(ctx, c->certs[0]) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, key) != 1)
		return refused(path, why);
	for (size_t i = 1; i < c->n; i++)
		if (SSL_CTX_add1_chain_cert(ctx, c->certs[i]) != 1)
			return refused(path, why);
	return 0;
}

/*
 * Everything that the file has, one of each kind of key: a client that knows
 * no ECDSA is shown the RSA one.  A key that is left over is no fault where
 * another one serves.  *given says how many do.
 */
static int
give_all(SSL_CTX *ctx, const struct tls_pem *pem, const char *path,
    struct tls_state *state, size_t *given, struct fault *why)
{
	int kinds[TLS_PEM_KEYS];

	*given = 0;
	for (size_t i = 0; i < pem->key_n; i++) {
		struct tls_chain c;
		bool again = false;

		for (size_t k = 0; k < *given; k++)
			again = again ||
			    EVP_PKEY_get_base_id(pem->keys[i]) == kinds[k];
		if (again || !tls_pem_chain(pem, pem->keys[i], &c))
			continue;
		if (give(ctx, &c, pem->keys[i], path, why) == -1)
			return -1;
		warn_of_dates(path, c.certs[0], state);
		kinds[(*given)++] = EVP_PKEY_get_base_id(pem->keys[i]);
	}
	return 0;
}

/* What is wrong with a file that holds no key that we can use. */
static int
no_key(const struct tls_pem *pem, const char *path, const char *key_path,
    struct fault *why)
{
	if (pem->encrypted)
		return fault_set(why, FAULT_CANNOT, "certificate %s: the "
		    "private key has a pass phrase; remove it with openssl "
		    "pkey -in OLD -out NEW", path);
	if (pem->damaged)
		return fault_set(why, FAULT_SYNTAX, "certificate %s: the "
		    "private key is damaged; write it again", path);
	return fault_set(why, FAULT_CANNOT, "certificate %s: no private key "
	    "in it nor in %s; put it into either", path, key_path);
}

/* Fetch the keys from a file of their own. */
static int
key_from(struct tls_pem *pem, const char *path, const char *key_path,
    struct stat *st, struct fault *why)
{
	struct tls_pem other;
	struct fault bad;
	int rc = 0;

	if (tls_pem_read(&other, key_path, st, &bad) == -1) {
		if (bad.code == FAULT_NOTFOUND)
			return no_key(pem, path, key_path, why);
		return fault_set(why, bad.code, "%s (the private key; the "
		    "server must be able to read it)", bad.text);
	}
	pem->key_n = other.key_n;
	memcpy(pem->keys, other.keys, sizeof pem->keys);
	other.key_n = 0;
	if (pem->key_n == 0)
		rc = no_key(&other, key_path, path, why);
	tls_pem_clear(&other);
	return rc;
}

static int
use(SSL_CTX *ctx, const char *path, const char *key_path,
    struct tls_state *state, struct fault *why)
{
	struct tls_pem pem;
	struct stat st;
	const char *key_file = path;
	size_t given;
	int rc = -1;

	if (tls_pem_read(&pem, path, &st, why) == -1)
		return -1;
	if (pem.n == 0) {
		fault_set(why, FAULT_SYNTAX, "certificate %s: no %scertificate "
		    "in it; it must hold PEM text (-----BEGIN CERTIFICATE)",
		    path, pem.damaged ? "undamaged " : "");
		goto out;
	}
	if (pem.key_n == 0 && !pem.encrypted) {
		key_file = key_path;
		if (key_from(&pem, path, key_path, &st, why) == -1)
			goto out;
	}
	if (pem.key_n == 0) {
		no_key(&pem, path, key_path, why);
		goto out;
	}
	if (give_all(ctx, &pem, path, state, &given, why) == -1)
		goto out;
	if (given == 0) {
		fault_set(why, FAULT_CANNOT, "certificate %s: the private key "
		    "in %s does not belong to it; put key and certificate of "
		    "the same order there", path,
		    key_file == path ? "the same file" : key_file);
		goto out;
	}
	if ((st.st_mode & S_IROTH) != 0)
		nag(state, key_file, LOG_WARNING, "certificate %s: everybody "
		    "on this machine can read the private key; chmod 600 %s",
		    key_file, key_file);
	rc = 0;
out:
	tls_pem_clear(&pem);
	return rc;
}

int
tls_cert_use(SSL_CTX *ctx, const struct tls_options *o, const char *path,
    const char *key_path, struct tls_state *state, struct fault *why)
{
	int rc = use(ctx, path, key_path, state, why);
	struct tls_files *f = o->files;
	uint64_t hash = XXH3_64bits(path, strlen(path)) & ~UINT64_C(1);

	if (f != NULL && f->n < TLS_FILES)
		f->of[f->n++] = rc == 0 ? hash | TLS_FILE_USED : hash;
	return rc;
}

/* True if there is such a file; one that can't be looked at counts. */
static bool
exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

bool
tls_cert_path(const struct tls_options *o, char path[static TLS_CERT_PATH],
    char key_path[static TLS_CERT_PATH])
{
	char name[256];
	const char *last = "";

	for (size_t i = 0; o->programs[i] != NULL; i++) {
		last = o->programs[i];
		for (int plain = 0; plain < 2; plain++) {
			if (*last == '\0' || (!plain && o->address == NULL))
				continue;
			snprintf(name, sizeof name, "%s%s%s.pem", last,
			    plain ? "" : "-", plain ? "" : o->address);
			snprintf(path, TLS_CERT_PATH, "%s/%s", o->cert_dir,
			    name);
			snprintf(key_path, TLS_CERT_PATH, "%s/%s", o->key_dir,
			    name);
			if (exists(path))
				return true;
		}
	}
	return false;
}

int
tls_cert_load(SSL_CTX *ctx, const struct tls_options *o,
    struct tls_state *state, struct fault *why)
{
	char path[TLS_CERT_PATH] = "", key_path[TLS_CERT_PATH];

	if (tls_cert_path(o, path, key_path))
		return tls_cert_use(ctx, o, path, key_path, state, why);
	return fault_set(why, FAULT_NOTFOUND, "certificate %s: there is no "
	    "such file, so there is no TLS; put certificate chain and private "
	    "key there", path);
}
