/* SPDX-License-Identifier: Apache-2.0 */
/* BODY and BODYSTRUCTURE of a part, in the form in which IMAP sends them. */
#ifndef MIME_STRUCTURE_H
#define MIME_STRUCTURE_H

#include <stdbool.h>

struct buf;
struct mime_part;

/*
 * Add the body structure of `part` and all in it (RFC 3501 7.4.2 and 9):
 * BODY's form, or with `extended` BODYSTRUCTURE's.  Types, parameter names,
 * encodings and disposition types are written in upper case, as the examples
 * of the RFC; values are as in the message.
 */
void structure_write(struct buf *out, const struct mime_part *part,
    bool extended);

#endif
