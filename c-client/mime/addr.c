/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address lists: tokens are collected up to what ends an element ("<", a
 * comma, ...), then made into addresses.  No recursion, no looking back
 * beyond one element.
 */
#include "c-client/mime/addr.h"

#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/mime/addr_lex.h"

#include "c-client/base/banned.h"

/* Words of one element that are kept; what is longer is cut. */
#define WORDS_MAX	256u

struct parser {
	struct arena *arena;
	struct addr_lex lex;
	struct addr *first, **last;
	size_t count;
	bool in_group;
	struct addr_token words[WORDS_MAX];
	size_t n;
	bool has_at;
};

static bool
is_at(const struct addr_token *t)
{
	return t->kind == ADDR_SPECIAL && t->text.p[0] == '@';
}

/* Do b's words follow a's without a blank that means something?  RFC 5322
 * 4.4 allows blanks around the dots of local parts and domains. */
static bool
linked(const struct addr_token *a, const struct addr_token *b)
{
	if (!b->space)
		return true;
	return (a->kind == ADDR_WORD && a->text.p[a->text.n - 1] == '.') ||
	    (b->kind == ADDR_WORD && b->text.p[0] == '.');
}

/* The words [from, to) as one text, blanks between them become one. */
static struct span
join(struct parser *p, size_t from, size_t to, bool phrase)
{
	const struct addr_token *w = p->words;
	size_t size = 0, n = 0;
	char *text;

	if (from == to)
		return (struct span){ NULL, 0 };
	if (from + 1 == to && w[from].plain)
		return w[from].text;
	for (size_t i = from; i < to; i++)
		size += w[i].text.n + 1;
	text = arena_alloc(p->arena, size);
	if (text == NULL)
		return (struct span){ "", 0 };
	for (size_t i = from; i < to; i++) {
		if (i > from && w[i].space &&
		    (phrase || !linked(&w[i - 1], &w[i])))
			text[n++] = ' ';
		if (w[i].plain) {
			memcpy(text + n, w[i].text.p, w[i].text.n);
			n += w[i].text.n;
		} else
			n += addr_lex_copy(w[i].text, text + n);
	}
	return (struct span){ text, n };
}

static struct span
comment_text(struct parser *p)
{
	struct span s = span_trim(p->lex.comment);
	char *to;

	p->lex.comment = (struct span){ NULL, 0 };
	if (s.n == 0)
		return (struct span){ NULL, 0 };
	to = arena_alloc(p->arena, s.n);
	if (to == NULL)
		return (struct span){ NULL, 0 };
	return (struct span){ to, addr_lex_copy(s, to) };
}

/* A new entry at the end of the list, or NULL: one is kept back for the end
 * of a group. */
static struct addr *
entry(struct parser *p, bool group_end)
{
	size_t max = BOUND_ADDRESSES;
	struct addr *a;

	if (p->in_group && !group_end)
		max--;
	if (p->count >= max)
		return NULL;
	a = arena_alloc(p->arena, sizeof *a);
	if (a == NULL)
		return NULL;
	*p->last = a;
	p->last = &a->next;
	p->count++;
	return a;
}

static void
group_end(struct parser *p)
{
	struct addr *a;

	if (!p->in_group)
		return;
	a = entry(p, true);
	if (a != NULL)
		a->group_end = true;
	p->in_group = false;
}

static void
group_start(struct parser *p)
{
	struct addr *a;

	group_end(p);
	if (p->count + 2 > BOUND_ADDRESSES ||
	    (a = entry(p, false)) == NULL)
		return;
	a->group_start = true;
	a->mailbox = join(p, 0, p->n, true);
	if (a->mailbox.p == NULL)
		a->mailbox = (struct span){ "", 0 };
	p->in_group = true;
	p->n = 0;
	p->lex.comment = (struct span){ NULL, 0 };
}

/*
 * One address out of the words from `from` on, up to the blank behind its
 * domain: words in front of the local part are its name.  Returns where it
 * ended.  There is an "@" in them.
 */
static size_t
spec_take(struct parser *p, size_t from, struct addr *a)
{
	const struct addr_token *w = p->words;
	size_t at = from, local, end;

	while (!is_at(&w[at]))
		at++;
	local = at;
	while (local > from && (local == at ||
	    linked(&w[local - 1], &w[local])))
		local--;
	for (;;) {
		end = at + 1;
		if (end < p->n && !is_at(&w[end]))
			end++;
		while (end < p->n && end > at + 1 && !is_at(&w[end]) &&
		    linked(&w[end - 1], &w[end]))
			end++;
		if (end >= p->n || !is_at(&w[end]) || w[end].space)
			break;
		at = end;	/* a@b@c: the last one counts */
	}
	a->name = join(p, from, local, true);
	a->mailbox = join(p, local, at, false);
	a->host = join(p, at + 1, end, false);
	return end;
}

static bool
has_at_from(const struct parser *p, size_t from)
{
	for (size_t i = from; i < p->n; i++)
		if (is_at(&p->words[i]))
			return true;
	return false;
}

/* The element that was collected, which had no angle brackets. */
static void
element_end(struct parser *p)
{
	struct addr *a = NULL;
	size_t at = 0, n = p->n;

	if (n > 0 && !p->has_at) {
		a = entry(p, false);
		if (a != NULL)
			a->mailbox = join(p, 0, n, false);
		at = n;
	}
	while (at < n && has_at_from(p, at)) {
		a = entry(p, false);
		if (a == NULL)
			break;
		at = spec_take(p, at, a);
		if (a->mailbox.p == NULL)
			a->mailbox = (struct span){ "", 0 };
	}
	if (a != NULL && a->name.p == NULL && at < n)
		a->name = join(p, at, n, true);
	if (a != NULL && a->name.p == NULL)
		a->name = comment_text(p);
	p->lex.comment = (struct span){ NULL, 0 };
	p->n = 0;
	p->has_at = false;
}

static void
word_add(struct parser *p, struct addr_token t)
{
	if (p->n == WORDS_MAX) {
		if (!p->has_at)
			return;
		element_end(p);
	}
	p->has_at |= is_at(&t);
	p->words[p->n++] = t;
}

/* The route of an angle-addr, "@a,@b:" (RFC 5322 4.4), was collected. */
static void
route_end(struct parser *p, struct addr *a)
{
	for (size_t i = 0; i < p->n; i++)
		p->words[i].space = false;
	a->adl = join(p, 0, p->n, false);
	p->n = 0;
	p->has_at = false;
}

/* The words in angle brackets as mailbox and host. */
static void
angle_close(struct parser *p, struct addr *a)
{
	size_t at = p->n;

	while (at > 0 && !is_at(&p->words[at - 1]))
		at--;
	if (at > 0) {
		a->mailbox = join(p, 0, at - 1, false);
		a->host = join(p, at, p->n, false);
	} else
		a->mailbox = join(p, 0, p->n, false);
	if (a->mailbox.p == NULL)
		a->mailbox = (struct span){ "", 0 };
	p->n = 0;
	p->has_at = false;
}

/*
 * "<" was read, the words before it are the name.  Reads up to ">" or to
 * what can only stand behind an address whose ">" was forgotten.  Returns the
 * token that ended it.
 */
static struct addr_token
angle_take(struct parser *p)
{
	struct addr scratch = { .next = NULL }, *a = entry(p, false);
	struct addr_token t;
	bool route = false;

	a = a == NULL ? &scratch : a;
	a->name = join(p, 0, p->n, true);
	p->n = 0;
	p->has_at = false;
	for (;;) {
		t = addr_lex_next(&p->lex);
		if (t.kind == ADDR_SPECIAL && p->n == 0 && is_at(&t))
			route = a->adl.p == NULL;
		if (t.kind == ADDR_END)
			break;
		if (t.kind == ADDR_SPECIAL && !is_at(&t)) {
			char c = t.text.p[0];

			if (c == '<')
				continue;
			if (c == '>' || c == ';' || (c == ',' && !route))
				break;
			if (c == ':' && route) {
				route_end(p, a);
				route = false;
				continue;
			}
		}
		if (p->n < WORDS_MAX) {
			p->has_at |= is_at(&t);
			p->words[p->n++] = t;
		}
	}
	angle_close(p, a);
	if (a->name.p == NULL && t.kind != ADDR_END && t.text.p[0] == '>') {
		/* "<a@b> (Name)": the comment may stand behind. */
		struct addr_lex ahead = p->lex;

		addr_lex_next(&ahead);
		p->lex.comment = ahead.comment;
	}
	if (a->name.p == NULL)
		a->name = comment_text(p);
	p->lex.comment = (struct span){ NULL, 0 };
	return t;
}

struct addr *
addr_parse(struct arena *arena, struct span body)
{
	struct parser p = { .arena = arena, .lex = { .rest = body } };
	struct addr_token t;

	p.last = &p.first;
	while ((t = addr_lex_next(&p.lex)).kind != ADDR_END) {
		char c = t.kind == ADDR_SPECIAL ? t.text.p[0] : 'w';

		if (p.count >= BOUND_ADDRESSES - p.in_group ||
		    arena_full(arena))
			break;
		if (c == '<') {
			t = angle_take(&p);
			c = t.kind == ADDR_END ? '>' : t.text.p[0];
		} else if (c == ',' || c == ';')
			element_end(&p);
		else if (c == ':' && !p.has_at)
			group_start(&p);
		else if (c != '>')
			word_add(&p, t);
		if (c == ';')
			group_end(&p);
	}
	element_end(&p);
	group_end(&p);
	return p.first;
}
