/* SPDX-License-Identifier: Apache-2.0 */
/* Encoded-words in header fields (RFC 2047). */
#ifndef MIME_ENCWORD_H
#define MIME_ENCWORD_H

#include "c-client/base/span.h"

struct buf;

/*
 * Decode a field's unfolded body to UTF-8, adding to `out`.  Encoded-words are
 * found anywhere, also without blanks around and with blanks inside; blanks
 * between two of them are dropped, and neighbours of one character set are
 * joined before conversion (a character may be cut in two).  One in an
 * unknown character set or encoding stays as it is.  Raw 8-bit text is kept
 * if it is UTF-8, else taken as charset_guess_utf8() does.
 */
void encword_decode(struct span unfolded, struct buf *out);

#endif
