/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about certificate files. */
#include "ssl/tls_exam.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/base/span.h"
#include "ssl/tls_cert.h"
#include "ssl/tls_names.h"
#include "ssl/tls_pem.h"

#include "c-client/base/banned.h"

/* Bits of security that OpenSSL's usual level asks for: RSA 2048. */
#define LEAST_BITS	112

struct tls_exam_private {
	struct tls_pem pem;
	struct tls_chain chain;
};

/* What stands in a certificate may hold anything. */
static void
add_text(char *out, size_t max, const char *text, size_t n)
{
	size_t at = strlen(out);

	for (size_t i = 0; i < n && at + 1 < max; i++)
		out[at++] = text[i] > ' ' && text[i] < 0x7f ? text[i] : '_';
	out[at] = '\0';
}

static void
add_word(char *out, size_t max, const char *text, size_t n)
{
	if (out[0] != '\0' && strlen(out) + 2 < max)
		memcpy(out + strlen(out), " ", 2);
	add_text(out, max, text, n);
}

/* --- What the file is ---------------------------------------------------- */

/* What isn't PEM; keys and certificates are taken all the same. */
static enum tls_exam_form
binary_form(struct tls_pem *pem, struct span text)
{
	const unsigned char *p = (const unsigned char *)text.p;
	const unsigned char *at = p;
	enum tls_exam_form form = TLS_EXAM_OTHER;
	EVP_PKEY *key;
	PKCS12 *p12;
	X509 *x;

	/* PKCS#12 first: the beginning of one may pass for another thing. */
	if ((p12 = d2i_PKCS12(NULL, &at, (long)text.n)) != NULL)
		form = TLS_EXAM_PKCS12;
	PKCS12_free(p12);
	at = p;
	if (form == TLS_EXAM_OTHER &&
	    (x = d2i_X509(NULL, &at, (long)text.n)) != NULL) {
		form = TLS_EXAM_DER_CERT;
		pem->certs[pem->n++] = x;
	}
	at = p;
	if (form == TLS_EXAM_OTHER &&
	    (key = d2i_AutoPrivateKey(NULL, &at, (long)text.n)) != NULL) {
		form = TLS_EXAM_DER_KEY;
		pem->keys[pem->key_n++] = key;
	}
	ERR_clear_error();
	return form;
}

static enum tls_exam_form
form_of(struct tls_pem *pem, struct span text)
{
	if (span_trim(text).n == 0)
		return TLS_EXAM_EMPTY;
	if (span_find_nocase(text, SPAN("-----BEGIN ")) != -1)
		return TLS_EXAM_PEM;
	return binary_form(pem, text);
}

/* Blocks of keys and certificates, wherever their first lines begin. */
static size_t
count_blocks(struct span text)
{
	size_t n = 0;
	ptrdiff_t at;

	while ((at = span_find_nocase(text, SPAN("-----BEGIN "))) != -1) {
		ptrdiff_t end;
		struct span name;

		text = span_slice(text, (size_t)at + 11, text.n);
		end = span_find_nocase(text, SPAN("-----"));
		name = span_slice(text, 0, end == -1 ? 0 : (size_t)end);
		if (name.n < 40 && (span_is(name, "CERTIFICATE") ||
		    span_find_nocase(name, SPAN("PRIVATE KEY")) != -1))
			n++;
	}
	return n;
}

/* --- The certificate ----------------------------------------------------- */

static void
set_day(char out[32], const ASN1_TIME *at)
{
	struct tm tm;

	out[0] = '\0';
	if (ASN1_TIME_to_tm(at, &tm) == 1)
		strftime(out, 32, "%Y-%m-%d", &tm);
}

static void
set_dates(struct tls_exam *e, const struct tls_chain *c)
{
	int secs = 0;

	set_day(e->since, X509_get0_notBefore(c->certs[0]));
	set_day(e->until, X509_get0_notAfter(c->certs[0]));
	e->early = X509_cmp_current_time(X509_get0_notBefore(c->certs[0])) > 0;
	if (ASN1_TIME_diff(&e->days, &secs, NULL,
	    X509_get0_notAfter(c->certs[0])) == 1)
		e->late = e->days < 0 || secs < 0;
	for (size_t i = 1; i < c->n; i++)
		if (X509_cmp_current_time(X509_get0_notAfter(c->certs[i])) < 0)
			X509_NAME_oneline(X509_get_subject_name(c->certs[i]),
			    e->late_issuer, (int)sizeof e->late_issuer);
}

static void
set_names(struct tls_exam *e, X509 *leaf)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(leaf, NID_subject_alt_name,
	    NULL, NULL);
	int n = all == NULL ? 0 : sk_GENERAL_NAME_num(all);
	char text[256];

	for (int i = 0; i < n; i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
		const ASN1_STRING *s = g->d.ia5;

		if (g->type == GEN_DNS)
			add_word(e->names, sizeof e->names, (const char *)
			    ASN1_STRING_get0_data(s),
			    (size_t)ASN1_STRING_length(s));
		else if (g->type == GEN_IPADD) {
			BIO *bio = BIO_new(BIO_s_mem());
			char *line;
			long length;

			/* "IP Address:192.0.2.1" */
			GENERAL_NAME_print(bio, (GENERAL_NAME *)(uintptr_t)g);
			length = BIO_get_mem_data(bio, &line);
			if (length > 11)
				add_word(e->names, sizeof e->names, line + 11,
				    (size_t)length - 11);
			BIO_free(bio);
		}
	}
	GENERAL_NAMES_free(all);
	if (X509_NAME_get_text_by_NID(X509_get_subject_name(leaf),
	    NID_commonName, text, (int)sizeof text) > 0)
		add_text(e->common, sizeof e->common, text, strlen(text));
}

/* Where the certificate says that its issuer's can be had. */
static void
set_issuer(struct tls_exam *e, X509 *top)
{
	AUTHORITY_INFO_ACCESS *info = X509_get_ext_d2i(top, NID_info_access,
	    NULL, NULL);
	int n = info == NULL ? 0 : sk_ACCESS_DESCRIPTION_num(info);

	X509_NAME_oneline(X509_get_issuer_name(top), e->issuer,
	    (int)sizeof e->issuer);
	for (int i = 0; i < n && e->issuer_url[0] == '\0'; i++) {
		const ACCESS_DESCRIPTION *d =
		    sk_ACCESS_DESCRIPTION_value(info, i);

		if (OBJ_obj2nid(d->method) == NID_ad_ca_issuers &&
		    d->location->type == GEN_URI)
			add_text(e->issuer_url, sizeof e->issuer_url,
			    (const char *)ASN1_STRING_get0_data(
			    d->location->d.ia5), (size_t)ASN1_STRING_length(
			    d->location->d.ia5));
	}
	AUTHORITY_INFO_ACCESS_free(info);
	if (strncmp(e->issuer_url, "http://", 7) != 0)
		e->issuer_url[0] = '\0';
}

static void
set_strength(struct tls_exam *e, const struct tls_chain *c)
{
	EVP_PKEY *key = X509_get0_pubkey(c->certs[0]);
	char group[32] = "";
	int digest;

	if (key == NULL)
		return;
	EVP_PKEY_get_group_name(key, group, sizeof group, NULL);
	if (group[0] != '\0')
		snprintf(e->kind, sizeof e->kind, "EC %s", group);
	else
		snprintf(e->kind, sizeof e->kind, "%s %d",
		    EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
	e->weak = EVP_PKEY_get_security_bits(key) < LEAST_BITS;
	ERR_clear_error();
	for (size_t i = 0; i < c->n; i++)
		if (!X509_self_signed(c->certs[i], 0) &&
		    X509_get_signature_info(c->certs[i], &digest, NULL, NULL,
		    NULL) == 1 && (digest == NID_sha1 || digest == NID_md5))
			snprintf(e->weak_digest, sizeof e->weak_digest, "%s",
			    OBJ_nid2sn(digest));
}

/* --- The chain ----------------------------------------------------------- */

/* OpenSSL's verdict on the chain in this store; dates are looked at
 * elsewhere. */
static int
verify(X509_STORE *store, const struct tls_chain *c)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *others = sk_X509_new_null();
	int error = X509_V_ERR_UNSPECIFIED;

	for (size_t i = 1; others != NULL && i < c->n; i++)
		sk_X509_push(others, c->certs[i]);
	if (ctx != NULL && others != NULL && X509_STORE_CTX_init(ctx, store,
	    c->certs[0], others) == 1) {
		X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx),
		    X509_V_FLAG_NO_CHECK_TIME);
		X509_verify_cert(ctx);
		error = X509_STORE_CTX_get_error(ctx);
	}
	X509_STORE_CTX_free(ctx);
	sk_X509_free(others);
	ERR_clear_error();
	return error;
}

/* `file` is one with roots, or NULL: the system's. */
static int
verify_with(const char *file, const struct tls_chain *c)
{
	X509_STORE *store = X509_STORE_new();
	int error = X509_V_ERR_UNSPECIFIED;

	if (store != NULL && (file == NULL ?
	    X509_STORE_set_default_paths(store) :
	    X509_STORE_load_file(store, file)) == 1)
		error = verify(store, c);
	X509_STORE_free(store);
	ERR_clear_error();
	return error;
}

static bool
is_outside(int error)
{
	return error == X509_V_ERR_PERMITTED_VIOLATION ||
	    error == X509_V_ERR_EXCLUDED_VIOLATION;
}

/* The issuer of the last one is in the file, and vouches for itself. */
static bool
has_root(const struct tls_pem *pem, const struct tls_chain *c)
{
	for (size_t i = 0; i < pem->n; i++)
		if (X509_self_signed(pem->certs[i], 0) &&
		    X509_check_issued(pem->certs[i], c->certs[c->n - 1]) ==
		    X509_V_OK)
			return true;
	return false;
}

/* Names that one's own authority may not sign for. */
static bool
is_foreign(const char *authority, X509 *leaf)
{
	NAME_CONSTRAINTS *limits = NULL;
	bool foreign = false;
	struct tls_pem pem;
	struct stat st;

	if (tls_pem_read(&pem, authority, &st, NULL) == -1)
		return false;
	if (pem.n > 0)
		limits = X509_get_ext_d2i(pem.certs[0], NID_name_constraints,
		    NULL, NULL);
	if (limits != NULL)
		foreign = NAME_CONSTRAINTS_check(leaf, limits) != X509_V_OK;
	NAME_CONSTRAINTS_free(limits);
	tls_pem_clear(&pem);
	return foreign;
}

static void
set_end(struct tls_exam *e, const char *authority)
{
	const struct tls_chain *c = &e->own->chain;
	int error = verify_with(authority, c);

	/* One's own may be in the system's store as well, which is big. */
	if (X509_self_signed(c->certs[0], 0) == 1)
		e->end = TLS_EXAM_SELF;
	else if (error == X509_V_OK || is_outside(error))
		e->end = TLS_EXAM_OWN;
	else if ((error = verify_with(NULL, c)) == X509_V_OK ||
	    is_outside(error))
		e->end = TLS_EXAM_SYSTEM;
	else if (has_root(&e->own->pem, c))
		e->end = TLS_EXAM_ROOT;
	else
		e->end = c->n > 1 ? TLS_EXAM_UNKNOWN : TLS_EXAM_MISSING;
	e->outside = e->end != TLS_EXAM_SELF && is_outside(error);
	e->foreign = is_foreign(authority, c->certs[0]);
}

/* Does the file have the chain as it is to be sent, and then maybe more? */
static bool
is_ordered(const struct tls_pem *pem, const struct tls_chain *c)
{
	if (c->n > pem->n)
		return false;
	for (size_t i = 0; i < c->n; i++)
		if (pem->certs[i] != c->certs[i])
			return false;
	return true;
}

/* --- All of it ----------------------------------------------------------- */

static void
judge(struct tls_exam *e, const char *authority)
{
	struct tls_pem *pem = &e->own->pem;
	struct tls_chain *c = &e->own->chain;

	for (size_t i = 0; i < pem->key_n && !e->matches; i++)
		e->matches = tls_pem_chain(pem, pem->keys[i], c);
	if (!e->matches)
		return;
	e->chain = c->n;
	e->ordered = is_ordered(pem, c);
	e->for_servers = X509_check_purpose(c->certs[0],
	    X509_PURPOSE_SSL_SERVER, 0) == 1;
	set_dates(e, c);
	set_names(e, c->certs[0]);
	set_issuer(e, c->certs[c->n - 1]);
	set_strength(e, c);
	set_end(e, authority);
}

/* The keys from a file of their own. */
static int
take_keys(struct tls_exam *e, const char *key_path, struct fault *why)
{
	struct tls_pem *pem = &e->own->pem, other;
	struct fault bad;

	if (tls_pem_read(&other, key_path, &e->key_st, &bad) == -1) {
		e->no_key_file = bad.code == FAULT_NOTFOUND;
		if (e->no_key_file)
			return 0;
		snprintf(e->key_path, sizeof e->key_path, "%s", key_path);
		*why = bad;
		return -1;
	}
	snprintf(e->key_path, sizeof e->key_path, "%s", key_path);
	pem->key_n = other.key_n;
	memcpy(pem->keys, other.keys, sizeof pem->keys);
	pem->encrypted = other.encrypted;
	pem->damaged = pem->damaged || other.damaged;
	other.key_n = 0;
	tls_pem_clear(&other);
	return 0;
}

int
tls_exam_file(struct tls_exam *e, const char *path, const char *key_path,
    const char *authority, struct fault *why)
{
	struct buf text;
	int rc = 0;

	*e = (struct tls_exam){ .own = memory_zalloc(sizeof *e->own) };
	snprintf(e->path, sizeof e->path, "%s", path);
	snprintf(e->key_path, sizeof e->key_path, "%s", path);
	if (tls_pem_file(path, &text, &e->st, why) == -1)
		return -1;
	e->key_st = e->st;
	tls_pem_parse(&e->own->pem, buf_span(&text));
	e->form = form_of(&e->own->pem, buf_span(&text));
	e->lost = count_blocks(buf_span(&text)) > e->own->pem.n +
	    e->own->pem.key_n && !e->own->pem.damaged &&
	    !e->own->pem.encrypted;
	tls_pem_wipe(&text);
	if (e->form == TLS_EXAM_PEM && e->own->pem.key_n == 0 &&
	    !e->own->pem.encrypted)
		rc = take_keys(e, key_path, why);
	e->certs = e->own->pem.n;
	e->keys = e->own->pem.key_n;
	e->encrypted = e->own->pem.encrypted;
	e->damaged = e->own->pem.damaged && e->form == TLS_EXAM_PEM;
	if (rc == 0)
		judge(e, authority);
	return rc;
}

void
tls_exam_clear(struct tls_exam *e)
{
	if (e->own != NULL)
		tls_pem_clear(&e->own->pem);
	free(e->own);
	e->own = NULL;
}

bool
tls_exam_covers(const struct tls_exam *e, const char *host)
{
	X509 *leaf = e->own->chain.n == 0 ? NULL : e->own->chain.certs[0];

	return leaf != NULL && (X509_check_host(leaf, host, 0, 0, NULL) == 1 ||
	    X509_check_ip_asc(leaf, host, 0) == 1);
}

static bool
is_pair(const struct tls_pem *certs, const struct tls_pem *keys)
{
	bool found = false;

	for (size_t i = 0; i < certs->n && !found; i++)
		for (size_t k = 0; k < keys->key_n && !found; k++)
			found = X509_check_private_key(certs->certs[i],
			    keys->keys[k]) == 1;
	ERR_clear_error();
	return found;
}

static bool
is_issuer(const struct tls_exam *e, const struct tls_pem *other)
{
	const struct tls_chain *c = &e->own->chain;

	for (size_t i = 0; c->n != 0 && i < other->n; i++)
		if (X509_check_issued(other->certs[i], c->certs[c->n - 1]) ==
		    X509_V_OK)
			return true;
	return false;
}

bool
tls_exam_has(const struct tls_exam *e, const char *path,
    enum tls_exam_part part)
{
	struct tls_pem other;
	struct stat st;
	bool found = false;

	if (tls_pem_read(&other, path, &st, NULL) == -1)
		return false;
	switch (part) {
	case TLS_EXAM_KEY:
		found = is_pair(&e->own->pem, &other);
		break;
	case TLS_EXAM_CERT:
		found = is_pair(&other, &e->own->pem);
		break;
	case TLS_EXAM_ISSUER:
		found = is_issuer(e, &other);
		break;
	}
	tls_pem_clear(&other);
	return found;
}

bool
tls_exam_choose(const struct tls_options *o, char path[TLS_EXAM_PATH],
    char key_path[TLS_EXAM_PATH])
{
	path[0] = key_path[0] = '\0';
	return tls_cert_path(o, path, key_path);
}

bool
tls_exam_server_name(const char *program, const char *file,
    char name[static 256])
{
	return tls_names_of_file(program, file, name);
}
