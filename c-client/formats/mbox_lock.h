/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks on a mailbox file, as other mail programs take them: the dot-lock
 * first, then an fcntl lock (docs/ARCHITECTURE, decision 3).  Both are tried
 * and never waited for while the other one is held: programs that wait for
 * fcntl with the dot-lock in hand would wait for ever.
 */
#ifndef FORMATS_MBOX_LOCK_H
#define FORMATS_MBOX_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct fault;

enum mbox_lock_kind {
	MBOX_LOCK_READ,		/* fcntl, shared: a piece is read */
	MBOX_LOCK_SCAN,		/* dot-lock, and fcntl, shared */
	MBOX_LOCK_WRITE		/* dot-lock, and fcntl, exclusive */
};

struct mbox_lock {
	const char *path;	/* the mailbox; its dot-lock is path.lock */
	uint32_t timeout;	/* seconds */
	bool dot_wanted;	/* false: fcntl only */
	bool dot_impossible;	/* found out and logged */
	bool has_dot;
	int fd;			/* on which the fcntl lock is, -1: none */
	bool exclusive;		/* it is one for writing */
};

void mbox_lock_init(struct mbox_lock *, const char *path, uint32_t timeout,
    bool dot_wanted);

/*
 * Take the locks on the open file `fd`; none is held before.  MBOX_LOCK_WRITE
 * needs a descriptor that is open for writing.  Tried again after 5 to 50 ms
 * until the time is over: -1 with FAULT_INUSE and the holder's pid.  Where a
 * dot-lock can't be made for want of permission, or because something that is
 * no file has its name, fcntl alone has to do: logged once.  FAULT_QUOTA,
 * FAULT_IO: only for MBOX_LOCK_WRITE.
 */
int mbox_lock_take(struct mbox_lock *, int fd, enum mbox_lock_kind,
    struct fault *);
void mbox_lock_drop(struct mbox_lock *);	/* none held: nothing */

/*
 * The process `pid` holds the locks from now on, as others see it: its number
 * is in the dot-lock.  Where that can't be written (a lock that the setgid
 * helper made) nothing happens.
 */
void mbox_lock_hand(const struct mbox_lock *, long pid);

#endif
