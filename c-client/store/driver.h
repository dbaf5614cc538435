/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a mailbox format must do.  What follows from these (SEARCH, ENVELOPE,
 * COPY, views) is done once, in store/.  It speaks of mailboxes, UIDs,
 * records and bytes; where these come from is the format's own affair.  All
 * members but form are set; what a format can't do points at
 * driver_cannot_*().
 */
#ifndef STORE_DRIVER_H
#define STORE_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/store/name.h"
#include "c-client/store/record.h"

struct account;
struct append_item;
struct box;
struct buf;
struct fault;
struct watch;

/* What probe() found. */
enum driver_kind {
	DRIVER_NOT_OURS,
	DRIVER_MAILBOX,		/* can be selected */
	DRIVER_MISSING,		/* INBOX only: it may come into being */
	DRIVER_DIRECTORY,	/* no mailbox, but others may be below it */
	DRIVER_PART		/* a file or directory of which a mailbox is
				 * made: no name that may be used */
};

/* Where driver->list puts what it finds; the object is the caller's. */
struct driver_names {
	void (*found)(struct driver_names *, const char *path);
};

/*
 * Add to `out` a message, of which all octets are there, as the format's
 * append() will write it: that is done while it is collected, and once.
 */
typedef void driver_form(struct box *, const struct append_item *,
    struct span message, struct buf *out);

/*
 * Keep the message of `from` with this record, a mailbox of the same format,
 * for `to`, and add to `out` what append() will know it by (item->kept).  Its
 * octets are not collected then.  False where that can't be, which is no
 * fault; nothing is left of it then.
 */
typedef bool driver_link(struct box *from, const struct record *,
    struct box *to, struct buf *out);

struct driver {
	const char *name;
	bool placeholder;	/* for what no other format takes, and no
				 * format of new mailboxes; open() can't fail */

	/* Look at the mailbox from outside, at its first bytes at most. */
	enum driver_kind (*probe)(struct account *, const struct name *,
	    struct fault *);

	/* Make and undo box->state.  open() reads no mail; it may find the
	 * mailbox read-only and sets box->readonly then. */
	int (*open)(struct box *, struct fault *);
	void (*close)(struct box *);

	/*
	 * Bring the records up to date with the mailbox: nothing is read
	 * where its stamp (box->meta.stamp) still holds.  Locks, scans, and
	 * commits through box_begin() ... box_commit().  Changes nothing in
	 * the mailbox itself.  FAULT_NOTFOUND: it is no such mailbox any more.
	 */
	int (*sync)(struct box *, struct fault *);

	/*
	 * Octets [off, off+len) of the message as the client sees it (CRLF,
	 * metadata headers hidden, NUL as 0x80), added to `out`; fewer only
	 * at the message's end.  FAULT_CHANGED where the bytes at
	 * record->place may be others by now: sync, and look up the UID again.
	 */
	int (*read)(struct box *, const struct record *, uint64_t off,
	    size_t len, struct buf *out, struct fault *);

	driver_form *form;	/* NULL: the format writes what it is given */

	driver_link *link;	/* NULL, as unlink: octets are collected */
	/* What link() kept is needed no more, whatever became of append(). */
	void (*unlink)(struct box *, const char *kept);

	/*
	 * Add messages, all or none; on return they are on disk, in the
	 * records, and each item has its uid, each one above the one before
	 * by 1.  The transaction that adds the records has append_arrive();
	 * and the one that finds out, after a kill, that all of them were
	 * written has transit_arrive().  See append.h.
	 */
	int (*append)(struct box *, struct append_item *, size_t count,
	    struct fault *);

	/*
	 * Remove the messages with these ascending UIDs, all of them, those
	 * that are there no more excepted; with `deleted_only` those without
	 * \Deleted too (looked at under the locks: another session may have
	 * taken it away).  On return they are off the disk and out of the
	 * records.  On -1 any of them may be there still, and box->records
	 * says which.  A long one tells box->progress.
	 */
	int (*expunge)(struct box *, const uint32_t *uids, size_t count,
	    bool deleted_only, struct fault *);

	/*
	 * Write what the records want (flags, keywords, UIDs) into the
	 * mailbox itself, where other programs read it, durably.  Where a
	 * message has no room for it, room is made only if `leaving`: this
	 * session is about to close the box.  What can't be written now stays
	 * wanted, and is no fault.  Where box_unwritten() is 0 the records may
	 * not have been read.
	 */
	int (*flush)(struct box *, bool leaving, struct fault *);

	/* Make, remove, rename a mailbox that is not open here. */
	int (*create)(struct account *, const struct name *, struct fault *);
	int (*remove)(struct account *, const struct name *, struct fault *);
	int (*rename)(struct account *, const struct name *from,
	    const struct name *to, struct fault *);

	/* The mailboxes that are not found by a walk through the mail root
	 * (driver_list_none(): there are none). */
	void (*list)(struct account *, struct driver_names *);

	/* Tell `watch` what to look at (watch_file(), watch_directory()). */
	void (*watch)(struct box *, struct watch *);
};

/* All formats, the most particular first; the last one that is no placeholder
 * is what new mailboxes are made with.  NULL ends it.  Defined in
 * formats/drivers.c. */
extern const struct driver *const drivers[];

/* The first driver that takes the name; NULL with FAULT_NOTFOUND, or with
 * FAULT_BADNAME and DRIVER_PART. */
const struct driver *driver_of(struct account *, const struct name *,
    enum driver_kind *, struct fault *);
/* What new mailboxes are made with, and the placeholder; NULL if there is
 * none. */
const struct driver *driver_default(void);
const struct driver *driver_placeholder(void);
/*
 * The one to make this mailbox with: the format that its name asks for
 * (#driver.FORMAT/), else that of the mailbox which it is to be below, else
 * the last one where the name is of another namespace, else the configured
 * one, else INBOX's.  NULL with FAULT_BADNAME (no such format,
 * or the name is a part of a mailbox).
 */
const struct driver *driver_for_new(struct account *, const struct name *,
    struct fault *);

void driver_list_none(struct account *, struct driver_names *);

#endif
