/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IMAP before login: greeting, CAPABILITY, NOOP, LOGOUT, STARTTLS, LOGIN,
 * AUTHENTICATE and ID.  Runs in the front: no I/O, no file, bounded memory.
 */
#ifndef IMAPD_PRELOGIN_H
#define IMAPD_PRELOGIN_H

#include "c-client/server/service.h"

extern const struct prelogin_ops prelogin_ops_imap;

/* Frees p->state and the buffers.  A front has no need to: it exits. */
void prelogin_imap_free(struct prelogin *);

#endif
