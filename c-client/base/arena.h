/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is freed all at once.  There are three lifetimes: the session,
 * the selected mailbox, one command.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "c-client/base/span.h"

struct arena;

/* A new arena that gives out at most `max` octets (0: no limit). */
struct arena *arena_new(size_t max);
void arena_free(struct arena *);	/* NULL is allowed */

/* Forget all that was given out; the memory is kept for what comes next but
 * for what is above 64 KiB. */
void arena_reset(struct arena *);

/*
 * `n` zeroed octets, aligned for any object.  NULL if that would pass the
 * arena's limit, and arena_full() is true from then on until the reset: a
 * parser may check once.  An arena without limit never returns NULL; where
 * there is no memory the process ends.
 */
void *arena_alloc(struct arena *, size_t n);
bool arena_full(const struct arena *);

/* Copies, NUL-terminated (the NUL is not counted in a span).  On NULL the
 * limit was passed; arena_span() then gives an empty span. */
char *arena_string(struct arena *, const char *p, size_t n);
struct span arena_span(struct arena *, struct span);

/* Octets given out since the last reset. */
size_t arena_used(const struct arena *);

#endif
