/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of address lists (RFC 5322 3.2 and 3.4), for addr.c only. */
#ifndef MIME_ADDR_LEX_H
#define MIME_ADDR_LEX_H

#include <stdbool.h>

#include "c-client/base/span.h"

struct arena;

enum addr_token_kind {
	ADDR_END,
	ADDR_WORD,		/* atoms with their dots, encoded-words */
	ADDR_QUOTED,		/* text without the quotes */
	ADDR_LITERAL,		/* [domain literal], brackets included */
	ADDR_SPECIAL		/* one of < > , ; : @ */
};

struct addr_token {
	enum addr_token_kind kind;
	struct span text;	/* as in the input */
	bool space;		/* blanks or a comment in front of it */
	bool plain;		/* no backslashes and no folds in it */
};

struct addr_lex {
	struct span rest;
	struct span comment;	/* the last one met, without parentheses;
				 * p == NULL: none since it was reset */
	bool no_comments;	/* an unended one was met: they are blanks */
	bool no_quotes;
};

/* The next token; ADDR_END at the end.  Linear over all calls together. */
struct addr_token addr_lex_next(struct addr_lex *);

/*
 * Add the octets that a quoted string's, comment's or literal's text means:
 * quoted-pairs undone, line ends of folds removed.  `to` has room for text.n.
 * Returns how many.
 */
size_t addr_lex_copy(struct span text, char *to);

#endif
