/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which mailboxes there are: LIST, LSUB, subscriptions in ~/.mailboxlist.
 */
#ifndef STORE_LIST_H
#define STORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "c-client/base/span.h"

struct account;
struct arena;
struct fault;
struct name;

enum {
	LIST_NOSELECT	 = 1 << 0,	/* a directory, or only a parent of
					 * subscribed names */
	LIST_NOINFERIORS = 1 << 1,	/* a mailbox file */
	LIST_HASCHILDREN = 1 << 2,
	LIST_HASNOCHILDREN = 1 << 3,
	LIST_MARKED	 = 1 << 4,	/* new mail since it was last read */
	LIST_UNMARKED	 = 1 << 5
};

struct list_entry {
	const char *path;	/* store name, see name_write(); a directory's
				 * has no "/" at its end */
	unsigned attributes;
};

/*
 * Names that match reference + pattern (RFC 3501 6.3.8: "*" any, "%" any but
 * the delimiter "/").  Both are the wire's modified UTF-7.  Sorted, INBOX
 * first.  Time is linear in the tree and in the pattern's length, symbolic
 * link loops end, a level that can't be read is passed over.
 */
int list_all(struct account *, struct span reference, struct span pattern,
    struct arena *, struct list_entry **, size_t *count, struct fault *);

/* The same over the subscribed names (6.3.9: with "%" parents of subscribed
 * names are \Noselect). */
int list_subscribed(struct account *, struct span reference,
    struct span pattern, struct arena *, struct list_entry **, size_t *count,
    struct fault *);

/* Does `text` match the pattern?  Never exponential. */
bool list_match(struct span pattern, struct span text, bool inbox);

/*
 * Add to or take from ~/.mailboxlist, one name a line in the wire's form as
 * the old toolkit wrote it; replaced atomically, no other line changed.
 * Removing a name that is not there is FAULT_NOTFOUND.
 */
int list_subscribe(struct account *, const struct name *, struct fault *);
int list_unsubscribe(struct account *, const struct name *, struct fault *);

#endif
