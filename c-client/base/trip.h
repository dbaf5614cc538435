/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fault points, for tests alone: named places in the store at which a test has
 * the process killed or stopped, or a call fail.  `make TRIPS=1` builds with
 * them, in a build directory of its own; elsewhere they are nothing at all.
 *
 *	if (TRIP("mbox_append.sync") || fdatasync(fd) == -1)
 *		return fault_errno(...);
 *	TRIP_KILL("mbox_append.synced");
 *
 * The name is that of the file and of the step.  tests/store/walk.t finds all
 * of them in the sources, and fails for one that it can't reach.
 */
#ifndef BASE_TRIP_H
#define BASE_TRIP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#ifdef TRIPS
/* Is the call that follows to fail?  errno is set then. */
#define TRIP(name)	trip_hit(name)
/* Where nothing could fail, or what fails is passed over. */
#define TRIP_KILL(name)	((void)trip_hit(name))
/* How many of `n` octets that go to `at` one write(2) may take: few, so that a
 * kill between two writes leaves what a kill in a long one, or a machine that
 * stops, leaves: some of the disk's blocks. */
#define TRIP_PIECE(n, at)	trip_piece(n, at)
#else
#define TRIP(name)	false
#define TRIP_KILL(name)	((void)0)
#define TRIP_PIECE(n, at)	(n)
#endif

/*
 * The environment variable TRIPS names a directory.  Each hit adds a line
 *
 *	PID WHO NAME COUNT
 *
 * to DIR/hits: WHO is `session', or `scribe' in a process that was forked after
 * the first hit; COUNT says how often this process was there.  Then DIR/arm is
 * read, whose lines are
 *
 *	NAME COUNT WHEN ACTION WHO
 *
 * WHEN is `once', or `on' for this time and all that follow; WHO may be `any';
 * ACTION one of
 *
 *	kill		this process, by SIGKILL
 *	kill-parent	the session, from the scribe, which goes on
 *	kill-both	the session, then the scribe
 *	stop		this process, by SIGSTOP
 *	enospc edquot eio einval eopnotsupp
 *			the call fails with that errno
 *
 * Without the variable, or the file, nothing happens.  It may be called in a
 * forked child, and leaves errno alone where it returns false.
 */
bool trip_hit(const char *name);
size_t trip_piece(size_t n, off_t at);

#endif
