/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Room for metadata in a message's header: Status, X-Status, X-Keywords and
 * X-UID, and in the first message X-IMAPbase, padded with blanks so that what
 * they say can be changed later without moving an octet.  Works on bytes in
 * memory only.
 */
#ifndef FORMATS_MBOX_ROOM_H
#define FORMATS_MBOX_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"
#include "c-client/store/record.h"

struct box_meta;
struct buf;

/* A longer header gets no room: a scan would not look behind it for long. */
#define MBOX_ROOM_HEADER_MAX	(1024u * 1024)

/* What the metadata of a message is to say. */
struct mbox_said {
	const struct box_meta *meta;	/* names of keywords */
	uint16_t flags;
	struct keywords keywords;
	uint32_t uid;			/* 0: leave X-UID as it is */
	bool front;			/* it is the first message of a file:
					 * X-IMAPbase in others is forged */
	uint32_t uidvalidity, last;	/* of X-IMAPbase, in the first message
					 * of a file; last 0: no such line */
};

enum mbox_room {
	MBOX_ROOM_SAME,		/* it says all of this already */
	MBOX_ROOM_FITS,		/* it does now */
	MBOX_ROOM_NONE		/* lines are missing, too short, or odd */
};

/*
 * Change the header (as on disk, without the separator line) in place.  With
 * MBOX_ROOM_FITS the octets [*from, *to) were changed; else none.
 */
enum mbox_room mbox_room_patch(char *header, size_t n,
    const struct mbox_said *, size_t *from, size_t *to);

/*
 * The header written anew, with room, added to `out`: its own metadata lines
 * are left out and ours stand at its end.  `pad` more blanks are put into it.
 * False where no line can be added to it (the last one has no line end, or it
 * is over MBOX_ROOM_HEADER_MAX); `out` has then got nothing.
 */
bool mbox_room_write(struct span header, const struct mbox_said *, size_t pad,
    struct buf *out);

/* "1234567890 0000000123 names", as X-IMAPbase and X-IMAP say it. */
void mbox_room_base(struct buf *out, const struct box_meta *,
    uint32_t uidvalidity, uint32_t last);

/* Put `text` into the value [at, at+n) of a header line, filled up with blanks:
 * false, and nothing is changed, where it does not fit. */
bool mbox_room_fill(char *header, size_t at, size_t n, struct span text);

#endif
