/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages in transit: a move copies them and removes them then, and who is
 * killed in between leaves them in both mailboxes.  So it leaves notes.  The
 * target's index says which messages of which mailbox are coming, and, in the
 * transaction that brings them, which UIDs they have there; the source's index
 * says where to look for that.  Whoever opens either of them finishes what
 * arrived, and drops notes of what did not: only a message whose copy is there
 * is removed.  As long as the mover lives it holds a lock, and nobody meddles.
 *
 * Where a note is lost, or can't be made, a message may stay in both.
 */
#ifndef STORE_TRANSIT_H
#define STORE_TRANSIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct append;
struct box;
struct fault;
struct transit;

/*
 * Before append_commit(): what `to` has collected are the messages of `from`
 * with these ascending UIDs, in their order.  *out is NULL where notes can't be
 * kept (no index on a disk, too many pieces), which is no fault; -1 where they
 * could not be written, FAULT_CHANGED where the UIDs mean nothing any more.
 * Both boxes must outlive it.
 */
int transit_begin(struct transit **out, struct box *from, struct append *to,
    const uint32_t *uids, size_t count, struct fault *);

/*
 * The mover is done; NULL is allowed.  With `clear` each message is in one
 * mailbox only, and the notes go.  Without, they stay for who opens one of the
 * mailboxes next.
 */
void transit_end(struct transit *, bool clear);

/*
 * For formats, inside the transaction that adds the records: the `count`
 * messages of the append that was part of this move (append_transit(), or a
 * note of the format) have UIDs from `first` on.
 */
void transit_arrive(struct box *, uint64_t id, uint32_t first, size_t count);

/*
 * Finish what others left, where meta.transits says that there are notes; the
 * box was synced, and no lock is held.  True if something was changed: it has
 * to be synced again.  For box_sync().
 */
bool transit_settle(struct box *);

#endif
