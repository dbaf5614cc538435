/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokens of address lists.  What is opened and never closed (a comment, a
 * quoted string) is found out once and from then on taken for a blank, so
 * that the scan stays linear and the rest of the list is not lost.
 */
#include "c-client/mime/addr_lex.h"

#include <string.h>

#include "c-client/base/banned.h"

/* RFC 2047 2 allows 75; so long are some that programs write. */
#define ENCWORD_MAX	256u

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_special(char c)
{
	return c != '\0' && strchr("<>,;:@", c) != NULL;
}

static void
advance(struct addr_lex *l, size_t n)
{
	l->rest.p += n;
	l->rest.n -= n;
}

/* Octets of the comment that s begins with; 0 if it has no end. */
static size_t
comment_length(struct span s)
{
	size_t depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '(')
			depth++;
		else if (s.p[i] == ')' && --depth == 0)
			return i + 1;
	}
	return 0;
}

/* Step over blanks and comments; was there anything? */
static bool
blanks_skip(struct addr_lex *l)
{
	const char *start = l->rest.p;
	size_t n;

	while (l->rest.n > 0) {
		char c = l->rest.p[0];

		if (c == '(' && !l->no_comments) {
			n = comment_length(l->rest);
			if (n == 0) {
				l->no_comments = true;
				n = 1;
			} else
				l->comment = span_slice(l->rest, 1, n - 2);
			advance(l, n);
		} else if (is_blank(c) || c == '(' || c == ')' ||
		    (c == '"' && l->no_quotes))
			advance(l, 1);
		else
			break;
	}
	return l->rest.p != start;
}

/* Octets of an encoded-word at the beginning of s, else 0. */
static size_t
encword_length(struct span s)
{
	unsigned marks = 0;

	if (s.n < 2 || s.p[0] != '=' || s.p[1] != '?')
		return 0;
	for (size_t i = 2; i < s.n && i < ENCWORD_MAX; i++) {
		if (is_blank(s.p[i]))
			return 0;
		if (s.p[i] != '?')
			continue;
		if (++marks == 3)
			return i + 1 < s.n && s.p[i + 1] == '=' ? i + 2 : 0;
	}
	return 0;
}

static size_t
word_length(const struct addr_lex *l)
{
	struct span s = l->rest;
	size_t n = encword_length(s);

	while (n < s.n && !is_blank(s.p[n]) && !is_special(s.p[n]) &&
	    strchr("()\"[", s.p[n]) == NULL)
		n++;
	/* NUL, which strchr finds too, is an ordinary octet; a "[" is taken
	 * here only where no literal can be. */
	return n == 0 ? 1 : n;
}

/* A quoted string at the beginning; false if it has no end. */
static bool
quoted_take(struct addr_lex *l, struct addr_token *t)
{
	struct span s = l->rest;

	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '\\' || s.p[i] == '\n')
			t->plain = false;
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"') {
			t->kind = ADDR_QUOTED;
			t->text = span_slice(s, 1, i - 1);
			advance(l, i + 1);
			return true;
		}
	}
	t->plain = true;
	l->no_quotes = true;
	return false;
}

/* A domain literal; one that is not closed ends where a domain would. */
static void
literal_take(struct addr_lex *l, struct addr_token *t)
{
	struct span s = l->rest;
	size_t n = 1;

	while (n < s.n && s.p[n] != ']' &&
	    strchr("<>,;[\n", s.p[n]) == NULL)
		n++;
	if (n < s.n && s.p[n] == ']')
		n++;
	t->kind = ADDR_LITERAL;
	t->text = span_slice(s, 0, n);
	t->plain = memchr(s.p, '\\', n) == NULL;
	advance(l, n);
}

struct addr_token
addr_lex_next(struct addr_lex *l)
{
	struct addr_token t = { .kind = ADDR_END, .plain = true };
	size_t n;

	t.space = blanks_skip(l);
	if (l->rest.n > 0 && l->rest.p[0] == '"') {
		if (quoted_take(l, &t))
			return t;
		blanks_skip(l);
		t.space = true;
	}
	if (l->rest.n == 0)
		return t;
	if (l->rest.p[0] == '[') {
		literal_take(l, &t);
		return t;
	}
	t.kind = is_special(l->rest.p[0]) ? ADDR_SPECIAL : ADDR_WORD;
	n = t.kind == ADDR_SPECIAL ? 1 : word_length(l);
	t.text = span_slice(l->rest, 0, n);
	advance(l, n);
	return t;
}

size_t
addr_lex_copy(struct span text, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '\\' && i + 1 < text.n)
			c = text.p[++i];
		else if (c == '\n' || (c == '\r' && i + 1 < text.n &&
		    text.p[i + 1] == '\n'))
			continue;
		to[n++] = c;
	}
	return n;
}
