/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 as RFC 4648 section 4 defines it, strict: what a peer sends in SASL
 * is either canonical or refused.  Mail bodies are decoded by mime/, which
 * forgives.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stdbool.h>

#include "c-client/base/buf.h"
#include "c-client/base/span.h"

/*
 * Append what `text` stands for to `out`.  False, with nothing appended, for
 * a length that is no multiple of four, any octet outside the alphabet (line
 * ends and blanks too), padding elsewhere than at the end, pad bits that are
 * not zero, or when `out` would pass its maximum.  Empty text is right.
 */
bool base64_decode_strict(struct span text, struct buf *out);

/* Append the encoding of `data` to `out`: padded, in one line. */
void base64_encode(struct buf *out, struct span data);

#endif
