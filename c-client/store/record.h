/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the index knows of one message: a fixed-size record.  Its layout is
 * the index's format on disk (index.c checks size and format number).
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "c-client/base/bounds.h"

/* System flags of RFC 3501 2.3.2.  \Recent belongs to a view, not here. */
enum {
	FLAG_ANSWERED	= 1 << 0,
	FLAG_FLAGGED	= 1 << 1,
	FLAG_DELETED	= 1 << 2,
	FLAG_SEEN	= 1 << 3,
	FLAG_DRAFT	= 1 << 4,
	FLAG_OLD	= 1 << 5	/* Status: O, kept for other programs;
					 * never told to clients */
};
#define FLAG_ALL_SYSTEM \
	(FLAG_ANSWERED | FLAG_FLAGGED | FLAG_DELETED | FLAG_SEEN | FLAG_DRAFT)

/* One bit for each of the mailbox's keyword names (box.h). */
struct keywords {
	uint64_t bits[BOUND_KEYWORDS / 64];
};

struct record {
	uint64_t place;		/* where the format finds it; mbox: offset of
				 * the separator line */
	uint64_t disk_size;	/* octets from place to the next message */
	uint64_t wire_size;	/* RFC822.SIZE */
	uint64_t modseq;	/* of the last change of flags or keywords */
	int64_t date;		/* INTERNALDATE, seconds since 1970 */
	int64_t saved;		/* when it came to this mailbox (RFC 8514) */
	struct keywords keywords;	/* as wanted */
	struct keywords keywords_seen;	/* as last seen in the file */
	uint8_t digest[16];	/* of the header lines that stay the same */
	uint32_t uid;
	uint32_t wire_header;	/* octets of the header on the wire, with the
				 * empty line */
	uint32_t disk_header;	/* octets of the header on disk, without the
				 * separator line, with the empty line */
	uint16_t separator;	/* octets of the separator line */
	int16_t zone;		/* of the internal date, minutes east */
	uint16_t flags;		/* as wanted */
	uint16_t flags_seen;	/* as last seen in the file */
	uint32_t uid_seen;	/* UID as last seen in the mailbox itself
				 * (X-UID), 0: it has none for this message */
};

_Static_assert(sizeof(struct record) == 120, "the index's format");

/*
 * Three-way merge: bits that the file changed since it was last seen are as in
 * the file now, all others stay as they are wanted.  True if what is wanted
 * has changed; *seen tells whether anything has.
 */
bool record_merge_flags(struct record *, uint16_t flags_now,
    const struct keywords *now, bool *seen);

#endif
