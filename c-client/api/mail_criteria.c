/* SPDX-License-Identifier: Apache-2.0 */
/* Search programs as people write them: the keys of RFC 3501 6.4.4, without
 * parentheses, NOT and OR, which this form never had. */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "c-client/api/tell.h"
#include "c-client/base/span.h"
#include "c-client/mime/date.h"

#include "c-client/base/banned.h"

/* Bits of a struct have no address. */
#define BIT(member) \
	static void \
	set_ ## member(SEARCHPGM *p) \
	{ \
		p->member = 1; \
	}
BIT(answered) BIT(unanswered) BIT(deleted) BIT(undeleted) BIT(draft)
BIT(undraft) BIT(flagged) BIT(unflagged) BIT(recent) BIT(old) BIT(seen)
BIT(unseen)
#undef BIT

static void
set_all(SEARCHPGM *p)
{
	(void)p;
}

static void
set_new(SEARCHPGM *p)
{
	p->recent = p->unseen = 1;
}

enum shape { SHAPE_BIT, SHAPE_TEXT, SHAPE_DATE, SHAPE_SIZE, SHAPE_HEADER };

static const struct row {
	const char *name;
	enum shape shape;
	size_t offset;			/* in the program */
	void (*set)(SEARCHPGM *);
} rows[] = {
	{ "ALL", SHAPE_BIT, 0, set_all },
	{ "ANSWERED", SHAPE_BIT, 0, set_answered },
	{ "BCC", SHAPE_TEXT, offsetof(SEARCHPGM, bcc), NULL },
	{ "BEFORE", SHAPE_DATE, offsetof(SEARCHPGM, before), NULL },
	{ "BODY", SHAPE_TEXT, offsetof(SEARCHPGM, body), NULL },
	{ "CC", SHAPE_TEXT, offsetof(SEARCHPGM, cc), NULL },
	{ "DELETED", SHAPE_BIT, 0, set_deleted },
	{ "DRAFT", SHAPE_BIT, 0, set_draft },
	{ "FLAGGED", SHAPE_BIT, 0, set_flagged },
	{ "FROM", SHAPE_TEXT, offsetof(SEARCHPGM, from), NULL },
	{ "HEADER", SHAPE_HEADER, 0, NULL },
	{ "KEYWORD", SHAPE_TEXT, offsetof(SEARCHPGM, keyword), NULL },
	{ "LARGER", SHAPE_SIZE, offsetof(SEARCHPGM, larger), NULL },
	{ "NEW", SHAPE_BIT, 0, set_new },
	{ "OLD", SHAPE_BIT, 0, set_old },
	{ "ON", SHAPE_DATE, offsetof(SEARCHPGM, on), NULL },
	{ "RECENT", SHAPE_BIT, 0, set_recent },
	{ "SEEN", SHAPE_BIT, 0, set_seen },
	{ "SENTBEFORE", SHAPE_DATE, offsetof(SEARCHPGM, sentbefore), NULL },
	{ "SENTON", SHAPE_DATE, offsetof(SEARCHPGM, senton), NULL },
	{ "SENTSINCE", SHAPE_DATE, offsetof(SEARCHPGM, sentsince), NULL },
	{ "SINCE", SHAPE_DATE, offsetof(SEARCHPGM, since), NULL },
	{ "SMALLER", SHAPE_SIZE, offsetof(SEARCHPGM, smaller), NULL },
	{ "SUBJECT", SHAPE_TEXT, offsetof(SEARCHPGM, subject), NULL },
	{ "TEXT", SHAPE_TEXT, offsetof(SEARCHPGM, text), NULL },
	{ "TO", SHAPE_TEXT, offsetof(SEARCHPGM, to), NULL },
	{ "UNANSWERED", SHAPE_BIT, 0, set_unanswered },
	{ "UNDELETED", SHAPE_BIT, 0, set_undeleted },
	{ "UNDRAFT", SHAPE_BIT, 0, set_undraft },
	{ "UNFLAGGED", SHAPE_BIT, 0, set_unflagged },
	{ "UNKEYWORD", SHAPE_TEXT, offsetof(SEARCHPGM, unkeyword), NULL },
	{ "UNSEEN", SHAPE_BIT, 0, set_unseen },
};

/* The next word, of any octets but blanks; in quotes of any, `\` before a quote
 * or itself.  What is in them is in place: *rest is written to.  False at the
 * end, and for quotes that don't end. */
static bool
next_word(char **rest, struct span *word)
{
	char *p = *rest, *to;

	while (*p == ' ')
		p++;
	if (*p != '"') {
		word->p = p;
		word->n = strcspn(p, " ");
		*rest = p + word->n;
		return word->n > 0;
	}
	word->p = to = ++p;
	while (*p != '\0' && *p != '"') {
		if (p[0] == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++;
		*to++ = *p++;
	}
	word->n = (size_t)(to - word->p);
	*rest = p + 1;
	return *p == '"';
}

static bool
add_text(SEARCHPGM *p, size_t offset, struct span word)
{
	STRINGLIST *one = mail_newstringlist();
	STRINGLIST **list = (STRINGLIST **)(void *)((char *)p + offset);

	cpytxt(&one->text, (char *)word.p, word.n);
	/* The order of what must all be true is of no matter. */
	one->next = *list;
	*list = one;
	return true;
}

static bool
add_date(SEARCHPGM *p, size_t offset, struct span word)
{
	int64_t days, year;
	int month, day;
	unsigned short date;

	if (!date_parse_day(word, &days))
		return false;
	date_civil(days, &year, &month, &day);
	if (year < BASEYEAR || year > BASEYEAR + 127)
		return false;
	date = mail_shortdate((unsigned)(year - BASEYEAR), (unsigned)month,
	    (unsigned)day);
	memcpy((char *)p + offset, &date, sizeof date);
	return true;
}

static bool
add_size(SEARCHPGM *p, size_t offset, struct span word)
{
	unsigned long size;
	uint64_t number;

	if (!span_number(word, UINT32_MAX, &number))
		return false;
	size = (unsigned long)number;
	memcpy((char *)p + offset, &size, sizeof size);
	return true;
}

static bool
add_header(SEARCHPGM *p, struct span field, char **rest)
{
	SEARCHHEADER *h;
	struct span text;
	char none[] = "";

	if (!next_word(rest, &text))
		return false;
	h = mail_newsearchheader(none, none);
	cpytxt(&h->line, (char *)field.p, field.n);
	cpytxt(&h->text, (char *)text.p, text.n);
	h->next = p->header;
	p->header = h;
	return true;
}

static bool
add_row(SEARCHPGM *p, const struct row *row, char **rest)
{
	struct span word;

	if (row->shape == SHAPE_BIT) {
		row->set(p);
		return true;
	}
	if (!next_word(rest, &word))
		return false;
	switch (row->shape) {
	case SHAPE_TEXT:
		return add_text(p, row->offset, word);
	case SHAPE_DATE:
		return add_date(p, row->offset, word);
	case SHAPE_SIZE:
		return add_size(p, row->offset, word);
	default:
		return add_header(p, word, rest);
	}
}

static bool
add_key(SEARCHPGM *p, struct span name, char **rest)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (span_is(name, rows[i].name))
			return add_row(p, &rows[i], rest);
	return false;
}

SEARCHPGM *
mail_criteria(char *criteria)
{
	char *copy = cpystr(criteria), *rest = copy;
	SEARCHPGM *p = mail_newsearchpgm();
	struct span name;
	size_t keys = 0;

	while (copy != NULL && next_word(&rest, &name)) {
		if (!add_key(p, name, &rest)) {
			tell_error("Bad search criterion %.*s", (int)name.n,
			    name.p);
			mail_free_searchpgm(&p);
			break;
		}
		keys++;
		rest += strspn(rest, " ");
	}
	if (keys == 0 && p != NULL) {
		tell_error("There are no search criteria");
		mail_free_searchpgm(&p);
	}
	fs_give((void **)&copy);
	return p;
}
