/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rewriting a mailbox file in place, piece by piece, so that it can be ended
 * at any moment and no message is lost (mbox_redo.h).  Knows octets and their
 * places; which messages go and what headers say is its callers' affair.
 */
#ifndef FORMATS_MBOX_REWRITE_H
#define FORMATS_MBOX_REWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct buf;
struct fault;
struct mbox_redo;

/* A piece of the file as it is to be. */
struct mbox_segment {
	uint64_t from;		/* where it is in the file now */
	uint64_t from_n;	/* octets there */
	uint64_t n;		/* octets that become of it */
	size_t message;		/* of a header that is made: which; else
				 * MBOX_SEGMENT_COPY, and n is from_n */
};
#define MBOX_SEGMENT_COPY	SIZE_MAX

struct mbox_plan {
	uint64_t start;		/* up to here nothing changes */
	uint64_t old_end;	/* of the file now */
	uint64_t new_end;
	bool grows;		/* no segment moves towards the beginning; else
				 * none moves towards the end */
	uint64_t block;		/* not 0: blocks of this size are cut out of
				 * the gaps, and the header behind each gap is
				 * made so long that it fills what is left */
	struct mbox_segment *segments;	/* by `from`, without overlap */
	size_t count, room;
	/* Make a segment of `message`; adds exactly its n octets to `out`. */
	int (*make)(struct mbox_plan *, const struct mbox_segment *,
	    struct span old, struct buf *out, struct fault *);
	/* Told now and then; may be NULL. */
	void (*tell)(struct mbox_plan *, uint64_t done, uint64_t total);
};

/* Add [from, from+n), joined with what is before it if that may be. */
void mbox_plan_copy(struct mbox_plan *, uint64_t from, uint64_t n);
/* Add a header that will be made of [from, from+from_n). */
void mbox_plan_make(struct mbox_plan *, uint64_t from, uint64_t from_n,
    uint64_t n, size_t message);
void mbox_plan_clear(struct mbox_plan *);

/*
 * Carry it out on the locked file `fd`; when this returns 0 the file is as
 * planned, and durable.  `redo` may have no file (its fd is -1): then only
 * plans that don't grow, whose pieces fit the gaps before them, can be done.
 * -1 with FAULT_IO, FAULT_QUOTA or FAULT_CANNOT: mbox_redo_recover() is to be
 * called.
 */
int mbox_rewrite(int fd, struct mbox_redo *, struct mbox_plan *,
    struct fault *);

#endif
