/* SPDX-License-Identifier: Apache-2.0 */
/* The ID extension (RFC 2971), before and after login. */
#ifndef IMAPD_ID_H
#define IMAPD_ID_H

#include <stdbool.h>

struct args;
struct buf;

/*
 * The arguments of ID: NIL or a list of field/value pairs, of which at most
 * 30 are allowed (RFC 2971 3.3).  Adds "name=value, ..." to `said`, for the
 * log.  False, with the error in the cursor, for anything else.
 */
bool id_parse(struct args *, struct buf *said);

/* "* ID (...)" without its line end. */
void id_write(struct buf *);

#endif
