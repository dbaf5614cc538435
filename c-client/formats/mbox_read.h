/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading messages as clients see them.  Bytes come from the file in blocks,
 * each under a shared lock and only as long as the stamp holds; so what is
 * handed out is the message that the record speaks of, or nothing.
 */
#ifndef FORMATS_MBOX_READ_H
#define FORMATS_MBOX_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/buf.h"
#include "c-client/formats/mbox_stamp.h"
#include "c-client/formats/wire_reader.h"

struct box;
struct fault;
struct record;

struct mbox_reader {
	struct mbox_stamp stamp;	/* for which the rest is true */
	bool filled;
	char *block;
	uint64_t at;		/* offset of block[0] in the file */
	size_t n, room;
	/* The message that was read last: */
	uint64_t place;
	uint64_t wire_size;
	bool is_open;
	struct buf header;	/* in wire form */
	struct wire_reader body;
};

void mbox_reader_init(struct mbox_reader *);
void mbox_reader_clear(struct mbox_reader *);

/* driver->read. */
int mbox_read(struct box *, const struct record *, uint64_t off, size_t len,
    struct buf *out, struct fault *);

#endif
