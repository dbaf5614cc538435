/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The note that an append of several messages leaves in the index before the
 * first of them gets its name: by it the next who opens the mailbox finds out
 * whether all are there, and takes away those that are alone.  One message has
 * a note where it is moved.
 */
#ifndef FORMATS_MAILDIR_NOTE_H
#define FORMATS_MAILDIR_NOTE_H

#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct box;
struct fault;
struct maildir;

struct maildir_note {
	uint32_t format;
	uint32_t count;		/* messages; */
	uint64_t transit;	/* of which move they are a part, or 0 */
	char begin[96];		/* what the names of their files begin with */
};

/* Into box->meta, inside a transaction: so many files will come to cur, whose
 * names begin like this. */
void maildir_note_store(struct box *, struct span begin, size_t count,
    uint64_t transit);

/*
 * Look at what the note speaks of; the lock is held.  Files of a whole append
 * stay, and *note says which (a count of 0: there is none); those of one that
 * was cut short are removed.  The note in the index is the caller's to take
 * away.
 */
int maildir_note_settle(struct maildir *, struct maildir_note *note,
    struct fault *);

#endif
