/* SPDX-License-Identifier: Apache-2.0 */
/* Mailbox names on the wire: IMAP's modified UTF-7 (RFC 3501 5.1.3). */
#ifndef MIME_UTF7_H
#define MIME_UTF7_H

#include <stdbool.h>

#include "c-client/base/span.h"

struct buf;

/*
 * Decode to UTF-8, strictly: false, with nothing added, for anything but the
 * one encoding that utf7_encode() gives for that name: 8-bit or control
 * octets, malformed or unended base64, printable ASCII in base64, bits left
 * over, two encoded runs without a character between, lone surrogates, NUL.
 */
bool utf7_decode(struct span, struct buf *utf8_out);

/* Encode valid UTF-8, adding to `out`; an invalid octet becomes U+FFFD. */
void utf7_encode(struct span utf8, struct buf *out);

#endif
