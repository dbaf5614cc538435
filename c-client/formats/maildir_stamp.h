/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stamp of a maildir: by which it is known, without reading a directory,
 * that no name in it has changed.
 */
#ifndef FORMATS_MAILDIR_STAMP_H
#define FORMATS_MAILDIR_STAMP_H

#include <stdbool.h>
#include <stdint.h>

struct box;
struct fault;

/* One file or directory; ino 0: there is none. */
struct maildir_mark {
	uint64_t ino;
	int64_t change;		/* time, seconds */
	uint32_t change_nsec;
	uint32_t size;		/* of a file, 32 bits of it */
};

/* As it is kept in box->meta.stamp, octet for octet. */
struct maildir_stamp {
	uint32_t format;	/* MAILDIR_STAMP_FORMAT */
	uint16_t doubtful;	/* something could have changed after it was
				 * taken, within the clock's last tick */
	uint16_t unmoved;	/* messages are in new still, or have a base in
				 * common */
	uint64_t dev;
	uint32_t lines;		/* in the list of UIDs, those of messages that
				 * are gone too */
	uint32_t spare;
	struct maildir_mark cur, new, list, keywords;
};

#define MAILDIR_STAMP_FORMAT	0x4d444901u

/* The box's; false if it has none (never synced) or it is none of ours. */
bool maildir_stamp_load(const struct box *, struct maildir_stamp *);
/* Into box->meta, inside a transaction. */
void maildir_stamp_store(struct box *, const struct maildir_stamp *);

/* Of the maildir with this open directory.  FAULT_NOTFOUND where a part of it
 * is gone. */
int maildir_stamp_take(int dir, struct maildir_stamp *, struct fault *);

bool maildir_stamp_mark_is(const struct maildir_mark *,
    const struct maildir_mark *);
/* Is all of it what it was?  (Doubt is another question.) */
bool maildir_stamp_holds(const struct maildir_stamp *was,
    const struct maildir_stamp *now);

/* Can a doubt be settled now, or is the clock still where it was? */
bool maildir_stamp_can_settle(const struct maildir_stamp *);

#endif
