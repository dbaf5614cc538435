/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The note that an append of several messages leaves in the index before the
 * first of them gets its name: by it the next who opens the mailbox finds out
 * whether all are there, and takes away those that are alone.
 */
#ifndef FORMATS_MAILDIR_NOTE_H
#define FORMATS_MAILDIR_NOTE_H

#include <stddef.h>

#include "c-client/base/span.h"

struct box;
struct fault;
struct maildir;

/* Into box->meta, inside a transaction: so many files will come to cur, whose
 * names begin like this. */
void maildir_note_store(struct box *, struct span begin, size_t count);

/*
 * Look at what the note speaks of; the lock is held.  Files of a whole append
 * stay; those of one that was cut short are removed.  The note itself is the
 * caller's to take away.
 */
int maildir_note_settle(struct maildir *, struct fault *);

#endif
