/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arguments of a command, piece by piece.  Syntax only: no mailbox, no
 * session is known here.
 */
#include "imapd/args.h"

#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/mime/date.h"
#include "imapd/workarounds.h"

#include "c-client/base/banned.h"

void
args_init(struct args *a, struct arena *arena, struct span text)
{
	*a = (struct args){ .p = text.p, .end = text.p + text.n,
	    .arena = arena };
}

bool
args_fail(struct args *a, const char *error)
{
	if (a->error == NULL)
		a->error = error;
	return false;
}

int
args_peek(const struct args *a)
{
	return a->p == a->end ? -1 : (unsigned char)*a->p;
}

bool
args_blanks(struct args *a)
{
	if (workarounds_has(WORKAROUND_BLANKS))
		while (a->p < a->end && *a->p == ' ')
			a->p++;
	return true;
}

bool
args_is_end(const struct args *a)
{
	struct args at = *a;

	args_blanks(&at);
	return at.p == at.end;
}

bool
args_space(struct args *a)
{
	if (args_peek(a) != ' ')
		return args_fail(a, a->p == a->end ? "Missing argument" :
		    "A blank is missing between arguments");
	a->p++;
	return args_blanks(a);
}

bool
args_end(struct args *a)
{
	args_blanks(a);
	if (a->p != a->end)
		return args_fail(a, "Too many arguments");
	return a->error == NULL;
}

bool
args_skip(struct args *a, char c)
{
	if (args_peek(a) != (unsigned char)c)
		return false;
	a->p++;
	return true;
}

bool
args_char(struct args *a, char c)
{
	return args_skip(a, c) || args_fail(a, "Unexpected character");
}

bool
args_open(struct args *a)
{
	if (!args_skip(a, '('))
		return args_fail(a, "\"(\" expected");
	if (++a->nesting > BOUND_NESTING)
		return args_fail(a, "Parentheses nested too deep");
	return args_blanks(a);
}

bool
args_close(struct args *a)
{
	if (a->error != NULL)
		return true;
	/* One blank stands between two; what is more is a client's fault.
	 * Where a list is open something stands before p. */
	if (a->nesting > 0 && a->p[-1] != '(' && args_skip(a, ' ') &&
	    args_peek(a) == ')' &&
	    !workarounds_has(WORKAROUND_BLANKS))
		args_fail(a, "A blank before \")\"");
	args_blanks(a);
	if (a->error != NULL)
		return true;
	if (a->p == a->end) {
		args_fail(a, "\")\" is missing");
		return true;
	}
	if (!args_skip(a, ')'))
		return false;
	if (a->nesting > 0)
		a->nesting--;
	return true;
}

/* ATOM-CHAR of RFC 3501 9: no atom-specials, 7 bits. */
static bool
is_atom(int c)
{
	return c > ' ' && c < 0x7f && strchr("(){%*\"\\]", c) == NULL;
}

static bool
is_astring(int c)
{
	return is_atom(c) || c == ']';
}

static bool
is_list_char(int c)
{
	return is_astring(c) || c == '%' || c == '*';
}

static bool
is_word(int c)
{
	return c > ' ' && c < 0x7f && c != '(' && c != ')';
}

static bool
is_seqset(int c)
{
	return ascii_is_digit(c) || c == ',' || c == ':' || c == '*';
}

/* The run of octets that `is` takes; at least one. */
static bool
run_of(struct args *a, bool (*is)(int), struct span *out, const char *error)
{
	const char *from = a->p;

	while (a->p < a->end && is((unsigned char)*a->p))
		a->p++;
	if (a->p == from)
		return args_fail(a, a->p == a->end ? "Missing argument" :
		    error);
	*out = (struct span){ from, (size_t)(a->p - from) };
	return true;
}

bool
args_atom(struct args *a, struct span *out)
{
	return run_of(a, is_atom, out, "An atom is expected");
}

bool
args_word(struct args *a, struct span *out)
{
	return run_of(a, is_word, out, "A word is expected");
}

bool
args_seqset(struct args *a, struct span *out)
{
	return run_of(a, is_seqset, out, "A set of numbers is expected");
}

/* 1*<any ASTRING-CHAR except "+"> */
static bool
is_tag(int c)
{
	return is_astring(c) && c != '+';
}

bool
args_tag(struct args *a, struct span *out)
{
	if (!run_of(a, is_tag, out, "Bad tag"))
		return false;
	if (out->n > BOUND_TAG)
		return args_fail(a, "Excessively long tag");
	if (a->p != a->end && *a->p != ' ')
		return args_fail(a, "Bad tag");
	return true;
}

bool
args_keyword(struct args *a, const char *word)
{
	struct span rest = { a->p, (size_t)(a->end - a->p) };
	size_t n = strlen(word);

	if (!span_starts_nocase(rest, word) ||
	    (rest.n > n && is_atom((unsigned char)rest.p[n])))
		return false;
	a->p += n;
	return true;
}

/* Between the quotes, with escapes: the octets that are meant. */
static bool
unescape(struct args *a, const char *from, const char *to, struct span *out)
{
	char *p = arena_alloc(a->arena, (size_t)(to - from));
	size_t n = 0;

	if (p == NULL)
		return args_fail(a, "Command too large");
	for (; from < to; from++) {
		if (*from == '\\')
			from++;
		p[n++] = *from;
	}
	*out = (struct span){ p, n };
	return true;
}

/*
 * quoted.  8-bit octets are taken although RFC 3501 forbids them here: many
 * clients send passwords and search strings so (see workarounds.c).
 */
static bool
quoted(struct args *a, struct span *out)
{
	const char *from = ++a->p;
	bool escaped = false;

	for (; a->p < a->end && *a->p != '"'; a->p++) {
		char c = *a->p;

		if (c == '\0' || c == '\r' || c == '\n' ||
		    ((unsigned char)c >= 0x80 &&
		    !workarounds_has(WORKAROUND_QUOTED_8BIT)))
			return args_fail(a, "Bad character in quoted string");
		if (c != '\\')
			continue;
		escaped = true;
		a->p++;
		if (a->p == a->end || (*a->p != '"' && *a->p != '\\'))
			return args_fail(a, "Bad escape in quoted string");
	}
	if (a->p == a->end)
		return args_fail(a, "Quoted string without end");
	a->p++;
	if (escaped)
		return unescape(a, from, a->p - 1, out);
	*out = (struct span){ from, (size_t)(a->p - 1 - from) };
	return true;
}

/* literal: "{3}" line end and three octets; wire.c has collected it. */
static bool
literal(struct args *a, struct span *out)
{
	struct span digits;
	const char *from = ++a->p;
	uint64_t n;

	while (a->p < a->end && ascii_is_digit((unsigned char)*a->p))
		a->p++;
	digits = (struct span){ from, (size_t)(a->p - from) };
	args_skip(a, '+');
	if (!span_number(digits, UINT32_MAX, &n) || !args_skip(a, '}'))
		return args_fail(a, "Bad literal");
	args_skip(a, '\r');
	if (!args_skip(a, '\n') || n > (size_t)(a->end - a->p))
		return args_fail(a, "Bad literal");
	if (n > 0 && memchr(a->p, '\0', (size_t)n) != NULL)
		return args_fail(a, "NUL in literal");
	*out = (struct span){ a->p, (size_t)n };
	a->p += n;
	return true;
}

bool
args_string(struct args *a, struct span *out)
{
	switch (args_peek(a)) {
	case '"':
		return quoted(a, out);
	case '{':
		return literal(a, out);
	default:
		return args_fail(a, "A string is expected");
	}
}

static bool
string_or_run(struct args *a, bool (*is)(int), struct span *out)
{
	int c = args_peek(a);

	if (c == '"' || c == '{')
		return args_string(a, out);
	return run_of(a, is, out, "A string is expected");
}

bool
args_astring(struct args *a, struct span *out)
{
	return string_or_run(a, is_astring, out);
}

bool
args_nstring(struct args *a, struct span *out)
{
	if (args_keyword(a, "NIL")) {
		*out = (struct span){ NULL, 0 };
		return true;
	}
	return args_string(a, out);
}

bool
args_mailbox(struct args *a, struct span *out)
{
	return args_astring(a, out);
}

bool
args_list_mailbox(struct args *a, struct span *out)
{
	return string_or_run(a, is_list_char, out);
}

static bool
is_digit(int c)
{
	return ascii_is_digit(c);
}

bool
args_number(struct args *a, uint32_t *out)
{
	struct span digits;
	uint64_t value;

	if (!run_of(a, is_digit, &digits, "A number is expected"))
		return false;
	if (!span_number(digits, UINT32_MAX, &value))
		return args_fail(a, "Number too large");
	*out = (uint32_t)value;
	return true;
}

bool
args_nznumber(struct args *a, uint32_t *out)
{
	if (!args_number(a, out))
		return false;
	return *out != 0 || args_fail(a, "Number is 0");
}

bool
args_date_time(struct args *a, struct date *out)
{
	struct span text;

	if (args_peek(a) != '"')
		return args_fail(a, "A date and time is expected");
	if (!quoted(a, &text))
		return false;
	return date_parse_internal(text, out) ||
	    args_fail(a, "Bad date and time");
}

bool
args_date(struct args *a, int64_t *days)
{
	struct span text;

	if (args_peek(a) == '"' ? !quoted(a, &text) : !args_atom(a, &text))
		return false;
	return date_parse_day(text, days) || args_fail(a, "Bad date");
}
