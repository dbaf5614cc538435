/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X-IMAPbase, or X-IMAP in the internal data: UIDVALIDITY and the last UID of
 * a mailbox, in the first message of its file.  No UID above the last one is
 * believed by anybody, so it is raised before UIDs are told, a thousand at a
 * time; in a shared mailbox (box->shared), where all number from it on, exactly
 * as far as UIDs were given.
 */
#ifndef FORMATS_MBOX_BASE_H
#define FORMATS_MBOX_BASE_H

#include <stdbool.h>
#include <stdint.h>

struct box;
struct fault;
struct mbox;

/* UIDs that a raise is good for. */
#define MBOX_BASE_STEP	1000u

/* The last UID to write. */
uint32_t mbox_base_last(const struct box *);

/* Does the file say a last UID that is below one that was given out? */
bool mbox_base_is_low(const struct box *);

/*
 * The lock for writing is held: write UIDVALIDITY, last UID and the names of
 * keywords into the first message, in place and durably.  *last is what it says
 * now; 0 where there is no such line, or no room in it.  Where there is room
 * for the number only, *named is as mbox_base_look() has it.  `exact`: the
 * last UID is the last one given and none ahead of it, since a session leaves:
 * what is delivered next can't claim one of those, should the index be lost.
 * Only the box's stamp is not true after it.  -1: FAULT_IO.
 */
int mbox_base_put(struct mbox *, bool exact, uint32_t *last, bool *named,
    struct fault *);

struct mbox_base {
	/* The names of all keywords are there: Dovecot drops one from a
	 * message that isn't, as a sender's.  Also where there is no base, or
	 * it is in internal data that can't be made anew. */
	bool named;
	bool internal;		/* the first message is the internal data */
};

int mbox_base_look(struct mbox *, struct mbox_base *, struct fault *);

#endif
