/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading text whose line ends a client sees as CRLF, from any wire offset on.
 * Offsets in the file can only be had by going there: what is known on the way
 * is kept, so that reading on costs nothing and going back little.
 */
#ifndef FORMATS_WIRE_READER_H
#define FORMATS_WIRE_READER_H

#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct buf;
struct fault;

struct wire_place {
	uint64_t wire;		/* octets of the message before it */
	uint64_t disk;		/* offset in the file */
	char before;		/* the octet before it in the file */
};

struct wire_reader {
	struct wire_place first, here;	/* the text's first octet; the next */
	struct wire_place *marks;	/* on the way, in long texts */
	size_t mark_count, mark_room;
};

/*
 * Where octets of the file come from: those from `disk` on, at least one and
 * none behind the text, about `want` if they can be had; they stay until the
 * next call.  Where there are none it says what that means.
 */
struct wire_source {
	int (*get)(struct wire_source *, uint64_t disk, uint64_t want,
	    struct span *out, struct fault *);
};

/* Zeroed is a good start; a text is begun with its first place. */
void wire_reader_begin(struct wire_reader *, struct wire_place first);
void wire_reader_clear(struct wire_reader *);

/*
 * Add to `out` the wire octets [off, off+len), which the text must have.
 * FAULT_LIMIT where `out` is full, and what the source says; then some of it
 * may have been added.
 */
int wire_reader_add(struct wire_reader *, struct wire_source *, uint64_t off,
    uint64_t len, struct buf *out, struct fault *);

#endif
