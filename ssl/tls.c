/* SPDX-License-Identifier: Apache-2.0 */
/* TLS for a server over OpenSSL 3.  It moves bytes and knows no protocol. */
#include "ssl/tls.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "ssl/tls_cert.h"
#include "ssl/tls_names.h"
#include "ssl/tls_policy.h"
#include "ssl/tls_socket.h"
#include "ssl/tls_state.h"

#include "c-client/base/banned.h"

struct tls_config {
	SSL_CTX *ctx;
	BIO_METHOD *socket;		/* see tls_socket.h */
	struct tls_names *names;	/* NULL: no others by server name */
	struct tls_state *state;	/* NULL: no session tickets */
	const char *policy;
	size_t record_max;	/* 0: as TLS has it */
	unsigned char alpn[64];	/* one name, length first (RFC 7301 3.1) */
};

struct tls {
	SSL *ssl;
	struct tls_socket socket;
	size_t record_max;	/* octets that one record carries */
	bool failed;		/* a fatal error: no close_notify any more */
	bool closed;
	char text[64];
};

/* The text of OpenSSL's last error. */
static int
tls_fault(struct fault *why, const char *what)
{
	int saved = errno;
	unsigned long code = ERR_peek_error();
	const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);

	ERR_clear_error();
	if (reason != NULL)
		return fault_set(why, FAULT_CLOSED, "%s: %s", what, reason);
	errno = saved == 0 ? ECONNRESET : saved;
	return fault_errno(why, "%s", what);
}

/*
 * A client that names protocols and not ours wants to talk to somebody else
 * with our certificate (ALPACA): no_application_protocol, RFC 7301 3.2.
 */
static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
    const unsigned char *list, unsigned list_n, void *arg)
{
	const struct tls_config *c = arg;
	unsigned char *chosen;

	(void)ssl;
	if (SSL_select_next_proto(&chosen, out_n, c->alpn,
	    (unsigned)c->alpn[0] + 1, list, list_n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* Who asks for a name that has a certificate of its own gets that. */
static int
choose_name(SSL *ssl, int *alert, void *arg)
{
	const struct tls_config *c = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	SSL_CTX *ctx = name == NULL ? NULL : tls_names_find(c->names, name);

	(void)alert;
	if (ctx == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_SSL_CTX(ssl, ctx);
	return SSL_TLSEXT_ERR_OK;
}

/*
 * Tickets are sealed with the newest key that all connections share, and
 * opened with it or one of those before.  1: it is there, 0: there is no such
 * key (a whole handshake then), -1: a fault.
 */
static int
ticket_key(SSL *ssl, unsigned char name[16], unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing)
{
	const struct tls_config *c = SSL_CTX_get_app_data(
	    SSL_get_SSL_CTX(ssl));
	const struct tls_state_key *key = sealing ?
	    tls_state_key(c->state) : tls_state_key_find(c->state, name);
	OSSL_PARAM params[3];
	int n = EVP_CIPHER_get_iv_length(EVP_aes_256_cbc());

	if (key == NULL)
		return 0;
	params[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
	    (void *)(uintptr_t)key->mac, sizeof key->mac);
	params[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
	    (char[]){ "sha256" }, 0);
	params[2] = OSSL_PARAM_construct_end();
	if (sealing) {
		memcpy(name, key->name, sizeof key->name);
		if (RAND_bytes(iv, n) != 1)
			return -1;
	}
	if (EVP_CipherInit_ex2(cipher, EVP_aes_256_cbc(), key->cipher, iv,
	    sealing, NULL) != 1 || EVP_MAC_CTX_set_params(mac, params) != 1)
		return -1;
	return 1;
}

/* Sessions are kept by the clients, in tickets: each connection is a process
 * of its own, and has no other memory than what all of them share. */
static void
use_tickets(SSL_CTX *ctx, const struct tls_config *c)
{
	static const unsigned char context[] = "imapd";

	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (c->state == NULL) {
		SSL_CTX_set_num_tickets(ctx, 0);
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
		return;
	}
	SSL_CTX_set_session_id_context(ctx, context, sizeof context - 1);
	SSL_CTX_set_timeout(ctx, 2 * TLS_STATE_KEY_SECS);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket_key);
}

static SSL_CTX *
new_ctx(void *arg)
{
	struct tls_config *c = arg;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	struct fault why;

	if (ctx == NULL)
		return NULL;
	if (tls_policy_apply(ctx, c->policy, &why) == -1) {
		log_line(LOG_ERR, "%s", why.text);
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_app_data(ctx, c);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION |
	    SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_dh_auto(ctx, 1);
	if (c->record_max != 0)
		SSL_CTX_set_max_send_fragment(ctx, (long)c->record_max);
	use_tickets(ctx, c);
	if (c->alpn[0] != 0)
		SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, c);
	return ctx;
}

/* What OpenSSL loads late can't be loaded behind the front's walls:
 * configuration, providers, error texts, random numbers. */
bool
tls_wake(void)
{
	unsigned char seed[32];

	OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG |
	    OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
	    NULL);
	return RAND_bytes(seed, (int)sizeof seed) == 1 &&
	    RAND_priv_bytes(seed, (int)sizeof seed) == 1;
}

static struct tls_state *
state_open(const char *path)
{
	struct fault why;
	struct tls_state *s = NULL;

	if (path[0] == '\0')
		return NULL;
	s = tls_state_open(path, &why);
	/* Without root there is no such place, and no harm in that. */
	if (s == NULL)
		log_line(geteuid() == 0 ? LOG_WARNING : LOG_DEBUG,
		    "no session tickets: %s", why.text);
	return s;
}

struct tls_config *
tls_config_load(const struct tls_options *o, struct fault *why)
{
	struct tls_config *c = memory_zalloc(sizeof *c);
	size_t n = strlen(o->alpn);

	c->policy = o->policy;
	c->record_max = o->record_max;
	if (n < sizeof c->alpn) {
		c->alpn[0] = (unsigned char)n;
		memcpy(c->alpn + 1, o->alpn, n);
	}
	if (!tls_wake()) {
		tls_fault(why, "OpenSSL can't start");
		goto fail;
	}
	c->state = state_open(o->state_file);
	if ((c->socket = tls_socket_method()) == NULL ||
	    (c->ctx = new_ctx(c)) == NULL) {
		tls_fault(why, "OpenSSL can't start");
		goto fail;
	}
	if (tls_cert_load(c->ctx, o, c->state, why) == -1)
		goto fail;
	c->names = tls_names_load(o, new_ctx, c, c->state);
	if (c->names != NULL) {
		SSL_CTX_set_tlsext_servername_callback(c->ctx, choose_name);
		SSL_CTX_set_tlsext_servername_arg(c->ctx, c);
	}
	return c;
fail:
	tls_config_free(c);
	return NULL;
}

void
tls_config_free(struct tls_config *c)
{
	if (c == NULL)
		return;
	SSL_CTX_free(c->ctx);
	BIO_meth_free(c->socket);
	tls_names_free(c->names);
	tls_state_free(c->state);
	free(c);
}

struct tls *
tls_new(struct tls_config *c, int fd)
{
	struct tls *t = memory_zalloc(sizeof *t);
	BIO *writer;

	t->socket.fd = fd;
	t->record_max = c->record_max != 0 ? c->record_max :
	    SSL3_RT_MAX_PLAIN_LENGTH;
	t->ssl = SSL_new(c->ctx);
	writer = tls_socket_bio(c->socket, &t->socket);
	if (t->ssl == NULL || writer == NULL || SSL_set_rfd(t->ssl, fd) != 1)
		memory_exhausted(sizeof *t);
	SSL_set0_wbio(t->ssl, writer);
	SSL_set_accept_state(t->ssl);
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	free(t);
}

/* What a call that moved nothing means: TLS_WANT_*, 0 at the end, -1. */
static ssize_t
outcome(struct tls *t, int rc, const char *what, struct fault *why)
{
	switch (SSL_get_error(t->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		t->failed = true;
		return tls_fault(why, what);
	}
}

int
tls_handshake(struct tls *t, struct fault *why)
{
	ssize_t n;
	int rc;

	ERR_clear_error();
	errno = 0;
	if ((rc = SSL_do_handshake(t->ssl)) == 1)
		return 0;
	n = outcome(t, rc, "TLS handshake", why);
	if (n != 0)
		return (int)n;
	t->failed = true;
	return fault_set(why, FAULT_CLOSED, "TLS handshake: closed");
}

ssize_t
tls_read(struct tls *t, void *to, size_t max, struct fault *why)
{
	int n;

	if (t->failed)
		return fault_set(why, FAULT_CLOSED, "TLS read: closed");
	ERR_clear_error();
	errno = 0;
	n = SSL_read(t->ssl, to, max > INT_MAX ? INT_MAX : (int)max);
	if (n > 0)
		return n;
	/* Many clients just close.  Commands end in CRLF, so a cut one is
	 * known by that, and the end counts as an end. */
	if (SSL_get_error(t->ssl, n) == SSL_ERROR_SSL &&
	    ERR_GET_REASON(ERR_peek_error()) ==
	    SSL_R_UNEXPECTED_EOF_WHILE_READING) {
		ERR_clear_error();
		t->failed = true;
		return 0;
	}
	return outcome(t, n, "TLS read", why);
}

ssize_t
tls_write(struct tls *t, const void *from, size_t octets, struct fault *why)
{
	int n;

	if (t->failed)
		return fault_set(why, FAULT_CLOSED, "TLS write: closed");
	if (octets == 0)
		return 0;
	ERR_clear_error();
	errno = 0;
	/* One record is written, and the caller goes on with the rest. */
	t->socket.more = octets > t->record_max;
	n = SSL_write(t->ssl, from, octets > INT_MAX ? INT_MAX : (int)octets);
	t->socket.more = false;
	if (n > 0)
		return n;
	n = (int)outcome(t, n, "TLS write", why);
	return n != 0 ? n : fault_set(why, FAULT_CLOSED, "TLS write: closed");
}

bool
tls_pending(const struct tls *t)
{
	return SSL_has_pending(t->ssl) == 1;
}

void
tls_read_ahead(struct tls *t)
{
	SSL_set_read_ahead(t->ssl, 1);
}

void
tls_close(struct tls *t)
{
	if (t->closed || t->failed)
		return;
	t->closed = true;
	ERR_clear_error();
	SSL_shutdown(t->ssl);
	ERR_clear_error();
}

const char *
tls_describe(const struct tls *t)
{
	/* The text is the object's, which only this call ever changes. */
	char *text = ((struct tls *)(uintptr_t)t)->text;

	snprintf(text, sizeof t->text, "%s %s", SSL_get_version(t->ssl),
	    SSL_get_cipher_name(t->ssl));
	return text;
}

struct tls *
tls_client(int fd, const char *alpn, const char *server_name,
    struct fault *why)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct tls *t = memory_zalloc(sizeof *t);
	unsigned char list[64];
	size_t n = strlen(alpn);

	if (ctx != NULL) {
		SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
		    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
		SSL_CTX_set_default_verify_paths(ctx);
		t->ssl = SSL_new(ctx);
		SSL_CTX_free(ctx);
	}
	if (t->ssl == NULL || SSL_set_fd(t->ssl, fd) != 1 ||
	    SSL_set_tlsext_host_name(t->ssl, server_name) != 1) {
		tls_fault(why, "OpenSSL can't start");
		tls_free(t);
		return NULL;
	}
	if (n < sizeof list) {
		list[0] = (unsigned char)n;
		memcpy(list + 1, alpn, n);
		SSL_set_alpn_protos(t->ssl, list, (unsigned)n + 1);
	}
	SSL_set_connect_state(t->ssl);
	return t;
}

int
tls_client_verify(const struct tls *t, struct fault *why)
{
	long result = SSL_get_verify_result(t->ssl);

	return result == X509_V_OK ? 0 : fault_set(why, FAULT_PERM, "%s",
	    X509_verify_cert_error_string(result));
}
