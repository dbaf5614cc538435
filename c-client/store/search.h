/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEARCH (RFC 3501 6.4.4): a program as a tree of keys, evaluated over a view.
 * What records answer is asked first; messages are read only where a key
 * needs their text, once for all keys.
 */
#ifndef STORE_SEARCH_H
#define STORE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct arena;
struct fault;
struct reader;
struct seqset;
struct view;

enum search_op {
	SEARCH_ALL,
	SEARCH_AND,		/* all of `sub` ... next ... */
	SEARCH_OR,		/* one of sub, sub->next */
	SEARCH_NOT,		/* not `sub` */
	SEARCH_NUMBERS,		/* set, of message numbers */
	SEARCH_UIDS,		/* set, of UIDs */
	SEARCH_FLAG,		/* flag set: flag */
	SEARCH_RECENT,
	SEARCH_KEYWORD,		/* text: its name */
	SEARCH_BEFORE, SEARCH_ON, SEARCH_SINCE,		/* day: internal */
	SEARCH_SENTBEFORE, SEARCH_SENTON, SEARCH_SENTSINCE, /* day: Date: */
	SEARCH_LARGER, SEARCH_SMALLER,			/* size */
	SEARCH_HEADER,		/* field, text (empty: the field exists) */
	SEARCH_ADDRESS,		/* field (From, To, Cc, Bcc), text */
	SEARCH_BODY,		/* text */
	SEARCH_TEXT		/* text */
};

struct search_key {
	enum search_op op;
	struct search_key *sub;		/* first operand */
	struct search_key *next;	/* sibling */
	uint16_t flag;
	uint64_t size;
	int64_t day;			/* since 1970-01-01 */
	struct span field;
	struct span text;		/* UTF-8, as search_text() folded it */
	const struct seqset *set;
};

/*
 * Convert a search string from `charset` ("" is US-ASCII) and fold it for
 * comparison; lives in the arena.  FAULT_CHARSET: unknown set, FAULT_SYNTAX:
 * not valid in it.
 */
int search_text(struct span charset, struct span text, struct arena *,
    struct span *out, struct fault *);

/*
 * Evaluate over all messages of the view; *numbers are message numbers in
 * ascending order.  Messages that are gone do not match.  A message that
 * can't be read matches no text key.  Where messages are read box->progress
 * hears of it, and where nobody waits for the answer it is as far as it is.
 */
int search_run(struct view *, struct reader *, const struct search_key *,
    struct arena *, uint32_t **numbers, size_t *count, struct fault *);

#endif
