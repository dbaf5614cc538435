/* SPDX-License-Identifier: Apache-2.0 */
/* BODY[section]<partial> and its older names (RFC 3501 6.4.5). */
#ifndef IMAPD_FETCH_BODY_H
#define IMAPD_FETCH_BODY_H

struct fault;
struct fetch;
struct fetch_item;

/*
 * Add the item's label, a blank, and the octets as nstring: NIL where there is
 * no such part, "" where it is empty, else a literal.  -1 as fetch_message();
 * what was added before the fault is for the caller to take back.
 */
int fetch_body(struct fetch *, const struct fetch_item *, struct fault *);

#endif
