/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for tls.c where the build has no TLS (SSLTYPE=none): loading a
 * certificate fails, so no object of it is ever made.
 */
#include "ssl/tls.h"

#include <stdlib.h>

#include "c-client/base/fault.h"
#include "ssl/tls_set.h"
#include "ssl/tls_watch.h"

#include "c-client/base/banned.h"

bool
tls_wake(void)
{
	return true;
}

struct tls_set *
tls_set_load(const struct tls_options *o, struct fault *why)
{
	tls_config_load(o, why);
	return NULL;
}

void
tls_set_free(struct tls_set *set)
{
	(void)set;
}

struct tls_config *
tls_set_find(const struct tls_set *set, const char *address)
{
	(void)set;
	(void)address;
	return NULL;
}

bool
tls_set_serves_all(const struct tls_set *set)
{
	(void)set;
	return false;
}

/* Nothing is loaded, so nothing changes. */
struct tls_watch *
tls_watch_new(const struct tls_options *o)
{
	(void)o;
	return NULL;
}

void
tls_watch_free(struct tls_watch *w)
{
	(void)w;
}

bool
tls_watch_changed(struct tls_watch *w)
{
	(void)w;
	return false;
}

struct tls_config *
tls_config_load(const struct tls_options *o, struct fault *why)
{
	(void)o;
	fault_set(why, FAULT_NOTFOUND, "no certificate is loaded: this build "
	    "has no TLS (make without SSLTYPE=none)");
	return NULL;
}

void
tls_config_free(struct tls_config *c)
{
	(void)c;
}

/* Nobody gets here: there is no configuration to call it with. */
struct tls *
tls_new(struct tls_config *c, int fd)
{
	(void)c;
	(void)fd;
	abort();
}

void
tls_free(struct tls *t)
{
	(void)t;
}

int
tls_handshake(struct tls *t, struct fault *why)
{
	(void)t;
	return fault_set(why, FAULT_CANNOT, "this build has no TLS");
}

ssize_t
tls_read(struct tls *t, void *to, size_t max, struct fault *why)
{
	(void)t;
	(void)to;
	(void)max;
	return fault_set(why, FAULT_CANNOT, "this build has no TLS");
}

ssize_t
tls_write(struct tls *t, const void *from, size_t octets, struct fault *why)
{
	(void)t;
	(void)from;
	(void)octets;
	return fault_set(why, FAULT_CANNOT, "this build has no TLS");
}

void
tls_read_ahead(struct tls *t)
{
	(void)t;
}

bool
tls_pending(const struct tls *t)
{
	(void)t;
	return false;
}

void
tls_close(struct tls *t)
{
	(void)t;
}

const char *
tls_describe(const struct tls *t)
{
	(void)t;
	return "none";
}

struct tls *
tls_client(int fd, const char *alpn, const char *server_name,
    struct fault *why)
{
	(void)fd;
	(void)alpn;
	(void)server_name;
	fault_set(why, FAULT_CANNOT, "this build has no TLS");
	return NULL;
}

int
tls_client_verify(const struct tls *t, struct fault *why)
{
	(void)t;
	return fault_set(why, FAULT_CANNOT, "this build has no TLS");
}
