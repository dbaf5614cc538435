/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte-stuffing of multi-line answers (RFC 1939 section 3): a "." at the
 * beginning of a line is doubled, and a line with only a "." ends the answer.
 */
#ifndef IPOPD_STUFF_H
#define IPOPD_STUFF_H

#include <stdbool.h>

#include "c-client/base/buf.h"
#include "c-client/base/span.h"

struct stuff {
	bool inside;		/* the last octet was no line end */
};

/* Zeroed at the beginning of each answer; add pieces cut anywhere. */
void stuff_add(struct stuff *, struct buf *out, struct span piece);

/* A line that lacks its end gets one, then the "." line. */
void stuff_end(struct stuff *, struct buf *out);

#endif
