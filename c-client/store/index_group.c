/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of blobs: their briefs in one row, and what those say in all. */
#include "c-client/store/index_group.h"

#include <stdlib.h>
#include <string.h>

#include "c-client/base/buf.h"
#include "c-client/base/memory.h"
#include "c-client/store/index_private.h"

#include "c-client/base/banned.h"

struct packed {
	uint64_t change, sum, modseq, octets;
	uint32_t count, first, last, unseen, first_unseen, unwritten;
};

_Static_assert(sizeof(struct packed) == INDEX_GROUP_PACKED,
    "the index's format");

/* Its seed is no other's, of key and change. */
uint64_t
index_group_sum(uint64_t key, uint64_t change, struct span row)
{
	return index_sum(row.p, row.n, key * UINT64_C(0x9e3779b97f4a7c15) +
	    change);
}

bool
index_group_is_run(const struct index_group *g)
{
	return g->count > 0 && g->last - g->first == g->count - 1;
}

void
index_group_new(struct index_group *g)
{
	memset(g, 0, sizeof *g);
	g->blobs = memory_grow_array(NULL, INDEX_GROUP_BLOBS,
	    sizeof *g->blobs);
}

void
index_group_clear(struct index_group *g)
{
	for (uint32_t i = 0; g->blobs != NULL && i < g->blob_count; i++)
		index_brief_clear(&g->blobs[i]);
	free(g->blobs);
	g->blobs = NULL;
}

/* What the blobs say in all. */
static void
sum_up(const struct index_blob *blobs, uint32_t n, struct packed *p)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct index_blob *b = &blobs[i];

		if (b->modseq > p->modseq)
			p->modseq = b->modseq;
		if (b->count == 0)
			continue;
		if (p->count == 0)
			p->first = b->first;
		if (p->unseen == 0)
			p->first_unseen = p->count + b->first_unseen;
		p->last = b->last;
		p->octets += b->octets;
		p->unseen += b->unseen;
		p->unwritten += b->unwritten;
		p->count += b->count;
	}
}

static void
take(struct index_group *g, const struct packed *p)
{
	g->change = p->change;
	g->sum = p->sum;
	g->modseq = p->modseq;
	g->octets = p->octets;
	g->count = p->count;
	g->first = p->first;
	g->last = p->last;
	g->unseen = p->unseen;
	g->first_unseen = p->first_unseen;
	g->unwritten = p->unwritten;
}

static void
give(const struct index_group *g, struct packed *p)
{
	*p = (struct packed){ .change = g->change, .sum = g->sum,
	    .modseq = g->modseq, .octets = g->octets, .count = g->count,
	    .first = g->first, .last = g->last, .unseen = g->unseen,
	    .first_unseen = g->first_unseen, .unwritten = g->unwritten };
}

void
index_group_write(struct index_group *g, uint64_t key, uint64_t change,
    struct buf *out)
{
	struct packed p = { .change = change };
	size_t from = out->n;

	for (uint32_t i = 0; i < g->blob_count; i++)
		index_brief_write(out, &g->blobs[i]);
	sum_up(g->blobs, g->blob_count, &p);
	p.sum = index_group_sum(key, change, span_slice(buf_span(out), from,
	    out->n));
	take(g, &p);
}

int
index_group_read(struct index_group *g, uint64_t key, struct span row)
{
	struct index_group got = { .blobs = NULL };
	struct packed said, is = { .change = g->change, .sum = g->sum };
	uint32_t above = 0, start = 0;
	bool good = true;

	if (index_group_sum(key, g->change, row) != g->sum)
		return 0;
	index_group_new(&got);
	while (good && got.blob_count < g->blob_count) {
		struct index_blob *b = &got.blobs[got.blob_count];

		good = index_brief_read(&row, b);
		got.blob_count++;
		good = good && (b->count == 0 || b->first > above);
		b->start = start;
		start += b->count;
		if (b->count > 0)
			above = b->last;
	}
	sum_up(got.blobs, got.blob_count, &is);
	give(g, &said);
	if (!good || row.n != 0 || memcmp(&said, &is, sizeof is) != 0) {
		index_group_clear(&got);
		return -1;
	}
	g->blobs = got.blobs;
	return 1;
}

void
index_group_pack(struct buf *out, const struct index_group *g)
{
	struct packed p;

	give(g, &p);
	buf_add(out, &p, sizeof p);
}

bool
index_group_unpack(const char *packed, uint32_t blob_count,
    struct index_group *g)
{
	struct packed p;

	memcpy(&p, packed, sizeof p);
	memset(g, 0, sizeof *g);
	take(g, &p);
	g->blob_count = blob_count;
	if (g->count == 0)
		return g->first == 0 && g->last == 0 && g->unseen == 0 &&
		    g->first_unseen == 0 && g->unwritten == 0 &&
		    g->octets == 0;
	return g->count <= blob_count * INDEX_BLOB_RECORDS &&
	    g->first > 0 && g->last >= g->first &&
	    g->last - g->first >= g->count - 1 && g->unseen <= g->count &&
	    g->first_unseen <= g->count - g->unseen &&
	    g->unwritten <= g->count;
}
