/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content transfer encodings (RFC 2045 6), decoded generously and in pieces.
 * Nothing is refused: what can't be decoded is skipped (base64) or kept as it
 * is (quoted-printable).
 */
#ifndef MIME_TRANSFER_H
#define MIME_TRANSFER_H

#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct buf;

enum transfer {
	TRANSFER_IDENTITY,	/* 7bit, 8bit, binary, and the unknown */
	TRANSFER_BASE64,
	TRANSFER_QP
};

/* By the name in a Content-Transfer-Encoding (also "x-uuencode" and other
 * unknown ones: identity). */
enum transfer transfer_of(struct span name);

/* Decode all of `in`, adding to `out`. */
void transfer_decode(enum transfer, struct span in, struct buf *out);

/*
 * Decode in pieces: the same output however the input is cut.  Quoted-
 * printable keeps what is undecided (blanks before a line end, "=" and what
 * follows) in at most 1,024 octets.
 */
struct transfer_state {
	enum transfer transfer;
	uint32_t bits;		/* base64: what is not a whole octet yet */
	unsigned digits;	/* base64: how many digits that is */
	size_t n;		/* quoted-printable: octets kept */
	char kept[1024];
};

void transfer_begin(struct transfer_state *, enum transfer);
void transfer_feed(struct transfer_state *, struct span in, struct buf *out);
void transfer_end(struct transfer_state *, struct buf *out);

#endif
