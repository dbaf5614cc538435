/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cache of texts by UID and kind: the chunk of the index that was used last,
 * what was found since the index was written last, and mime/ behind both.
 */
#include "c-client/store/parsed.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/mime/envelope.h"
#include "c-client/mime/structure.h"
#include "c-client/store/box.h"
#include "c-client/store/index.h"
#include "c-client/store/message.h"

#include "c-client/base/banned.h"

/* What was found goes to the index when it is this much, or at the end of the
 * command. */
#define FRESH_TEXTS	4096u
#define FRESH_OCTETS	(4u * 1024 * 1024)

/* After a UID that the index does not have, so many more are not looked up at
 * most: they are likely to be new as well. */
#define SKIP_MAX	32u

struct fresh {
	uint32_t uids[FRESH_TEXTS];	/* ascending */
	size_t ends[FRESH_TEXTS];
	size_t count;
	struct buf bytes;
};

struct kind {
	struct index_chunk chunk;
	size_t at;		/* the text of `chunk` that was used last */
	struct fresh *fresh;	/* NULL: nothing was found */
	uint32_t skip, skip_now;
};

struct parsed {
	struct box *box;
	struct reader *reader;
	uint32_t uidvalidity;
	struct kind kinds[PARSED_KINDS];
};

struct parsed *
parsed_new(struct box *box, struct reader *reader)
{
	struct parsed *p = memory_zalloc(sizeof *p);

	p->box = box;
	p->reader = reader;
	p->uidvalidity = box->meta.uidvalidity;
	return p;
}

static void
fresh_free(struct kind *k)
{
	if (k->fresh == NULL)
		return;
	buf_clear(&k->fresh->bytes);
	free(k->fresh);
	k->fresh = NULL;
}

void
parsed_free(struct parsed *p)
{
	if (p == NULL)
		return;
	parsed_flush(p);
	for (size_t i = 0; i < PARSED_KINDS; i++)
		index_chunk_clear(&p->kinds[i].chunk);
	free(p);
}

/* UIDs of another UIDVALIDITY mean other messages. */
static void
check_validity(struct parsed *p)
{
	if (p->uidvalidity == p->box->meta.uidvalidity)
		return;
	for (size_t i = 0; i < PARSED_KINDS; i++) {
		fresh_free(&p->kinds[i]);
		index_chunk_clear(&p->kinds[i].chunk);
		p->kinds[i] = (struct kind){ 0 };
	}
	p->uidvalidity = p->box->meta.uidvalidity;
}

/* The place of `uid` in an ascending array, or -1. */
static ptrdiff_t
place_of(const uint32_t *uids, size_t count, uint32_t uid)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (uids[middle] < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && uids[low] == uid ? (ptrdiff_t)low : -1;
}

static bool
from_chunk(struct kind *k, uint32_t uid, struct buf *out)
{
	ptrdiff_t at;

	if (k->at + 1 < k->chunk.count && k->chunk.uids[k->at + 1] == uid)
		at = (ptrdiff_t)k->at + 1;
	else
		at = place_of(k->chunk.uids, k->chunk.count, uid);
	if (at < 0)
		return false;
	k->at = (size_t)at;
	buf_addspan(out, index_chunk_text(&k->chunk, k->at));
	return true;
}

static bool
from_fresh(const struct fresh *f, uint32_t uid, struct buf *out)
{
	ptrdiff_t at = f == NULL ? -1 : place_of(f->uids, f->count, uid);
	size_t begin;

	if (at < 0)
		return false;
	begin = at == 0 ? 0 : f->ends[at - 1];
	buf_add(out, f->bytes.p + begin, f->ends[at] - begin);
	return true;
}

static bool
from_index(struct parsed *p, struct kind *k, uint32_t uid,
    enum parsed_kind kind, struct buf *out)
{
	if (p->box->index == NULL)
		return false;
	if (k->skip_now > 0) {
		k->skip_now--;
		return false;
	}
	if (index_parsed_get(p->box->index, uid, kind, &k->chunk,
	    &k->at) == 1) {
		k->skip = 0;
		buf_addspan(out, index_chunk_text(&k->chunk, k->at));
		return true;
	}
	k->chunk.count = 0;
	k->skip = k->skip == 0 ? 1 : k->skip * 2;
	if (k->skip > SKIP_MAX)
		k->skip = SKIP_MAX;
	k->skip_now = k->skip - 1;
	return false;
}

static int
parse(struct parsed *p, uint32_t uid, enum parsed_kind kind, struct buf *out,
    struct fault *why)
{
	const struct mime_part *root;
	struct message *m;
	struct span header;

	if (kind == PARSED_ENVELOPE) {
		if (reader_header(p->reader, uid, &header, why) == -1)
			return -1;
		envelope_write(out, header);
		return 0;
	}
	if ((m = reader_open(p->reader, uid, why)) == NULL ||
	    (root = message_structure(m, why)) == NULL)
		return -1;
	structure_write(out, root, kind == PARSED_BODYSTRUCTURE);
	return 0;
}

static void
flush_kind(struct parsed *p, enum parsed_kind kind)
{
	struct fresh *f = p->kinds[kind].fresh;
	struct index_records records = { p->box->records, p->box->count,
	    p->box->count };
	struct span *texts;
	struct fault why = { 0 };
	size_t begin = 0;

	p->kinds[kind].skip = p->kinds[kind].skip_now = 0;
	if (f == NULL || f->count == 0)
		return;
	texts = memory_alloc(f->count * sizeof *texts);
	for (size_t i = 0; i < f->count; i++) {
		texts[i] = (struct span){ f->bytes.p + begin,
		    f->ends[i] - begin };
		begin = f->ends[i];
	}
	if (p->box->index != NULL)
		index_parsed_put(p->box->index, kind, p->uidvalidity,
		    &records, f->uids, texts, f->count, &why);
	free(texts);
	f->count = 0;
	buf_reset(&f->bytes);
	/* A merge may have given the neighbours another chunk. */
	p->kinds[kind].chunk.count = 0;
}

void
parsed_flush(struct parsed *p)
{
	check_validity(p);
	for (size_t i = 0; i < PARSED_KINDS; i++) {
		flush_kind(p, (enum parsed_kind)i);
		fresh_free(&p->kinds[i]);
	}
}

static void
keep(struct parsed *p, uint32_t uid, enum parsed_kind kind, struct span text)
{
	struct kind *k = &p->kinds[kind];
	struct fresh *f = k->fresh;

	if (text.n == 0 || text.n > INDEX_TEXT_MAX)
		return;
	if (f == NULL) {
		f = k->fresh = memory_alloc(sizeof *f);
		f->count = 0;
		buf_init(&f->bytes, 0);
	}
	if (f->count == FRESH_TEXTS || f->bytes.n >= FRESH_OCTETS ||
	    (f->count > 0 && f->uids[f->count - 1] >= uid))
		flush_kind(p, kind);
	buf_addspan(&f->bytes, text);
	f->uids[f->count] = uid;
	f->ends[f->count] = f->bytes.n;
	f->count++;
}

int
parsed_get(struct parsed *p, uint32_t uid, enum parsed_kind kind,
    struct buf *out, struct fault *why)
{
	struct kind *k = &p->kinds[kind];
	size_t before = out->n;

	check_validity(p);
	if (from_chunk(k, uid, out) || from_fresh(k->fresh, uid, out) ||
	    from_index(p, k, uid, kind, out))
		return 0;
	if (parse(p, uid, kind, out, why) == -1) {
		out->n = before;
		return -1;
	}
	check_validity(p);
	if (!out->full)
		keep(p, uid, kind, span_slice(buf_span(out), before,
		    out->n - before));
	return 0;
}
