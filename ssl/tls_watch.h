/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has anything changed that certificates are loaded from?  It looks at names
 * and times of files and reads none, so that a process may ask that is not to
 * know a key.
 */
#ifndef SSL_TLS_WATCH_H
#define SSL_TLS_WATCH_H

#include <stdbool.h>

struct tls_options;
struct tls_watch;

/* Look at them.  The options stay the caller's and have to live as long. */
struct tls_watch *tls_watch_new(const struct tls_options *);
void tls_watch_free(struct tls_watch *);

/*
 * Look again: is anything other than at the last look?  As long as it isn't,
 * that is one stat(2) for each file.  Links are followed, so that a link which
 * leads elsewhere, or whose target was replaced, counts.
 */
bool tls_watch_changed(struct tls_watch *);

#endif
