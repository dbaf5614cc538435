/* SPDX-License-Identifier: Apache-2.0 */
/* The data items of FETCH (RFC 3501 6.4.5 and 9, fetch), parsed. */
#ifndef IMAPD_FETCH_ARGS_H
#define IMAPD_FETCH_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct args;
struct section;

enum fetch_what {
	FETCH_UID,
	FETCH_FLAGS,
	FETCH_INTERNALDATE,
	FETCH_SIZE,
	FETCH_ENVELOPE,
	FETCH_STRUCTURE,	/* BODY */
	FETCH_BODYSTRUCTURE,
	FETCH_BODY		/* BODY[...], RFC822, RFC822.HEADER ... */
};

struct fetch_item {
	enum fetch_what what;
	bool partial;			/* <first.count> was given */
	struct span label;		/* what the answer calls it */
	const struct section *section;	/* FETCH_BODY */
	uint64_t first, count;		/* octets of it; else 0, UINT64_MAX */
};

struct fetch_items {
	struct fetch_item *items;
	size_t count;
	size_t bodies;		/* how many of them are FETCH_BODY */
	bool flags;		/* FLAGS is among them */
	bool seen;		/* one of them sets \Seen */
};

/*
 * Parse what follows the set, from its blank to the end of the command.  UID
 * comes first whatever the client's order (Outlook Express wants it so), and
 * is there always if `uid`; what is no BODY[...] is there once.  The items
 * live in the arena of `args`.  False with the error in `args`.
 */
bool fetch_args_parse(struct args *, bool uid, struct fetch_items *out);

#endif
