/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What COPY and MOVE have in common: messages of the selected mailbox become
 * messages of another, all or none (RFC 3501 6.4.7, RFC 6851 3.3).
 */
#ifndef IMAPD_COPIES_H
#define IMAPD_COPIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/store/name.h"

struct append;
struct args;
struct buf;
struct session;
struct transit;

struct copies {
	struct name name;	/* the target */
	uint32_t *numbers;	/* in scratch */
	uint32_t *uids;		/* ascending, in scratch */
	size_t count;
	struct append *to;	/* NULL before copies_run() */
	struct transit *transit;	/* of a move; or NULL */
};

/* SP sequence-set SP mailbox.  False with the answer set. */
bool copies_parse(struct session *, struct args *, struct copies *);

/*
 * Copy them, with `move` as the first half of a move; on return they are on
 * disk.  False with the answer set, and none of them in the target.
 * copies_end() in any case; `moved` where each of them is in one of the
 * mailboxes only.
 */
bool copies_run(struct session *, struct copies *, bool move);
void copies_end(struct copies *, bool moved);

/* Add "COPYUID validity uids new-uids" (RFC 4315 3) of those with which[i];
 * NULL is all.  Nothing where the new UIDs will not last. */
void copies_code(struct session *, const struct copies *,
    const bool *which, struct buf *);

#endif
