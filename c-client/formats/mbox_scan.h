/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the messages in a mailbox file: each byte is read once, in large
 * blocks, and only headers are parsed.  Reports what is there; it knows no
 * index and believes nothing but separators.
 */
#ifndef FORMATS_MBOX_SCAN_H
#define FORMATS_MBOX_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/formats/mbox_keywords.h"
#include "c-client/store/record.h"

struct digest;
struct fault;

struct mbox_message {
	struct record r;	/* uid, modseq and saved are 0; flags and
				 * keywords, wanted and seen, are those of the
				 * metadata headers */
	uint32_t uid;		/* X-UID, 0 for none */
};

struct mbox_scan {
	/* Set by the caller: */
	int fd;
	uint64_t from, to;	/* octets of the file; `from` is 0, or the end
				 * of a file that was scanned before */
	int64_t now;		/* for messages without any date */
	struct mbox_keywords *keywords;	/* those of a base are added */

	/* What was found: */
	uint64_t begin;		/* the first separator; `to` if there is none */
	struct mbox_message *messages;
	size_t count;
	bool internal;		/* the file begins with internal data, which is
				 * none of the messages */
	bool based;		/* believable X-IMAPbase or X-IMAP, in the
				 * first message of the file */
	uint32_t uidvalidity;
	uint32_t last;
	uint64_t octets;	/* that were read */

	size_t room;		/* for mbox_scan.c */
};

/*
 * Scan; the lock is held by the caller.  Returns -1 with FAULT_CORRUPT where
 * there is no separator at `from` (behind empty lines), FAULT_CHANGED where
 * the file is shorter than `to`, FAULT_LIMIT over BOUND_MESSAGES, FAULT_IO.
 * What was found is freed by mbox_scan_clear(), in any case.
 */
int mbox_scan(struct mbox_scan *, struct fault *);
void mbox_scan_clear(struct mbox_scan *);

/*
 * Parse again the header of a message that was scanned before; its separator
 * and header are the `n` octets at p.  *out gets only what its metadata says:
 * flags, keywords, X-UID.  False if there is no separator any more, or the
 * header is another one than the record's.
 */
bool mbox_scan_header(const char *p, size_t n, const struct record *,
    const struct mbox_keywords *, struct digest *,
    struct mbox_message *out);

#endif
