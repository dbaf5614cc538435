/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stamp of a mailbox file: by which it is known that nothing has changed,
 * or that something was added behind its end, without reading it.
 */
#ifndef FORMATS_MBOX_STAMP_H
#define FORMATS_MBOX_STAMP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct box;
struct fault;

/* As it is kept in box->meta.stamp, octet for octet. */
struct mbox_stamp {
	uint32_t format;	/* MBOX_STAMP_FORMAT */
	uint32_t doubtful;	/* something could have changed after it was
				 * taken, within the clock's last tick */
	uint64_t dev, ino, size;
	int64_t modify, change;	/* times, seconds */
	uint32_t modify_nsec, change_nsec;
	uint64_t front, tail;	/* XXH3 of the first and last 2 KiB */
	uint32_t last;		/* the last UID that the file's X-IMAPbase
				 * says; 0: it has none for the mailbox's
				 * UIDVALIDITY */
	uint32_t zero;
};

#define MBOX_STAMP_FORMAT	2u

/* The box's; false if it has none (never synced) or it is none of ours. */
bool mbox_stamp_load(const struct box *, struct mbox_stamp *);
/* Into box->meta, inside a transaction. */
void mbox_stamp_store(struct box *, const struct mbox_stamp *);

/* Of the locked file `fd` with this status: reads 4 KiB; `last` is left 0.
 * -1 with FAULT_IO, or FAULT_CHANGED where the file is shorter. */
int mbox_stamp_take(int fd, const struct stat *, struct mbox_stamp *,
    struct fault *);

/*
 * The same after writing to it under a lock: waits until the clock of the
 * file's times has gone on, a few ms, so that the stamp is beyond doubt.  It is
 * that of the first `size` octets: what somebody adds without a lock is growth.
 */
int mbox_stamp_take_written(int fd, uint64_t size, struct mbox_stamp *,
    struct fault *);

/* Is the file what it was?  (Doubt is another question.) */
bool mbox_stamp_holds(const struct mbox_stamp *, const struct stat *);

/* Is the file what it was, with something added behind its end?  Reads
 * 4 KiB. */
bool mbox_stamp_grown(const struct mbox_stamp *, int fd,
    const struct stat *);

/* Can a doubt be settled now, or is the clock still where it was? */
bool mbox_stamp_can_settle(const struct mbox_stamp *);

#endif
