/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user's file in the spool, which in Debian's spool (2775 root:mail) only
 * the monitor can make, before it gives up root (decisions.md 18).
 */
#ifndef SERVER_SPOOL_H
#define SERVER_SPOOL_H

#include <stdbool.h>

struct auth_user;
struct config;

/*
 * Find the user's spool file; make an empty one if there is none, we are
 * root, and the user couldn't make it himself.  Nothing that is there is ever
 * changed, and no link is followed.  Returns its name if there is a regular
 * file now or the user can make one, else NULL.  The name lives as long as
 * the process.
 */
const char *spool_prepare(const struct config *, const struct auth_user *);

/* Can the process, as it is now, make files (dot-locks) in the spool? */
bool spool_is_writable(const struct config *);

#endif
