/* SPDX-License-Identifier: Apache-2.0 */
/* The ENVELOPE of a header, in the form in which IMAP sends it. */
#ifndef MIME_ENVELOPE_H
#define MIME_ENVELOPE_H

#include "c-client/base/span.h"

struct buf;

/*
 * Add "(date subject from sender reply-to to cc bcc in-reply-to message-id)"
 * of `header` (RFC 3501 7.4.2 and 9).  Strings are as in the header, unfolded,
 * encoded-words and all; NIL for a field that is absent, "" for an empty one.
 * Sender and Reply-To without addresses are From.  To, Cc and Bcc that occur
 * more than once are taken together (RFC 5322 4.5.3); of other fields the
 * first counts.  An address without a domain has the host "" (NIL would be
 * a group).
 */
void envelope_write(struct buf *out, struct span header);

#endif
