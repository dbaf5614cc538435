/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The push parser of MIME structure.
 *
 * It goes from line to line.  In a header lines are gathered; in a body only
 * the count of lines matters and whether a line begins with "--", so that a
 * line costs one memchr().  A line that a piece of input cuts in two is put
 * together in a store of 1,000 octets, which is all that a delimiter may have.
 */
#include "c-client/mime/part.h"

#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/mime/boundary.h"
#include "c-client/mime/part_fields.h"

#include "c-client/base/banned.h"

struct mime_parser {
	struct arena *arena;
	struct mime_part *root;
	struct mime_part *part;		/* the one that octets belong to */
	struct mime_part *last_child;	/* of part, while it is multipart */
	struct boundary_set open;	/* multiparts not ended yet */
	uint64_t off;			/* octets done before this feed */
	uint64_t lines;			/* line ends seen */
	uint32_t parts;
	bool in_header;
	bool rest;			/* limit: no more structure */
	char last[2];			/* the two octets before `off` */
	struct buf header;		/* of part, while in_header */
	uint64_t headers;		/* octets of all headers together */
	uint64_t line_off;		/* where the line in `line` began */
	size_t line_n;			/* octets of it seen, maybe more than
					 * are kept */
	size_t line_end_before;		/* octets of the line end before it */
	char line[BOUNDARY_LINE_MAX + 2];
};

static size_t
depth_of(const struct mime_part *p)
{
	size_t n = 0;

	while ((p = p->parent) != NULL)
		n++;
	return n;
}

/* No structure is looked for any more; the part goes on to the end. */
static void
rest_begin(struct mime_parser *m)
{
	m->rest = true;
	boundary_close(&m->open, NULL);
	part_fields_opaque(m->part);
	m->part->kind = MIME_LEAF;
}

/* A part that begins at `off`, as the last child of `parent`; the root has
 * none, and is made before there is anything to do. */
static void
part_begin(struct mime_parser *m, struct mime_part *parent, uint64_t off)
{
	struct mime_part *p = arena_alloc(m->arena, sizeof *p);

	if (p == NULL && parent == NULL)
		return;
	if (p == NULL) {
		/* The container itself becomes the rest; what it has got of
		 * children is dropped, since their sum would be wrong. */
		m->part = parent;
		parent->child = NULL;
		parent->child_count = 0;
		rest_begin(m);
		return;
	}
	p->parent = parent;
	p->header_off = off;
	if (parent == NULL)
		m->root = p;
	else if (parent->child == NULL)
		parent->child = p;
	else
		m->last_child->next = p;
	if (parent != NULL)
		parent->child_count++;
	m->last_child = NULL;
	m->part = p;
	m->in_header = true;
	buf_reset(&m->header);
	if (++m->parts <= BOUND_MIME_PARTS)
		return;
	m->in_header = false;
	p->body_off = off;
	p->header = SPAN("");
	p->body_lines = m->lines;
	p->encoding = SPAN("7BIT");
	rest_begin(m);
}

static bool
is_message(const struct mime_part *p)
{
	return span_is(p->type, "message") &&
	    (span_is(p->subtype, "rfc822") || span_is(p->subtype, "global"));
}

static bool
in_digest(const struct mime_part *p)
{
	return p->parent != NULL && p->parent->kind == MIME_MULTIPART &&
	    span_is(p->parent->subtype, "digest");
}

/* The header of m->part ends; its body begins at `off`. */
static void
header_end(struct mime_parser *m, uint64_t off)
{
	struct mime_part *p = m->part;
	bool over = m->header.full;

	m->in_header = false;
	p->header_octets = off - p->header_off;
	p->body_off = off;
	p->body_lines = m->lines;	/* made a difference in body_end() */
	p->header = arena_span(m->arena, buf_span(&m->header));
	m->headers += m->header.n;
	part_fields_read(m->arena, p, in_digest(p));
	if (arena_full(m->arena))
		over = true;
	if (over) {
		rest_begin(m);
		return;
	}
	if (span_is(p->type, "multipart"))
		p->kind = MIME_MULTIPART;
	else if (is_message(p))
		p->kind = MIME_MESSAGE;
	if (p->kind != MIME_LEAF && depth_of(p) >= BOUND_MIME_DEPTH) {
		p->kind = MIME_LEAF;
		part_fields_opaque(p);
	}
	if (p->kind == MIME_MULTIPART)
		boundary_push(&m->open, m->arena, p);
	else if (p->kind == MIME_MESSAGE)
		part_begin(m, p, off);
}

/* The part that p is in ends at `end`, before p's header does: the line end
 * in front of the delimiter was the header's last.  Header and body of p end
 * there too. */
static void
header_shorten(struct mime_part *p, uint64_t end)
{
	if (p->header_off > end)
		p->header_off = end;
	p->body_off = end;
	p->header_octets = end - p->header_off;
	if (p->header.n > p->header_octets)
		p->header.n = (size_t)p->header_octets;
}

/* The body of p ends at `end`, `lines` line ends having been seen there. */
static void
body_end(struct mime_part *p, uint64_t end, uint64_t lines)
{
	if (end <= p->body_off) {
		p->body_octets = 0;
		p->body_lines = 0;
		return;
	}
	p->body_octets = end - p->body_off;
	p->body_lines = lines - p->body_lines;
}

/* A multipart gets at least one child: see part.h. */
static void
child_ensure(struct mime_parser *m, struct mime_part *p, bool delimited)
{
	struct mime_part *c;

	if (p->kind != MIME_MULTIPART || p->child != NULL)
		return;
	c = arena_alloc(m->arena, sizeof *c);
	if (c == NULL) {
		p->kind = MIME_LEAF;
		part_fields_opaque(p);
		return;
	}
	c->parent = p;
	c->header = SPAN("");
	c->header_off = c->body_off = p->body_off;
	if (delimited)
		c->header_off = c->body_off = p->body_off + p->body_octets;
	else {
		c->body_octets = p->body_octets;
		c->body_lines = p->body_lines;
	}
	part_fields_read(m->arena, c, false);
	p->child = c;
	p->child_count = 1;
}

/* A header without its empty line ends at `off`.  Where it says that a
 * message begins, that has an empty header, which ends there too. */
static void
header_cut(struct mime_parser *m, uint64_t off)
{
	while (m->in_header)
		header_end(m, off);
}

/*
 * End m->part and those around it up to, and without, `until`.  `end` is
 * where their bodies end.  The outermost of them keeps its header as it is,
 * with the line end in front of the delimiter if there is no body; what is in
 * it ends where it does.
 */
static void
parts_end(struct mime_parser *m, const struct mime_part *until, uint64_t end,
    uint64_t lines)
{
	struct mime_part *p = m->part, *outermost = p;

	if (p == until)
		return;
	while (outermost->parent != until)
		outermost = outermost->parent;
	if (end < outermost->body_off)
		end = outermost->body_off;
	for (; p != until; p = p->parent) {
		if (end < p->body_off)
			header_shorten(p, end);
		body_end(p, end, lines);
		child_ensure(m, p, false);
		m->last_child = p;
	}
	m->part = p;
}

/*
 * A line that begins with "--" is a delimiter.  `line` and `next` are where
 * it and the line behind it begin, `le` the size of the line end before it.
 */
static void
delimiter_act(struct mime_parser *m, struct boundary *b, bool closes,
    uint64_t line, size_t le, uint64_t next)
{
	struct mime_part *multipart = b->part;
	uint64_t lines_before = m->lines - (le > 0);

	header_cut(m, line);
	if (m->rest)
		return;
	parts_end(m, multipart, line - le, lines_before);
	boundary_close(&m->open, closes ? b->outer : b);
	if (!closes) {
		m->lines++;
		part_begin(m, multipart, next);
		m->lines--;
		return;
	}
	/* What follows is the epilogue, up to a delimiter from outside. */
	if (multipart->child == NULL) {
		uint64_t start = multipart->body_lines;

		body_end(multipart, line, m->lines);
		child_ensure(m, multipart, true);
		multipart->body_lines = start;
	}
}

/* If this whole line is a delimiter of an open multipart, act on it and return
 * true. */
static bool
delimiter_check(struct mime_parser *m, struct span line, uint64_t off,
    size_t le)
{
	bool closes;
	struct boundary *b = boundary_find(&m->open, line, &closes);

	if (b != NULL)
		delimiter_act(m, b, closes, off, le, off + line.n);
	return b != NULL;
}

static bool
is_delimiter_like(struct span line)
{
	return line.n > 2 && line.p[0] == '-' && line.p[1] == '-';
}

/* Gather a header's octets, as far as the limit goes. */
static void
header_add(struct mime_parser *m, const char *p, size_t n)
{
	uint64_t left = BOUND_MIME_HEADER - m->headers;

	if (m->header.n + n > left) {
		n = (size_t)(left - m->header.n);
		buf_add(&m->header, p, n);
		m->header.full = true;
	} else
		buf_add(&m->header, p, n);
}

static bool
is_empty_line(struct span line)
{
	return line.n > 0 && line.p[line.n - 1] == '\n' && (line.n == 1 ||
	    (line.n == 2 && line.p[0] == '\r'));
}

/*
 * A whole line that begins at `off`: all of it in `line` unless it is longer
 * than a delimiter may be, then `line` is its beginning.
 */
static void
line_take(struct mime_parser *m, struct span line, uint64_t off, size_t le)
{
	if (m->open.inner != NULL && is_delimiter_like(line) &&
	    delimiter_check(m, line, off, le)) {
		m->lines++;
		return;
	}
	m->lines++;
	if (!m->in_header)
		return;
	header_add(m, line.p, line.n);
	if (is_empty_line(line))
		header_end(m, off + line.n);
}

/* The size of the line end that stands before p, in this piece of input that
 * begins at `start` or in the one before. */
static size_t
line_end_before(const struct mime_parser *m, const char *p, const char *start)
{
	size_t n = (size_t)(p - start);
	char last = n > 0 ? p[-1] : m->last[1];
	char before = n > 1 ? p[-2] : n == 1 ? m->last[1] : m->last[0];

	if (last != '\n')
		return 0;
	return before == '\r' ? 2 : 1;
}

/* Lines of a body, up to the last line end, or to where a header begins.
 * Returns where it stopped. */
static const char *
body_lines(struct mime_parser *m, const char *p, const char *start,
    const char *end)
{
	const char *lf;

	while ((lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		size_t n = (size_t)(lf - p) + 1;

		if (p[0] == '-' && p[1] == '-' && m->open.inner != NULL) {
			struct span line = { p, n };

			if (delimiter_check(m, line, m->off +
			    (uint64_t)(p - start),
			    line_end_before(m, p, start))) {
				m->lines++;
				return lf + 1;
			}
		}
		m->lines++;
		p = lf + 1;
	}
	return p;
}

/* Lines of a header that are whole in this piece of input. */
static const char *
header_lines(struct mime_parser *m, const char *p, const char *start,
    const char *end)
{
	const char *lf;

	while (m->in_header &&
	    (lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		struct span line = { p, (size_t)(lf - p) + 1 };

		line_take(m, line, m->off + (uint64_t)(p - start),
		    line_end_before(m, p, start));
		p = lf + 1;
	}
	return p;
}

/* The line in the store is complete, or has no end. */
static void
stored_line_end(struct mime_parser *m)
{
	struct span line = { m->line, m->line_n };

	if (m->line_n > sizeof m->line) {
		/* Too long for a delimiter; its octets were passed on. */
		m->lines++;
		m->line_n = 0;
		return;
	}
	m->line_n = 0;
	line_take(m, line, m->line_off, m->line_end_before);
}

/* Add to the line that the input before did not complete. */
static void
line_store(struct mime_parser *m, const char *p, size_t n)
{
	size_t had = m->line_n;

	m->line_n += n;
	if (m->line_n <= sizeof m->line) {
		memcpy(m->line + had, p, n);
		return;
	}
	if (had <= sizeof m->line && m->in_header)
		header_add(m, m->line, had);
	if (m->in_header)
		header_add(m, p, n);
}

static void
last_note(struct mime_parser *m, const char *p, size_t n)
{
	m->last[0] = n > 1 ? p[n - 2] : m->last[1];
	m->last[1] = p[n - 1];
}

void
mime_parser_feed(struct mime_parser *m, const char *start, size_t n)
{
	const char *p = start, *end = start + n, *lf;

	if (n == 0)
		return;
	if (m->line_n > 0) {
		lf = memchr(p, '\n', n);
		p = lf == NULL ? end : lf + 1;
		line_store(m, start, (size_t)(p - start));
		if (lf != NULL)
			stored_line_end(m);
	}
	while (p < end) {
		const char *from = p;

		p = m->in_header ? header_lines(m, p, start, end) :
		    body_lines(m, p, start, end);
		if (p == from)
			break;
	}
	if (p < end) {
		m->line_off = m->off + (uint64_t)(p - start);
		m->line_end_before = line_end_before(m, p, start);
		line_store(m, p, (size_t)(end - p));
	}
	last_note(m, start, n);
	m->off += n;
}

struct mime_parser *
mime_parser_new(struct arena *a)
{
	struct mime_parser *m = arena_alloc(a, sizeof *m);

	if (m == NULL)
		return NULL;
	m->arena = a;
	buf_init(&m->header, 0);
	part_begin(m, NULL, 0);
	return m->root == NULL ? NULL : m;
}

/* The last line has no end: it may be a delimiter all the same, which makes
 * a part that has nothing in it only if it opens one. */
static void
unended_line(struct mime_parser *m)
{
	struct span line = { m->line, m->line_n };

	if (m->line_n == 0)
		return;
	if (m->line_n > sizeof m->line) {
		m->line_n = 0;
		return;
	}
	if (m->open.inner != NULL && is_delimiter_like(line) &&
	    delimiter_check(m, line, m->line_off, m->line_end_before))
		return;
	if (m->in_header)
		header_add(m, line.p, line.n);
}

struct mime_part *
mime_parser_end(struct mime_parser *m)
{
	unended_line(m);
	header_cut(m, m->off);
	parts_end(m, NULL, m->off, m->lines);
	buf_clear(&m->header);
	return m->root;
}

struct mime_part *
mime_parse(struct arena *a, struct span message)
{
	struct mime_parser *m = mime_parser_new(a);

	if (m == NULL)
		return NULL;
	mime_parser_feed(m, message.p, message.n);
	return mime_parser_end(m);
}
