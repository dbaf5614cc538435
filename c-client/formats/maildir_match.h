/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files of a maildir are which messages: of three lists, what the index
 * knows, what the list of UIDs says, and what files there are.  Nothing is
 * read or written.
 */
#ifndef FORMATS_MAILDIR_MATCH_H
#define FORMATS_MAILDIR_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/store/record.h"

struct maildir_files;
struct maildir_uidlist;

#define MAILDIR_NO_FILE		SIZE_MAX

/* A message that the index does not know. */
struct maildir_arrival {
	uint32_t uid;		/* as the list says, 0: a new one */
	size_t file;
	struct record record;	/* for who looks into the file */
};

struct maildir_match {
	/* In: */
	const struct record *records;	/* none where the list alone counts */
	size_t count;
	uint32_t next;			/* the index's UIDNEXT, or 1 */
	const struct maildir_uidlist *list;	/* NULL: was not read */
	struct maildir_files *files;	/* sorted, no base twice */

	/* Out; by maildir_match_clear(): */
	size_t *file_of;		/* by record, or MAILDIR_NO_FILE */
	size_t missing;			/* records, or lines of the list that
					 * count, without a file */
	struct maildir_arrival *arrivals;	/* those with UIDs first,
						 * ascending */
	size_t arrival_count;
	bool renamed;			/* a base in the list is another now */
};

/*
 * A record belongs to the file whose base has its digest.  Where that is not
 * there: to the one that the list names for its UID; or to the only one whose
 * unique name is that of the base in the list, with other fields behind its
 * commas, as mbsync adds them.  A UID of the list counts from `next` on: one
 * below, that the index does not have, was a message that is gone.  n log n.
 */
void maildir_match(struct maildir_match *);
void maildir_match_clear(struct maildir_match *);

#endif
