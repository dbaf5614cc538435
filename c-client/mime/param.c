/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens and parameters of MIME fields.  Pieces are collected first, at most
 * BOUND_MIME_PARAMS of them, then those that RFC 2231 numbers are joined.
 */
#include "c-client/mime/param.h"

#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/mime/charset.h"
#include "c-client/mime/encword.h"

#include "c-client/base/banned.h"

/* A longer name of a parameter is none that anybody knows. */
#define NAME_OCTETS	128u
#define NO_INDEX	(-1)

struct piece {
	struct span name;	/* without asterisks */
	struct span value;
	int index;		/* "name*2" */
	bool extended;		/* "name*" or "name*2*" */
	bool used;
};

struct scan {
	struct arena *arena;
	struct span rest;
	bool no_comments;	/* an unended one was met: blanks */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
advance(struct scan *s, size_t n)
{
	s->rest = span_slice(s->rest, n, s->rest.n);
}

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

/* Step over blanks and comments. */
static void
blanks_skip(struct scan *s)
{
	while (s->rest.n > 0) {
		size_t n = 1;

		if (s->rest.p[0] == '(' && !s->no_comments) {
			n = comment_length(s->rest);
			s->no_comments = n == 0;
		} else if (!is_blank(s->rest.p[0]) && s->rest.p[0] != '(')
			return;
		advance(s, n == 0 ? 1 : n);
	}
}

/* Octets of the run at s that has none of `stops`, blanks or "(". */
static size_t
run_length(struct span s, const char *stops)
{
	size_t n = 0;

	while (n < s.n && !is_blank(s.p[n]) && s.p[n] != '(' &&
	    (s.p[n] == '\0' || strchr(stops, s.p[n]) == NULL))
		n++;
	return n;
}

/* Quoted-pairs undone and the line ends of folds removed. */
static struct span
unquote(struct arena *a, struct span s)
{
	char *to, *start;

	if (s.n == 0 || (memchr(s.p, '\\', s.n) == NULL &&
	    memchr(s.p, '\n', s.n) == NULL))
		return s;
	start = to = arena_alloc(a, s.n);
	if (start == NULL)
		return (struct span){ "", 0 };
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\\' && i + 1 < s.n)
			c = s.p[++i];
		else if (c == '\n' || (c == '\r' && i + 1 < s.n &&
		    s.p[i + 1] == '\n'))
			continue;
		*to++ = c;
	}
	return (struct span){ start, (size_t)(to - start) };
}

/* A quoted string; one that is not closed ends at a semicolon or line end. */
static struct span
quoted_take(struct scan *s)
{
	struct span in = span_slice(s->rest, 1, s->rest.n);
	size_t n = 0;

	while (n < in.n && in.p[n] != '"')
		n += in.p[n] == '\\' && n + 1 < in.n ? 2 : 1;
	if (n >= in.n) {
		n = 0;
		while (n < in.n && in.p[n] != ';' && in.p[n] != '\n')
			n++;
		advance(s, 1 + n);
		return span_trim(span_slice(in, 0, n));
	}
	advance(s, n + 2);
	return unquote(s->arena, span_slice(in, 0, n));
}

/*
 * A value without quotes.  Against the grammar it may be of many words
 * ("name=my file.txt"), as long as no "=" says that a new parameter began.
 */
static struct span
value_take(struct scan *s)
{
	struct span in = s->rest, gap;
	size_t end, word;

	if (in.n > 0 && in.p[0] == '"')
		return quoted_take(s);
	end = run_length(in, ";");
	for (;;) {
		gap = span_slice(in, end, in.n);
		while (gap.n > 0 && is_blank(gap.p[0]))
			gap = span_slice(gap, 1, gap.n);
		word = run_length(gap, ";=\"");
		if (word == 0 || end == 0 || (word < gap.n &&
		    (gap.p[word] == '=' || gap.p[word] == '"')))
			break;
		end = (size_t)(gap.p + word - in.p);
	}
	advance(s, end);
	in = span_slice(in, 0, end);
	return memchr(in.p, '\n', in.n) == NULL ? in : unquote(s->arena, in);
}

/* Take "*2*", "*2" or "*" off a name. */
static void
name_split(struct piece *p)
{
	struct span n = p->name;
	size_t at;
	uint64_t index;

	p->index = NO_INDEX;
	p->extended = n.n > 1 && n.p[n.n - 1] == '*';
	if (p->extended)
		n.n--;
	p->name = n;
	for (at = n.n; at > 0 && ascii_is_digit((unsigned char)n.p[at - 1]);)
		at--;
	if (at < 2 || n.p[at - 1] != '*' ||
	    !span_number(span_slice(n, at, n.n), 9999, &index))
		return;
	p->index = (int)index;
	p->name.n = at - 1;
}

/* The next parameter; false at the end.  What is none is stepped over. */
static bool
piece_take(struct scan *s, struct piece *p)
{
	size_t n;

	for (;;) {
		blanks_skip(s);
		if (s->rest.n == 0)
			return false;
		n = run_length(s->rest, ";=\"");
		p->name = span_slice(s->rest, 0, n);
		advance(s, n);
		blanks_skip(s);
		if (s->rest.n > 0 && s->rest.p[0] == '"' && n == 0) {
			quoted_take(s);
			continue;
		}
		if (s->rest.n == 0 || s->rest.p[0] != '=') {
			if (n == 0)
				advance(s, 1);
			continue;
		}
		advance(s, 1);
		blanks_skip(s);
		p->value = value_take(s);
		p->used = false;
		if (n > 0 && n <= NAME_OCTETS)
			break;
	}
	name_split(p);
	return true;
}

static void
type_take(struct scan *s, struct param_field *out)
{
	struct span word;
	ptrdiff_t slash;

	blanks_skip(s);
	if (s->rest.n > 0 && s->rest.p[0] == '"')
		word = quoted_take(s);
	else {
		word = span_slice(s->rest, 0, run_length(s->rest, ";="));
		/* "charset=x" with nothing in front is no type. */
		if (word.n < s->rest.n && s->rest.p[word.n] == '=')
			word.n = 0;
		advance(s, word.n);
	}
	slash = span_find_char(word, '/');
	if (slash >= 0) {
		out->type = span_trim(span_slice(word, 0, (size_t)slash));
		out->subtype = span_trim(span_slice(word, (size_t)slash + 1,
		    word.n));
	} else
		out->type = span_trim(word);
	if (out->subtype.n > 0)
		return;
	blanks_skip(s);
	if (s->rest.n > 0 && s->rest.p[0] == '/') {
		advance(s, 1);
		slash = 0;
	}
	blanks_skip(s);
	if (slash < 0)
		return;
	word = span_slice(s->rest, 0, run_length(s->rest, ";=\""));
	if (word.n < s->rest.n && s->rest.p[word.n] == '=')
		return;
	out->subtype = word;
	advance(s, word.n);
}

/* RFC 2231's attribute-char: what needs no "%" in an ext-value. */
static bool
is_attribute_char(unsigned char c)
{
	return c > ' ' && c < 0x7f && strchr("*'%()<>@,;:\\\"/[]?=", c) == NULL;
}

/* Room for one piece in the joined value. */
static size_t
piece_size(const struct piece *p)
{
	return 3 * p->value.n + 2;
}

static char *
piece_copy(char *to, const struct piece *p, bool extended)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < p->value.n; i++) {
		unsigned char c = (unsigned char)p->value.p[i];

		if (!extended || p->extended || is_attribute_char(c)) {
			*to++ = (char)c;
			continue;
		}
		*to++ = '%';
		*to++ = digits[c >> 4];
		*to++ = digits[c & 15];
	}
	return to;
}

static struct piece *
piece_find(struct piece *pieces, size_t n, struct span name, int index)
{
	for (size_t i = 0; i < n; i++)
		if (pieces[i].index == index &&
		    span_eq_nocase(pieces[i].name, name))
			return &pieces[i];
	return NULL;
}

/* The name of a parameter as it is shown: "filename*". */
static struct span
name_shown(struct arena *a, struct span name, bool extended)
{
	char *to;

	if (!extended || (to = arena_alloc(a, name.n + 1)) == NULL)
		return name;
	memcpy(to, name.p, name.n);
	to[name.n] = '*';
	return (struct span){ to, name.n + 1 };
}

/* Join the pieces that are numbered like `first`: from 0, or 1, to a gap. */
static void
pieces_join(struct arena *a, struct piece *pieces, size_t n,
    const struct piece *first, struct param *out)
{
	struct piece *list[BOUND_MIME_PARAMS], *p;
	int index = piece_find(pieces, n, first->name, 0) == NULL;
	size_t count = 0, size = 0;
	char *to, *start;

	while (count < BOUND_MIME_PARAMS && (p = piece_find(pieces, n,
	    first->name, index)) != NULL) {
		list[count++] = p;
		size += piece_size(p);
		out->extended |= p->extended;
		index++;
	}
	for (size_t i = 0; i < n; i++)
		if (pieces[i].index != NO_INDEX &&
		    span_eq_nocase(pieces[i].name, first->name))
			pieces[i].used = true;
	out->name = name_shown(a, first->name, out->extended);
	out->value = (struct span){ "", 0 };
	start = to = arena_alloc(a, size);
	if (start == NULL || count == 0)
		return;
	if (out->extended && !list[0]->extended) {
		*to++ = '\'';
		*to++ = '\'';
	}
	for (size_t i = 0; i < count; i++)
		to = piece_copy(to, list[i], out->extended);
	out->value = (struct span){ start, (size_t)(to - start) };
}

static bool
is_listed(const struct param *list, const struct param *p)
{
	for (; list != NULL; list = list->next)
		if (list->extended == p->extended &&
		    span_eq_nocase(list->name, p->name))
			return true;
	return false;
}

/* The parameters out of the pieces; of equal names the first counts. */
static struct param *
params_make(struct arena *a, struct piece *pieces, size_t n)
{
	struct param *first = NULL, **last = &first, *p, made;

	for (size_t i = 0; i < n; i++) {
		if (pieces[i].used)
			continue;
		made = (struct param){ .next = NULL };
		if (pieces[i].index == NO_INDEX) {
			made.extended = pieces[i].extended;
			made.value = pieces[i].value;
			made.name = name_shown(a, pieces[i].name,
			    made.extended);
		} else
			pieces_join(a, pieces, n, &pieces[i], &made);
		if (is_listed(first, &made))
			continue;
		p = arena_alloc(a, sizeof *p);
		if (p == NULL)
			break;
		*p = made;
		*last = p;
		last = &p->next;
	}
	return first;
}

void
param_parse(struct arena *a, struct span body, struct param_field *out)
{
	struct scan s = { .arena = a, .rest = body };
	struct piece pieces[BOUND_MIME_PARAMS];
	size_t n = 0;

	*out = (struct param_field){ .type = { "", 0 }, .subtype = { "", 0 } };
	type_take(&s, out);
	while (n < BOUND_MIME_PARAMS && piece_take(&s, &pieces[n]))
		n++;
	out->params = params_make(a, pieces, n);
}

/* Is it `name` with a final asterisk? */
static bool
is_extended_of(const struct param *p, const char *name)
{
	return p->extended &&
	    span_is(span_slice(p->name, 0, p->name.n - 1), name);
}

struct span
param_value(const struct param *p, const char *name)
{
	for (; p != NULL; p = p->next)
		if (!p->extended && span_is(p->name, name))
			return p->value;
	return (struct span){ "", 0 };
}

static int
hex(char c)
{
	int l = ascii_lower((unsigned char)c);

	if (l >= '0' && l <= '9')
		return l - '0';
	return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/* charset'language'%XX... to UTF-8 (RFC 2231 4). */
static void
extended_utf8(struct span v, struct buf *out)
{
	struct span charset = { "", 0 };
	ptrdiff_t first = span_find_char(v, '\''), second;
	struct buf raw;

	second = first < 0 ? -1 :
	    span_find_char(span_slice(v, (size_t)first + 1, v.n), '\'');
	if (second >= 0) {
		charset = span_slice(v, 0, (size_t)first);
		v = span_slice(v, (size_t)(first + second) + 2, v.n);
	}
	buf_init(&raw, 0);
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];

		if (c == '%' && i + 2 < v.n && hex(v.p[i + 1]) != -1 &&
		    hex(v.p[i + 2]) != -1) {
			c = (char)(hex(v.p[i + 1]) << 4 | hex(v.p[i + 2]));
			i += 2;
		}
		buf_addc(&raw, c);
	}
	if (charset_to_utf8(charset, buf_span(&raw), out) == -1)
		charset_guess_utf8(buf_span(&raw), out);
	buf_clear(&raw);
}

bool
param_utf8(const struct param *list, const char *name, struct buf *out)
{
	for (const struct param *p = list; p != NULL; p = p->next) {
		if (is_extended_of(p, name)) {
			extended_utf8(p->value, out);
			return true;
		}
	}
	for (const struct param *p = list; p != NULL; p = p->next) {
		if (!p->extended && span_is(p->name, name)) {
			encword_decode(p->value, out);
			return true;
		}
	}
	return false;
}
