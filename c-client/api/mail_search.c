/* SPDX-License-Identifier: Apache-2.0 */
/* A search program as keys of the store. */
#include <stdbool.h>
#include <stddef.h>

#include "c-client/api/local.h"
#include "c-client/api/tell.h"
#include "c-client/api/user.h"
#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/mime/date.h"
#include "c-client/store/record.h"
#include "c-client/store/search.h"
#include "c-client/store/seqset.h"
#include "c-client/store/view.h"

#include "c-client/base/banned.h"

struct build {
	struct local *local;
	struct arena *arena;
	struct span charset;
	struct search_key **end;	/* of the program that is being built */
	unsigned depth;
	struct fault *why;
};

/* One more key of the program. */
static struct search_key *
key(struct build *b, enum search_op op)
{
	struct search_key *k = arena_alloc(b->arena, sizeof *k);

	k->op = op;
	*b->end = k;
	b->end = &k->next;
	return k;
}

static struct search_key *
key_not(struct build *b, enum search_op op)
{
	struct search_key *not = key(b, SEARCH_NOT);

	not->sub = arena_alloc(b->arena, sizeof *not->sub);
	not->sub->op = op;
	return not->sub;
}

static int
texts(struct build *b, const STRINGLIST *list, enum search_op op,
    const char *field)
{
	for (; list != NULL; list = list->next) {
		struct search_key *k = key(b, op);
		struct span text = { (char *)list->text.data,
		    list->text.size };

		if (field != NULL)
			k->field = span_of(field);
		if (search_text(b->charset, text, b->arena, &k->text,
		    b->why) == -1)
			return -1;
	}
	return 0;
}

static const struct {
	size_t offset;
	enum search_op op;
	const char *field;
} text_rows[] = {
	{ offsetof(SEARCHPGM, bcc), SEARCH_ADDRESS, "Bcc" },
	{ offsetof(SEARCHPGM, cc), SEARCH_ADDRESS, "Cc" },
	{ offsetof(SEARCHPGM, from), SEARCH_ADDRESS, "From" },
	{ offsetof(SEARCHPGM, to), SEARCH_ADDRESS, "To" },
	{ offsetof(SEARCHPGM, body), SEARCH_BODY, NULL },
	{ offsetof(SEARCHPGM, text), SEARCH_TEXT, NULL },
	{ offsetof(SEARCHPGM, subject), SEARCH_HEADER, "Subject" },
	{ offsetof(SEARCHPGM, return_path), SEARCH_HEADER, "Return-Path" },
	{ offsetof(SEARCHPGM, sender), SEARCH_HEADER, "Sender" },
	{ offsetof(SEARCHPGM, reply_to), SEARCH_HEADER, "Reply-To" },
	{ offsetof(SEARCHPGM, in_reply_to), SEARCH_HEADER, "In-Reply-To" },
	{ offsetof(SEARCHPGM, message_id), SEARCH_HEADER, "Message-ID" },
	{ offsetof(SEARCHPGM, newsgroups), SEARCH_HEADER, "Newsgroups" },
	{ offsetof(SEARCHPGM, followup_to), SEARCH_HEADER, "Followup-To" },
	{ offsetof(SEARCHPGM, references), SEARCH_HEADER, "References" },
};

static int
all_texts(struct build *b, const SEARCHPGM *pgm)
{
	for (size_t i = 0; i < sizeof text_rows / sizeof text_rows[0]; i++) {
		STRINGLIST *const *list = (const void *)((const char *)pgm +
		    text_rows[i].offset);

		if (texts(b, *list, text_rows[i].op, text_rows[i].field) == -1)
			return -1;
	}
	for (const SEARCHHEADER *h = pgm->header; h != NULL; h = h->next) {
		struct search_key *k = key(b, SEARCH_HEADER);
		struct span text = { (char *)h->text.data, h->text.size };

		k->field = (struct span){ (char *)h->line.data,
		    h->line.size };
		if (search_text(b->charset, text, b->arena, &k->text,
		    b->why) == -1)
			return -1;
	}
	return 0;
}

static void
keywords(struct build *b, const STRINGLIST *list, bool not)
{
	for (; list != NULL; list = list->next) {
		struct search_key *k = not ? key_not(b, SEARCH_KEYWORD) :
		    key(b, SEARCH_KEYWORD);

		k->text = (struct span){ (char *)list->text.data,
		    list->text.size };
	}
}

/* Both bits of a pair are good: then nothing is found. */
static void
flags(struct build *b, const SEARCHPGM *pgm)
{
	const struct {
		unsigned is, not;
		uint16_t flag;
	} pairs[] = {
		{ pgm->answered, pgm->unanswered, FLAG_ANSWERED },
		{ pgm->deleted, pgm->undeleted, FLAG_DELETED },
		{ pgm->draft, pgm->undraft, FLAG_DRAFT },
		{ pgm->flagged, pgm->unflagged, FLAG_FLAGGED },
		{ pgm->seen, pgm->unseen, FLAG_SEEN },
	};

	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		if (pairs[i].is)
			key(b, SEARCH_FLAG)->flag = pairs[i].flag;
		if (pairs[i].not)
			key_not(b, SEARCH_FLAG)->flag = pairs[i].flag;
	}
	if (pgm->recent)
		key(b, SEARCH_RECENT);
	if (pgm->old)
		key_not(b, SEARCH_RECENT);
}

static int
dates(struct build *b, const SEARCHPGM *pgm)
{
	const struct {
		unsigned short date;
		enum search_op op;
	} days[] = {
		{ pgm->sentbefore, SEARCH_SENTBEFORE },
		{ pgm->senton, SEARCH_SENTON },
		{ pgm->sentsince, SEARCH_SENTSINCE },
		{ pgm->before, SEARCH_BEFORE },
		{ pgm->on, SEARCH_ON },
		{ pgm->since, SEARCH_SINCE },
	};

	for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
		int month = days[i].date >> 5 & 15, day = days[i].date & 31;

		if (days[i].date == 0)
			continue;
		if (month < 1 || month > 12 || day < 1)
			return fault_set(b->why, FAULT_SYNTAX, "no date");
		key(b, days[i].op)->day = date_days(BASEYEAR +
		    (days[i].date >> 9), month, day);
	}
	return 0;
}

static void
add_number(struct buf *text, unsigned long number)
{
	if (number == 0xffffffff)
		buf_addc(text, '*');
	else
		buf_addnum(text, number);
}

static int
set(struct build *b, const SEARCHSET *s, enum search_op op, uint32_t star)
{
	struct search_key *k;
	struct buf text;

	if (s == NULL)
		return 0;
	k = key(b, op);
	buf_init(&text, 0);
	for (; s != NULL; s = s->next) {
		if (text.n > 0)
			buf_addc(&text, ',');
		add_number(&text, s->first);
		if (s->last != 0) {
			buf_addc(&text, ':');
			add_number(&text, s->last);
		}
	}
	k->set = seqset_parse(b->arena, buf_span(&text), star, b->why);
	buf_clear(&text);
	return k->set == NULL ? -1 : 0;
}

static int program(struct build *, const SEARCHPGM *,
    struct search_key *and);

/* A program inside another, as a key by itself. */
static int
inner(struct build *b, const SEARCHPGM *pgm, struct search_key *and)
{
	struct search_key **end = b->end;
	int status = program(b, pgm, and);

	b->end = end;
	return status;
}

static int
combined(struct build *b, const SEARCHPGM *pgm)
{
	for (const SEARCHPGMLIST *l = pgm->not; l != NULL; l = l->next)
		if (inner(b, l->pgm, key_not(b, SEARCH_AND)) == -1)
			return -1;
	for (const SEARCHOR *o = pgm->or; o != NULL; o = o->next) {
		struct search_key *both = arena_alloc(b->arena,
		    2 * sizeof *both);

		both[0].op = both[1].op = SEARCH_AND;
		both[0].next = &both[1];
		key(b, SEARCH_OR)->sub = both;
		if (inner(b, o->first, &both[0]) == -1 ||
		    inner(b, o->second, &both[1]) == -1)
			return -1;
	}
	return 0;
}

/* `and` gets all that the program asks for. */
static int
program(struct build *b, const SEARCHPGM *pgm, struct search_key *and)
{
	const struct view *v = b->local->view;
	uint32_t star = (uint32_t)v->count;

	if (b->depth >= BOUND_NESTING)
		return fault_set(b->why, FAULT_SYNTAX, "too deep");
	b->depth++;
	b->end = &and->sub;
	key(b, SEARCH_ALL);
	if (set(b, pgm->msgno, SEARCH_NUMBERS, star) == -1 ||
	    set(b, pgm->uid, SEARCH_UIDS, star == 0 ? 0 :
	    view_uid(v, star)) == -1 || dates(b, pgm) == -1 ||
	    all_texts(b, pgm) == -1)
		return -1;
	flags(b, pgm);
	keywords(b, pgm->keyword, false);
	keywords(b, pgm->unkeyword, true);
	if (pgm->larger != 0)
		key(b, SEARCH_LARGER)->size = pgm->larger;
	if (pgm->smaller != 0)
		key(b, SEARCH_SMALLER)->size = pgm->smaller;
	if (combined(b, pgm) == -1)
		return -1;
	b->depth--;
	return 0;
}

static long
search(MAILSTREAM *stream, struct user *u, const char *charset,
    const SEARCHPGM *pgm, long options)
{
	struct local *l = stream->local;
	struct fault why;
	struct search_key and = { .op = SEARCH_AND };
	struct build b = { .local = l, .arena = u->scratch, .why = &why,
	    .charset = charset == NULL || charset[0] == '\0' ?
	    SPAN("UTF-8") : span_of(charset) };
	uint32_t *numbers;
	size_t count;

	if (program(&b, pgm, &and) == -1 || search_run(l->view, l->reader,
	    &and, u->scratch, &numbers, &count, &why) == -1)
		return tell_fault("search", stream->mailbox, &why);
	if (!(options & SE_RETAIN))
		for (size_t i = 0; i < l->room; i++)
			if (l->messages[i] != NULL)
				l->messages[i]->elt.searched = 0;
	for (size_t i = 0; i < count; i++)
		local_message(stream, numbers[i])->elt.searched = 1;
	for (size_t i = 0; i < count; i++)
		mm_searched(stream, options & SE_UID ?
		    local_uid(stream, numbers[i]) : numbers[i]);
	return T;
}

long
mail_search_full(MAILSTREAM *stream, char *charset, SEARCHPGM *pgm,
    long options)
{
	struct user *u;
	long done = NIL;

	if (local_of(stream) == NULL)
		tell_error("Can't search: there is no open mailbox");
	else if (pgm != NULL) {
		u = local_enter(stream);
		done = search(stream, u, charset, pgm, options);
		local_leave(stream, u);
	}
	if (options & SE_FREE && pgm != NULL)
		mail_free_searchpgm(&pgm);
	return done;
}
