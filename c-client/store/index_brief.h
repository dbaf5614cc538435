/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a blob of records without reading it: which UIDs it has,
 * and what SELECT and STATUS want to know of all messages.  Those of a group
 * are one row (index_group.h).
 */
#ifndef STORE_INDEX_BRIEF_H
#define STORE_INDEX_BRIEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"
#include "c-client/store/index_pack.h"

struct buf;
struct record;

/* One row of each part, and where its records are in the array.  What is said
 * of the records is so for a blob that is not dirty. */
struct index_blob {
	uint64_t change;	/* the commit that wrote it last */
	uint64_t sums[INDEX_PARTS];	/* of the rows */
	uint64_t place;		/* what the records' places are counted from */
	uint64_t modseq;	/* the highest */
	uint64_t octets;	/* of all messages, wire sizes */
	uint32_t start;		/* among the records of its group */
	uint32_t count;
	uint32_t first, last;	/* UIDs */
	uint8_t *gaps;		/* between each UID and the one before it;
				 * owned; NULL where there is none */
	uint8_t width;		/* octets of a gap */
	uint8_t unseen;		/* how many are not \Seen */
	uint8_t first_unseen;	/* the first one's index; `count` if none */
	uint8_t unwritten;	/* how many are not index_brief_is_written() */
	bool dirty;
	bool here;		/* its records are in the array */
};

/* Does the mailbox itself say what the record wants? */
bool index_brief_is_written(const struct record *);

/* Find all of that out from b->count records. */
void index_brief_make(struct index_blob *, const struct record *);
/* Packed, added to `out`. */
void index_brief_write(struct buf *out, const struct index_blob *);
/* Take one from the front; false if it is none. */
bool index_brief_read(struct span *packed, struct index_blob *out);
void index_brief_clear(struct index_blob *);

/* UIDs of all records. */
void index_brief_uids(const struct index_blob *, uint32_t *out);
/* That of the i-th. */
uint32_t index_brief_uid(const struct index_blob *, size_t i);
/* Index in the blob of the first record with a UID not below this. */
size_t index_brief_find(const struct index_blob *, uint32_t uid);

#endif
