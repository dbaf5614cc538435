/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walls around a front, and those around a nursery, which differ in that
 * it can make fronts: an empty root directory, a user id that owns
 * nothing, no new privileges, no new processes or files, and a filter that
 * lets only those system calls through that move bytes.
 */
#ifndef SERVER_SANDBOX_H
#define SERVER_SANDBOX_H

struct fault;

/* Who goes behind them. */
enum sandbox_who {
	SANDBOX_FRONT,		/* talks to one client */
	SANDBOX_NURSERY		/* makes fronts, which it puts further in */
};

/*
 * Go behind the walls for good.  As root: chroot to a directory that is
 * removed before use, and become `user`, or if that is "" the user imapd, or
 * else nobody (decisions.md 2).  The filter, no_new_privs and the limits are
 * set whoever we are.  All that is opened late (zones, error texts, random
 * numbers) has to be loaded before.  Returns 0, or -1 with a fault: the
 * caller must exit, for it may be half way through.
 */
int sandbox_enter(enum sandbox_who, const char *user, struct fault *);

/* In a child of a nursery: have no more rights than any other front.  -1 with
 * errno: exit. */
int sandbox_narrow(void);

#endif
