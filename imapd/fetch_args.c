/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data items: one row for each name; those with a section are taken apart
 * here, and the section's own grammar is mime/section.h's.
 */
#include "imapd/fetch_args.h"

#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/mime/imapstr.h"
#include "c-client/mime/section.h"
#include "imapd/args.h"
#include "imapd/workarounds.h"

#include "c-client/base/banned.h"

static const struct section all = { .kind = SECTION_ALL };
static const struct section header = { .kind = SECTION_HEADER };
static const struct section text = { .kind = SECTION_TEXT };

static const struct row {
	const char *name;
	enum fetch_what what;
	const struct section *section;
	bool seen;
} rows[] = {
	{ "UID", FETCH_UID, NULL, false },
	{ "FLAGS", FETCH_FLAGS, NULL, false },
	{ "INTERNALDATE", FETCH_INTERNALDATE, NULL, false },
	{ "RFC822.SIZE", FETCH_SIZE, NULL, false },
	{ "ENVELOPE", FETCH_ENVELOPE, NULL, false },
	{ "BODY", FETCH_STRUCTURE, NULL, false },
	{ "BODYSTRUCTURE", FETCH_BODYSTRUCTURE, NULL, false },
	{ "RFC822", FETCH_BODY, &all, true },
	{ "RFC822.HEADER", FETCH_BODY, &header, false },
	{ "RFC822.TEXT", FETCH_BODY, &text, true },
};

static const struct macro {
	const char *name;
	const char *items[6];
} macros[] = {
	{ "ALL", { "FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE" } },
	{ "FAST", { "FLAGS", "INTERNALDATE", "RFC822.SIZE" } },
	{ "FULL", { "FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE",
	    "BODY" } },
};

static struct fetch_item *
item_add(struct args *a, struct fetch_items *f, enum fetch_what what,
    struct span label)
{
	struct fetch_item *item;

	for (size_t i = 0; i < f->count; i++)
		if (what != FETCH_BODY && f->items[i].what == what)
			return &f->items[i];
	if (f->count == BOUND_FETCH_ITEMS) {
		args_fail(a, "Too many data items");
		return NULL;
	}
	item = &f->items[f->count++];
	*item = (struct fetch_item){ .what = what, .label = label,
	    .count = UINT64_MAX };
	if (what == FETCH_BODY)
		f->bodies++;
	if (what == FETCH_FLAGS)
		f->flags = true;
	return item;
}

static bool
take_row(struct args *a, struct fetch_items *f, struct span name)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct fetch_item *item;

		if (!span_is(name, rows[i].name))
			continue;
		item = item_add(a, f, rows[i].what, span_of(rows[i].name));
		if (item == NULL)
			return false;
		item->section = rows[i].section;
		f->seen = f->seen || rows[i].seen;
		return true;
	}
	return args_fail(a, "Unknown data item");
}

/* The octets up to one of `stop`, or to the end. */
static struct span
take_until(struct args *a, const char *stop)
{
	const char *begin = a->p;

	while (a->p < a->end && strchr(stop, *a->p) == NULL && *a->p != '\0')
		a->p++;
	return (struct span){ begin, (size_t)(a->p - begin) };
}

/* "(" astring *(SP astring) ")" */
static bool
take_names(struct args *a, struct section *section)
{
	struct span *names = NULL;
	size_t count = 0, cap = 0;

	args_skip(a, ' ');
	if (!args_blanks(a) || !args_open(a))
		return false;
	while (!args_close(a)) {
		if (count == cap) {
			size_t more = cap == 0 ? 16 : cap * 2;
			struct span *p = arena_alloc(a->arena,
			    more * sizeof *p);

			if (p == NULL)
				return args_fail(a, "Too many header fields");
			if (count > 0)
				memcpy(p, names, count * sizeof *p);
			names = p;
			cap = more;
		}
		if (!args_astring(a, &names[count++]))
			return false;
	}
	if (a->error != NULL)
		return false;
	section->names = names;
	section->name_count = count;
	return count > 0 || args_fail(a, "No header fields are named");
}

/* Can it stand in an answer without quotes? */
static bool
is_bare(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f ||
		    strchr("(){%*\"\\", s.p[i]) != NULL)
			return false;
	return s.n > 0;
}

/* "BODY[SPEC (names)]<first>": the section in capitals, the names as the
 * client spelled them. */
static struct span
label_of(struct args *a, struct span spec, const struct section *section,
    const struct fetch_item *item)
{
	struct buf b;
	struct span label;

	buf_init(&b, 0);
	buf_adds(&b, "BODY[");
	for (size_t i = 0; i < spec.n; i++)
		buf_addc(&b, (char)ascii_upper((unsigned char)spec.p[i]));
	for (size_t i = 0; i < section->name_count; i++) {
		buf_adds(&b, i == 0 ? " (" : " ");
		if (is_bare(section->names[i]))
			buf_addspan(&b, section->names[i]);
		else
			imapstr_write(&b, section->names[i]);
	}
	buf_adds(&b, section->name_count > 0 ? ")]" : "]");
	if (item->partial)
		buf_addf(&b, "<%llu>", (unsigned long long)item->first);
	label = arena_span(a->arena, buf_span(&b));
	buf_clear(&b);
	return label;
}

/* "<" number "." nz-number ">" */
static bool
take_partial(struct args *a, struct fetch_item *item)
{
	uint32_t first, count;

	if (!args_skip(a, '<'))
		return true;
	if (!args_number(a, &first) || !args_char(a, '.') ||
	    !args_nznumber(a, &count) || !args_char(a, '>'))
		return args_fail(a, "Bad partial");
	item->partial = true;
	item->first = first;
	item->count = count;
	return true;
}

/* Behind "BODY[" or "BODY.PEEK[". */
static bool
take_section(struct args *a, struct fetch_items *f, bool peek)
{
	struct section *section = arena_alloc(a->arena, sizeof *section);
	struct fetch_item *item = item_add(a, f, FETCH_BODY, SPAN(""));
	struct span spec = take_until(a, " ]()<");

	if (section == NULL || item == NULL)
		return args_fail(a, "Too many data items");
	if (!section_parse_spec(spec, section))
		return args_fail(a, "Bad section");
	if ((section->kind == SECTION_FIELDS ||
	    section->kind == SECTION_FIELDS_NOT) && !take_names(a, section))
		return args_fail(a, "Bad list of header fields");
	args_blanks(a);
	if (!args_char(a, ']') || !take_partial(a, item))
		return args_fail(a, "Bad section");
	item->section = section;
	item->label = label_of(a, spec, section, item);
	f->seen = f->seen || !peek;
	return !arena_full(a->arena) || args_fail(a, "Section too long");
}

/* Pine writes a blank in front of the bracket. */
static bool
skip_bracket(struct args *a)
{
	struct args before = *a;

	if (workarounds_has(WORKAROUND_BODY_BLANK))
		while (args_skip(a, ' '))
			continue;
	if (args_skip(a, '['))
		return true;
	*a = before;
	return false;
}

static bool
take_item(struct args *a, struct fetch_items *f)
{
	struct span name = take_until(a, " []()<>\"{");
	bool peek = span_is(name, "BODY.PEEK");

	if ((peek || span_is(name, "BODY")) && skip_bracket(a))
		return take_section(a, f, peek);
	return take_row(a, f, name);
}

static bool
take_items(struct args *a, struct fetch_items *f)
{
	if (!args_open(a))
		return false;
	while (!args_close(a))
		if (!take_item(a, f))
			return false;
	if (a->error != NULL)
		return false;
	return f->count > 0 || args_fail(a, "No data items");
}

static bool
take_macro_or_item(struct args *a, struct fetch_items *f)
{
	for (size_t i = 0; i < sizeof macros / sizeof macros[0]; i++) {
		if (!args_keyword(a, macros[i].name))
			continue;
		for (size_t j = 0; macros[i].items[j] != NULL; j++)
			if (!take_row(a, f, span_of(macros[i].items[j])))
				return false;
		return true;
	}
	return take_item(a, f);
}

static void
uid_to_front(struct fetch_items *f)
{
	size_t i = 0;
	struct fetch_item uid;

	while (i < f->count && f->items[i].what != FETCH_UID)
		i++;
	if (i == f->count)
		return;
	uid = f->items[i];
	memmove(f->items + 1, f->items, i * sizeof uid);
	f->items[0] = uid;
}

bool
fetch_args_parse(struct args *a, bool uid, struct fetch_items *f)
{
	*f = (struct fetch_items){ 0 };
	f->items = arena_alloc(a->arena,
	    BOUND_FETCH_ITEMS * sizeof *f->items);
	if (f->items == NULL)
		return args_fail(a, "Command too long");
	if (!args_space(a))
		return false;
	if (uid && !take_row(a, f, SPAN("UID")))
		return false;
	if (!(args_peek(a) == '(' ? take_items(a, f) :
	    take_macro_or_item(a, f)) || !args_end(a))
		return args_fail(a, "Bad data items");
	uid_to_front(f);
	return true;
}
