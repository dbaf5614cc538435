/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts in a message.  Everything is made UTF-8, folded, and searched as
 * octets.  Bodies go through in pieces that end with a line, and the end of
 * each piece is kept in front of the next, so that nothing is missed between.
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
#include "c-client/mime/param.h"
#include "c-client/mime/part.h"
#include "c-client/mime/transfer.h"
#include "c-client/store/message.h"

#include "c-client/base/banned.h"

/* Octets of a body that are looked at together. */
#define PIECE		(64u * 1024)

/* A line longer than this may be cut. */
#define LINE_MAX_OCTETS	(1024u * 1024)

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

static bool
contains(struct span hay, struct span needle)
{
	return needle.n == 0 || (hay.n >= needle.n &&
	    memmem(hay.p, hay.n, needle.p, needle.n) != NULL);
}

/* Fold `utf8` into w->folded with its blanks squeezed, behind what is there;
 * w->utf8 is used. */
static void
fold_squeezed(struct search_work *w, struct span utf8)
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

/*
 * "name: body" of a field, comparable, in w->folded; returns where the body
 * begins in it.
 */
static size_t
fold_field(struct search_work *w, const struct header_field *f)
{
	size_t at;

	buf_reset(&w->folded);
	if (f->name.n > 0) {
		fold_squeezed(w, f->name);
		buf_add(&w->folded, ": ", 2);
	}
	at = w->folded.n;
	buf_reset(&w->decoded);
	encword_decode(unfold(w, span_trim(f->body)), &w->decoded);
	fold_squeezed(w, buf_span(&w->decoded));
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
	fold_squeezed(w, buf_span(&w->decoded));
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
			body = fold_field(w, f);
		folded = true;
		if (contains(span_slice(buf_span(&w->folded),
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
		    contains(buf_span(&w->folded), probes[i].squeezed))
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

/* The probes that are looked for in bodies. */
struct hunt {
	struct search_work *work;
	struct search_probe *probes;
	size_t count;
	size_t longest;		/* of their texts */
	size_t open;		/* how many are not found */
};

static bool
is_open(const struct search_probe *p)
{
	return p->found == SEARCH_UNKNOWN &&
	    (p->op == SEARCH_BODY || p->op == SEARCH_TEXT);
}

static void
hunt_begin(struct hunt *h, struct search_work *w, struct search_probe *probes,
    size_t count)
{
	*h = (struct hunt){ .work = w, .probes = probes, .count = count };
	for (size_t i = 0; i < count; i++) {
		if (!is_open(&probes[i]))
			continue;
		if (probes[i].text.n > h->longest)
			h->longest = probes[i].text.n;
		h->open++;
	}
}

static void
hunt_in(struct hunt *h, struct span hay, bool squeezed)
{
	for (size_t i = 0; i < h->count; i++) {
		struct search_probe *p = &h->probes[i];

		if (is_open(p) &&
		    contains(hay, squeezed ? p->squeezed : p->text)) {
			p->found = SEARCH_FOUND;
			h->open--;
		}
	}
}

/* The header of a part, and the names that RFC 2231 may have hidden. */
static void
hunt_part_header(struct hunt *h, const struct mime_part *part)
{
	struct search_work *w = h->work;
	struct header_iter iter;
	struct header_field field;

	header_begin(&iter, part->header);
	while (h->open > 0 && header_next(&iter, &field)) {
		fold_field(w, &field);
		hunt_in(h, buf_span(&w->folded), true);
	}
	buf_reset(&w->decoded);
	if (param_utf8(part->disposition_params, "filename", &w->decoded) ||
	    param_utf8(part->params, "name", &w->decoded)) {
		buf_reset(&w->folded);
		fold_squeezed(w, buf_span(&w->decoded));
		hunt_in(h, buf_span(&w->folded), true);
	}
}

/* How the octets of a leaf become text. */
struct leaf {
	struct span charset;	/* empty: UTF-8, or whatever it is */
	bool wide;		/* line ends are no single octets in it */
	bool ascii;		/* octets below 0x80 are ASCII in it */
};

static bool
starts_with_one(struct span s, const char *const *names)
{
	for (; *names != NULL; names++)
		if (span_starts_nocase(s, *names))
			return true;
	return false;
}

static struct leaf
leaf_of(const struct mime_part *part)
{
	static const char *const wide[] = { "utf-16", "utf16", "utf-32",
	    "utf32", "ucs", "iso-10646", "unicode", NULL };
	static const char *const ascii[] = { "iso-8859", "windows-125",
	    "koi8", NULL };
	struct leaf leaf = { .charset = param_value(part->params, "charset") };

	if (span_is(leaf.charset, "utf-8") ||
	    span_is(leaf.charset, "us-ascii") || !charset_known(leaf.charset))
		leaf.charset = SPAN("");
	leaf.wide = starts_with_one(leaf.charset, wide);
	leaf.ascii = leaf.charset.n == 0 ||
	    starts_with_one(leaf.charset, ascii);
	return leaf;
}

/* Add `text`, folded, to w->folded. */
static void
fold_text(struct search_work *w, const struct leaf *leaf, struct span text)
{
	buf_reset(&w->utf8);
	if (leaf->charset.n == 0 && charset_is_utf8(text)) {
		casemap_fold(text, &w->folded);
		return;
	}
	if (leaf->charset.n == 0 ||
	    charset_to_utf8(leaf->charset, text, &w->utf8) == -1)
		charset_guess_utf8(text, &w->utf8);
	casemap_fold(buf_span(&w->utf8), &w->folded);
}

/* The same where most lines are ASCII, which needs no tables. */
static void
fold_lines(struct search_work *w, const struct leaf *leaf, struct span text)
{
	while (text.n > 0) {
		char *to = buf_room(&w->folded, text.n);
		size_t n = ascii_lower_run(to, text.p, text.n);
		const char *end;

		if (n < text.n) {
			/* Back to the line's beginning: what follows may
			 * combine with its last letter. */
			end = n == 0 ? NULL : memrchr(text.p, '\n', n);
			n = end == NULL ? 0 : (size_t)(end - text.p) + 1;
		}
		w->folded.n += n;
		text = span_slice(text, n, SIZE_MAX);
		if (text.n == 0)
			return;
		end = memchr(text.p, '\n', text.n);
		n = end == NULL ? text.n : (size_t)(end - text.p) + 1;
		fold_text(w, leaf, span_slice(text, 0, n));
		text = span_slice(text, n, SIZE_MAX);
	}
}

/* Search one piece, behind the end of the one before in w->folded. */
static void
hunt_piece(struct hunt *h, const struct leaf *leaf, struct span text)
{
	struct search_work *w = h->work;
	size_t keep = h->longest > 0 ? h->longest - 1 : 0;

	if (leaf->ascii)
		fold_lines(w, leaf, text);
	else
		fold_text(w, leaf, text);
	hunt_in(h, buf_span(&w->folded), false);
	if (w->folded.n > keep)
		buf_consume(&w->folded, w->folded.n - keep);
}

/*
 * How much of `text` may be searched now if more is to come: up to the end of
 * a line, where neither a character nor a composition goes on.  0: wait.
 */
static size_t
whole_lines(const struct leaf *leaf, struct span text)
{
	const char *end;

	if (leaf->wide)
		return text.n < BOUND_WHOLE ? 0 : text.n / 4 * 4;
	end = text.n == 0 ? NULL : memrchr(text.p, '\n', text.n);
	if (end != NULL)
		return (size_t)(end - text.p) + 1;
	if (text.n < LINE_MAX_OCTETS)
		return 0;
	for (size_t n = text.n; n > text.n / 2; n--)
		if ((unsigned char)text.p[n - 1] < 0x80)
			return n - 1;
	return text.n;
}

/* A body that is in memory and needs no decoding: nothing is copied before it
 * is folded. */
static void
hunt_span(struct hunt *h, const struct leaf *leaf, struct span text)
{
	size_t want = PIECE;

	while (h->open > 0 && text.n > 0) {
		size_t n = text.n <= want ? text.n :
		    whole_lines(leaf, span_slice(text, 0, want));

		if (n == 0) {
			want += PIECE;
			continue;
		}
		hunt_piece(h, leaf, span_slice(text, 0, n));
		text = span_slice(text, n, SIZE_MAX);
		want = PIECE;
	}
}

static int
hunt_decoded(struct hunt *h, struct message *m, const struct mime_part *part,
    const struct leaf *leaf, struct fault *why)
{
	struct search_work *w = h->work;
	struct transfer_state state;
	uint64_t off = 0;

	transfer_begin(&state, transfer_of(part->encoding));
	buf_reset(&w->decoded);
	while (h->open > 0 && off < part->body_octets) {
		uint64_t left = part->body_octets - off;
		size_t n = left < PIECE ? (size_t)left : PIECE;

		buf_reset(&w->raw);
		if (message_read(m, part->body_off + off, n, &w->raw,
		    why) == -1)
			return -1;
		if (w->raw.n != n)
			return fault_set(why, FAULT_CHANGED,
			    "message ends in a part");
		off += n;
		transfer_feed(&state, buf_span(&w->raw), &w->decoded);
		n = whole_lines(leaf, buf_span(&w->decoded));
		if (n > 0)
			hunt_piece(h, leaf, span_slice(buf_span(&w->decoded),
			    0, n));
		buf_consume(&w->decoded, n);
	}
	transfer_end(&state, &w->decoded);
	if (h->open > 0 && w->decoded.n > 0)
		hunt_piece(h, leaf, buf_span(&w->decoded));
	return 0;
}

static int
hunt_leaf(struct hunt *h, struct message *m, const struct mime_part *part,
    struct fault *why)
{
	struct leaf leaf = leaf_of(part);
	struct span all = message_span(m);

	buf_reset(&h->work->folded);
	if (all.p == NULL ||
	    transfer_of(part->encoding) != TRANSFER_IDENTITY ||
	    part->body_off > all.n)
		return hunt_decoded(h, m, part, &leaf, why);
	hunt_span(h, &leaf, span_slice(all, (size_t)part->body_off,
	    (size_t)part->body_octets));
	return 0;
}

/* The part behind this one in the message's order, NULL after the last. */
static const struct mime_part *
part_after(const struct mime_part *part)
{
	if (part->child != NULL)
		return part->child;
	while (part != NULL && part->next == NULL)
		part = part->parent;
	return part == NULL ? NULL : part->next;
}

int
search_text_body(struct search_work *w, struct message *m,
    struct search_probe *probes, size_t count, struct fault *why)
{
	const struct mime_part *root = message_structure(m, why), *part;
	struct hunt h;

	if (root == NULL)
		return -1;
	hunt_begin(&h, w, probes, count);
	for (part = root; h.open > 0 && part != NULL; part = part_after(part)) {
		if (part != root)
			hunt_part_header(&h, part);
		if (h.open > 0 && part->kind == MIME_LEAF &&
		    (span_is(part->type, "text") ||
		    span_is(part->type, "message")) &&
		    hunt_leaf(&h, m, part, why) == -1)
			return -1;
	}
	for (size_t i = 0; i < count; i++)
		if (is_open(&probes[i]))
			probes[i].found = SEARCH_ABSENT;
	return 0;
}
