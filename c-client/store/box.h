/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open mailbox: the store's truth about it.  The records in memory are
 * those of the index as of the last refresh, by ascending UID.
 *
 * Two kinds of change: *structural* ones (messages come, go, move) are made
 * by a format that holds the mailbox's own lock; changes of flags are made by
 * anybody.  Both happen inside box_begin() ... box_commit(), which is the
 * index's lock; under it there is index work only: no scan, no parsing.
 */
#ifndef STORE_BOX_H
#define STORE_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"
#include "c-client/store/name.h"
#include "c-client/store/record.h"

struct account;
struct arena;
struct driver;
struct fault;
struct index;
struct index_walk;
struct progress;

#define BOX_STAMP_MAX	128
#define BOX_SETTLE_MSECS	25

struct box_meta {
	uint32_t uidvalidity;	/* 0: the index is new, and the format has to
				 * choose one before its first commit */
	uint32_t uidnext;	/* at least 1 */
	uint32_t first_recent;	/* UIDs from here on are \Recent to the next
				 * read-write view */
	uint64_t highestmodseq;
	uint64_t modseq_floor;	/* rebuilt: nothing is known below this */
	size_t keyword_count;
	const char *keywords[BOUND_KEYWORDS];	/* by bit number */
	size_t stamp_size;
	uint8_t stamp[BOX_STAMP_MAX];	/* the format's; size 0: never synced */
	size_t note_size;		/* the format's append note (decision
					 * 3): 0, or what to look at after a
					 * crash */
	uint8_t note[BOX_STAMP_MAX];
	bool transits;		/* the index has notes of moves (transit.h) */
};

/* The UIDVALIDITY for a mailbox that has none, or that can't keep `old`. */
uint32_t box_meta_uidvalidity(uint32_t old, int64_t now);

struct box {
	struct account *account;
	const struct driver *driver;
	struct name name;
	struct arena *keep;	/* lives as long as the open mailbox */
	void *state;		/* the format's */
	struct index *index;
	struct box_meta meta;
	struct record *records;	/* all in memory, but see box_open_lazy() */
	size_t count;
	bool readonly;		/* the mailbox can't be written */
	bool unsticky;		/* its UIDs are in memory only, or are not what
				 * others see, and so it is readonly too
				 * (RFC 4315 3, UIDNOTSTICKY) */
	bool shared;		/* others have indexes of it too: UIDs and
				 * flags are in the mailbox itself before they
				 * are told (docs/ARCHITECTURE, decision 1) */
	bool missing;		/* INBOX that does not exist yet: empty
				 * (formats/dummy.h) */
	bool unsettled;		/* the last sync saw no change, but one within
				 * the clock's tick looks like none: who waits
				 * for news looks again in BOX_SETTLE_MSECS */
	uint64_t generation;	/* grows with each change of `records` */
	uint32_t lost;		/* UIDVALIDITY of an index that was lost while
				 * it was open, which must not come again */
	struct progress *progress;	/* progress.h; NULL: nobody wants to
				 * know of long work */
};

/*
 * Open; the records are as the index had them until box_sync().  `readonly`
 * is what the client asked for (EXAMINE).  Faults: FAULT_NOTFOUND,
 * FAULT_PERM, FAULT_BADNAME (a directory), FAULT_IO.
 */
struct box *box_open(struct account *, const struct name *, bool readonly,
    struct fault *);
/*
 * The same, but records are read when somebody asks for them: `count` and the
 * functions below are good at once, records[i] only after box_at(),
 * box_record() or box_need_all() had it, and until the box is synced or
 * changed.
 */
struct box *box_open_lazy(struct account *, const struct name *,
    bool readonly, struct fault *);
void box_close(struct box *);	/* NULL is allowed */

/* All records are in memory from now on, also after syncs.  FAULT_IO,
 * FAULT_INUSE; FAULT_CORRUPT: the next sync begins a new index. */
int box_need_all(struct box *, struct fault *);
/* A session that will wait for long needs no records (nobody may hold a pointer
 * to one). */
void box_rest(struct box *);

/* The i-th record; NULL where it can't be read, or not as it was at the last
 * sync. */
struct record *box_at(struct box *, size_t i);
/*
 * The record with this UID and its index.  It may have to sync with others for
 * it: indexes and pointers from before may be invalid then.  NULL: it is gone,
 * or there are no records to be had at all (box_is_unsure()).
 */
struct record *box_record(struct box *, uint32_t uid, size_t *at);

/* What is known of records without reading them: the UID of the i-th, those of
 * [i, i+n). */
uint32_t box_uid(const struct box *, size_t i);
void box_uids(const struct box *, size_t i, size_t n, uint32_t *out);
/* That of the i-th, and how many there are from it on, at least one, whose UIDs
 * follow each other.  Zero the walk before; it is good until the box is synced
 * or changed. */
size_t box_walk(const struct box *, struct index_walk *, size_t i,
    uint32_t *uid);
/* The first record from the i-th on that is not \Seen; if that can't be told
 * for one, that one; count if there is none. */
size_t box_next_unseen(const struct box *, size_t i);
/* So many from the i-th on were surely not changed since this MODSEQ; 0 says
 * nothing. */
size_t box_quiet(const struct box *, size_t i, uint64_t modseq);
/* How many want flags, keywords or a UID that the mailbox itself does not
 * say. */
size_t box_unwritten(const struct box *);
/* How many are not \Seen, and octets of all. */
void box_sums(const struct box *, size_t *unseen, uint64_t *octets);

/*
 * Bring the records up to date: with other sessions (index), and with other
 * programs (driver->sync).  In a shared mailbox new UIDs are written into it
 * (driver->flush) before this returns; where they can't be, the box is
 * unsticky from then on.  A move of somebody who was killed is finished
 * (transit.h); so no lock may be held.  FAULT_INUSE: the locks could not be had
 * in time, records are as before.  FAULT_NOTFOUND: the mailbox is gone.
 */
int box_sync(struct box *, struct fault *);

/*
 * INBOX is no mailbox of its format any more (FAULT_NOTFOUND), or one now: go
 * on with the format that it has.  0, also where it is missing; the records are
 * as before until it is synced.  On -1 it is as if missing.
 */
int box_follow(struct box *, struct fault *);

/* Index of the record with this UID, or -1.  Binary search. */
ptrdiff_t box_find(const struct box *, uint32_t uid);
/* Index of the first record with a UID not below this; count if none. */
size_t box_find_from(const struct box *, uint32_t uid);

/*
 * Take the index's lock and refresh the records.  Everything changed until
 * box_commit() becomes visible to others and durable in one step, or not at
 * all.  After box_rollback(), or a failed commit, the records are read again.
 */
int box_begin(struct box *, struct fault *);
/*
 * The same for what the mailbox itself says to who reads it again: after a loss
 * of power this commit, and those after it that are soft too, may be gone, but
 * none before.  Kills leave it as it is.  A soft commit costs no sync.
 */
int box_begin_soft(struct box *, struct fault *);
/*
 * Make all soft commits durable.  To be called before anything in the mailbox
 * is changed but by adding at its end: what was added may not be told by it
 * then.
 */
int box_harden(struct box *, struct fault *);
int box_commit(struct box *, struct fault *);
void box_rollback(struct box *);

/* Inside a transaction: its MODSEQ, max(previous + 1, microseconds now). */
uint64_t box_modseq(struct box *);

/*
 * Inside a transaction: add a record at the end (its uid is above all others
 * and is set by the caller, who raises meta.uidnext; a modseq of 0 becomes
 * the transaction's), remove the i-th (its UID goes to the table of the gone),
 * say that the i-th was changed in place (flags or keywords: set its modseq to
 * box_modseq() before), or that meta was.  Pointers into records and indexes
 * above i are invalid after add and remove.
 */
void box_add(struct box *, const struct record *);
void box_remove(struct box *, size_t i);
/* The same for many, in one pass; `gone` ascends. */
void box_remove_many(struct box *, const size_t *gone, size_t count);
void box_touch(struct box *, size_t i);
void box_touch_meta(struct box *);
/* All records out, as expunged (`forget` false), or because UIDVALIDITY is to
 * change (`forget` true: nothing goes to the gone, parsed data is dropped). */
void box_remove_all(struct box *, bool forget);

/*
 * The bit of a keyword (ASCII case ignored), -1 if the mailbox does not have
 * it.  box_keyword_add() makes one, inside a transaction; -1 with FAULT_LIMIT
 * or FAULT_SYNTAX (no atom, over BOUND_KEYWORD).
 */
int box_keyword(const struct box *, struct span name);
int box_keyword_add(struct box *, struct span name, struct fault *);

enum box_store_op { BOX_STORE_SET, BOX_STORE_ADD, BOX_STORE_REMOVE };
struct box_store {
	enum box_store_op op;
	uint16_t flags;			/* of FLAG_ALL_SYSTEM */
	const struct span *keywords;	/* names */
	size_t keyword_count;
};

/*
 * Change flags of the messages with these ascending UIDs, durable when this
 * returns.  UIDs that are gone are passed over.  *modseq is what the changed
 * records got (those that had it that way already keep theirs).  Faults:
 * FAULT_READONLY, FAULT_LIMIT (keywords), FAULT_QUOTA, FAULT_IO; nothing was
 * changed then, but in a shared mailbox that has just become read-only.
 */
int box_store_flags(struct box *, const uint32_t *uids, size_t count,
    const struct box_store *, uint64_t *modseq, struct fault *);

/*
 * Remove messages; driver->expunge says how.  FAULT_READONLY, FAULT_INUSE,
 * FAULT_QUOTA, FAULT_IO.
 */
int box_expunge(struct box *, const uint32_t *uids, size_t count,
    bool deleted_only, struct fault *);

/*
 * Write flags, keywords and UIDs into the mailbox itself: at CHECK, and with
 * `leaving` before the box is closed.  A read-only box: nothing, 0.
 */
int box_flush(struct box *, bool leaving, struct fault *);

struct box_status {
	uint32_t messages, recent, uidnext, uidvalidity, unseen;
	uint64_t highestmodseq, size_octets;
};
/* RFC 3501 6.3.10 for a mailbox that need not be open (opened and synced for
 * it). */
int box_status(struct account *, const struct name *, struct box_status *,
    struct fault *);

/*
 * CREATE, DELETE, RENAME (RFC 3501 6.3.3 to 6.3.5) with missing directories
 * above made, the index moved or removed too.  RENAME of a directory renames
 * what is below; RENAME of INBOX moves its messages into a new mailbox.
 * Faults: FAULT_EXISTS, FAULT_NOTFOUND, FAULT_PERM, FAULT_CANNOT (DELETE of
 * INBOX; a directory that is not empty), and those of appending and
 * box_expunge().
 */
int box_create(struct account *, const struct name *, struct fault *);
int box_delete(struct account *, const struct name *, struct fault *);
int box_rename(struct account *, const struct name *from,
    const struct name *to, struct fault *);

#endif
