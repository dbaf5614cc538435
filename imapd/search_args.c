/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Search keys: one row each.  The parser recurses for parentheses, and for OR
 * and NOT inside each other, no deeper than BOUND_NESTING; chains of OR and
 * of NOT, which clients write hundreds long, are loops.
 */
#include "imapd/search_args.h"

#include <stdbool.h>
#include <stddef.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/fault.h"
#include "c-client/base/span.h"
#include "c-client/mime/charset.h"
#include "c-client/store/record.h"
#include "c-client/store/search.h"
#include "c-client/store/seqset.h"
#include "imapd/args.h"

#include "c-client/base/banned.h"

struct parse {
	struct args *args;
	const struct search_args_star *star;
	struct span charset;
	struct fault *why;
	unsigned depth;
};

/* What follows a key's name. */
enum shape {
	SHAPE_NONE,
	SHAPE_TEXT,		/* string, into text */
	SHAPE_FIELD_TEXT,	/* name and string, into field and text */
	SHAPE_KEYWORD,		/* flag-keyword, into text */
	SHAPE_DATE,
	SHAPE_SIZE,
	SHAPE_UIDS
};

struct row {
	const char *name;
	enum search_op op;
	enum shape shape;
	bool negated;
	uint16_t flag;
	const char *field;	/* of HEADER and ADDRESS */
};

static const struct row rows[] = {
	{ "ALL", SEARCH_ALL, SHAPE_NONE, false, 0, NULL },
	{ "ANSWERED", SEARCH_FLAG, SHAPE_NONE, false, FLAG_ANSWERED, NULL },
	{ "BCC", SEARCH_ADDRESS, SHAPE_TEXT, false, 0, "Bcc" },
	{ "BEFORE", SEARCH_BEFORE, SHAPE_DATE, false, 0, NULL },
	{ "BODY", SEARCH_BODY, SHAPE_TEXT, false, 0, NULL },
	{ "CC", SEARCH_ADDRESS, SHAPE_TEXT, false, 0, "Cc" },
	{ "DELETED", SEARCH_FLAG, SHAPE_NONE, false, FLAG_DELETED, NULL },
	{ "DRAFT", SEARCH_FLAG, SHAPE_NONE, false, FLAG_DRAFT, NULL },
	{ "FLAGGED", SEARCH_FLAG, SHAPE_NONE, false, FLAG_FLAGGED, NULL },
	{ "FROM", SEARCH_ADDRESS, SHAPE_TEXT, false, 0, "From" },
	{ "HEADER", SEARCH_HEADER, SHAPE_FIELD_TEXT, false, 0, NULL },
	{ "KEYWORD", SEARCH_KEYWORD, SHAPE_KEYWORD, false, 0, NULL },
	{ "LARGER", SEARCH_LARGER, SHAPE_SIZE, false, 0, NULL },
	{ "OLD", SEARCH_RECENT, SHAPE_NONE, true, 0, NULL },
	{ "ON", SEARCH_ON, SHAPE_DATE, false, 0, NULL },
	{ "RECENT", SEARCH_RECENT, SHAPE_NONE, false, 0, NULL },
	{ "SEEN", SEARCH_FLAG, SHAPE_NONE, false, FLAG_SEEN, NULL },
	{ "SENTBEFORE", SEARCH_SENTBEFORE, SHAPE_DATE, false, 0, NULL },
	{ "SENTON", SEARCH_SENTON, SHAPE_DATE, false, 0, NULL },
	{ "SENTSINCE", SEARCH_SENTSINCE, SHAPE_DATE, false, 0, NULL },
	{ "SINCE", SEARCH_SINCE, SHAPE_DATE, false, 0, NULL },
	{ "SMALLER", SEARCH_SMALLER, SHAPE_SIZE, false, 0, NULL },
	{ "SUBJECT", SEARCH_HEADER, SHAPE_TEXT, false, 0, "Subject" },
	{ "TEXT", SEARCH_TEXT, SHAPE_TEXT, false, 0, NULL },
	{ "TO", SEARCH_ADDRESS, SHAPE_TEXT, false, 0, "To" },
	{ "UID", SEARCH_UIDS, SHAPE_UIDS, false, 0, NULL },
	{ "UNANSWERED", SEARCH_FLAG, SHAPE_NONE, true, FLAG_ANSWERED, NULL },
	{ "UNDELETED", SEARCH_FLAG, SHAPE_NONE, true, FLAG_DELETED, NULL },
	{ "UNDRAFT", SEARCH_FLAG, SHAPE_NONE, true, FLAG_DRAFT, NULL },
	{ "UNFLAGGED", SEARCH_FLAG, SHAPE_NONE, true, FLAG_FLAGGED, NULL },
	{ "UNKEYWORD", SEARCH_KEYWORD, SHAPE_KEYWORD, true, 0, NULL },
	{ "UNSEEN", SEARCH_FLAG, SHAPE_NONE, true, FLAG_SEEN, NULL },
};

static struct search_key *parse_key(struct parse *);

static struct search_key *
bad(struct parse *p, const char *error)
{
	args_fail(p->args, error);
	return NULL;
}

static struct search_key *
key_new(struct parse *p, enum search_op op)
{
	struct search_key *key = arena_alloc(p->args->arena, sizeof *key);

	if (key == NULL)
		return bad(p, "Search too long");
	key->op = op;
	return key;
}

static struct search_key *
negate(struct parse *p, struct search_key *sub)
{
	struct search_key *key;

	if (sub == NULL || (key = key_new(p, SEARCH_NOT)) == NULL)
		return NULL;
	key->sub = sub;
	return key;
}

static bool
take_set(struct parse *p, struct search_key *key, uint32_t star)
{
	struct fault why = { 0 };
	struct span text;

	if (!args_seqset(p->args, &text))
		return false;
	key->set = seqset_parse(p->args->arena, text, star, &why);
	return key->set != NULL || args_fail(p->args, why.code ==
	    FAULT_LIMIT ? "Set has too many parts" : "Bad set in search");
}

static bool
take_text(struct parse *p, struct span *out)
{
	struct span text;

	if (!args_space(p->args) || !args_astring(p->args, &text))
		return false;
	if (search_text(p->charset, text, p->args->arena, out, p->why) == 0)
		return true;
	return p->why->code != FAULT_SYNTAX ? false :
	    args_fail(p->args, "Search text is not in its character set");
}

static bool
take_operands(struct parse *p, enum shape shape, struct search_key *key)
{
	struct args *a = p->args;
	uint32_t size;

	switch (shape) {
	case SHAPE_NONE:
		return true;
	case SHAPE_FIELD_TEXT:
		if (!args_space(a) || !args_astring(a, &key->field))
			return false;
		/* FALLTHROUGH */
	case SHAPE_TEXT:
		return take_text(p, &key->text);
	case SHAPE_KEYWORD:
		return args_space(a) && args_atom(a, &key->text);
	case SHAPE_DATE:
		return args_space(a) && args_date(a, &key->day);
	case SHAPE_SIZE:
		if (!args_space(a) || !args_number(a, &size))
			return false;
		key->size = size;
		return true;
	case SHAPE_UIDS:
		return args_space(a) && take_set(p, key, p->star->uid);
	}
	return false;
}

static struct search_key *
parse_row(struct parse *p, struct span name)
{
	const struct row *row = NULL;
	struct search_key *key;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (span_is(name, rows[i].name))
			row = &rows[i];
	if (row == NULL)
		return bad(p, "Unknown search key");
	if ((key = key_new(p, row->op)) == NULL)
		return NULL;
	key->flag = row->flag;
	if (row->field != NULL)
		key->field = span_of(row->field);
	if (!take_operands(p, row->shape, key))
		return bad(p, "Bad argument of a search key");
	return row->negated ? negate(p, key) : key;
}

/* NEW is (RECENT UNSEEN). */
static struct search_key *
parse_new(struct parse *p)
{
	struct search_key *and = key_new(p, SEARCH_AND);
	struct search_key *seen = key_new(p, SEARCH_FLAG);

	if (and == NULL || seen == NULL ||
	    (and->sub = key_new(p, SEARCH_RECENT)) == NULL)
		return NULL;
	seen->flag = FLAG_SEEN;
	and->sub->next = negate(p, seen);
	return and->sub->next == NULL ? NULL : and;
}

/*
 * Behind the word OR: two keys, each of which may begin with OR again.  All
 * operands of such a chain become one list: `missing` counts how many are to
 * come, and a further OR is one of them that wants two.
 */
static struct search_key *
parse_or(struct parse *p)
{
	struct search_key *key = key_new(p, SEARCH_OR), **end;

	if (key == NULL)
		return NULL;
	end = &key->sub;
	for (size_t missing = 2; missing > 0; ) {
		if (!args_space(p->args))
			return NULL;
		if (args_keyword(p->args, "OR")) {
			missing++;
			continue;
		}
		if ((*end = parse_key(p)) == NULL)
			return NULL;
		end = &(*end)->next;
		missing--;
	}
	return key;
}

/* Behind the word NOT, or several. */
static struct search_key *
parse_not(struct parse *p)
{
	bool negated = true;
	struct search_key *key;

	while (args_space(p->args) && args_keyword(p->args, "NOT"))
		negated = !negated;
	key = parse_key(p);
	return negated ? negate(p, key) : key;
}

/* AND, unless it is of one key. */
static struct search_key *
simplify(struct search_key *and)
{
	return and->sub->next == NULL ? and->sub : and;
}

static struct search_key *
parse_parenthesis(struct parse *p)
{
	struct search_key *and = key_new(p, SEARCH_AND), **end;

	if (and == NULL || !args_open(p->args))
		return NULL;
	for (end = &and->sub; !args_close(p->args); end = &(*end)->next)
		if ((*end = parse_key(p)) == NULL)
			return NULL;
	if (p->args->error != NULL)
		return NULL;
	return and->sub == NULL ? bad(p, "Empty parentheses in search") :
	    simplify(and);
}

static struct search_key *
parse_numbers(struct parse *p)
{
	struct search_key *key = key_new(p, SEARCH_NUMBERS);

	return key != NULL && take_set(p, key, p->star->number) ? key : NULL;
}

static struct search_key *
parse_one(struct parse *p)
{
	int c = args_peek(p->args);
	struct span name;

	if (c == '(')
		return parse_parenthesis(p);
	if (c == '*' || ascii_is_digit(c))
		return parse_numbers(p);
	if (args_keyword(p->args, "OR"))
		return parse_or(p);
	if (args_keyword(p->args, "NOT"))
		return parse_not(p);
	if (args_keyword(p->args, "NEW"))
		return parse_new(p);
	return args_atom(p->args, &name) ? parse_row(p, name) : NULL;
}

static struct search_key *
parse_key(struct parse *p)
{
	struct search_key *key;

	if (p->args->error != NULL)
		return NULL;
	if (p->depth >= BOUND_NESTING)
		return bad(p, "Search is nested too deep");
	p->depth++;
	key = parse_one(p);
	p->depth--;
	return key;
}

static struct search_key *
parse_all(struct parse *p)
{
	struct search_key *and = key_new(p, SEARCH_AND), **end;
	struct args *a = p->args;

	if (and == NULL)
		return NULL;
	end = &and->sub;
	do {
		if (!args_space(a) || (*end = parse_key(p)) == NULL)
			return NULL;
		end = &(*end)->next;
	} while (!args_is_end(a));
	return simplify(and);
}

static bool
take_charset(struct parse *p)
{
	struct args *a = p->args;
	struct args before = *a;

	if (!args_space(a) || !args_keyword(a, "CHARSET")) {
		*a = before;
		return true;
	}
	if (!args_space(a) || !args_astring(a, &p->charset))
		return false;
	if (charset_known(p->charset))
		return true;
	fault_set(p->why, FAULT_CHARSET, "unknown character set");
	return false;
}

struct search_key *
search_args_parse(struct args *a, const struct search_args_star *star,
    struct fault *why)
{
	struct parse p = { .args = a, .star = star, .charset = SPAN(""),
	    .why = why };
	struct search_key *key = NULL;

	*why = (struct fault){ 0 };
	if (take_charset(&p))
		key = parse_all(&p);
	if (key != NULL)
		return key;
	if (why->code == FAULT_CHARSET || why->code == FAULT_LIMIT) {
		a->error = NULL;
		return NULL;
	}
	args_fail(a, "Bad search");
	fault_set(why, FAULT_SYNTAX, "search: %s", a->error);
	return NULL;
}
