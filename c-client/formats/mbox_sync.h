/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing the index up to date with the mailbox file: decides by the stamp
 * what has to be read, has it scanned under the locks, and merged.
 */
#ifndef FORMATS_MBOX_SYNC_H
#define FORMATS_MBOX_SYNC_H

#include <stdbool.h>

struct box;
struct fault;
struct mbox;

/* driver->sync.  It writes to the file only to mend what a crash has left, and
 * to raise the last UID of its X-IMAPbase. */
int mbox_sync(struct box *, struct fault *);

/*
 * The same with the locks held: when this returns 0 the records are those of
 * the file, which nobody can change until they are given back.  `settle` false
 * leaves the doubt about a stamp for the next time.
 */
int mbox_sync_locked(struct mbox *, bool settle, struct fault *);

/*
 * Raise the last UID that the file says, if UIDs above it were given out.
 * Nothing is locked before.  Failure is logged: the index has the UIDs.
 */
void mbox_sync_raise(struct mbox *);

#endif
