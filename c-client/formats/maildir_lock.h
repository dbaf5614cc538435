/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock on a maildir's list of UIDs.  Other sessions of ours are kept out
 * by flock(2) on the directory, which the kernel gives back for who is killed;
 * Dovecot, by the file dovecot-uidlist.lock, which only the holder of the
 * first makes and removes.
 */
#ifndef FORMATS_MAILDIR_LOCK_H
#define FORMATS_MAILDIR_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct fault;

struct maildir_lock {
	int dir;		/* -1: none is held */
	bool has_file;
};

#define MAILDIR_LOCK	"dovecot-uidlist.lock"

void maildir_lock_init(struct maildir_lock *);

/*
 * Take it on the open directory `dir`; with `file` false only against sessions
 * of ours.  Tried again after 5 to 50 ms until `timeout` seconds are over:
 * FAULT_INUSE.  A lock file whose maker is dead, or that is old, is removed.
 * Where none can be made for want of permission there is none.
 */
int maildir_lock_take(struct maildir_lock *, int dir, bool file,
    uint32_t timeout, struct fault *);
void maildir_lock_drop(struct maildir_lock *);

#endif
