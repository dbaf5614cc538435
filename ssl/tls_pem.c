/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate files: keys and chains in any order.  The only file that reads
 * a private key; it never asks for a pass phrase.
 */
#include "ssl/tls_pem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"

#include "c-client/base/banned.h"

void
tls_pem_clear(struct tls_pem *pem)
{
	for (size_t i = 0; i < pem->n; i++)
		X509_free(pem->certs[i]);
	for (size_t i = 0; i < pem->key_n; i++)
		EVP_PKEY_free(pem->keys[i]);
	*pem = (struct tls_pem){ .n = 0 };
}

void
tls_pem_wipe(struct buf *b)
{
	if (b->p != NULL)
		OPENSSL_cleanse(b->p, b->cap);
	buf_clear(b);
}

/*
 * The file's octets.  Read into one piece that is wiped: growing a buffer
 * would leave copies of a key behind.
 */
int
tls_pem_file(const char *path, struct buf *text, struct stat *st,
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
		tls_pem_wipe(text);
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
take_block(struct tls_pem *pem, const char *name, const char *header,
    const unsigned char *data, long n)
{
	bool key = strstr(name, "PRIVATE KEY") != NULL;

	if (key && (strncmp(name, "ENCRYPTED", 9) == 0 ||
	    strstr(header, "ENCRYPTED") != NULL))
		pem->encrypted = true;
	else if (key && pem->key_n < TLS_PEM_KEYS) {
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
		else if (pem->n < TLS_PEM_CERTS)
			pem->certs[pem->n++] = x;
		else
			X509_free(x);
	}
}

void
tls_pem_parse(struct tls_pem *pem, struct span text)
{
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
	char *name, *header;
	unsigned char *data;
	long n;

	*pem = (struct tls_pem){ .n = 0 };
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
}

int
tls_pem_read(struct tls_pem *pem, const char *path, struct stat *st,
    struct fault *why)
{
	struct buf text;

	*pem = (struct tls_pem){ .n = 0 };
	if (tls_pem_file(path, &text, st, why) == -1)
		return -1;
	tls_pem_parse(pem, buf_span(&text));
	tls_pem_wipe(&text);
	return 0;
}

static X509 *
issuer_of(const struct tls_pem *pem, const struct tls_chain *c)
{
	for (size_t i = 0; i < pem->n; i++)
		if (X509_check_issued(pem->certs[i], c->certs[c->n - 1]) ==
		    X509_V_OK)
			return pem->certs[i];
	return NULL;
}

static bool
is_in(const struct tls_chain *c, const X509 *x)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->certs[i] == x)
			return true;
	return false;
}

bool
tls_pem_chain(const struct tls_pem *pem, const EVP_PKEY *key,
    struct tls_chain *c)
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
	while (c->n < TLS_PEM_CERTS &&
	    !X509_self_signed(c->certs[c->n - 1], 0)) {
		X509 *issuer = issuer_of(pem, c);

		if (issuer == NULL || is_in(c, issuer))
			break;
		c->certs[c->n++] = issuer;
	}
	if (c->n > 1 && X509_self_signed(c->certs[c->n - 1], 0))
		c->n--;
	return true;
}
