/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the index of a user is kept whose home is on a network file system:
 * /var/cache/imapd/UID, which only root can make.
 */
#ifndef SERVER_CACHE_H
#define SERVER_CACHE_H

struct auth_user;

#define CACHE_DIR	"/var/cache/imapd"

/*
 * If we are root and the user's home is on NFS, SMB, 9p, AFS or FUSE (or root
 * can't tell), make sure that his directory is there: his own, mode 0700.
 * Failing costs the durable index and gives a log line.
 */
void cache_prepare(const struct auth_user *);

/* The same below another directory, whatever the home is on. */
int cache_make(const char *directory, const struct auth_user *);

#endif
