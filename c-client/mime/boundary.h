/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boundaries that delimiter lines are looked for with: those of the
 * multiparts that are open (RFC 2046 5.1.1).  A line that is no delimiter
 * costs a hash of its octets and no more, however many are open.
 */
#ifndef MIME_BOUNDARY_H
#define MIME_BOUNDARY_H

#include <stdbool.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct arena;
struct mime_part;

/* RFC 5322 2.1.1: octets of a line without its end; a longer one is no
 * delimiter. */
#define BOUNDARY_LINE_MAX	998u

struct boundary {
	struct boundary *outer;
	struct mime_part *part;		/* the multipart that has it */
	struct span text;
	uint64_t hash;
};

/* All zero: none is open. */
struct boundary_set {
	struct boundary *inner;		/* innermost first */
	uint64_t filter;		/* one bit for the hash of each */
};

/*
 * Open a multipart: its boundary is asked before those that are there.  It
 * lives as long as the arena, and so does the part.  A part that names none,
 * or one that no line can hold, adds nothing.
 */
void boundary_push(struct boundary_set *, struct arena *, struct mime_part *);

/*
 * Whose delimiter is this whole line, which begins with "--"?  *closes is set
 * if it has a "--" behind the boundary.  NULL if it is none's.
 */
struct boundary *boundary_find(const struct boundary_set *, struct span line,
    bool *closes);

/* Those within `inner` are closed; NULL closes all. */
void boundary_close(struct boundary_set *, struct boundary *inner);

#endif
