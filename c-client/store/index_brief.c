/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a blob of records without reading it. */
#include "c-client/store/index_brief.h"

#include <stdlib.h>
#include <string.h>

#include "c-client/base/buf.h"
#include "c-client/base/memory.h"
#include "c-client/store/index_private.h"

#include "c-client/base/banned.h"

_Static_assert(INDEX_BLOB_RECORDS <= UINT8_MAX, "counts are octets");

/* Behind it are the gaps. */
struct packed {
	uint64_t change, sums[INDEX_PARTS], place, modseq, octets;
	uint32_t first, last;
	uint8_t count, unseen, first_unseen, width, unwritten, zero[3];
};

static uint32_t
gap_at(const struct index_blob *b, size_t i)
{
	uint32_t wide;
	uint16_t narrow;

	switch (b->width) {
	case 1:
		return b->gaps[i];
	case 2:
		memcpy(&narrow, b->gaps + 2 * i, sizeof narrow);
		return narrow;
	case 4:
		memcpy(&wide, b->gaps + 4 * i, sizeof wide);
		return wide;
	default:
		return 0;
	}
}

static void
gaps_make(struct index_blob *b, const struct record *r)
{
	uint32_t widest = 0;

	for (size_t i = 1; i < b->count; i++)
		if (r[i].uid - r[i - 1].uid - 1 > widest)
			widest = r[i].uid - r[i - 1].uid - 1;
	b->width = widest == 0 ? 0 : widest <= UINT8_MAX ? 1 :
	    widest <= UINT16_MAX ? 2 : 4;
	if (b->width == 0)
		return;
	b->gaps = memory_alloc((size_t)b->width * (b->count - 1));
	for (size_t i = 1; i < b->count; i++) {
		uint32_t gap = r[i].uid - r[i - 1].uid - 1;
		uint8_t *p = b->gaps + b->width * (i - 1);

		if (b->width == 4)
			memcpy(p, &gap, sizeof gap);
		else if (b->width == 2)
			memcpy(p, &(uint16_t){ (uint16_t)gap }, 2);
		else
			*p = (uint8_t)gap;
	}
}

void
index_brief_clear(struct index_blob *b)
{
	free(b->gaps);
	b->gaps = NULL;
	b->width = 0;
}

bool
index_brief_is_written(const struct record *r)
{
	return r->uid == r->uid_seen &&
	    ((r->flags ^ r->flags_seen) & FLAG_ALL_SYSTEM) == 0 &&
	    memcmp(&r->keywords, &r->keywords_seen, sizeof r->keywords) == 0;
}

void
index_brief_make(struct index_blob *b, const struct record *r)
{
	index_brief_clear(b);
	b->modseq = b->octets = 0;
	b->place = index_pack_place(r, b->count);
	b->first = b->last = 0;
	b->unseen = b->unwritten = 0;
	b->first_unseen = (uint8_t)b->count;
	if (b->count == 0)
		return;
	b->first = r[0].uid;
	b->last = r[b->count - 1].uid;
	for (size_t i = 0; i < b->count; i++) {
		if (r[i].modseq > b->modseq)
			b->modseq = r[i].modseq;
		b->octets += r[i].wire_size;
		if (!index_brief_is_written(&r[i]))
			b->unwritten++;
		if ((r[i].flags & FLAG_SEEN) != 0)
			continue;
		if (b->unseen++ == 0)
			b->first_unseen = (uint8_t)i;
	}
	gaps_make(b, r);
}

static size_t
gaps_size(uint32_t count, uint8_t width)
{
	return count == 0 ? 0 : (size_t)width * (count - 1);
}

void
index_brief_write(struct buf *out, const struct index_blob *b)
{
	struct packed p = { .change = b->change,
	    .sums = { b->sums[0], b->sums[1] }, .place = b->place,
	    .modseq = b->modseq, .octets = b->octets,
	    .first = b->first, .last = b->last,
	    .count = (uint8_t)b->count, .unseen = b->unseen,
	    .first_unseen = b->first_unseen, .width = b->width,
	    .unwritten = b->unwritten };

	buf_add(out, &p, sizeof p);
	if (b->gaps != NULL)
		buf_add(out, b->gaps, gaps_size(b->count, b->width));
}

static bool
is_sane(const struct index_blob *b)
{
	uint64_t uid = b->first;

	if (b->count == 0)
		return b->first == 0 && b->last == 0 && b->width == 0 &&
		    b->unseen == 0 && b->first_unseen == 0 &&
		    b->unwritten == 0;
	uid += b->count - 1;
	for (size_t i = 0; b->width > 0 && i + 1 < b->count; i++)
		uid += gap_at(b, i);
	return b->first > 0 && uid == b->last && b->unseen <= b->count &&
	    b->first_unseen + b->unseen <= b->count &&
	    b->unwritten <= b->count;
}

bool
index_brief_read(struct span *packed, struct index_blob *b)
{
	struct packed p;
	size_t gaps;

	memset(b, 0, sizeof *b);
	if (packed->n < sizeof p)
		return false;
	memcpy(&p, packed->p, sizeof p);
	*packed = span_slice(*packed, sizeof p, packed->n);
	gaps = gaps_size(p.count, p.width);
	if (p.count > INDEX_BLOB_RECORDS || p.zero[0] != 0 ||
	    p.zero[1] != 0 || p.zero[2] != 0 ||
	    (p.width > 2 && p.width != 4) || gaps > packed->n)
		return false;
	*b = (struct index_blob){ .change = p.change,
	    .sums = { p.sums[0], p.sums[1] }, .place = p.place,
	    .modseq = p.modseq, .octets = p.octets, .count = p.count,
	    .first = p.first, .last = p.last, .width = p.width,
	    .unseen = p.unseen, .first_unseen = p.first_unseen,
	    .unwritten = p.unwritten };
	if (gaps > 0) {
		b->gaps = memory_alloc(gaps);
		memcpy(b->gaps, packed->p, gaps);
		*packed = span_slice(*packed, gaps, packed->n);
	}
	if (is_sane(b))
		return true;
	index_brief_clear(b);
	return false;
}

void
index_brief_uids(const struct index_blob *b, uint32_t *out)
{
	uint32_t uid = b->first;

	for (size_t i = 0; i < b->count; i++) {
		out[i] = uid;
		uid += 1 + (i + 1 < b->count ? gap_at(b, i) : 0);
	}
}

uint32_t
index_brief_uid(const struct index_blob *b, size_t i)
{
	uint32_t uid = b->first + (uint32_t)i;

	for (size_t k = 0; b->gaps != NULL && k < i; k++)
		uid += gap_at(b, k);
	return uid;
}

size_t
index_brief_find(const struct index_blob *b, uint32_t uid)
{
	uint32_t at = b->first;
	size_t i = 0;

	if (b->count == 0 || uid <= b->first)
		return 0;
	if (uid > b->last)
		return b->count;
	if (b->gaps == NULL)
		return uid - b->first;
	while (at < uid)
		at += gap_at(b, i++) + 1;
	return i;
}
