/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving the spool's mail to the end of ~/mbox, so that a kill at any moment
 * loses and doubles none of it.
 */
#ifndef FORMATS_MBOXINBOX_MOVE_H
#define FORMATS_MBOXINBOX_MOVE_H

#include <stdbool.h>
#include <stdint.h>

struct account;
struct fault;
struct mbox;

/* What a move leaves in the home until it is done. */
#define MBOXINBOX_NOTE		".mbox.move"
#define MBOXINBOX_NOTE_FORMAT	1u
struct mboxinbox_note {
	uint32_t format, zero;
	uint64_t dev, ino;	/* of ~/mbox */
	uint64_t end, offset;	/* its size before, and where the copy begins */
	uint64_t from, to;	/* octets of the spool's file that are copied;
				 * those before had been copied already */
	uint64_t before[2];	/* XXH3 of [0, from) */
	uint64_t copied[2];	/* and of [from, to) */
	uint64_t sum;		/* of all above */
};
uint64_t mboxinbox_note_sum(const struct mboxinbox_note *);

/* Did a move leave anything undone? */
bool mboxinbox_move_is_begun(const struct account *);

/*
 * Move all of the open file `spool`; locks for writing are held on it and on
 * ~/mbox, which is `m`.  Finishes what a kill has cut short first.  On -1
 * nothing is lost: FAULT_QUOTA, FAULT_IO, FAULT_CANNOT (the spool's file is no
 * mailbox).  Then *torn says whether ~/mbox may have a part of a copy at its
 * end.  After 0 the spool's lock is given back, and then, while that of ~/mbox
 * is held, mboxinbox_move_end() ends it: as long as it has not ended the next
 * one takes the spool's lock, and so no lock of a killed process stays there.
 */
int mboxinbox_move(struct mbox *m, int spool, bool *torn, struct fault *);
void mboxinbox_move_end(const struct account *);

#endif
