/* SPDX-License-Identifier: Apache-2.0 */
/* Forms of a text in which it can be compared. */
#ifndef MIME_CASEMAP_H
#define MIME_CASEMAP_H

#include <stdbool.h>

#include "c-client/base/span.h"

struct buf;

/*
 * Add the case-folded, compatibility-composed form (NFKC_Casefold of Unicode)
 * of `utf8`: texts that differ only in case, width or composition become the
 * same octets, so that a search for octets finds them.  Characters that show
 * nothing (soft hyphens, joiners) are dropped.  Invalid octets become U+FFFD.
 * ASCII is only made lower case, fast.
 */
void casemap_fold(struct span utf8, struct buf *out);

/* Add the canonical decomposition (normal form D of Unicode) of `utf8`, with
 * `fold` case-folded.  Invalid octets become U+FFFD. */
void casemap_decompose(struct span utf8, bool fold, struct buf *out);

#endif
