/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate files: keys and chains in any order, in one file or two.  The
 * only file that reads a private key; it never asks for a pass phrase.
 */
#include "ssl/tls_cert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "ssl/tls.h"
#include "ssl/tls_state.h"

#include "c-client/base/banned.h"

#define MAX_CERTS	32
#define MAX_KEYS	4

/* From so many days before its end on a certificate is warned of. */
#define WARN_DAYS	21

/* What a file holds. */
struct pem {
	X509 *certs[MAX_CERTS];
	size_t n;
	EVP_PKEY *keys[MAX_KEYS];
	size_t key_n;
	bool encrypted;		/* there is a key, behind a pass phrase */
	bool damaged;		/* a block that isn't what it says */
};

static void
pem_clear(struct pem *pem)
{
	for (size_t i = 0; i < pem->n; i++)
		X509_free(pem->certs[i]);
	for (size_t i = 0; i < pem->key_n; i++)
		EVP_PKEY_free(pem->keys[i]);
	*pem = (struct pem){ .n = 0 };
}

static void
wipe(struct buf *b)
{
	if (b->p != NULL)
		OPENSSL_cleanse(b->p, b->cap);
	buf_clear(b);
}

/*
 * The file's octets.  Read into one piece that is wiped: growing a buffer
 * would leave copies of a key behind.
 */
static int
read_file(const char *path, struct buf *text, struct stat *st,
    struct fault *why)
{
	ssize_t got = -1;
	char *room;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1)
		return fault_errno(why, "certificate %s", path);
	if (fstat(fd, st) == -1) {
		fault_errno(why, "certificate %s", path);
		goto fail;
	}
	buf_init(text, BOUND_PEM_FILE);
	if (!S_ISREG(st->st_mode) || st->st_size >= BOUND_PEM_FILE) {
		fault_set(why, FAULT_CANNOT, "certificate %s: no regular file "
		    "of a certificate's size", path);
		goto fail;
	}
	room = buf_room(text, (size_t)st->st_size + 1);
	while (room != NULL && text->n <= (size_t)st->st_size &&
	    (got = read(fd, room + text->n,
	    (size_t)st->st_size + 1 - text->n)) > 0)
		text->n += (size_t)got;
	if (got == -1) {
		fault_errno(why, "certificate %s", path);
		wipe(text);
		goto fail;
	}
	close(fd);
	return 0;
fail:
	close(fd);
	return -1;
}

/* One PEM block.  The names are those of RFC 7468 and of OpenSSL's habits. */
static void
take_block(struct pem *pem, const char *name, const char *header,
    const unsigned char *data, long n)
{
	bool key = strstr(name, "PRIVATE KEY") != NULL;

	if (key && (strncmp(name, "ENCRYPTED", 9) == 0 ||
	    strstr(header, "ENCRYPTED") != NULL))
		pem->encrypted = true;
	else if (key && pem->key_n < MAX_KEYS) {
		EVP_PKEY *k = d2i_AutoPrivateKey(NULL, &data, n);

		if (k == NULL)
			pem->damaged = true;
		else
			pem->keys[pem->key_n++] = k;
	} else if (strcmp(name, "CERTIFICATE") == 0 ||
	    strcmp(name, "X509 CERTIFICATE") == 0 ||
	    strcmp(name, "TRUSTED CERTIFICATE") == 0) {
		X509 *x = strncmp(name, "TRUSTED", 7) == 0 ?
		    d2i_X509_AUX(NULL, &data, n) : d2i_X509(NULL, &data, n);

		if (x == NULL)
			pem->damaged = true;
		else if (pem->n < MAX_CERTS)
			pem->certs[pem->n++] = x;
		else
			X509_free(x);
	}
}

static int
pem_read(struct pem *pem, const char *path, struct stat *st,
    struct fault *why)
{
	struct buf text;
	BIO *bio;
	char *name, *header;
	unsigned char *data;
	long n;

	*pem = (struct pem){ .n = 0 };
	if (read_file(path, &text, st, why) == -1)
		return -1;
	bio = BIO_new_mem_buf(text.p, (int)text.n);
	while (bio != NULL && PEM_read_bio(bio, &name, &header, &data, &n)) {
		take_block(pem, name, header, data, n);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(data, (size_t)n);
	}
	/* The end of the file is told as "no start line"; anything else is a
	 * block that is broken. */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		pem->damaged = true;
	ERR_clear_error();
	BIO_free(bio);
	wipe(&text);
	return 0;
}

static void nag(struct tls_state *, int level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Each connection would say it again. */
static void
nag(struct tls_state *state, int level, const char *fmt, ...)
{
	char line[2 * TLS_CERT_PATH + 256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (tls_state_warn(state, line))
		log_line(level, "%s", line);
}

/* Wrong dates are for the client to judge, whose user can still read his mail
 * then; who runs the server is told. */
static void
warn_of_dates(const char *path, const X509 *leaf, struct tls_state *state)
{
	int days = 0, secs = 0;

	if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0)
		nag(state, LOG_ERR, "certificate %s: it is not valid before a "
		    "later day, and clients warn of it; check the clock",
		    path);
	if (ASN1_TIME_diff(&days, &secs, NULL, X509_get0_notAfter(leaf)) != 1)
		return;
	if (days < 0 || secs < 0)
		nag(state, LOG_ERR, "certificate %s: it has expired, and "
		    "clients warn of it; get a new one and put it there",
		    path);
	else if (days < WARN_DAYS)
		nag(state, LOG_WARNING, "certificate %s: it expires in %d "
		    "day%s; get a new one and put it there", path, days,
		    days == 1 ? "" : "s");
}

/* A certificate and behind it those that vouch for it; the file's. */
struct chain {
	X509 *certs[MAX_CERTS];
	size_t n;
};

static X509 *
issuer_of(const struct pem *pem, const struct chain *c)
{
	for (size_t i = 0; i < pem->n; i++)
		if (X509_check_issued(pem->certs[i], c->certs[c->n - 1]) ==
		    X509_V_OK)
			return pem->certs[i];
	return NULL;
}

static bool
is_in(const struct chain *c, const X509 *x)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->certs[i] == x)
			return true;
	return false;
}

/*
 * The certificate of the key, and behind each its issuer.  What doesn't belong
 * to the chain is passed over, and so is the root: whoever trusts it has it.
 * Returns false if no certificate is the key's.
 */
static bool
chain_find(const struct pem *pem, const EVP_PKEY *key, struct chain *c)
{
	size_t leaf = 0;

	c->n = 0;
	while (leaf < pem->n &&
	    X509_check_private_key(pem->certs[leaf], key) != 1)
		leaf++;
	ERR_clear_error();
	if (leaf == pem->n)
		return false;
	c->certs[c->n++] = pem->certs[leaf];
	while (c->n < MAX_CERTS && !X509_self_signed(c->certs[c->n - 1], 0)) {
		X509 *issuer = issuer_of(pem, c);

		if (issuer == NULL || is_in(c, issuer))
			break;
		c->certs[c->n++] = issuer;
	}
	if (c->n > 1 && X509_self_signed(c->certs[c->n - 1], 0))
		c->n--;
	return true;
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
give(SSL_CTX *ctx, const struct chain *c, EVP_PKEY *key, const char *path,
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
give_all(SSL_CTX *ctx, const struct pem *pem, const char *path,
    struct tls_state *state, size_t *given, struct fault *why)
{
	int kinds[MAX_KEYS];

	*given = 0;
	for (size_t i = 0; i < pem->key_n; i++) {
		struct chain c;
		bool again = false;

		for (size_t k = 0; k < *given; k++)
			again = again ||
			    EVP_PKEY_get_base_id(pem->keys[i]) == kinds[k];
		if (again || !chain_find(pem, pem->keys[i], &c))
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
no_key(const struct pem *pem, const char *path, const char *key_path,
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
key_from(struct pem *pem, const char *path, const char *key_path,
    struct stat *st, struct fault *why)
{
	struct pem other;
	struct fault bad;
	int rc = 0;

	if (pem_read(&other, key_path, st, &bad) == -1) {
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
	pem_clear(&other);
	return rc;
}

int
tls_cert_use(SSL_CTX *ctx, const char *path, const char *key_path,
    struct tls_state *state, struct fault *why)
{
	struct pem pem;
	struct stat st;
	const char *key_file = path;
	size_t given;
	int rc = -1;

	if (pem_read(&pem, path, &st, why) == -1)
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
		nag(state, LOG_WARNING, "certificate %s: everybody on this "
		    "machine can read the private key; chmod 600 %s",
		    key_file, key_file);
	rc = 0;
out:
	pem_clear(&pem);
	return rc;
}

/* True if there is such a file; one that can't be looked at counts. */
static bool
exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

int
tls_cert_load(SSL_CTX *ctx, const struct tls_options *o,
    struct tls_state *state, struct fault *why)
{
	char name[256], path[TLS_CERT_PATH], key[TLS_CERT_PATH];
	const char *last = "";

	for (size_t i = 0; o->programs[i] != NULL; i++) {
		last = o->programs[i];
		for (int plain = 0; plain < 2; plain++) {
			if (*last == '\0' || (!plain && o->address == NULL))
				continue;
			snprintf(name, sizeof name, "%s%s%s.pem", last,
			    plain ? "" : "-", plain ? "" : o->address);
			snprintf(path, sizeof path, "%s/%s", o->cert_dir,
			    name);
			snprintf(key, sizeof key, "%s/%s", o->key_dir, name);
			if (exists(path))
				return tls_cert_use(ctx, path, key, state,
				    why);
		}
	}
	return fault_set(why, FAULT_NOTFOUND, "certificate %s/%s.pem: there "
	    "is no such file, so there is no TLS; put certificate chain and "
	    "private key there", o->cert_dir, last);
}
