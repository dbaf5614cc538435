/* SPDX-License-Identifier: Apache-2.0 */
/* Sequence sets such as "2,4:7,9:*" (RFC 3501 section 9, sequence-set). */
#ifndef STORE_SEQSET_H
#define STORE_SEQSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct arena;
struct buf;
struct fault;

struct seqset_range {
	uint32_t first, last;		/* first <= last */
};

/* Ranges ascending, without overlap, neighbours joined. */
struct seqset {
	size_t count;
	struct seqset_range ranges[];
};

/*
 * `star` is what "*" stands for: the largest message number or UID, 0 if there
 * is none ("*" then matches nothing).  "4:2" means "2:4".  NULL with
 * FAULT_SYNTAX (grammar, a zero, a number over 32 bits) or FAULT_LIMIT (over
 * BOUND_SEQSET pieces).  Lives as long as the arena.
 */
const struct seqset *seqset_parse(struct arena *, struct span text,
    uint32_t star, struct fault *);

bool seqset_has(const struct seqset *, uint32_t);	/* binary search */

/* Ascending numbers written as a set: "1:3,7". */
void seqset_write(struct buf *, const uint32_t *, size_t count);

#endif
