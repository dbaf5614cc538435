/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields (RFC 5322 2.2): one pass over lines, nothing copied unless a
 * fold has to go. */
#include "c-client/mime/header.h"

#include <stdlib.h>
#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/memory.h"

#include "c-client/base/banned.h"

/* So few names are compared one by one. */
#define NAMES_FEW	8u

/* Octets of the line that p begins with, its LF included; n if none. */
static size_t
line_length(const char *p, size_t n)
{
	const char *lf = memchr(p, '\n', n);

	return lf == NULL ? n : (size_t)(lf - p) + 1;
}

/* How much of a line's end is its line end: 0, 1 or 2 octets. */
static size_t
line_end(const char *p, size_t n)
{
	if (n == 0 || p[n - 1] != '\n')
		return 0;
	return n > 1 && p[n - 2] == '\r' ? 2 : 1;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

void
header_begin(struct header_iter *it, struct span header)
{
	it->rest = header;
}

/* Split a whole field at its colon; no colon, or no name: no field. */
static void
field_split(struct header_field *f)
{
	size_t n = f->whole.n - line_end(f->whole.p, f->whole.n);
	size_t first = line_length(f->whole.p, n);
	const char *colon = memchr(f->whole.p, ':', first);
	size_t name_n;

	f->name = (struct span){ f->whole.p, 0 };
	f->body = (struct span){ f->whole.p, n };
	if (colon == NULL || is_blank(f->whole.p[0]))
		return;
	name_n = (size_t)(colon - f->whole.p);
	while (name_n > 0 && is_blank(f->whole.p[name_n - 1]))
		name_n--;
	if (name_n == 0)
		return;
	f->name.n = name_n;
	f->body.p = colon + 1;
	f->body.n = n - (size_t)(colon + 1 - f->whole.p);
}

bool
header_next(struct header_iter *it, struct header_field *f)
{
	struct span rest = it->rest;
	size_t n;

	if (rest.n == 0)
		return false;
	n = line_length(rest.p, rest.n);
	if (n == line_end(rest.p, n)) {
		it->rest.n = 0;
		return false;
	}
	while (n < rest.n && is_blank(rest.p[n]))
		n += line_length(rest.p + n, rest.n - n);
	f->whole = (struct span){ rest.p, n };
	field_split(f);
	it->rest = (struct span){ rest.p + n, rest.n - n };
	return true;
}

bool
header_find(struct span header, const char *name, struct header_field *out)
{
	struct span wanted = span_of(name);
	struct header_field f;
	struct header_iter it;

	header_begin(&it, header);
	while (header_next(&it, &f)) {
		if (!span_eq_nocase(f.name, wanted))
			continue;
		*out = f;
		return true;
	}
	return false;
}

size_t
header_length(struct span message)
{
	size_t at = 0, n;

	while (at < message.n) {
		n = line_length(message.p + at, message.n - at);
		if (n == line_end(message.p + at, n))
			return at + n;
		at += n;
	}
	return message.n;
}

struct span
header_unfold(struct arena *a, struct span body)
{
	struct span in = span_trim(body);
	const char *p = in.p, *end = in.p + in.n;
	char *to, *start;

	if (in.n == 0 || memchr(p, '\n', in.n) == NULL)
		return in;
	start = to = arena_alloc(a, in.n);
	if (start == NULL)
		return (struct span){ "", 0 };
	while (p < end) {
		size_t n = line_length(p, (size_t)(end - p));
		size_t keep = n - line_end(p, n);

		memcpy(to, p, keep);
		to += keep;
		p += n;
	}
	return (struct span){ start, (size_t)(to - start) };
}

/* An order of names for sorting and searching: any will do that does not
 * look at case. */
static int
name_compare(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	int d;

	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	for (size_t i = 0; i < x->n; i++) {
		d = ascii_lower((unsigned char)x->p[i]) -
		    ascii_lower((unsigned char)y->p[i]);
		if (d != 0)
			return d;
	}
	return 0;
}

static bool
is_named(struct span name, const struct span *names, size_t count,
    bool sorted)
{
	if (name.n == 0)
		return false;
	if (sorted)
		return bsearch(&name, names, count, sizeof *names,
		    name_compare) != NULL;
	for (size_t i = 0; i < count; i++)
		if (span_eq_nocase(name, names[i]))
			return true;
	return false;
}

void
header_select(struct buf *out, struct span header, const struct span *names,
    size_t count, bool not)
{
	struct span *sorted = NULL;
	struct header_field f;
	struct header_iter it;
	size_t used = 0, n;

	if (count > NAMES_FEW) {
		sorted = memory_grow_array(NULL, count, sizeof *sorted);
		memcpy(sorted, names, count * sizeof *sorted);
		qsort(sorted, count, sizeof *sorted, name_compare);
		names = sorted;
	}
	header_begin(&it, header);
	while (header_next(&it, &f)) {
		used += f.whole.n;
		if (is_named(f.name, names, count, sorted != NULL) != not)
			buf_addspan(out, f.whole);
	}
	if (used < header.n) {
		n = line_length(header.p + used, header.n - used);
		buf_add(out, header.p + used, n);
	}
	free(sorted);
}
