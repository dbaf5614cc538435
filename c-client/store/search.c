/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEARCH over a view.  The tree of keys is made a program whose operands are
 * in the order of their cost; each message is asked in stages (record, header,
 * body), and the next stage is taken only where the answer is still open.
 */
#include "c-client/store/search.h"

#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/fault.h"
#include "c-client/mime/date.h"
#include "c-client/store/box.h"
#include "c-client/store/cursor.h"
#include "c-client/store/message.h"
#include "c-client/store/progress.h"
#include "c-client/store/record.h"
#include "c-client/store/search_body.h"
#include "c-client/store/search_text.h"
#include "c-client/store/seqset.h"
#include "c-client/store/view.h"

#include "c-client/base/banned.h"

/* A tree deeper than any that a parser makes. */
#define DEPTH_MAX	(4 * BOUND_NESTING)

/* A message up to this is read at once where its body may be wanted. */
#define READ_AT_ONCE	(128u * 1024)

/* What a key costs: the stage that can answer it. */
enum stage { STAGE_RECORD, STAGE_HEADER, STAGE_BODY, STAGES };

struct node {
	enum search_op op;
	enum stage stage;
	struct node *sub, *next;
	const struct search_key *key;
	int keyword;			/* bit; -1: the mailbox has none */
	struct search_probe *probe;	/* of keys that need text */
};

struct program {
	struct view *view;
	struct reader *reader;
	struct arena *arena;
	struct node *root;
	struct search_probe probes[BOUND_SEARCH_TEXTS];
	size_t probe_count;
	bool bodies, headers;	/* what some key needs */
	struct search_work work;
};

/* The message that is asked. */
struct candidate {
	const struct record *record;
	uint32_t number;
	bool recent;
};

static enum stage
stage_of(enum search_op op)
{
	switch (op) {
	case SEARCH_SENTBEFORE:
	case SEARCH_SENTON:
	case SEARCH_SENTSINCE:
	case SEARCH_HEADER:
	case SEARCH_ADDRESS:
		return STAGE_HEADER;
	case SEARCH_BODY:
	case SEARCH_TEXT:
		return STAGE_BODY;
	default:
		return STAGE_RECORD;
	}
}

static int
add_probe(struct program *p, struct node *node, struct fault *why)
{
	struct search_probe *probe;
	struct buf squeezed;

	if (p->probe_count == BOUND_SEARCH_TEXTS)
		return fault_set(why, FAULT_LIMIT, "over %u texts in a search",
		    BOUND_SEARCH_TEXTS);
	probe = node->probe = &p->probes[p->probe_count++];
	probe->op = node->op;
	probe->field = node->key->field;
	probe->text = node->key->text;
	probe->day = node->key->day;
	buf_init(&squeezed, 0);
	search_text_squeeze(probe->text, &squeezed);
	probe->squeezed = arena_span(p->arena, buf_span(&squeezed));
	buf_clear(&squeezed);
	p->headers = p->headers || node->op != SEARCH_BODY;
	p->bodies = p->bodies || node->stage == STAGE_BODY;
	return 0;
}

static struct node *compile(struct program *, const struct search_key *,
    unsigned depth, struct fault *);

/* The operands of a node, the cheapest first, else in their order. */
static int
compile_operands(struct program *p, struct node *node, unsigned depth,
    struct fault *why)
{
	struct node *first[STAGES] = { NULL }, **end[STAGES];
	const struct search_key *key = node->key->sub;

	for (int i = 0; i < STAGES; i++)
		end[i] = &first[i];
	for (; key != NULL;
	    key = node->op == SEARCH_NOT ? NULL : key->next) {
		struct node *sub = compile(p, key, depth + 1, why);

		if (sub == NULL)
			return -1;
		*end[sub->stage] = sub;
		end[sub->stage] = &sub->next;
		if (sub->stage > node->stage)
			node->stage = sub->stage;
	}
	*end[STAGE_HEADER] = first[STAGE_BODY];
	*end[STAGE_RECORD] = first[STAGE_HEADER];
	node->sub = first[STAGE_RECORD];
	return 0;
}

static struct node *
compile(struct program *p, const struct search_key *key, unsigned depth,
    struct fault *why)
{
	struct node *node;

	if (depth > DEPTH_MAX ||
	    (node = arena_alloc(p->arena, sizeof *node)) == NULL) {
		fault_set(why, FAULT_LIMIT, "search too deep or too long");
		return NULL;
	}
	node->op = key->op;
	node->key = key;
	node->stage = stage_of(key->op);
	if (key->op == SEARCH_KEYWORD)
		node->keyword = box_keyword(p->view->box, key->text);
	if (node->stage != STAGE_RECORD && add_probe(p, node, why) == -1)
		return NULL;
	if ((key->op == SEARCH_AND || key->op == SEARCH_OR ||
	    key->op == SEARCH_NOT) &&
	    compile_operands(p, node, depth, why) == -1)
		return NULL;
	return node;
}

static enum search_found
answer(bool yes)
{
	return yes ? SEARCH_FOUND : SEARCH_ABSENT;
}

static enum search_found
opposite(enum search_found f)
{
	return f == SEARCH_UNKNOWN ? f : answer(f == SEARCH_ABSENT);
}

static bool
has_keyword(const struct record *r, int bit)
{
	return bit >= 0 && (r->keywords.bits[bit / 64] >> (bit % 64) & 1) != 0;
}

static int64_t
internal_day(const struct record *r)
{
	struct date date = { r->date, r->zone };

	return date_local_day(&date);
}

/* A key that the record answers. */
static bool
ask_record(const struct node *n, const struct candidate *c)
{
	const struct search_key *key = n->key;

	switch (n->op) {
	case SEARCH_ALL:
		return true;
	case SEARCH_NUMBERS:
		return seqset_has(key->set, c->number);
	case SEARCH_UIDS:
		return seqset_has(key->set, c->record->uid);
	case SEARCH_FLAG:
		return (c->record->flags & key->flag) != 0;
	case SEARCH_RECENT:
		return c->recent;
	case SEARCH_KEYWORD:
		return has_keyword(c->record, n->keyword);
	case SEARCH_BEFORE:
		return internal_day(c->record) < key->day;
	case SEARCH_ON:
		return internal_day(c->record) == key->day;
	case SEARCH_SINCE:
		return internal_day(c->record) >= key->day;
	case SEARCH_LARGER:
		return c->record->wire_size > key->size;
	case SEARCH_SMALLER:
		return c->record->wire_size < key->size;
	default:
		return false;
	}
}

/*
 * The answer as far as it is known.  Operands that can't change it are not
 * asked; it recurses as deep as compile() did.
 */
static enum search_found
evaluate(const struct node *n, const struct candidate *c)
{
	enum search_found result, stop;

	if (n->probe != NULL)
		return n->probe->found;
	if (n->op == SEARCH_NOT)
		return opposite(evaluate(n->sub, c));
	if (n->op != SEARCH_AND && n->op != SEARCH_OR)
		return answer(ask_record(n, c));
	stop = answer(n->op == SEARCH_OR);
	result = opposite(stop);
	for (const struct node *sub = n->sub; sub != NULL; sub = sub->next) {
		enum search_found f = evaluate(sub, c);

		if (f == stop)
			return stop;
		if (f == SEARCH_UNKNOWN)
			result = f;
	}
	return result;
}

/* Text keys that have no answer yet are not matched. */
static void
give_up(struct program *p)
{
	for (size_t i = 0; i < p->probe_count; i++)
		if (p->probes[i].found == SEARCH_UNKNOWN)
			p->probes[i].found = SEARCH_ABSENT;
}

/* Ask the header.  The whole message is read at once where that is cheaper
 * than reading twice. */
static int
ask_header(struct program *p, const struct candidate *c, struct fault *why)
{
	struct span header;
	struct message *m;

	if (p->bodies && c->record->wire_size <= READ_AT_ONCE) {
		m = reader_open(p->reader, c->record->uid, why);
		if (m == NULL || message_header(m, &header, why) == -1)
			return -1;
	} else if (reader_header(p->reader, c->record->uid, &header,
	    why) == -1) {
		return -1;
	}
	search_text_header(&p->work, header, p->probes, p->probe_count);
	return 0;
}

static int
ask_body(struct program *p, uint32_t uid, struct fault *why)
{
	struct message *m = reader_open(p->reader, uid, why);

	if (m == NULL)
		return -1;
	return search_body(&p->work, m, p->probes, p->probe_count, why);
}

/*
 * Does the message match?  1 yes, 0 no, -1 if the search as a whole can't go
 * on.  Reading may sync the box, so that the record is copied first.
 */
static int
matches(struct program *p, const struct candidate *asked, struct fault *why)
{
	struct record record = *asked->record;
	struct candidate c = *asked;
	enum search_found found;
	int status = 0;

	c.record = &record;
	for (size_t i = 0; i < p->probe_count; i++)
		p->probes[i].found = p->probes[i].text.n == 0 &&
		    stage_of(p->probes[i].op) == STAGE_BODY ?
		    SEARCH_FOUND : SEARCH_UNKNOWN;
	found = evaluate(p->root, &c);
	if (found == SEARCH_UNKNOWN && p->headers) {
		status = ask_header(p, &c, why);
		found = evaluate(p->root, &c);
	}
	if (found == SEARCH_UNKNOWN && status == 0) {
		status = ask_body(p, record.uid, why);
		found = evaluate(p->root, &c);
	}
	if (status == -1 && why->code == FAULT_EXPUNGED)
		return 0;
	if (status == -1 && (why->code == FAULT_INUSE ||
	    why->code == FAULT_NOTFOUND))
		return -1;
	if (found == SEARCH_UNKNOWN) {
		give_up(p);
		found = evaluate(p->root, &c);
	}
	return found == SEARCH_FOUND;
}

static int
run(struct program *p, uint32_t *numbers, size_t *count, struct fault *why)
{
	struct progress_pace pace = progress_begin(p->view->box->progress);
	struct cursor cursor = { 0 };
	struct candidate c;

	for (c.number = 1; c.number <= p->view->count; c.number++) {
		int match;

		c.record = cursor_record(&cursor, p->view, c.number);
		if (c.record == NULL)
			continue;
		if (p->probe_count > 0 &&
		    !progress_step(&pace, c.number - 1, p->view->count))
			break;
		c.recent = view_is_recent(p->view, c.number);
		match = p->probe_count > 0 ? matches(p, &c, why) :
		    evaluate(p->root, &c) == SEARCH_FOUND;
		if (match == -1)
			return -1;
		if (match == 1)
			numbers[(*count)++] = c.number;
	}
	return 0;
}

int
search_run(struct view *view, struct reader *reader,
    const struct search_key *key, struct arena *arena, uint32_t **numbers,
    size_t *count, struct fault *why)
{
	struct program *p = arena_alloc(arena, sizeof *p);
	int status = -1;

	*count = 0;
	*numbers = arena_alloc(arena, view->count * sizeof **numbers);
	if (p == NULL || *numbers == NULL)
		return fault_set(why, FAULT_LIMIT, "no room for a search");
	p->view = view;
	p->reader = reader;
	p->arena = arena;
	search_text_begin(&p->work);
	if ((p->root = compile(p, key, 0, why)) != NULL)
		status = run(p, *numbers, count, why);
	search_text_end(&p->work);
	return status;
}
