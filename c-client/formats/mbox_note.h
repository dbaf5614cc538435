/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The note that an append leaves in the index before it writes: by it the
 * next who opens the mailbox finds out whether the append was cut short, and
 * undoes it then.  The only place beside mbox_append.c that shortens a file.
 */
#ifndef FORMATS_MBOX_NOTE_H
#define FORMATS_MBOX_NOTE_H

#include <stdbool.h>
#include <stdint.h>

struct account;
struct box;
struct buf;
struct fault;
struct mbox;

struct mbox_note {
	uint32_t format;
	uint32_t count;		/* messages */
	uint64_t end;		/* of the file before the append */
	uint64_t offset;	/* where the first of them begins */
	uint64_t length;	/* octets from there */
	uint64_t hash[2];	/* XXH3 of them, 128 bits */
	uint64_t boot;		/* 0, or the run of the machine in which alone
				 * something may be cut off by it */
	uint64_t transit;	/* of which move it is a part, or 0 */
};

#define MBOX_NOTE_FORMAT	3u

/* The box's; false if it has none. */
bool mbox_note_load(const struct box *, struct mbox_note *);
/* Into box->meta, inside a transaction; NULL: none any more. */
void mbox_note_store(struct box *, const struct mbox_note *);

/* This run of the machine, from its start to its end, by a number; 0 where it
 * can't be told from others. */
uint64_t mbox_note_boot(void);

/* What our separators begin with: "From user@host ", added to `out`. */
void mbox_note_sender(const struct account *, struct buf *out);

/*
 * Look at what the note speaks of; the lock for writing is held.  A complete
 * append stays.  One that was cut short is cut off, or out of the file where
 * others have added behind it.  Where it can't be told what is whose, and
 * where the note is of another run of the machine, it stays too, and is
 * logged.  *whole tells whether the append is complete.  After 0 the note has
 * done its work.  -1: FAULT_IO, FAULT_QUOTA.
 */
int mbox_note_settle(struct mbox *, const struct mbox_note *, bool *whole,
    struct fault *);

/* Take [from, to) out of the file of this size, whose lock for writing is held.
 * -1: FAULT_IO. */
int mbox_note_cut(struct mbox *, uint64_t from, uint64_t to, uint64_t size,
    struct fault *);

#endif
