/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines that the dialogues of both protocols share.  Their shape is that
 * of field.md 1.13, which the monitor insists on: it passes on no other line
 * of a front that begins with "Login" or "Failed".
 */
#ifndef SERVER_PRELOGIN_H
#define SERVER_PRELOGIN_H

#include "c-client/base/span.h"

struct prelogin;

/*
 * A password was offered where none may be sent (p->plaintext is false):
 * `Login disabled user=U auth=U host=H`, which fail2ban counts.  `user` may
 * be empty if it wasn't told.
 */
void prelogin_log_disabled(const struct prelogin *, struct span user);

/* `WHAT before authentication host=H`, such as "Null command". */
void prelogin_log_bad(const struct prelogin *, const char *what);

#endif
