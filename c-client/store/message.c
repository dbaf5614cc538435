/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading messages by UID through the format's driver.  A message is known
 * again by digest and size: what has the UID but other bytes is not it, and is
 * never handed out in its place.
 */
#include "c-client/store/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "c-client/mime/part.h"
#include "c-client/store/account.h"
#include "c-client/store/box.h"
#include "c-client/store/driver.h"
#include "c-client/store/record.h"

#include "c-client/base/banned.h"

/* How often a read is tried again after another program changed the file. */
#define READ_TRIES	4

/* A long message is parsed in pieces of this many octets. */
#define READ_PIECE	(256u * 1024)

/* Buffers that grew above this are given back when a message that needs much
 * less is read. */
#define KEEP_BYTES	(512u * 1024)

struct message {
	struct reader *reader;
	struct mime_part *structure;	/* NULL: not parsed */
	struct buf bytes;	/* all of it, or the header of a long one */
	uint64_t size;
	uint32_t uid;		/* 0: none is open */
	uint32_t header;	/* octets of the header */
	uint8_t digest[16];
	bool whole;		/* `bytes` has all of it */
	int pin;		/* file with a part of it, or -1 */
	uint64_t pin_off, pin_len;
};

struct reader {
	struct box *box;
	struct message message;
	struct arena *arena;	/* the structure's */
	struct buf header;	/* what reader_header() read */
};

struct reader *
reader_new(struct box *box)
{
	struct reader *r = memory_zalloc(sizeof *r);

	r->box = box;
	r->message.reader = r;
	r->message.pin = -1;
	buf_init(&r->message.bytes, 0);
	buf_init(&r->header, 0);
	r->arena = arena_new(BOUND_MIME_ARENA);
	return r;
}

void
reader_free(struct reader *r)
{
	if (r == NULL)
		return;
	reader_unpin(r);
	buf_clear(&r->message.bytes);
	buf_clear(&r->header);
	arena_free(r->arena);
	free(r);
}

void
reader_unpin(struct reader *r)
{
	struct message *m = &r->message;

	if (m->pin != -1)
		close(m->pin);
	m->pin = -1;
}

static void
message_close(struct message *m)
{
	reader_unpin(m->reader);
	m->uid = 0;
	m->structure = NULL;
	buf_reset(&m->bytes);
	arena_reset(m->reader->arena);
}

void
reader_forget(struct reader *r)
{
	message_close(&r->message);
	buf_clear(&r->message.bytes);
	buf_clear(&r->header);
}

static const struct record *
record_of(struct box *box, uint32_t uid, struct fault *why)
{
	size_t at;
	const struct record *r = box_record(box, uid, &at);

	if (r == NULL)
		fault_set(why, FAULT_EXPUNGED, "UID %u is gone", uid);
	return r;
}

static bool
is_same(const struct message *m, const struct record *r)
{
	return m->uid == r->uid && m->size == r->wire_size &&
	    memcmp(m->digest, r->digest, sizeof m->digest) == 0;
}

/*
 * Read [off, off+len) of the message with this UID.  `same` (may be NULL) is
 * the message that it has to be still.  Where `exact` the result has just that
 * many octets; else len is cut at the end of the message.  Where the file
 * changed, the store is synced and the place looked up again.
 */
static int
read_by_uid(struct reader *r, uint32_t uid, const struct message *same,
    uint64_t off, size_t len, struct buf *out, struct fault *why)
{
	size_t before = out->n;

	for (int i = 0; i < READ_TRIES; i++) {
		const struct record *rec = record_of(r->box, uid, why);
		size_t want;
		int status;

		if (rec == NULL)
			return -1;
		if (same != NULL && !is_same(same, rec))
			return fault_set(why, FAULT_EXPUNGED,
			    "UID %u has other octets now", uid);
		want = off >= rec->wire_size ? 0 :
		    rec->wire_size - off < len ?
		    (size_t)(rec->wire_size - off) : len;
		if (want == 0)
			return 0;
		status = r->box->driver->read(r->box, rec, off, want, out,
		    why);
		if (status == 0 && out->n - before == want)
			return 0;
		out->n = before;
		if (out->full)
			return fault_set(why, FAULT_LIMIT,
			    "UID %u does not fit a buffer", uid);
		if (status == 0)
			fault_set(why, FAULT_CHANGED, "UID %u is shorter",
			    uid);
		if (why->code != FAULT_CHANGED ||
		    box_sync(r->box, why) == -1)
			return -1;
	}
	return fault_set(why, FAULT_CHANGED, "UID %u changes all the time",
	    uid);
}

/* Memory for `need` octets in an empty buffer: neither grown step by step,
 * nor kept for ever after one long message. */
static void
make_room(struct buf *b, size_t need)
{
	buf_reset(b);
	if (b->cap > KEEP_BYTES && need < b->cap / 8)
		buf_clear(b);
	buf_room(b, need);
}

struct message *
reader_open(struct reader *r, uint32_t uid, struct fault *why)
{
	struct message *m = &r->message;
	const struct record *rec = record_of(r->box, uid, why);

	if (rec == NULL)
		return NULL;
	if (m->uid == uid && is_same(m, rec))
		return m;
	message_close(m);
	if (rec->wire_size <= BOUND_WHOLE) {
		make_room(&m->bytes, (size_t)rec->wire_size);
		if (read_by_uid(r, uid, NULL, 0, BOUND_WHOLE, &m->bytes,
		    why) == -1 || (rec = record_of(r->box, uid, why)) == NULL)
			return NULL;
		if (m->bytes.n != rec->wire_size) {
			fault_set(why, FAULT_CHANGED,
			    "UID %u grew while it was read", uid);
			return NULL;
		}
	}
	m->whole = rec->wire_size <= BOUND_WHOLE;
	m->size = rec->wire_size;
	m->header = rec->wire_header;
	if (m->header > m->size)
		m->header = (uint32_t)m->size;
	memcpy(m->digest, rec->digest, sizeof m->digest);
	m->uid = uid;
	return m;
}

int
reader_copy(struct reader *r, uint32_t uid, uint64_t size, struct buf *out,
    struct fault *why)
{
	const struct record *rec = record_of(r->box, uid, why);
	size_t before = out->n;

	if (rec == NULL)
		return -1;
	if (r->message.uid == uid && r->message.whole &&
	    is_same(&r->message, rec)) {
		buf_addspan(out, buf_span(&r->message.bytes));
	} else if (buf_room(out, (size_t)size) == NULL ||
	    read_by_uid(r, uid, NULL, 0, BOUND_WHOLE, out, why) == -1) {
		if (out->full)
			fault_set(why, FAULT_LIMIT, "no room for UID %u", uid);
		return -1;
	}
	if (out->n - before == size)
		return 0;
	out->n = before;
	return fault_set(why, FAULT_CHANGED, "UID %u has another size", uid);
}

int
reader_header(struct reader *r, uint32_t uid, struct span *out,
    struct fault *why)
{
	const struct record *rec = record_of(r->box, uid, why);
	size_t len;

	if (rec == NULL)
		return -1;
	if (r->message.uid == uid && is_same(&r->message, rec))
		return message_header(&r->message, out, why);
	len = rec->wire_header < BOUND_MIME_HEADER ? rec->wire_header :
	    BOUND_MIME_HEADER;
	make_room(&r->header, len);
	if (read_by_uid(r, uid, NULL, 0, len, &r->header, why) == -1)
		return -1;
	*out = buf_span(&r->header);
	return 0;
}

uint64_t
message_size(const struct message *m)
{
	return m->size;
}

uint64_t
message_header_size(const struct message *m)
{
	return m->header;
}

struct span
message_span(const struct message *m)
{
	if (!m->whole)
		return (struct span){ NULL, 0 };
	return buf_span(&m->bytes);
}

bool
message_is_pinned(const struct message *m, uint64_t off, uint64_t len)
{
	return m->pin != -1 && off >= m->pin_off &&
	    len <= m->pin_len && off - m->pin_off <= m->pin_len - len;
}

/* Octets of the message into a file; -1 with `why` FAULT_NONE where the file
 * can't take them. */
static int
copy_to(struct message *m, int fd, uint64_t off, uint64_t len,
    struct fault *why)
{
	struct buf piece;
	int status = 0;

	buf_init(&piece, 0);
	for (uint64_t end = off + len; off < end && status == 0;
	    off += piece.n) {
		buf_reset(&piece);
		status = message_read(m, off, end - off < READ_PIECE ?
		    (size_t)(end - off) : READ_PIECE, &piece, why);
		if (status == 0 && piece.n == 0)
			status = fault_set(why, FAULT_CHANGED,
			    "UID %u ends too early", m->uid);
		if (status == 0 &&
		    file_write_full(fd, piece.p, piece.n) == -1) {
			log_line(LOG_WARNING, "A long message is sent from "
			    "the mailbox: temporary file: %s",
			    strerror(errno));
			why->code = FAULT_NONE;
			status = -1;
		}
	}
	buf_clear(&piece);
	return status;
}

int
message_pin(struct message *m, uint64_t off, uint64_t len, struct fault *why)
{
	int fd;

	if (m->whole || message_is_pinned(m, off, len))
		return 0;
	reader_unpin(m->reader);
	fd = file_unnamed(m->reader->box->account->index_dir);
	if (fd == -1) {
		log_line(LOG_WARNING, "A long message is sent from the "
		    "mailbox: temporary file: %s", strerror(errno));
		return 0;
	}
	if (copy_to(m, fd, off, len, why) == -1) {
		close(fd);
		return why->code == FAULT_NONE ? 0 : -1;
	}
	m->pin = fd;
	m->pin_off = off;
	m->pin_len = len;
	return 0;
}

static int
read_pinned(struct message *m, uint64_t off, size_t len, struct buf *out,
    struct fault *why)
{
	char *to = buf_room(out, len);
	ssize_t got;

	if (to == NULL)
		return fault_set(why, FAULT_LIMIT, "no room for UID %u",
		    m->uid);
	got = file_pread_full(m->pin, to, len, (off_t)(off - m->pin_off));
	if (got == -1)
		return fault_errno(why, "temporary file");
	out->n += (size_t)got;
	return 0;
}

int
message_read(struct message *m, uint64_t off, size_t len, struct buf *out,
    struct fault *why)
{
	if (message_is_pinned(m, off, len))
		return read_pinned(m, off, len, out, why);
	if (!m->whole)
		return read_by_uid(m->reader, m->uid, m, off, len, out, why);
	if (off < m->size)
		buf_addspan(out, span_slice(buf_span(&m->bytes), (size_t)off,
		    len));
	return out->full ? fault_set(why, FAULT_LIMIT, "no room for UID %u",
	    m->uid) : 0;
}

int
message_header(struct message *m, struct span *out, struct fault *why)
{
	size_t len = m->header < BOUND_MIME_HEADER ? m->header :
	    BOUND_MIME_HEADER;

	if (!m->whole && m->bytes.n != len) {
		make_room(&m->bytes, len);
		if (read_by_uid(m->reader, m->uid, m, 0, len, &m->bytes,
		    why) == -1)
			return -1;
	}
	*out = span_slice(buf_span(&m->bytes), 0, len);
	return 0;
}

/* The structure of a message that is not in memory, read once from its
 * beginning to its end. */
static struct mime_part *
parse_pieces(struct message *m, struct fault *why)
{
	struct mime_parser *parser = mime_parser_new(m->reader->arena);
	struct mime_part *root;
	struct buf piece;
	int status = 0;

	if (parser == NULL)
		return NULL;
	buf_init(&piece, 0);
	for (uint64_t off = 0; status == 0 && off < m->size;
	    off += piece.n) {
		buf_reset(&piece);
		status = message_read(m, off, READ_PIECE, &piece, why);
		if (status == 0)
			mime_parser_feed(parser, piece.p, piece.n);
	}
	root = mime_parser_end(parser);
	buf_clear(&piece);
	return status == -1 ? NULL : root;
}

const struct mime_part *
message_structure(struct message *m, struct fault *why)
{
	if (m->structure != NULL)
		return m->structure;
	arena_reset(m->reader->arena);
	*why = (struct fault){ 0 };
	m->structure = m->whole ?
	    mime_parse(m->reader->arena, buf_span(&m->bytes)) :
	    parse_pieces(m, why);
	if (m->structure == NULL && why->code == FAULT_NONE)
		fault_set(why, FAULT_LIMIT, "structure of UID %u", m->uid);
	return m->structure;
}
