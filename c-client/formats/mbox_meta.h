/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metadata headers, in which mail programs keep flags and UIDs inside of a
 * mailbox file: Status, X-Status, X-Keywords, X-UID, X-IMAPbase and X-IMAP.
 * Clients never see them.  All of them may be a sender's forgery: this file
 * says what they say, mbox_merge.c decides what is believed.
 */
#ifndef FORMATS_MBOX_META_H
#define FORMATS_MBOX_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/digest.h"
#include "c-client/base/span.h"
#include "c-client/store/record.h"

struct buf;

/* Kinds of header lines, by their name. */
enum mbox_field {
	MBOX_FIELD_OTHER,
	MBOX_FIELD_FROM,
	MBOX_FIELD_DATE,
	MBOX_FIELD_LENGTH,	/* Content-Length and Lines: seen by clients,
				 * but no part of the digest */
	MBOX_FIELD_STATUS,	/* from here on: hidden from clients */
	MBOX_FIELD_XSTATUS,
	MBOX_FIELD_XKEYWORDS,
	MBOX_FIELD_XUID,
	MBOX_FIELD_XIMAPBASE,
	MBOX_FIELD_XIMAP
};
enum mbox_field mbox_meta_field(struct span line);
bool mbox_meta_is_hidden(enum mbox_field);

/*
 * A header's lines, one after the other: zero it, set `rest`, and call
 * mbox_meta_next() until it is false.  Folds belong to their field.
 */
struct mbox_meta_walk {
	struct span rest;
	struct span line;	/* with its line end */
	enum mbox_field field;
	bool fold;
};
bool mbox_meta_next(struct mbox_meta_walk *);

/* What one header says.  Spans point into it. */
struct mbox_meta {
	uint16_t flags;		/* Status and X-Status, FLAG_OLD too */
	uint32_t uid;		/* X-UID; 0: none, or no number */
	struct span keywords;	/* X-Keywords: names between blanks */
	bool internal;		/* it is the internal-data message */
	bool base;		/* X-IMAPbase or X-IMAP, two numbers */
	uint32_t uidvalidity;
	uint32_t last;		/* the last UID given out */
	struct span names;	/* the mailbox's keywords */
	struct span date;	/* the Date field's body */
	uint64_t wire_size;	/* octets of the header on the wire */
	uint8_t digest[DIGEST_SIZE];
};

/*
 * Read a header as it is on disk, without the separator line, with the empty
 * line if it has one.  Of fields that occur twice the last one counts.
 * Linear in its size.
 */
void mbox_meta_parse(struct span header, struct digest *,
    struct mbox_meta *out);

/* The header as clients see it, added to `out`. */
void mbox_meta_wire(struct span header, struct buf *out);

#endif
