/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Character sets to UTF-8.  US-ASCII, UTF-8, ISO-8859-1 and Windows-1252 are
 * done here, the others by the C library's iconv.
 */
#ifndef MIME_CHARSET_H
#define MIME_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

#include "c-client/base/span.h"

struct buf;

/*
 * Is it a character set that charset_to_utf8() can convert?  Names of mail
 * are meant (RFC 2978), with the usual wrong ones (cp-850, x-unknown, ...);
 * names longer than 64 octets and those that mean something only to iconv
 * (slashes, "char", "") are not known.
 */
bool charset_known(struct span name);

/*
 * Add `text` in UTF-8 to `out`.  What is invalid in its character set becomes
 * U+FFFD, one for each octet or bad sequence.  Returns 0, or -1 with nothing
 * added if the character set is not known.
 */
int charset_to_utf8(struct span charset, struct span text, struct buf *out);

/* Length of the valid UTF-8 sequence (RFC 3629) that `text` begins with; 0 if
 * it does not begin with one, or is empty. */
size_t charset_utf8_length(struct span text);

/* Is all of it valid UTF-8? */
bool charset_is_utf8(struct span text);

/* Text without a declared character set: as it is if it is valid UTF-8, else
 * taken as Windows-1252, which most such mail is. */
void charset_guess_utf8(struct span text, struct buf *out);

#endif
