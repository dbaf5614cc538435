/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificates of all local addresses at once, for a process that serves
 * many connections and can open no file any more when one comes.
 */
#ifndef SSL_TLS_SET_H
#define SSL_TLS_SET_H

#include <stdbool.h>

struct fault;
struct tls_config;
struct tls_options;
struct tls_set;

/*
 * Load what tls_config_load() would for each local address that has a file of
 * its own, and for all others; `options->address` is not looked at.  What
 * can't be used is logged, and left out; options->files has both.
 * NULL with the fault of that for all others, if nothing at all was loaded.
 */
struct tls_set *tls_set_load(const struct tls_options *options,
    struct fault *);
void tls_set_free(struct tls_set *);

/* That of this local address (as inet_ntop(3) writes it), else that of all
 * others; NULL if there is none.  It stays the set's, which may be NULL. */
struct tls_config *tls_set_find(const struct tls_set *, const char *address);

/* Has it one for the addresses that have none of their own? */
bool tls_set_serves_all(const struct tls_set *);

#endif
