/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts in bodies.  They go through in pieces that end with a line, and the
 * end of each piece is kept in front of the next, so that nothing is missed
 * between.
 */
#include "c-client/store/search_body.h"

#include <stdbool.h>
#include <string.h>

#include "c-client/base/bounds.h"
#include "c-client/base/fault.h"
#include "c-client/mime/casemap.h"
#include "c-client/mime/charset.h"
#include "c-client/mime/header.h"
#include "c-client/mime/param.h"
#include "c-client/mime/part.h"
#include "c-client/mime/transfer.h"
#include "c-client/store/message.h"
#include "c-client/store/search_text.h"

#include "c-client/base/banned.h"

/* Octets of a body that are looked at together. */
#define PIECE		(64u * 1024)

/* A line longer than this may be cut. */
#define LINE_MAX_OCTETS	(1024u * 1024)

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
		    search_text_contains(hay, squeezed ? p->squeezed :
		    p->text)) {
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
		search_text_field(w, &field);
		hunt_in(h, buf_span(&w->folded), true);
	}
	buf_reset(&w->decoded);
	if (param_utf8(part->disposition_params, "filename", &w->decoded) ||
	    param_utf8(part->params, "name", &w->decoded)) {
		buf_reset(&w->folded);
		search_text_fold(w, buf_span(&w->decoded));
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
search_body(struct search_work *w, struct message *m,
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
