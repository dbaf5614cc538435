/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parsed texts of an index in memory, in chunks of a few neighbours, for
 * tests of what stands above index.h.  To be included by one source file of a
 * test program.
 */
#ifndef TESTS_FAKEINDEX_H
#define TESTS_FAKEINDEX_H

#include <stdlib.h>
#include <string.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/store/index.h"

#define FAKEINDEX_MAX	256
#define FAKEINDEX_CHUNK	4

static struct fakeindex {
	struct {
		uint32_t uid;
		unsigned kind;
		struct buf text;
	} rows[FAKEINDEX_MAX];
	size_t count;
	int gets, puts;
	bool fail;		/* puts fail */
} fakeindex;

/* What box->index points at: only its being there counts. */
#define FAKEINDEX ((struct index *)(void *)&fakeindex)

int
index_parsed_get(struct index *index, uint32_t uid, unsigned kind,
    struct index_chunk *c, size_t *at)
{
	struct buf bytes;
	bool has = false;

	(void)index;
	fakeindex.gets++;
	index_chunk_clear(c);
	c->numbers = memory_alloc(2 * FAKEINDEX_CHUNK * sizeof *c->numbers);
	buf_init(&bytes, 0);
	for (size_t i = 0; i < fakeindex.count &&
	    c->count < FAKEINDEX_CHUNK; i++) {
		if (fakeindex.rows[i].kind != kind ||
		    fakeindex.rows[i].uid < uid)
			continue;
		if (fakeindex.rows[i].uid == uid) {
			*at = c->count;
			has = true;
		}
		buf_addspan(&bytes, buf_span(&fakeindex.rows[i].text));
		c->numbers[c->count] = fakeindex.rows[i].uid;
		c->numbers[FAKEINDEX_CHUNK + c->count++] = (uint32_t)bytes.n;
	}
	c->uids = c->numbers;
	c->ends = c->numbers + FAKEINDEX_CHUNK;
	c->bytes = c->store = bytes.p;
	if (!has)
		index_chunk_clear(c);
	return has;
}

struct span
index_chunk_text(const struct index_chunk *c, size_t at)
{
	size_t begin = at == 0 ? 0 : c->ends[at - 1];

	return (struct span){ c->bytes + begin, c->ends[at] - begin };
}

void
index_chunk_clear(struct index_chunk *c)
{
	free(c->numbers);
	free(c->store);
	memset(c, 0, sizeof *c);
}

int
index_parsed_put(struct index *index, unsigned kind, uint32_t uidvalidity,
    const struct index_records *records, const uint32_t *uids,
    const struct span *texts, size_t n, struct fault *why)
{
	(void)index;
	(void)uidvalidity;
	(void)records;
	fakeindex.puts++;
	if (fakeindex.fail)
		return fault_set(why, FAULT_QUOTA, "as the test wants");
	for (size_t i = 0; i < n; i++) {
		size_t at = fakeindex.count++;

		if (at == FAKEINDEX_MAX || (i > 0 && uids[i] <= uids[i - 1]))
			abort();
		fakeindex.rows[at].uid = uids[i];
		fakeindex.rows[at].kind = kind;
		buf_init(&fakeindex.rows[at].text, 0);
		buf_addspan(&fakeindex.rows[at].text, texts[i]);
	}
	return 0;
}

static inline void
fakeindex_reset(void)
{
	for (size_t i = 0; i < fakeindex.count; i++)
		buf_clear(&fakeindex.rows[i].text);
	memset(&fakeindex, 0, sizeof fakeindex);
}

#endif
