/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address lists (RFC 5322 3.4 with the obsolete forms of 4.4), read
 * generously: whatever a field holds, something is made of it.
 */
#ifndef MIME_ADDR_H
#define MIME_ADDR_H

#include <stdbool.h>

#include "c-client/base/span.h"

struct arena;

/*
 * One mailbox, or the beginning or the end of a group.  Spans are in the
 * arena or in the input; quoting and folding are removed, encoded-words and
 * 8-bit octets are as they were.  A span that is not there has p == NULL; one
 * that is there but empty ("" <a@b>) has p != NULL and n == 0.
 */
struct addr {
	struct addr *next;
	struct span name;	/* display name, else the comment behind
				 * an address without one */
	struct span adl;	/* route: "@a,@b" */
	struct span mailbox;	/* local part; the name of a group at its
				 * beginning */
	struct span host;	/* domain or [literal]; p == NULL if there
				 * was none */
	bool group_start, group_end;
};

/*
 * The addresses of a field's body (folded or not; no trailing line end
 * needed).  NULL if it holds none.  Never more than BOUND_ADDRESSES entries,
 * the rest is not shown; a group that was begun always has its end.  Linear in
 * time, no recursion, memory in proportion to the input.  If the arena is full
 * the list ends there.
 */
struct addr *addr_parse(struct arena *, struct span field_body);

#endif
