/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header fields: walking, finding, unfolding, selecting (RFC 5322 2.2).
 *
 * All input is wire form; a line ends in CRLF or in a bare LF, and any other
 * octet (bare CR, NUL, 8-bit) is an ordinary one.  Results point into the
 * input unless said otherwise.  Every function is linear in its input.
 */
#ifndef MIME_HEADER_H
#define MIME_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "c-client/base/span.h"

struct arena;
struct buf;

struct header_field {
	struct span name;	/* without colon and blanks before it */
	struct span body;	/* after the colon, with folds, without the
				 * final line end */
	struct span whole;	/* the field with its final line end */
};

struct header_iter {
	struct span rest;	/* for header.c only */
};

/*
 * Walk the fields of `header`, which may or may not end in the empty line.
 * header_next() stores the next field and returns true; false at the empty
 * line or the end.  What is no field (a line without a colon, or with nothing
 * or a blank in front of it) is handed out too, with an empty name and with
 * the whole text as its body: the `whole` of all fields together are the
 * header without its empty line, no octet less.
 */
void header_begin(struct header_iter *, struct span header);
bool header_next(struct header_iter *, struct header_field *);

/* The first field named `name` (ASCII case ignored); false if none is. */
bool header_find(struct span header, const char *name, struct header_field *);

/*
 * Octets of the header of `message`, the empty line that ends it included;
 * message.n if there is no empty line.  A message that begins with the empty
 * line has a header of just that.
 */
size_t header_length(struct span message);

/*
 * A body unfolded (RFC 5322 2.2.3): line ends removed, the blanks that follow
 * them kept; leading and trailing blanks removed.  The result lies in `body`
 * if nothing had to be removed from its middle, else in the arena; it is empty
 * if the arena is full.
 */
struct span header_unfold(struct arena *, struct span body);

/*
 * Add to `out` what BODY[HEADER.FIELDS (names)] returns of `header`, or with
 * `not` what BODY[HEADER.FIELDS.NOT (names)] does (RFC 3501 6.4.5): fields
 * whole and in their order, then the empty line if the header has one.  What
 * is no field belongs to the NOT form.  Names need not differ; O((fields +
 * names) log names).
 */
void header_select(struct buf *out, struct span header,
    const struct span *names, size_t count, bool not);

#endif
