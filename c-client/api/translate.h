/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what mime/ makes of a message to the structs that programs know.  This
 * is the one place where that is done.
 *
 * All that is returned is made with fs_get() and freed with mail_free_...().
 * A C string ends at a NUL and is written into headers again, so CR and LF,
 * which unfolding leaves only as stray octets, are left out of strings, and a
 * NUL becomes 0x80, as imapd does it.
 */
#ifndef API_TRANSLATE_H
#define API_TRANSLATE_H

#include <stdint.h>

#include "c-client/base/span.h"
#include "c-client/mail.h"

struct addr;
struct buf;
struct mime_part;

/* NIL if s.p is NULL. */
char *translate_string(struct span s);

/* What the buffer holds, with a NUL behind it, for fs_give(); *len, if there
 * is a `len`, is how much that is.  The buffer is cleared. */
void *translate_buf(struct buf *, unsigned long *len);

/*
 * An address list: mailbox alone begins a group, an ADDRESS with nothing ends
 * it.  The host of an address without a domain is `host`, or "" if that is
 * NIL; that of "<>" is "" always.
 */
ADDRESS *translate_addresses(const struct addr *, const char *host);

/*
 * The envelope of a header, as mime/envelope.h reads it, and beyond it
 * Return-Path, Newsgroups, Followup-To and References; `remail` stays NIL, it
 * is for writing.  `host` as above.
 */
ENVELOPE *translate_envelope(struct span header, const char *host);

/*
 * The structure of a part and all in it.  Offsets are from octet `base` of the
 * message.  What TYPE... or ENC... has no name for is TYPEOTHER or ENCOTHER,
 * its name is lost; subtypes and names of parameters are in upper case.
 * size.lines is counted for texts and messages, as IMAP counts it; `mime` is
 * for parts of a multipart, a message's header is in MESSAGE.  All TYPEMESSAGE
 * that has a message inside has nested.msg: message/global too.  `host` is for
 * the envelopes of these.  Recursion is as deep as mime/part.h allows.
 */
BODY *translate_body(const struct mime_part *, uint64_t base,
    const char *host);

#endif
