/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading messages as clients see them.  The file of the last one is kept
 * open: whoever renames or removes it, its octets stay those of the message.
 */
#ifndef FORMATS_MAILDIR_READ_H
#define FORMATS_MAILDIR_READ_H

#include <stddef.h>
#include <stdint.h>

struct box;
struct buf;
struct fault;
struct record;

/* A place in a message: what is known at it. */
struct maildir_mark_at {
	uint64_t wire, disk;	/* octets before it */
	char before;		/* the one before it in the file */
};

struct maildir_reader {
	int fd;			/* of the message with this digest; -1 */
	uint8_t digest[16];
	struct maildir_mark_at here;	/* the next octet */
	struct maildir_mark_at *marks;	/* on the way, in long messages */
	size_t mark_count, mark_room;
	char *block;
};

void maildir_reader_init(struct maildir_reader *);
void maildir_reader_clear(struct maildir_reader *);
void maildir_reader_forget(struct maildir_reader *);	/* closes the file */

/* driver->read. */
int maildir_read(struct box *, const struct record *, uint64_t off,
    size_t len, struct buf *out, struct fault *);

#endif
