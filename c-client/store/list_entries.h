/* SPDX-License-Identifier: Apache-2.0 */
/* What LIST and LSUB share: a growing list of names, and whole patterns. */
#ifndef STORE_LIST_ENTRIES_H
#define STORE_LIST_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>

#include "c-client/base/span.h"

struct account;
struct arena;
struct list_entry;
struct list_pattern;

struct list_entries {		/* zero it to begin */
	struct list_entry *p;
	size_t count, room;
};

/* The path is copied into the arena. */
void list_entries_add(struct list_entries *, const char *path,
    unsigned attributes, struct arena *);

/* Sort (INBOX first), join what is there twice (the attributes of a mailbox
 * that can be selected win), hand over, and empty. */
void list_entries_finish(struct list_entries *, struct arena *,
    struct list_entry **, size_t *count);

/* Reference and pattern from the wire as one pattern, without a legacy prefix
 * (decisions.md 13); false where it can match nothing.  A pattern that names
 * its namespace needs no reference (RFC 3501 6.3.8, the examples). */
bool list_whole_pattern(const struct account *, struct span reference,
    struct span pattern, struct arena *, struct list_pattern *);

#endif
