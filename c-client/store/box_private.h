/* SPDX-License-Identifier: Apache-2.0 */
/* What only box.c knows of an open mailbox. */
#ifndef STORE_BOX_PRIVATE_H
#define STORE_BOX_PRIVATE_H

#include "c-client/store/box.h"
#include "c-client/store/index.h"

struct box_private {
	struct box box;		/* first: the public part is its address */
	struct index_records records;
	uint64_t modseq;	/* the transaction's, 0 until it needs one */
	bool changed;		/* the transaction changed something */
	bool unsure;		/* what a failed transaction left could not be
				 * read again: there are no records */
	bool gone;		/* the last look found no mailbox */
};

/* Does `unsure` hold?  Then nothing may be concluded from what is missing. */
bool box_is_unsure(const struct box *);

#endif
