/* SPDX-License-Identifier: Apache-2.0 */
/* What only box.c knows of an open mailbox. */
#ifndef STORE_BOX_PRIVATE_H
#define STORE_BOX_PRIVATE_H

#include "c-client/store/box.h"
#include "c-client/store/index.h"

/* Generations whose first changed record is remembered. */
#define BOX_CHANGES	16

struct box_private {
	struct box box;		/* first: the public part is its address */
	struct index_records records;
	uint64_t modseq;	/* the transaction's, 0 until it needs one */
	bool changed;		/* the transaction changed something */
	size_t from;		/* the first record changed since the last
				 * generation; SIZE_MAX: none */
	size_t changes[BOX_CHANGES];	/* `from` by generation */
	uint32_t uidvalidity;	/* the box's, when it was looked at last */
	bool unsure;		/* what a failed transaction left could not be
				 * read again: there are no records */
	bool examined;		/* the client asked for read-only; else it is
				 * the mailbox that can't be written */
	uint64_t through;	/* the generation that was written through */
	bool gone;		/* the last look found no mailbox */
	bool lazy;		/* box_open_lazy() */
	struct account *account;	/* that it was opened with: a format
				 * may put another into the box */
	bool settling;		/* notes of moves are left alone */
	size_t here_from, here_to;	/* these records are in memory */
};

/*
 * Index of the first record that is another one, or changed, since the box had
 * this generation; those before it are the same and in the same places.
 */
size_t box_changed_from(const struct box *, uint64_t generation);

/* box_rename() of INBOX: `to` becomes what INBOX was, INBOX is empty then. */
int box_rename_inbox(struct account *, const struct name *to, struct fault *);
/*
 * A shared mailbox: have all that the records want written into it.  Where that
 * can't be the box becomes read-only and unsticky, and this is false.
 */
bool box_write_through(struct box *);

/* Does `unsure` hold?  Then nothing may be concluded from what is missing. */
bool box_is_unsure(const struct box *);

#endif
