/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cursor over the arguments of one command (RFC 3501 section 9), as wire.c
 * collected them: text with literals in it ("{3}" line end "abc").
 *
 * Each function takes one piece off the front.  It returns false, and sets
 * `error` to a text for BAD if none is there yet, where the input does not
 * match; the cursor's place is unspecified then, but calling further functions
 * is harmless.  So commands write
 *
 *	if (!args_space(a) || !args_mailbox(a, &name) || !args_end(a)) {
 *		reply_bad_args(s, a);
 *		return;
 *	}
 *
 * Spans point into the command's text or into the arena; both live until the
 * command is done.  Nothing recurses; everything is linear.
 */
#ifndef IMAPD_ARGS_H
#define IMAPD_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct arena;
struct date;

struct args {
	const char *p, *end;	/* what is left */
	struct arena *arena;	/* bounded; for what can't stay in place */
	const char *error;	/* why the command is BAD; NULL: all well */
	unsigned nesting;	/* parentheses open now (BOUND_NESTING) */
};

/* Begin at the front of `text` (one command's arguments, without line end). */
void args_init(struct args *, struct arena *, struct span text);

/* Set the error if there is none yet.  Returns false always. */
bool args_fail(struct args *, const char *error);

/* The next octet, -1 at the end.  Takes nothing. */
int args_peek(const struct args *);
/* Is the end reached (blanks left over count as the end)?  Takes nothing. */
bool args_is_end(const struct args *);

/* One blank, or more: clients send several. */
bool args_space(struct args *);
/* Blanks if there are any.  Always true. */
bool args_blanks(struct args *);
/* Nothing but blanks may be left. */
bool args_end(struct args *);

/* This octet must come next; false with an error if it does not. */
bool args_char(struct args *, char);
/* The same if it comes next; false without an error if it does not. */
bool args_skip(struct args *, char);

/*
 * "(" with blanks behind it, ")" with blanks before it; the latter fails
 * without an error (and takes no more than the blanks) if none comes:
 *
 *	for (first = true; !args_close(a); first = false)
 *		if (!args_atom(a, &item)) ...
 *
 * More than BOUND_NESTING open at once is an error.  args_close() is true,
 * too, once `error` is set, so that such a loop ends.
 */
bool args_open(struct args *);
bool args_close(struct args *);

/* tag, at the front of a command: at most BOUND_TAG octets. */
bool args_tag(struct args *, struct span *out);

/* atom = 1*ATOM-CHAR. */
bool args_atom(struct args *, struct span *out);
/* 1*<any but blank, CTL, 8-bit, "(", ")">: items such as BODY.PEEK[...] are
 * taken apart by who knows them.  A leading backslash is allowed. */
bool args_word(struct args *, struct span *out);
/* The keyword `word` (ASCII case ignored) as a whole atom, if it comes next;
 * false without an error, nothing taken, if it does not. */
bool args_keyword(struct args *, const char *word);

/* quoted or literal; escapes removed.  NUL is refused (RFC 3501 4.3); 8-bit
 * octets are taken in both. */
bool args_string(struct args *, struct span *out);
/* The same or 1*ASTRING-CHAR. */
bool args_astring(struct args *, struct span *out);
/* string or NIL (any case); NIL is p == NULL, n == 0. */
bool args_nstring(struct args *, struct span *out);

/* A mailbox name: an astring, in modified UTF-7; see name_parse(). */
bool args_mailbox(struct args *, struct span *out);
/* list-mailbox: the same with "%" and "*". */
bool args_list_mailbox(struct args *, struct span *out);

/* number = 1*DIGIT, 32 bits unsigned. */
bool args_number(struct args *, uint32_t *out);
/* The same, not 0. */
bool args_nznumber(struct args *, uint32_t *out);
/* The text of a sequence-set, for seqset_parse(). */
bool args_seqset(struct args *, struct span *out);

/* Flags of a command. */
struct args_flags {
	uint16_t flags;			/* of FLAG_ALL_SYSTEM */
	bool recent;			/* \Recent was among them */
	const char *unknown;		/* "\Foo": a system flag that is not
					 * known, NULL if none */
	struct span *keywords;		/* in the arena; without doubles */
	size_t keyword_count;
};
/* "(" [flag *(SP flag)] ")"; with `bare` also without parentheses (STORE).
 * More than BOUND_KEYWORDS different keywords is an error. */
bool args_flag_list(struct args *, bool bare, struct args_flags *out);

/* date-time with its quotes (RFC 3501 9), strict. */
bool args_date_time(struct args *, struct date *out);
/* date, with or without quotes: days since 1970-01-01. */
bool args_date(struct args *, int64_t *days);

#endif
