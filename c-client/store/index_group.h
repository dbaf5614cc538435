/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of blobs: up to INDEX_GROUP_BLOBS that follow each other have their
 * briefs in one row of `briefs`, and what that row says in all is summed up in
 * the row of `box`.  So who opens a mailbox reads one row, and of the briefs
 * only those that he needs.
 *
 * The k-th group has the key k, its j-th blob the key k * INDEX_GROUP_BLOBS +
 * j; all but the last one are full of blobs.
 */
#ifndef STORE_INDEX_GROUP_H
#define STORE_INDEX_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct buf;
struct index_blob;

/* What is said of the records is so for one that is not dirty; count and start
 * always. */
struct index_group {
	uint64_t change;	/* the commit that wrote it last */
	uint64_t sum;		/* of the row of briefs */
	uint64_t modseq;	/* the highest */
	uint64_t octets;	/* of all messages, wire sizes */
	size_t start;		/* in the array of records */
	uint32_t count;		/* of records */
	uint32_t first, last;	/* UIDs */
	uint32_t unseen;	/* how many are not \Seen */
	uint32_t first_unseen;	/* the first one's index; `count` if none */
	uint32_t unwritten;	/* not index_brief_is_written() */
	uint32_t blob_count;
	struct index_blob *blobs;	/* owned; NULL: not read yet */
	bool dirty;
};

/* Does it have each UID from the first to the last?  Then nobody has to read
 * briefs to know them.  An empty one has none: its briefs are always read, for
 * what is added may belong to its last blob. */
bool index_group_is_run(const struct index_group *);

/* An empty one whose blobs are there. */
void index_group_new(struct index_group *);
void index_group_clear(struct index_group *);

/* The checksum of a row of briefs. */
uint64_t index_group_sum(uint64_t key, uint64_t change, struct span row);
/* Sum up the blobs, none of which may be dirty, and add the row of briefs to
 * `out`; `change` is the commit's. */
void index_group_write(struct index_group *, uint64_t key, uint64_t change,
    struct buf *out);
/* 1: the blobs of the group whose summary this is.  0: it is the row of another
 * one.  -1: it is its row, and that can't be. */
int index_group_read(struct index_group *, uint64_t key, struct span row);

/* The summary: added to `out`, and of size INDEX_GROUP_PACKED; false if no
 * group of so many blobs can be like that. */
#define INDEX_GROUP_PACKED	56u
void index_group_pack(struct buf *out, const struct index_group *);
bool index_group_unpack(const char *packed, uint32_t blob_count,
    struct index_group *);

#endif
