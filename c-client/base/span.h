/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A piece of somebody else's bytes: not NUL-terminated, any octet allowed.
 * It lives as long as the buffer or arena that it points into.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	const char *p;
	size_t n;
};

#define SPAN(literal)	((struct span){ (literal), sizeof(literal) - 1 })

struct span span_of(const char *s);		/* of a C string */
bool span_eq(struct span, struct span);		/* octet for octet */
bool span_is(struct span, const char *);	/* ASCII case ignored */
bool span_eq_nocase(struct span, struct span);	/* ASCII case ignored */
bool span_starts_nocase(struct span, const char *prefix);

/* Without leading and trailing blanks, tabs, CR and LF. */
struct span span_trim(struct span);

/* From octet `off` on, at most `n` octets; empty beyond the end. */
struct span span_slice(struct span, size_t off, size_t n);

/*
 * A decimal number that fills the whole span, at most `max`.  Returns false,
 * with *out untouched, for an empty span, another octet, or a larger value.
 */
bool span_number(struct span, uint64_t max, uint64_t *out);

/* Like memchr and strcasestr: the offset, or -1. */
ptrdiff_t span_find_char(struct span, char);
ptrdiff_t span_find_nocase(struct span hay, struct span needle);

/* ASCII only, whatever the locale says. */
bool ascii_is_alnum(int c);
bool ascii_is_digit(int c);
int ascii_lower(int c);
int ascii_upper(int c);

/* Copy octets in lower case up to the first that is not ASCII, `n` at most;
 * how many that were.  Fast; what is behind them in `to` is undefined. */
size_t ascii_lower_run(char *to, const char *from, size_t n);

#endif
