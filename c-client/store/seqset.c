/* SPDX-License-Identifier: Apache-2.0 */
/* Sequence sets: parsed once into sorted ranges; knows no mailbox. */
#include "c-client/store/seqset.h"

#include <stdlib.h>
#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"

#include "c-client/base/banned.h"

/* One number of the grammar (seq-number) from *at on; false: there is none. */
static bool
take_number(struct span text, size_t *at, uint32_t star, uint32_t *out)
{
	uint64_t value = 0;
	size_t i = *at;

	if (i < text.n && text.p[i] == '*') {
		*out = star;
		*at = i + 1;
		return true;
	}
	/* nz-number: no leading zero. */
	if (i >= text.n || text.p[i] < '1' || text.p[i] > '9')
		return false;
	for (; i < text.n && ascii_is_digit((unsigned char)text.p[i]); i++) {
		value = value * 10 + (uint64_t)(text.p[i] - '0');
		if (value > UINT32_MAX)
			return false;
	}
	*out = (uint32_t)value;
	*at = i;
	return true;
}

static int
compare_first(const void *a, const void *b)
{
	const struct seqset_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Sort, and join what overlaps or touches. */
static void
normalize(struct seqset *set)
{
	struct seqset_range *r = set->ranges;
	size_t to = 0;
	bool sorted = true;

	for (size_t i = 1; i < set->count; i++)
		if (r[i].first < r[i - 1].first)
			sorted = false;
	if (!sorted)
		qsort(r, set->count, sizeof *r, compare_first);
	for (size_t i = 0; i < set->count; i++) {
		if (to > 0 && (r[to - 1].last == UINT32_MAX ||
		    r[i].first <= r[to - 1].last + 1)) {
			if (r[i].last > r[to - 1].last)
				r[to - 1].last = r[i].last;
		} else {
			r[to++] = r[i];
		}
	}
	set->count = to;
}

const struct seqset *
seqset_parse(struct arena *arena, struct span text, uint32_t star,
    struct fault *why)
{
	struct seqset *set;
	size_t pieces = 1, at = 0;

	for (size_t i = 0; i < text.n; i++)
		pieces += text.p[i] == ',';
	if (pieces > BOUND_SEQSET) {
		fault_set(why, FAULT_LIMIT, "a sequence set of %zu pieces",
		    pieces);
		return NULL;
	}
	set = arena_alloc(arena, sizeof *set + pieces * sizeof set->ranges[0]);
	if (set == NULL) {
		fault_set(why, FAULT_LIMIT, "no room for a sequence set");
		return NULL;
	}
	for (;;) {
		uint32_t first, last;

		if (!take_number(text, &at, star, &first))
			goto syntax;
		last = first;
		if (at < text.n && text.p[at] == ':') {
			at++;
			if (!take_number(text, &at, star, &last))
				goto syntax;
		}
		/* "*" of an empty mailbox is no number.  "5:*" is then "5:5"
		 * at most, and 5 is not there either. */
		if (first != 0 && last != 0) {
			set->ranges[set->count].first =
			    first < last ? first : last;
			set->ranges[set->count].last =
			    first < last ? last : first;
			set->count++;
		}
		if (at == text.n)
			break;
		if (text.p[at++] != ',')
			goto syntax;
	}
	normalize(set);
	return set;
syntax:
	fault_set(why, FAULT_SYNTAX, "malformed sequence set at octet %zu",
	    at);
	return NULL;
}

bool
seqset_has(const struct seqset *set, uint32_t number)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (number < set->ranges[mid].first)
			high = mid;
		else if (number > set->ranges[mid].last)
			low = mid + 1;
		else
			return true;
	}
	return false;
}

void
seqset_write(struct buf *out, const uint32_t *numbers, size_t count)
{
	for (size_t i = 0, end; i < count; i = end) {
		end = i + 1;
		while (end < count && numbers[end] - numbers[end - 1] == 1)
			end++;
		if (i > 0)
			buf_addc(out, ',');
		buf_addnum(out, numbers[i]);
		if (end - i > 1) {
			buf_addc(out, ':');
			buf_addnum(out, numbers[end - 1]);
		}
	}
}
