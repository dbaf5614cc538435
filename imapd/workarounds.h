/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients get wrong and what is done about it, as data: one row each.
 * Nothing here depends on what a client says of itself (RFC 2971 section 3
 * forbids that); each row is harmless to those who do it right.
 */
#ifndef IMAPD_WORKAROUNDS_H
#define IMAPD_WORKAROUNDS_H

#include <stdbool.h>
#include <stddef.h>

enum workaround {
	WORKAROUND_BLANKS,
	WORKAROUND_QUOTED_8BIT,
	WORKAROUND_DELIMITER,
	WORKAROUND_ID_EMPTY,
	WORKAROUND_EMPTY_STAR,
	WORKAROUND_RECENT,
	WORKAROUND_BODY_BLANK,
	WORKAROUND_RECORDS,	/* the front's, by its word */
	WORKAROUNDS
};

struct workaround_row {
	const char *word;	/* what switches it in the configuration */
	const char *clients;	/* who does it */
	const char *fault;	/* what they do */
	const char *remedy;	/* what we do about it */
};

/*
 * Take the value of the key `workarounds`: words with blanks or commas between
 * them, from left to right: "all" (what holds at first), "none", NAME, -NAME.
 * One that names nothing is logged and left out.  Called once, before the
 * first command.
 */
void workarounds_set(const char *words);

/* Is it switched on? */
bool workarounds_has(enum workaround);

/* The row, NULL behind the last. */
const struct workaround_row *workarounds_row(size_t i);

#endif
