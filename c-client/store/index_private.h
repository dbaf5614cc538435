/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the index share; nobody else includes this.
 *
 * Functions that end with an SQLite result code say SQLITE_OK, or why not;
 * SQLITE_CORRUPT stands for everything that does not check, whoever found it.
 */
#ifndef STORE_INDEX_PRIVATE_H
#define STORE_INDEX_PRIVATE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "c-client/base/buf.h"
#include "c-client/store/index.h"
#include "c-client/store/index_brief.h"
#include "c-client/store/index_group.h"
#include "c-client/store/record.h"

/* Grows with each change of what the tables or blobs look like. */
#define INDEX_FORMAT	3

/* Records in a blob: packed they mostly fit into a page of 8 KiB.  The newest
 * blob may have fewer, and so may those that messages were removed from. */
#define INDEX_BLOB_RECORDS	INDEX_WALK

/* Blobs in a group: the briefs of two mostly fit into a page too. */
#define INDEX_GROUP_BLOBS	60u

/* The newest rows of `gone` that are kept. */
#define INDEX_GONE_MAX	10000

enum index_statement {
	INDEX_DATA_VERSION, INDEX_BEGIN, INDEX_BEGIN_WRITE, INDEX_COMMIT,
	INDEX_ROLLBACK, INDEX_BOX_GET, INDEX_BOX_PUT, INDEX_TRANSIT_LIST,
	INDEX_TRANSIT_PUT, INDEX_TRANSIT_DROP, INDEX_TRANSIT_ANY,
	INDEX_BRIEFS_GET, INDEX_BRIEFS_PUT, INDEX_BRIEFS_CLEAR,
	INDEX_RECORDS_READ, INDEX_FLAGS_READ, INDEX_RECORDS_PUT,
	INDEX_RECORDS_CLEAR,
	INDEX_GONE_ADD, INDEX_GONE_TRIM, INDEX_GONE_FLOOR, INDEX_GONE_CLEAR,
	INDEX_PARSED_AT, INDEX_PARSED_AFTER, INDEX_PARSED_PUT,
	INDEX_PARSED_DROP, INDEX_PARSED_DROP_RANGE, INDEX_PARSED_KEYS,
	INDEX_PARSED_CLEAR, INDEX_STATEMENTS
};

struct index {
	sqlite3 *db;		/* NULL only where even memory failed */
	sqlite3_stmt *statements[INDEX_STATEMENTS];
	char *dir;		/* NULL: in memory */
	char *file, *wal;	/* of the database; NULL in memory */
	dev_t device;		/* of the open database */
	ino_t inode;
	uint32_t lock_timeout;
	int system_error;	/* errno of a failed commit, or 0 */
	double deadline;	/* for the busy handler, clock_steady() */
	bool durable;
	bool alone;		/* being opened by index_file_open_alone() */
	bool soft;		/* commits are not synced now */
	bool soft_last;		/* the last one was not, whoever made it */
	int wal_pages;		/* since the last checkpoint */
	int page_size;

	/* What the caller has in memory. */
	bool lazy;		/* records are read when they are asked for */
	bool damaged;		/* found out late: the next refresh begins a new
				 * database */
	bool loaded;
	int64_t data_version;
	uint64_t change, layout;
	uint32_t uidvalidity;
	uint32_t uidnext;	/* as of that: what records may not exceed */
	uint64_t highestmodseq;
	struct index_group *groups;
	size_t group_count, group_cap;
	size_t group_last;	/* that was looked up last, and its blob */
	uint32_t blob_last;
	size_t ahead, ahead_at;	/* how far is read on, if it goes on here */
	size_t changed_from;	/* no record below this was changed by a load
				 * since index_changed_from() */
	struct arena *strings;	/* keyword names */

	/* The transaction. */
	bool want_soft;
	bool writing;
	bool meta_dirty, records_dirty;
	bool broken;		/* records were missing to it: no commit */
	bool cleared;		/* all rows go first */
	bool forget;
	uint64_t transit;	/* this one is to be put or dropped; or 0 */
	struct buf transit_data;
	uint32_t *removed;
	size_t removed_count, removed_cap;
};

/* index.c */
sqlite3_stmt *index_statement(struct index *, enum index_statement);
int index_run(struct index *, enum index_statement);	/* to its end */
void index_start_clock(struct index *);
int index_data_version(struct index *, int64_t *version);
int index_fault(struct index *, int rc, const char *what, struct fault *);
bool index_is_damage(int rc);
uint64_t index_sum(const void *, size_t, uint64_t seed);

/* index_file.c: the connection, files and locks of files. */
int index_file_open(struct index *, struct fault *);
void index_file_close(struct index *, bool checkpoint);
bool index_file_moved(struct index *);
int index_file_replace(struct index *, struct fault *);
int index_file_memory(struct index *);
/* The directory's lock, F_RDLCK or F_WRLCK: a descriptor to close, or -1. */
int index_file_guard(const char *dir, short type, uint32_t timeout,
    struct fault *);
/* Is a file of the database there that SQLite should not meet? */
bool index_file_is_odd(const char *file, const char *ending);
/* Remove a database with all that belongs to it. */
void index_file_unlink(const char *file);
/* For reading once, where it can't be opened with others. */
int index_file_open_alone(struct index *);

/* index_schema.c: tables, and what was opened being ours. */
/* Are commits to be synced from now on?  Not inside of a transaction. */
int index_schema_sync(struct index *, bool soft);
int index_schema_settings(struct index *);
int index_schema_make(struct index *);
int index_schema_check(struct index *);
extern const char *const index_schema_statements[INDEX_STATEMENTS];

/* What the row of `box` says beside the mailbox's numbers. */
struct index_state {
	uint64_t change, layout;
	size_t count;		/* of records */
	struct index_group *groups;	/* owned */
	size_t group_count;
};

/* index_meta.c: the one row of `box`. */
int index_meta_get(struct index *, struct box_meta *, struct index_state *);
int index_meta_put(struct index *, const struct box_meta *, uint64_t change,
    uint64_t layout, size_t count);

/* index_transit.c: write what index_transit_put() was told. */
int index_transit_write(struct index *, struct box_meta *);

/* index_records.c: the array and the groups.  Loading leaves both as they were
 * unless it ends with SQLITE_OK; then it has taken the state's groups. */
void index_records_clear_groups(struct index *);
/* All of the array will be written to. */
void index_records_want_huge(struct index_records *);
int index_records_load(struct index *, struct index_records *,
    struct index_state *, const struct box_meta *);
int index_records_load_changed(struct index *, struct index_records *,
    struct index_state *, const struct box_meta *);

/* index_need.c: beside what index.h has of it.  The key of a part of the j-th
 * blob of the k-th group. */
int64_t index_need_key(enum index_part, size_t k, uint32_t j);
/*
 * Read the k-th group's briefs;
 * the records of its blobs [from, to), one behind the other.  SQLITE_ABORT:
 * the row is another one; others have changed it since, or it is damaged.
 */
int index_need_briefs(struct index *, size_t k, struct index_group *);
int index_need_read(struct index *, size_t k, struct index_group *,
    uint32_t from, uint32_t to, struct record *out, uint32_t uidnext,
    uint64_t modseq);
/* All that are missing. */
int index_need_rest(struct index *, struct index_records *);
/* Are these records such as are believed when they are read, with ascending
 * UIDs above `above`? */
bool index_need_is_sane(const struct record *, size_t, uint32_t above,
    uint32_t uidnext, uint64_t modseq);

/* index_note.c: beside what index.h has of it.  The group that has record i;
 * and, in one whose briefs are there, the blob.  Empty ones have none. */
struct index_group *index_note_group(struct index *, size_t i);
struct index_blob *index_note_blob(struct index *, struct index_group *,
    size_t i);
/* Write the rows that changed; all of them, newly divided, where too many have
 * become short. */
int index_note_write(struct index *, const struct index_records *,
    const struct box_meta *, uint64_t change);
bool index_note_must_repack(const struct index *,
    const struct index_records *);
void index_note_repack(struct index *, const struct index_records *);

/* index_gone.c */
int index_gone_write(struct index *, struct box_meta *,
    const struct index_records *);

/* index_parsed.c: rows of UIDs in [first, last] alone go; first and last were
 * removed, and what is between. */
int index_parsed_forget(struct index *, uint32_t first, uint32_t last);
/* Rows without any of these records go. */
int index_parsed_prune(struct index *, const struct index_records *);

#endif
