/* SPDX-License-Identifier: Apache-2.0 */
/* The ENVELOPE of a header, as a value and in the form in which IMAP sends
 * it. */
#ifndef MIME_ENVELOPE_H
#define MIME_ENVELOPE_H

#include "c-client/base/span.h"

struct addr;
struct arena;
struct buf;

/* Strings are as in the header, unfolded, encoded-words and all; p == NULL:
 * there is no such field. */
struct envelope {
	struct span date, subject, in_reply_to, message_id;
	struct addr *from, *sender, *reply_to, *to, *cc, *bcc;
};

/*
 * What `header` says (RFC 3501 7.4.2).  Sender and Reply-To without addresses
 * are From, the same list.  To, Cc and Bcc that occur more than once are taken
 * together (RFC 5322 4.5.3); of other fields the first counts.  Spans and
 * lists are in the arena or in `header`.
 */
void envelope_read(struct arena *, struct span header, struct envelope *out);

/*
 * Add "(date subject from sender reply-to to cc bcc in-reply-to message-id)"
 * of `header` (RFC 3501 9): NIL for a field that is absent, "" for an empty
 * one.  An address without a domain has the host "" (NIL would be a group).
 */
void envelope_write(struct buf *out, struct span header);

#endif
