/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying messages from an open mailbox into what is to be appended to
 * another: for COPY, MOVE and RENAME of INBOX.
 */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct append;
struct box;
struct fault;
struct reader;

/*
 * Add the message with this UID to what is collected: its octets, flags,
 * keywords and date.  `reader` reads `from`.  FAULT_EXPUNGED where it is gone,
 * else the faults of reading and of append_data(); the append can't be
 * committed then.
 */
int copy_message(struct box *from, struct reader *reader, uint32_t uid,
    struct append *, struct fault *);

/*
 * The copies of messages were committed, but not all of these `count` could be
 * taken from `from`: take the copies out again of those that are there still.
 * uids[i] is the message whose copy append_uid(i) is, both ascend.  Returns 0
 * with moved[i] for those whose only place is the target now.  Returns -1
 * where that isn't sure: then a message may be in both, but none in neither.
 */
int copy_undo(struct box *from, struct append *, const uint32_t *uids,
    size_t count, bool *moved, struct fault *);

#endif
