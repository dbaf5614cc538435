/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of SEARCH (RFC 3501 6.4.4 and 9, search), made a tree. */
#ifndef IMAPD_SEARCH_ARGS_H
#define IMAPD_SEARCH_ARGS_H

#include <stdint.h>

struct args;
struct fault;
struct search_key;

/* What "*" stands for in the two kinds of sets; 0 in an empty mailbox. */
struct search_args_star {
	uint32_t number, uid;
};

/*
 * Parse [CHARSET name] and all search keys up to the end.  Returns the tree,
 * which lives in the arena of `args`; each OR has all of its operands (two or
 * more) in one list, whatever way the client nested them, and nothing is
 * nested deeper than about BOUND_NESTING.
 *
 * NULL with FAULT_SYNTAX and the error in `args` (BAD), or with FAULT_CHARSET
 * or FAULT_LIMIT and no error in `args` (NO).
 */
struct search_key *search_args_parse(struct args *,
    const struct search_args_star *, struct fault *);

#endif
