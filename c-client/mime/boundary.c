/* SPDX-License-Identifier: Apache-2.0 */
/* Which open multipart a delimiter line belongs to. */
#include "c-client/mime/boundary.h"

#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/mime/param.h"
#include "c-client/mime/part.h"

#include "c-client/base/banned.h"

static uint64_t
hash_of(struct span s)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
	return h ^ h >> 29;
}

static uint64_t
filter_bit(uint64_t hash)
{
	return (uint64_t)1 << (hash & 63);
}

static struct span
without_trailing_blanks(struct span s)
{
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' ||
	    s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\n'))
		s.n--;
	return s;
}

/* Without the "--" at its end; false if there is none. */
static bool
closing_of(struct span text, struct span *without)
{
	if (text.n < 2 || memcmp(text.p + text.n - 2, "--", 2) != 0)
		return false;
	*without = (struct span){ text.p, text.n - 2 };
	return true;
}

void
boundary_push(struct boundary_set *set, struct arena *a,
    struct mime_part *part)
{
	struct span text = param_value(part->params, "boundary");
	struct buf decoded;
	struct boundary *b;

	buf_init(&decoded, BOUNDARY_LINE_MAX);
	if (text.n == 0 && param_utf8(part->params, "boundary", &decoded))
		text = arena_span(a, buf_span(&decoded));
	buf_clear(&decoded);
	text = without_trailing_blanks(text);
	if (text.n == 0 || text.n > BOUNDARY_LINE_MAX)
		return;
	b = arena_alloc(a, sizeof *b);
	if (b == NULL)
		return;
	b->outer = set->inner;
	b->part = part;
	b->text = text;
	b->hash = hash_of(text);
	set->inner = b;
	set->filter |= filter_bit(b->hash);
}

struct boundary *
boundary_find(const struct boundary_set *set, struct span line, bool *closes)
{
	struct span text = without_trailing_blanks(line), shorter;
	uint64_t hash, shorter_hash = 0;
	bool closing;

	if (line.n > BOUNDARY_LINE_MAX + 2 || text.n < 3)
		return NULL;
	text = (struct span){ text.p + 2, text.n - 2 };
	hash = hash_of(text);
	closing = closing_of(text, &shorter);
	if (closing)
		shorter_hash = hash_of(shorter);
	if ((set->filter & filter_bit(hash)) == 0 &&
	    (!closing || (set->filter & filter_bit(shorter_hash)) == 0))
		return NULL;
	for (struct boundary *b = set->inner; b != NULL; b = b->outer) {
		bool same = b->hash == hash && span_eq(b->text, text);

		if (!same && (!closing || b->hash != shorter_hash ||
		    !span_eq(b->text, shorter)))
			continue;
		*closes = !same;
		return b;
	}
	return NULL;
}

void
boundary_close(struct boundary_set *set, struct boundary *inner)
{
	set->inner = inner;
	set->filter = 0;
	for (struct boundary *b = inner; b != NULL; b = b->outer)
		set->filter |= filter_bit(b->hash);
}
