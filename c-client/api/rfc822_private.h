/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of rfc822.h have from each other. */
#ifndef API_RFC822_PRIVATE_H
#define API_RFC822_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "c-client/base/span.h"
#include "c-client/rfc822.h"

struct buf;

/*
 * Add `text` as what can stand in a header: a CR or LF that is no fold is a
 * blank.  Without `fold` there is no line end in it at all; with it, folds stay
 * and lines are folded to 78 octets, the first of which begins at `column`.
 * Blanks around the text are left out.
 */
void rfc822_text_add(struct buf *, struct span text, bool fold,
    size_t column);

/* Add a field, folded: "Name: value\r\n".  If it does not fit nothing is
 * added. */
void rfc822_field_add(struct buf *, struct span name, struct span value);

/* Add a quoted-string (RFC 5322 3.2.4). */
void rfc822_quoted_add(struct buf *, const char *);

/* Add an address list without regard for line ends in it. */
void rfc822_addresses_add(struct buf *, const ADDRESS *,
    const char *specials);

/* Add the header of rfc822_header(), the fields of
 * rfc822_write_body_header(). */
void rfc822_header_add(struct buf *, const ENVELOPE *, const BODY *);
void rfc822_body_header_add(struct buf *, const BODY *);

/* The parameter of that name, whatever its case; NIL if there is none. */
PARAMETER *rfc822_parameter(PARAMETER *, const char *name);

/* Copy what fits into `room` octets, with a NUL; returns where the NUL is. */
char *rfc822_copy(char *to, size_t room, const struct buf *);

/* Write to the buffer.  T, or NIL as rfc822_output_flush(). */
long rfc822_output_put(RFC822BUFFER *, struct span);

#endif
