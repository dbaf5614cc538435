/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings in the form of IMAP answers (RFC 3501 4.3 and 9), for ENVELOPE and
 * BODYSTRUCTURE.
 */
#ifndef MIME_IMAPSTR_H
#define MIME_IMAPSTR_H

#include "c-client/base/span.h"

struct buf;

/*
 * Add `s` as nstring: NIL if s.p is NULL; quoted if it has only printable
 * ASCII and tabs, at most 1,000 octets; else a literal.  An empty one is ""
 * and never {0}, on which Apple's clients wait for ever.  CR and LF, which
 * unfolding leaves only as stray octets, are left out; NUL is sent as 0x80.
 */
void imapstr_write(struct buf *out, struct span s);

/* The same with ASCII letters made upper case. */
void imapstr_write_upper(struct buf *out, struct span s);

#endif
