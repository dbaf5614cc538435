/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walls around a front: an empty root directory, a user id that owns
 * nothing, no new privileges, no new processes or files, and a filter that
 * lets only those system calls through that move bytes.
 */
#ifndef SERVER_SANDBOX_H
#define SERVER_SANDBOX_H

struct fault;

/*
 * Go behind the walls for good.  As root: chroot to a directory that is
 * removed before use, and become `user`, or if that is "" the user imapd, or
 * else nobody (decisions.md 2).  The filter, no_new_privs and the limits are
 * set whoever we are.  All that is opened late (zones, error texts, random
 * numbers) has to be loaded before.  Returns 0, or -1 with a fault: the
 * caller must exit, for it may be half way through.
 */
int sandbox_enter(const char *user, struct fault *);

#endif
