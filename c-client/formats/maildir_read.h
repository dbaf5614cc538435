/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading messages as clients see them.  The file of the last one is kept
 * open: whoever renames or removes it, its octets stay those of the message.
 */
#ifndef FORMATS_MAILDIR_READ_H
#define FORMATS_MAILDIR_READ_H

#include <stddef.h>
#include <stdint.h>

#include "c-client/formats/wire_reader.h"

struct box;
struct buf;
struct fault;
struct record;

struct maildir_reader {
	int fd;			/* of the message with this digest; -1 */
	uint8_t digest[16];
	struct wire_reader wire;
	char *block;
};

void maildir_reader_init(struct maildir_reader *);
void maildir_reader_clear(struct maildir_reader *);
void maildir_reader_forget(struct maildir_reader *);	/* closes the file */

/* driver->read. */
int maildir_read(struct box *, const struct record *, uint64_t off,
    size_t len, struct buf *out, struct fault *);

#endif
