/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of one mailbox: a cache of what is slow to find out, in one SQLite
 * database (docs/ARCHITECTURE, decision 1).  What it says is hostile until
 * checked; what does not check is thrown away and found out again.
 *
 * box.c is the user of most of this; store/parsed.c of index_parsed_*(); a
 * format may ask index_is_durable().
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct arena;
struct box_meta;
struct buf;
struct fault;
struct index;
struct record;

/* Records of an open mailbox, by ascending UID. */
struct index_records {
	struct record *p;
	size_t count;
	size_t cap;
};

/*
 * Open the index of the mailbox with this store name, or make a new one
 * (meta.uidvalidity is 0 then).  `dir` is the index directory, canonical and
 * ours alone; NULL: in memory.  Where the database can't be written there
 * (read-only, full), it is read as far as it can be and held in memory: that
 * is logged, and index_is_durable() is false.
 * `lock_timeout` is in seconds.  FAULT_INUSE: a lock could not be had in time.
 */
struct index *index_open(const char *dir, const char *path,
    uint32_t lock_timeout, struct fault *);
void index_close(struct index *);	/* NULL is allowed */

/* Is what is committed there on a disk? */
bool index_is_durable(const struct index *);

/*
 * The disk is full: go on with a copy in memory of what the database says.
 * Logged; from now on index_is_durable() is false.
 */
int index_leave_disk(struct index *, struct fault *);

/* The file whose changes tell of other sessions' commits; NULL if none. */
const char *index_watch_path(const struct index *);

/*
 * Take over what other sessions committed.  *changed tells whether meta or
 * records are others now.  `meta` has strings that live in the index.  A
 * damaged database is replaced by a new one: no records, uidvalidity 0.
 * FAULT_INUSE, FAULT_IO: meta and records are as before.
 */
int index_refresh(struct index *, struct box_meta *, struct index_records *,
    bool *changed, struct fault *);

/* Index of the first record that was changed by refreshing since this was
 * asked last; SIZE_MAX if none was. */
size_t index_changed_from(struct index *);

/* What the caller has in memory is not to be believed: the next refresh reads
 * everything. */
void index_forget_loaded(struct index *);

/*
 * Take the write lock, and refresh.  Then the caller changes meta and records
 * and says what he did; index_commit() writes it (FAULT_QUOTA, FAULT_IO:
 * nothing was written), durable unless `soft`: then it outlives all but the
 * machine, and a commit that is durable makes those before it so too.  After a
 * failed commit and after a rollback of changes the next refresh reads
 * everything again.
 */
int index_begin(struct index *, struct box_meta *, struct index_records *,
    bool soft, bool *changed, struct fault *);
int index_commit(struct index *, struct box_meta *, struct index_records *,
    struct fault *);
void index_rollback(struct index *);

/* Inside a transaction: is there a commit that may be lost with the power? */
bool index_is_soft(const struct index *);

/*
 * Lazy: the array has room for all records, but from the next refresh on they
 * are read when they are asked for.  (At first: all, with each refresh.)
 */
void index_set_lazy(struct index *, bool lazy);
/*
 * Read the records [i, i+n) if they are not there.  1: they are.  0: others
 * have changed the index, a refresh has to come first.  -1: they can't be
 * read; where that is damage the next refresh begins a new database.  Inside
 * of a transaction, which then can't be committed, it is 1 or -1.
 */
int index_need(struct index *, struct index_records *, size_t i, size_t n);
bool index_has(struct index *, size_t i);
/* Was damage found since the last refresh? */
bool index_is_damaged(const struct index *);
/* Of those around the i-th, which was read, these were read too. */
void index_here(struct index *, size_t i, size_t *from, size_t *to);
/* Forget the records of a lazy index, so that they take no memory. */
void index_let_go(struct index *, struct index_records *);

/* What is known of all records, read or not: the UID of the i-th, and the first
 * record with a UID not below this. */
uint32_t index_uid(struct index *, const struct index_records *, size_t i);
size_t index_find(struct index *, const struct index_records *,
    uint32_t uid);
/*
 * Walk through the UIDs: that of the i-th record, and how many there are from
 * it on, at least one, whose UIDs follow each other.  Zero the walk before; it
 * is good until the records change.
 */
#define INDEX_WALK	136u

struct index_walk {
	size_t from, to;	/* the records whose UIDs these are */
	uint32_t uids[INDEX_WALK];
};
size_t index_walk(struct index *, const struct index_records *,
    struct index_walk *, size_t i, uint32_t *uid);

/* The first record from the i-th on that is not \Seen, or, if it was not read,
 * may not be; their number if there is none. */
size_t index_next_unseen(struct index *, const struct index_records *,
    size_t i);
/* How many records from the i-th on were not read, and not changed since this
 * MODSEQ: 0 if that can't be said of it. */
size_t index_quiet(struct index *, size_t i, uint64_t modseq);
/* How many want something that the mailbox itself does not say. */
size_t index_unwritten(struct index *, const struct index_records *);
/* How many are not \Seen, and octets on the wire of all. */
void index_sums(struct index *, const struct index_records *, size_t *unseen,
    uint64_t *octets);

/* Room for so many records. */
void index_records_grow(struct index_records *, size_t want);

/* RFC 3501 section 9, flag-keyword: an atom; of at most BOUND_KEYWORD. */
bool index_keyword_is_valid(struct span);

/* What was done to the records: call after the change for added and touched
 * ones, before it for removed ones (their UIDs are read). */
void index_note_added(struct index *, size_t count_now);
void index_note_touched(struct index *, size_t i);
void index_note_removed(struct index *, const struct index_records *,
    size_t i);
void index_note_removed_all(struct index *, const struct index_records *,
    bool forget);
void index_note_meta(struct index *);

/*
 * Notes of moves (transit.h), by numbers above 1.  Those that are there, in
 * the order of their numbers: their data are the arena's, and empty where they
 * don't check, or can't be read.
 */
#define INDEX_TRANSITS		16
#define INDEX_TRANSIT_MAX	(512u * 1024)	/* octets of one */

struct index_transit {
	uint64_t id;
	struct span data;
};
size_t index_transit_list(struct index *, struct arena *,
    struct index_transit out[static INDEX_TRANSITS]);
/*
 * Inside a transaction, once at most: put this one, or with empty data drop
 * it.  Where there are INDEX_TRANSITS others it is not kept.
 */
void index_transit_put(struct index *, uint64_t id, struct span data);

/*
 * Names of index files.  Move or remove the index of a mailbox, whether or not
 * somebody has it open; no index there is no fault.  Both wait for the
 * directory's lock at most `lock_timeout` seconds.
 */
int index_remove(const char *dir, const char *path, uint32_t lock_timeout,
    struct fault *);
int index_move(const char *dir, const char *from, const char *to,
    uint32_t lock_timeout, struct fault *);
/* The same for all mailboxes below the directory `from`.  Those with names so
 * long that only their hash is kept lose their index. */
int index_move_below(const char *dir, const char *from, const char *to,
    uint32_t lock_timeout, struct fault *);
/* The file name (one level) for a mailbox, added to `out`. */
void index_file_name(struct buf *out, const char *path);

/*
 * Parsed data: texts by kind and UID, several neighbours in one row.
 *
 * A chunk owns its memory and may be used for many index_parsed_get() one
 * after the other; zero it before the first, index_chunk_clear() after the
 * last.
 */
#define INDEX_KINDS		8u	/* kinds are below this */
#define INDEX_CHUNK_MESSAGES	64u
#define INDEX_CHUNK_OCTETS	(64u * 1024)
/* One text longer than this is not kept. */
#define INDEX_TEXT_MAX		(1024u * 1024)

struct index_chunk {
	size_t count;		/* 0: no such chunk */
	const uint32_t *uids;	/* ascending */
	const uint32_t *ends;	/* text i is bytes[ends[i-1], ends[i]) */
	const char *bytes;
	/* Inside of index_parsed.c. */
	uint32_t *numbers;
	size_t numbers_cap;
	char *store;
	size_t store_cap;
};

/*
 * Fetch the whole chunk that has `uid` in it.  Returns 1 with its place in
 * *at, so that the neighbours too can be served from it; 0 if the index has
 * nothing for this UID, or can't be read now (a chunk that does not check is
 * removed by the next put).  The text of a UID that index_refresh() gave is
 * true for as long as its UIDVALIDITY.
 */
int index_parsed_get(struct index *, uint32_t uid, unsigned kind,
    struct index_chunk *, size_t *at);
struct span index_chunk_text(const struct index_chunk *, size_t at);
void index_chunk_clear(struct index_chunk *);

/*
 * Keep these texts: ascending UIDs, one transaction for all, merged with small
 * neighbours.  `uidvalidity` is that of the box the texts were read from: if
 * it is another by now they are dropped.  `records` (may be NULL) lets texts
 * of UIDs that are gone go.  Not inside box_begin().  It waits for the lock
 * only briefly and is not synced: a failure costs speed only.
 */
int index_parsed_put(struct index *, unsigned kind, uint32_t uidvalidity,
    const struct index_records *, const uint32_t *uids,
    const struct span *texts, size_t n, struct fault *);

/* The version of SQLite that this process has. */
const char *index_library(void);

#endif
