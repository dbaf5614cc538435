/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is looked for, and header fields: made UTF-8, folded, and compared as
 * octets.  Bodies are search_body.c's.
 */
#include "c-client/store/search_text.h"

#include <stdbool.h>
#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/fault.h"
#include "c-client/mime/addr.h"
#include "c-client/mime/casemap.h"
#include "c-client/mime/charset.h"
#include "c-client/mime/date.h"
#include "c-client/mime/encword.h"
#include "c-client/mime/header.h"

#include "c-client/base/banned.h"

void
search_text_begin(struct search_work *w)
{
	*w = (struct search_work){ .arena = arena_new(BOUND_MIME_ARENA) };
}

void
search_text_end(struct search_work *w)
{
	buf_clear(&w->raw);
	buf_clear(&w->decoded);
	buf_clear(&w->utf8);
	buf_clear(&w->folded);
	arena_free(w->arena);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void
search_text_squeeze(struct span text, struct buf *out)
{
	bool blank = false;
	char *to = buf_room(out, text.n);
	size_t n = 0;

	if (to == NULL)
		return;
	for (size_t i = 0; i < text.n; i++) {
		if (!is_blank(text.p[i]))
			to[n++] = text.p[i];
		else if (!blank)
			to[n++] = ' ';
		blank = is_blank(text.p[i]);
	}
	out->n += n;
}

/* Is it valid in the character set?  What is not becomes U+FFFD, and nothing
 * else does but U+FFFD itself. */
static bool
to_utf8(struct span charset, struct span text, struct buf *out)
{
	bool ascii = charset.n == 0 || span_is(charset, "US-ASCII");

	/* Clients that forget to say so send UTF-8. */
	if (ascii || span_is(charset, "UTF-8")) {
		buf_addspan(out, text);
		return charset_is_utf8(text);
	}
	if (charset_to_utf8(charset, text, out) == -1)
		return false;
	return out->n < 3 || memmem(out->p, out->n, "\xEF\xBF\xBD", 3) == NULL;
}

int
search_text(struct span charset, struct span text, struct arena *arena,
    struct span *out, struct fault *why)
{
	struct buf utf8, folded;
	int status = 0;

	if (charset.n > 0 && !charset_known(charset))
		return fault_set(why, FAULT_CHARSET, "unknown character set");
	buf_init(&utf8, 0);
	buf_init(&folded, 0);
	if (to_utf8(charset, text, &utf8)) {
		casemap_fold(buf_span(&utf8), &folded);
		*out = arena_span(arena, buf_span(&folded));
		if (arena_full(arena))
			status = fault_set(why, FAULT_LIMIT,
			    "search text too long");
	} else {
		status = fault_set(why, FAULT_SYNTAX,
		    "search text is invalid in its character set");
	}
	buf_clear(&utf8);
	buf_clear(&folded);
	return status;
}

bool
search_text_contains(struct span hay, struct span needle)
{
	return needle.n == 0 || (hay.n >= needle.n &&
	    memmem(hay.p, hay.n, needle.p, needle.n) != NULL);
}

void
search_text_fold(struct search_work *w, struct span utf8)
{
	buf_reset(&w->utf8);
	casemap_fold(utf8, &w->utf8);
	search_text_squeeze(buf_span(&w->utf8), &w->folded);
}

/* A field's body without its line ends; in w->raw if it has any. */
static struct span
unfold(struct search_work *w, struct span body)
{
	size_t begin = 0;

	if (span_find_char(body, '\n') < 0)
		return body;
	buf_reset(&w->raw);
	for (size_t i = 0; i <= body.n; i++)
		if (i == body.n || body.p[i] == '\r' || body.p[i] == '\n') {
			buf_add(&w->raw, body.p + begin, i - begin);
			begin = i + 1;
		}
	return buf_span(&w->raw);
}

size_t
search_text_field(struct search_work *w, const struct header_field *f)
{
	size_t at;

	buf_reset(&w->folded);
	if (f->name.n > 0) {
		search_text_fold(w, f->name);
		buf_add(&w->folded, ": ", 2);
	}
	at = w->folded.n;
	buf_reset(&w->decoded);
	encword_decode(unfold(w, span_trim(f->body)), &w->decoded);
	search_text_fold(w, buf_span(&w->decoded));
	return at;
}

/* The addresses of a field as people write them, comparable, in w->folded:
 * "name <mailbox@host>, ...". */
static void
fold_addresses(struct search_work *w, struct span body)
{
	buf_reset(&w->decoded);
	arena_reset(w->arena);
	for (const struct addr *a = addr_parse(w->arena, body); a != NULL;
	    a = a->next) {
		encword_decode(a->name, &w->decoded);
		buf_adds(&w->decoded, " <");
		encword_decode(a->mailbox, &w->decoded);
		if (a->host.p != NULL) {
			buf_addc(&w->decoded, '@');
			encword_decode(a->host, &w->decoded);
		}
		buf_adds(&w->decoded, ">, ");
	}
	buf_reset(&w->folded);
	search_text_fold(w, buf_span(&w->decoded));
}

static bool
day_matches(const struct search_probe *p, struct span body)
{
	struct date date;
	int64_t day;

	if (!date_parse(body, &date))
		return false;
	day = date_local_day(&date);
	return p->op == SEARCH_SENTBEFORE ? day < p->day :
	    p->op == SEARCH_SENTON ? day == p->day : day >= p->day;
}

static bool
is_sent(const struct search_probe *p)
{
	return p->op == SEARCH_SENTBEFORE || p->op == SEARCH_SENTON ||
	    p->op == SEARCH_SENTSINCE;
}

/* Does this probe look into a field of this name? */
static bool
wants_field(const struct search_probe *p, struct span name)
{
	if (p->found != SEARCH_UNKNOWN)
		return false;
	if (p->op == SEARCH_HEADER || p->op == SEARCH_ADDRESS)
		return span_eq_nocase(p->field, name);
	if (is_sent(p))
		return span_is(name, "Date");
	return p->op == SEARCH_TEXT;
}

static void
probe_field(struct search_work *w, const struct header_field *f,
    struct search_probe *probes, size_t count)
{
	size_t body = 0;
	bool folded = false, addresses = false;

	for (size_t i = 0; i < count; i++) {
		struct search_probe *p = &probes[i];

		if (!wants_field(p, f->name))
			continue;
		if (is_sent(p)) {
			/* The first Date counts. */
			p->found = day_matches(p, f->body) ? SEARCH_FOUND :
			    SEARCH_ABSENT;
			continue;
		}
		if (!folded)
			body = search_text_field(w, f);
		folded = true;
		if (search_text_contains(span_slice(buf_span(&w->folded),
		    p->op == SEARCH_TEXT ? 0 : body, SIZE_MAX), p->squeezed))
			p->found = SEARCH_FOUND;
		else if (p->op == SEARCH_ADDRESS)
			addresses = true;
	}
	if (!addresses)
		return;
	fold_addresses(w, f->body);
	for (size_t i = 0; i < count; i++)
		if (probes[i].op == SEARCH_ADDRESS &&
		    wants_field(&probes[i], f->name) &&
		    search_text_contains(buf_span(&w->folded),
		    probes[i].squeezed))
			probes[i].found = SEARCH_FOUND;
}

void
search_text_header(struct search_work *w, struct span header,
    struct search_probe *probes, size_t count)
{
	struct header_iter iter;
	struct header_field field;

	header_begin(&iter, header);
	while (header_next(&iter, &field))
		probe_field(w, &field, probes, count);
	for (size_t i = 0; i < count; i++)
		if (probes[i].found == SEARCH_UNKNOWN &&
		    probes[i].op != SEARCH_TEXT && probes[i].op != SEARCH_BODY)
			probes[i].found = SEARCH_ABSENT;
}
