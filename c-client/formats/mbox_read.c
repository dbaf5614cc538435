/* SPDX-License-Identifier: Apache-2.0 */
/* Reading messages as clients see them.  It changes nothing. */
#include "c-client/formats/mbox_read.h"

#include <stdlib.h>
#include <string.h>

#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/memory.h"
#include "c-client/formats/mbox.h"
#include "c-client/formats/mbox_meta.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

/* What is read at once from one message to the next, and else at least. */
#define BLOCK_MAX	(256u * 1024)
#define BLOCK_LEAST	(4u * 1024)

void
mbox_reader_init(struct mbox_reader *rd)
{
	memset(rd, 0, sizeof *rd);
	buf_init(&rd->header, 0);
}

void
mbox_reader_clear(struct mbox_reader *rd)
{
	free(rd->block);
	wire_reader_clear(&rd->body);
	buf_clear(&rd->header);
	mbox_reader_init(rd);
}

/* The file is not what index and stamp say of it: look at all of it. */
static int
mismatch(struct mbox *m, struct fault *why)
{
	m->distrust = true;
	m->reader.is_open = false;
	return fault_set(why, FAULT_CHANGED, "%s: no such message there",
	    m->path);
}

/*
 * Octets from `off` on into the block, at least one, `want` if they can be
 * had: under a lock, and only while the stamp holds.
 */
static int
block_fill(struct mbox *m, uint64_t off, uint64_t want, struct fault *why)
{
	struct mbox_reader *rd = &m->reader;
	uint64_t left = rd->stamp.size - off;
	struct stat st;
	ssize_t got;
	bool held;

	if (want < BLOCK_LEAST)
		want = BLOCK_LEAST;
	/* One message after the other: read ahead. */
	if (rd->filled && off == rd->at + rd->n)
		want = BLOCK_MAX;
	if (want > BLOCK_MAX)
		want = BLOCK_MAX;
	if (want > left)
		want = left;
	rd->filled = false;
	if (rd->room < want) {
		rd->room = want <= BLOCK_MAX / 8 ? BLOCK_MAX / 8 : BLOCK_MAX;
		free(rd->block);
		rd->block = memory_alloc(rd->room);
	}
	if (mbox_lock_take(&m->lock, m->fd, MBOX_LOCK_READ, why) == -1)
		return -1;
	got = file_pread_full(m->fd, rd->block, (size_t)want, (off_t)off);
	if (got == -1)
		fault_errno(why, "read %s", m->path);
	held = fstat(m->fd, &st) == 0 && mbox_stamp_holds(&rd->stamp, &st);
	mbox_lock_drop(&m->lock);
	if (!held || (got != -1 && (uint64_t)got != want))
		return fault_set(why, FAULT_CHANGED, "%s was changed",
		    m->path);
	if (got == -1)
		return -1;
	rd->at = off;
	rd->n = (size_t)got;
	rd->filled = true;
	return 0;
}

/* Octets of the file from `off` on: as many as are in the block, and at least
 * one; `want` says how many will be wanted. */
static int
block_get(struct mbox *m, uint64_t off, uint64_t want, struct span *out,
    struct fault *why)
{
	struct mbox_reader *rd = &m->reader;

	if (off >= rd->stamp.size)
		return mismatch(m, why);
	if (!rd->filled || off < rd->at || off >= rd->at + rd->n)
		if (block_fill(m, off, want, why) == -1)
			return -1;
	*out = (struct span){ rd->block + (off - rd->at),
	    (size_t)(rd->at + rd->n - off) };
	return 0;
}

/* `n` octets of the file in one piece, in the block or in `store`. */
static int
piece_get(struct mbox *m, uint64_t off, size_t n, struct buf *store,
    struct span *out, struct fault *why)
{
	struct span part;

	if (block_get(m, off, n, &part, why) == -1)
		return -1;
	if (part.n < n && n <= BLOCK_MAX) {
		/* It begins at the block's end: from there once more. */
		if (block_fill(m, off, n, why) == -1 ||
		    block_get(m, off, n, &part, why) == -1)
			return -1;
	}
	if (part.n >= n) {
		*out = span_slice(part, 0, n);
		return 0;
	}
	while (store->n < n) {
		if (block_get(m, off + store->n, n - store->n, &part,
		    why) == -1)
			return -1;
		buf_addspan(store, span_slice(part, 0, n - store->n));
	}
	*out = buf_span(store);
	return 0;
}

/*
 * Numbers of a record come from a file too: they must fit each other and the
 * mailbox before anything is computed with them.
 */
static bool
is_sane(const struct record *r, const struct mbox_stamp *s)
{
	uint64_t head = (uint64_t)r->separator + r->disk_header;

	return r->place <= s->size && r->disk_size <= s->size - r->place &&
	    r->separator >= 6 && head <= r->disk_size &&
	    r->disk_header <= BOUND_MIME_HEADER &&
	    r->wire_header <= 2 * (uint64_t)r->disk_header &&
	    r->wire_size >= r->wire_header &&
	    r->wire_size <= 2 * r->disk_size;
}

/* Read the separator and the header, which must be those of the record. */
static int
message_open(struct mbox *m, const struct record *r, size_t len,
    struct fault *why)
{
	struct mbox_reader *rd = &m->reader;
	size_t head = (size_t)r->separator + r->disk_header;
	struct buf store;
	struct span p, rest;
	int status = -1;

	rd->is_open = false;
	buf_reset(&rd->header);
	buf_init(&store, 0);
	/* What will be wanted of the body comes with it in one read. */
	if (block_get(m, r->place, r->disk_size < head + (uint64_t)len ?
	    r->disk_size : head + (uint64_t)len, &rest, why) == -1 ||
	    piece_get(m, r->place, head, &store, &p, why) == -1)
		goto out;
	if (memcmp(p.p, "From ", 5) != 0 || (r->disk_header > 0 &&
	    p.p[r->separator - 1] != '\n')) {
		status = mismatch(m, why);
		goto out;
	}
	mbox_meta_wire(span_slice(p, r->separator, head), &rd->header);
	if (rd->header.n != r->wire_header) {
		status = mismatch(m, why);
		goto out;
	}
	rd->place = r->place;
	rd->wire_size = r->wire_size;
	wire_reader_begin(&rd->body, (struct wire_place){ r->wire_header,
	    r->place + head, p.p[head - 1] });
	rd->is_open = true;
	status = 0;
out:
	buf_clear(&store);
	return status;
}

/* Octets of a body. */
struct source {
	struct wire_source source;
	struct mbox *m;
	uint64_t end;		/* of it, in the file */
};

static int
body_get(struct wire_source *source, uint64_t disk, uint64_t want,
    struct span *out, struct fault *why)
{
	const struct source *s = (const struct source *)source;

	if (disk >= s->end)
		return mismatch(s->m, why);
	if (block_get(s->m, disk, want, out, why) == -1)
		return -1;
	*out = span_slice(*out, 0, (size_t)(s->end - disk < out->n ?
	    s->end - disk : out->n));
	return 0;
}

int
mbox_read(struct box *box, const struct record *r, uint64_t off, size_t len,
    struct buf *out, struct fault *why)
{
	struct mbox *m = box->state;
	struct mbox_reader *rd = &m->reader;
	struct source s = { { body_get }, m, r->place + r->disk_size };
	size_t was = out->n;
	struct mbox_stamp stamp;

	if (m->fd == -1 || !mbox_stamp_load(box, &stamp))
		return fault_set(why, FAULT_CHANGED, "%s is missing",
		    m->path);
	if (memcmp(&stamp, &rd->stamp, sizeof stamp) != 0) {
		rd->stamp = stamp;
		rd->filled = rd->is_open = false;
	}
	if (!is_sane(r, &stamp))
		return mismatch(m, why);
	if (off >= r->wire_size)
		return 0;
	if (len > r->wire_size - off)
		len = (size_t)(r->wire_size - off);
	if ((!rd->is_open || rd->place != r->place ||
	    rd->wire_size != r->wire_size) &&
	    message_open(m, r, len, why) == -1)
		return -1;
	if (off < r->wire_header) {
		struct span head = span_slice(buf_span(&rd->header),
		    (size_t)off, len);

		buf_addspan(out, head);
		off += head.n;
		len -= head.n;
	}
	if (len > 0 && wire_reader_add(&rd->body, &s.source, off, len, out,
	    why) == -1) {
		if (!out->full)
			out->n = was;
		return -1;
	}
	return out->full ?
	    fault_set(why, FAULT_LIMIT, "no room for a message") : 0;
}
