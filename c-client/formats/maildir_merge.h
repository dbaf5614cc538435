/* SPDX-License-Identifier: Apache-2.0 */
/* What was found in a maildir is put into the index: UIDs, flags, what came,
 * what went. */
#ifndef FORMATS_MAILDIR_MERGE_H
#define FORMATS_MAILDIR_MERGE_H

#include <stdbool.h>
#include <stdint.h>

struct maildir;
struct maildir_files;
struct maildir_match;
struct record;
struct span;

struct maildir_merge {
	bool fresh;		/* the index's UIDs don't count */
	bool renumber;		/* neither do the list's */
	const struct maildir_files *files;
	/* By maildir_merge_number(): */
	uint32_t uidvalidity, next;
};

/*
 * UIDVALIDITY, UIDNEXT, and UIDs for the arrivals: those without one in the
 * list get theirs in the order of their names' times.  `list_next` and
 * `list_uidvalidity` are the list's (1 and 0 without one).  False where the
 * numbers are used up.
 */
bool maildir_merge_number(struct maildir *, struct maildir_merge *,
    struct maildir_match *, uint32_t list_next, uint32_t list_uidvalidity);

/* Inside a transaction: bring records and meta (all but the stamp) up to
 * date. */
void maildir_merge(struct maildir *, const struct maildir_merge *,
    const struct maildir_match *);

/* What a file's name says now, merged into its record: true if anything is
 * another.  Inside a transaction. */
bool maildir_merge_name(struct maildir *, struct record *, struct span name);

#endif
