/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LIST patterns (RFC 3501 6.3.8) as sets of places in the pattern where a
 * name may have got to.  A set can be carried down a tree of names, so that
 * directories in which nothing can match aren't entered, and there is nothing
 * to try twice: time is the product of the lengths at the worst.
 */
#ifndef STORE_LIST_PATTERN_H
#define STORE_LIST_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct arena;

struct list_pattern {
	const char *p;		/* wildcards that stand together are one; a
				 * NUL is behind it */
	size_t n;
	bool nocase;		/* for INBOX */
	uint32_t *sets[3];	/* room for n + 1 places each */
};

/* Places in the pattern, ascending. */
struct list_places {
	const uint32_t *at;
	size_t count;
};

/* Prepare `text` (UTF-8), living as long as the arena; false where it is too
 * long to match any name. */
bool list_pattern_init(struct list_pattern *, struct span text,
    struct arena *);

/* How many octets at the beginning are whole levels without wildcards, with
 * the delimiter behind them: "a/b/" of "a/b/c%". */
size_t list_pattern_head(const struct list_pattern *);

/* The places before the first octet of a name; lives as long as the
 * pattern. */
struct list_places list_pattern_begin(struct list_pattern *);

/*
 * Go on from `from` over the octets of `text`; the count is 0 where no name
 * that begins like this can match.  Valid until the next walk.
 */
struct list_places list_pattern_walk(struct list_pattern *,
    struct list_places from, struct span text);

/* A copy that stays until it is given back. */
struct list_places list_pattern_keep(struct list_places);
void list_pattern_drop(struct list_places);

/* Does a name that got here match? */
bool list_pattern_done(const struct list_pattern *, struct list_places);

#endif
