/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message as it is written into a mailbox file: separator, LF line ends,
 * room for metadata, no line that could be taken for a separator, nothing of
 * the client's that could be taken for metadata.
 */
#ifndef FORMATS_MBOX_FORMAT_H
#define FORMATS_MBOX_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct append_item;
struct buf;
struct fault;

/* Where formatted octets go, in pieces: 0, or -1 with the fault set. */
struct mbox_sink {
	int (*write)(struct mbox_sink *, const char *, size_t,
	    struct fault *);
};

/*
 * Write one message.  `sender` is what its separator begins with, "From
 * user@host ".  The client's line ends become LF (a CR that is one more than
 * its LF needs stays); the empty line behind the header is there even where
 * he sent none, and one is behind the message.  Status, X-Status, X-Keywords,
 * X-UID, X-IMAP and X-IMAPbase of his are renamed X-Original-..., so that
 * nobody forges metadata by a message.  Memory does not grow with the message.
 */
int mbox_format(const struct append_item *, struct span sender,
    struct mbox_sink *, struct fault *);

/* The same, added to `out`, for one of which all octets are in memory. */
void mbox_format_whole(const struct append_item *, struct span message,
    struct span sender, struct buf *out);

/* "Sat Jan  6 10:00:00 2024" and a zone where `zoned`, added to `out`. */
void mbox_format_date(struct buf *out, int64_t secs, int zone_minutes);

#endif
