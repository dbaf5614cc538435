/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a scan found is put into the index: UIDs, flags, what came, what went.
 * Here it is decided what of a mailbox's metadata is believed.
 */
#ifndef FORMATS_MBOX_MERGE_H
#define FORMATS_MBOX_MERGE_H

#include <stdbool.h>
#include <stdint.h>

struct box;
struct fault;
struct mbox_scan;

enum mbox_merge_kind {
	MBOX_MERGE_NEW,		/* a whole file, and no index was there */
	MBOX_MERGE_TAIL,	/* what was added to a known mailbox */
	MBOX_MERGE_FULL,	/* a whole file again */
	MBOX_MERGE_FLAGS	/* headers of the known messages again: as many
				 * messages as records, in their order */
};

struct mbox_merge {
	enum mbox_merge_kind kind;
	const struct mbox_scan *scan;
	int64_t now;
	uint32_t last;		/* the last UID that the file said before */
	uint64_t ours_from, ours_to;	/* a part of the file that we wrote:
					 * metadata in there is believed */
};

/*
 * Inside a transaction: bring records and meta (all but the stamp) up to date.
 * -1 with FAULT_CHANGED where the records are not those that the scan was made
 * for.
 */
int mbox_merge(struct box *, const struct mbox_merge *, struct fault *);

#endif
