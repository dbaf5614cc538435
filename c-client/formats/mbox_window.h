/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A window that moves over a file from its beginning to its end: positions
 * are offsets in the file, and each byte is read once.
 */
#ifndef FORMATS_MBOX_WINDOW_H
#define FORMATS_MBOX_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct fault;

struct mbox_window {
	int fd;
	uint64_t end;		/* never reads beyond */
	uint64_t at;		/* offset of p[0] */
	uint64_t keep;		/* what is before may be dropped */
	char *p;		/* p[n] is always readable, and 0 */
	size_t n, room;
	uint64_t octets;	/* read so far */
};

void mbox_window_init(struct mbox_window *, int fd, uint64_t from,
    uint64_t end);
void mbox_window_clear(struct mbox_window *);

/*
 * Read on.  The window grows where `keep` holds too much of it.  Returns -1
 * with FAULT_CHANGED (the file ends before `end`) or FAULT_IO.  Not to be
 * called at the end.
 */
int mbox_window_read(struct mbox_window *, struct fault *);

bool mbox_window_at_end(const struct mbox_window *);
const char *mbox_window_ptr(const struct mbox_window *, uint64_t off);
/* Octets in the window from `off` on. */
size_t mbox_window_has(const struct mbox_window *, uint64_t off);

/*
 * The line at `off`, with its LF; without one where the file ends or where
 * it is longer than `max` octets (then just so many).  Returns -1 as
 * mbox_window_read() does.
 */
int mbox_window_line(struct mbox_window *, uint64_t off, size_t max,
    struct span *, struct fault *);

#endif
