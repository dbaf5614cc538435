/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A view: what one session believes of a mailbox, the UIDs that give message
 * numbers, and the MODSEQ up to which it was told of flags.
 * view_sync() compares it with the truth and hands out the differences as
 * data, in the order in which the protocol may say them.
 */
#ifndef STORE_VIEW_H
#define STORE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/store/uidruns.h"

struct arena;
struct box;
struct fault;
struct record;

struct view {
	struct box *box;
	bool readonly;		/* EXAMINE, or the mailbox is */
	uint32_t uidvalidity;	/* as told at SELECT */
	struct uidruns uids;	/* by message number - 1, ascending */
	struct uidruns recent;	/* those that are \Recent in this session, and
				 * UIDs that no message has or had */
	size_t count;		/* EXISTS as told */
	size_t recent_count;	/* RECENT as told */
	uint64_t told;		/* MODSEQ up to which flags were told */
	size_t keywords_told;	/* keyword names told in FLAGS */
	uint32_t last;		/* the highest UID that was ever told */
	bool hidden;		/* some that are gone still have numbers */
	uint64_t generation;	/* of the box when it was compared last */
	uint32_t *spare;	/* differences that the arena did not hold */
};

/* Differences; arrays live as long as the arena (those that don't fit there,
 * until the next view_sync()). */
struct view_changes {
	uint32_t *expunged;	/* message numbers, each as it is counted when
				 * those before it are gone (RFC 3501 7.4.1) */
	size_t expunged_count;
	bool exists;		/* view->count changed by arrivals */
	bool recent;		/* view->recent_count changed */
	bool keywords;		/* new keyword names: tell FLAGS again */
	uint32_t *flags;	/* message numbers (after the expunges) whose
				 * flags changed since they were told */
	size_t flags_count;
	bool hidden;		/* some are gone but may not be told yet */
	bool renumbered;	/* UIDVALIDITY changed: the session can't go on
				 * with this mailbox */
};

/*
 * A view of all there is in `box` now (box_sync() first).  A read-write one
 * takes the \Recent of all messages from first_recent on (decisions.md 17).
 * NULL where the index failed so badly that the records are lost.
 */
struct view *view_new(struct box *, bool readonly, struct fault *);
void view_free(struct view *);		/* NULL is allowed; leaves the box */

/*
 * box_sync(), then tell.  Without `may_expunge` (FETCH, STORE, SEARCH by
 * number: RFC 3501 7.4.1) messages that are gone keep their numbers.
 * A fault of box_sync() is returned after the differences with other sessions
 * were put in *out: the caller may warn and go on.
 */
int view_sync(struct view *, bool may_expunge, struct arena *,
    struct view_changes *out, struct fault *);

/* Own changes up to this MODSEQ need not be told (STORE .SILENT): only where
 * nobody else changed anything between. */
void view_told(struct view *, uint64_t before, uint64_t modseq);

/* The UID of a message number, 1 to count; is it \Recent here? */
static inline uint32_t
view_uid(const struct view *v, uint32_t number)
{
	return uidruns_at(&v->uids, number - 1, NULL);
}

static inline bool
view_is_recent(const struct view *v, uint32_t number)
{
	return v->recent_count > 0 &&
	    uidruns_has(&v->recent, view_uid(v, number));
}

/* The message number of a UID, 0 if the view has none; of the first UID that is
 * not below this, count + 1 if there is none. */
uint32_t view_number(const struct view *, uint32_t uid);
uint32_t view_number_from(const struct view *, uint32_t uid);

/*
 * The record of a message number (1 to count), NULL if the message is gone
 * (answer with [EXPUNGEISSUED]).  The pointer is valid until the box is
 * synced, begun or changed.
 */
const struct record *view_record(const struct view *, uint32_t number);

/* Number of the first message without \Seen, 0 if all have it. */
uint32_t view_first_unseen(const struct view *);

#endif
