/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate files: key and chain in any order, in one file or two.  The
 * only file that reads a private key; it never asks for a pass phrase.
 */
#include "ssl/tls_cert.h"

#include <errno.h>
#include <fcntl.h>
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

#include "c-client/base/banned.h"

#define MAX_CERTS	32

/* What a file holds. */
struct pem {
	X509 *certs[MAX_CERTS];
	size_t n;
	EVP_PKEY *key;
	bool encrypted;		/* there is a key, behind a pass phrase */
	bool damaged;		/* a block that isn't what it says */
};

static void
pem_clear(struct pem *pem)
{
	for (size_t i = 0; i < pem->n; i++)
		X509_free(pem->certs[i]);
	EVP_PKEY_free(pem->key);
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
	else if (key && pem->key == NULL) {
		pem->key = d2i_AutoPrivateKey(NULL, &data, n);
		pem->damaged |= pem->key == NULL;
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

/* Wrong dates are for the client to judge, whose user can still read his mail
 * then; who runs the server is told. */
static void
warn_of_dates(const char *path, const X509 *leaf)
{
	if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0)
		log_line(LOG_ERR, "certificate %s: it has expired, and "
		    "clients warn of it; get a new one and put it there",
		    path);
	if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0)
		log_line(LOG_ERR, "certificate %s: it is not valid before a "
		    "later day, and clients warn of it; check the clock",
		    path);
}

/* Move the issuer of certs[at - 1] to `at`.  False if it isn't there. */
static bool
issuer_to(struct pem *pem, size_t at)
{
	for (size_t i = at; i < pem->n; i++)
		if (X509_check_issued(pem->certs[i],
		    pem->certs[at - 1]) == X509_V_OK) {
			X509 *issuer = pem->certs[i];

			pem->certs[i] = pem->certs[at];
			pem->certs[at] = issuer;
			return true;
		}
	return false;
}

/*
 * Put the certificate of the key first and behind each its issuer.  What
 * doesn't belong to the chain is dropped, and so is the root: whoever trusts
 * it has it.  Returns false if no certificate is the key's.
 */
static bool
pem_sort(struct pem *pem)
{
	size_t leaf = 0, n = 1;

	while (leaf < pem->n &&
	    X509_check_private_key(pem->certs[leaf], pem->key) != 1)
		leaf++;
	ERR_clear_error();
	if (leaf == pem->n)
		return false;
	if (leaf != 0) {
		X509 *first = pem->certs[leaf];

		pem->certs[leaf] = pem->certs[0];
		pem->certs[0] = first;
	}
	while (n < pem->n && !X509_self_signed(pem->certs[n - 1], 0) &&
	    issuer_to(pem, n))
		n++;
	if (n > 1 && X509_self_signed(pem->certs[n - 1], 0))
		n--;
	while (pem->n > n)
		X509_free(pem->certs[--pem->n]);
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
give(SSL_CTX *ctx, struct pem *pem, const char *path, struct fault *why)
{
	if (SSL_CTX_use_certificate(ctx, pem->certs[0]) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, pem->key) != 1)
		return refused(path, why);
	for (size_t i = 1; i < pem->n; i++)
		if (SSL_CTX_add1_chain_cert(ctx, pem->certs[i]) != 1)
			return refused(path, why);
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

/* Fetch the key from a file of its own. */
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
	pem->key = other.key;
	other.key = NULL;
	if (pem->key == NULL)
		rc = no_key(&other, key_path, path, why);
	pem_clear(&other);
	return rc;
}

int
tls_cert_use(SSL_CTX *ctx, const char *path, const char *key_path,
    struct fault *why)
{
	struct pem pem;
	struct stat st;
	const char *key_file = path;
	int rc = -1;

	if (pem_read(&pem, path, &st, why) == -1)
		return -1;
	if (pem.n == 0) {
		fault_set(why, FAULT_SYNTAX, "certificate %s: no %scertificate "
		    "in it; it must hold PEM text (-----BEGIN CERTIFICATE)",
		    path, pem.damaged ? "undamaged " : "");
		goto out;
	}
	if (pem.key == NULL && !pem.encrypted) {
		key_file = key_path;
		if (key_from(&pem, path, key_path, &st, why) == -1)
			goto out;
	}
	if (pem.key == NULL) {
		no_key(&pem, path, key_path, why);
		goto out;
	}
	if (!pem_sort(&pem)) {
		fault_set(why, FAULT_CANNOT, "certificate %s: the private key "
		    "in %s does not belong to it; put key and certificate of "
		    "the same order there", path,
		    key_file == path ? "the same file" : key_file);
		goto out;
	}
	warn_of_dates(path, pem.certs[0]);
	if (st.st_mode & S_IROTH)
		log_line(LOG_WARNING, "certificate %s: everybody on this "
		    "machine can read the private key; chmod 600 %s",
		    key_file, key_file);
	rc = give(ctx, &pem, path, why);
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
tls_cert_load(SSL_CTX *ctx, const char *cert_dir, const char *key_dir,
    const char *const programs[], const char *address, struct fault *why)
{
	char name[256], path[TLS_CERT_PATH], key[TLS_CERT_PATH];
	const char *last = "";

	for (; *programs != NULL; programs++) {
		last = *programs;
		for (int plain = 0; plain < 2; plain++) {
			if (*last == '\0' || (!plain && address == NULL))
				continue;
			snprintf(name, sizeof name, "%s%s%s.pem", last,
			    plain ? "" : "-", plain ? "" : address);
			snprintf(path, sizeof path, "%s/%s", cert_dir, name);
			snprintf(key, sizeof key, "%s/%s", key_dir, name);
			if (exists(path))
				return tls_cert_use(ctx, path, key, why);
		}
	}
	return fault_set(why, FAULT_NOTFOUND, "certificate %s/%s.pem: there "
	    "is no such file, so there is no TLS; put certificate chain and "
	    "private key there", cert_dir, last);
}
