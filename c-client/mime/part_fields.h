/* SPDX-License-Identifier: Apache-2.0 */
/* What a part's header says of it, for part.c only. */
#ifndef MIME_PART_FIELDS_H
#define MIME_PART_FIELDS_H

#include <stdbool.h>

struct arena;
struct mime_part;

/*
 * Read the part's `header` and set its type, subtype and all that stands
 * behind them in struct mime_part, defaults filled in.  Of fields that occur
 * twice the first counts.
 */
void part_fields_read(struct arena *, struct mime_part *, bool in_digest);

/* Make it application/octet-stream without parameters. */
void part_fields_opaque(struct mime_part *);

#endif
