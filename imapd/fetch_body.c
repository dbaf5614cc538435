/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sections of a message.  What a literal holds is in memory or in a file of
 * our own before its size is told, so that it can neither change nor vanish
 * while a slow client takes it.  Only where there is no room for such a file a
 * long message is sent from the mailbox in pieces; if it vanishes between them
 * the literal is never filled up with anything else.
 */
#include "imapd/fetch_body.h"

#include "c-client/base/bounds.h"
#include "c-client/base/fault.h"
#include "c-client/mime/header.h"
#include "c-client/mime/section.h"
#include "c-client/server/stream.h"
#include "c-client/store/message.h"
#include "imapd/fetch.h"
#include "imapd/fetch_args.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

/* A long message is read in pieces of this many octets. */
#define PIECE	(64u * 1024)

/* A header up to this is read without the rest of the message. */
#define HEADER_ALONE	(64u * 1024)

/* Octets of the message. */
struct range {
	uint64_t off, len;
};

static struct range
range_cut(struct range r, const struct fetch_item *item)
{
	uint64_t skip = item->first < r.len ? item->first : r.len;

	r.off += skip;
	r.len -= skip;
	if (r.len > item->count)
		r.len = item->count;
	return r;
}

/* Label, and either the empty string or the head of a literal. */
static void
write_head(struct fetch *f, const struct fetch_item *item, uint64_t len)
{
	buf_addspan(f->out, item->label);
	if (len == 0) {
		buf_add(f->out, " \"\"", 3);
		return;
	}
	buf_add(f->out, " {", 2);
	buf_addnum(f->out, len);
	buf_add(f->out, "}\r\n", 3);
}

static void
write_nil(struct fetch *f, const struct fetch_item *item)
{
	buf_addspan(f->out, item->label);
	buf_add(f->out, " NIL", 4);
}

/* The message, if it is still what the record says. */
static struct message *
open_message(struct fetch *f, struct fault *why)
{
	struct message *m = reader_open(f->session->reader, f->record.uid,
	    why);

	if (m != NULL && message_size(m) != f->record.wire_size) {
		fault_set(why, FAULT_CHANGED, "UID %u has another size",
		    f->record.uid);
		return NULL;
	}
	return m;
}

static int
write_pieces(struct fetch *f, struct message *m, struct range r,
    struct fault *why)
{
	while (r.len > 0) {
		size_t n = r.len < PIECE ? (size_t)r.len : PIECE;
		size_t before = f->out->n;

		if (message_read(m, r.off, n, f->out, why) == -1)
			return -1;
		if (f->out->n - before != n)
			return fault_set(why, FAULT_CHANGED,
			    "UID %u ends too early", f->record.uid);
		r.off += n;
		r.len -= n;
		fetch_pump(f);
		if (f->session->stream->error != 0)
			return fault_set(why, FAULT_CLOSED,
			    "client went away");
	}
	return 0;
}

/* A little of a long message: all of it into the output. */
static int
write_little(struct fetch *f, const struct fetch_item *item,
    struct message *m, struct range r, struct fault *why)
{
	size_t before;

	write_head(f, item, r.len);
	before = f->out->n;
	if (message_read(m, r.off, (size_t)r.len, f->out, why) == -1)
		return -1;
	if (f->out->n - before != r.len)
		return fault_set(why, FAULT_CHANGED, "UID %u ends too early",
		    f->record.uid);
	return 0;
}

static int
write_long(struct fetch *f, const struct fetch_item *item, struct message *m,
    struct range r, struct fault *why)
{
	bool several = f->items->bodies > 1;

	if (!message_is_pinned(m, r.off, r.len) &&
	    r.len + f->out->n <= BOUND_WHOLE)
		return write_little(f, item, m, r, why);
	/* When the first is sent the others must be safe as well. */
	if (message_pin(m, several ? 0 : r.off, several ? message_size(m) :
	    r.len, why) == -1)
		return -1;
	write_head(f, item, r.len);
	return write_pieces(f, m, r, why);
}

static int
write_range(struct fetch *f, const struct fetch_item *item, struct message *m,
    struct range r, struct fault *why)
{
	struct span all = message_span(m);

	if (r.len > 0 && all.p == NULL)
		return write_long(f, item, m, r, why);
	write_head(f, item, r.len);
	if (r.len == 0)
		return 0;
	buf_addspan(f->out, span_slice(all, (size_t)r.off, (size_t)r.len));
	/* What is in memory can't fail any more, nor what is made of it. */
	if (f->items->bodies > 1)
		fetch_pump(f);
	return 0;
}

/* HEADER.FIELDS: what is selected is a string of its own, and is cut after
 * that. */
static int
write_fields(struct fetch *f, const struct fetch_item *item,
    struct span header, struct fault *why)
{
	const struct section *s = item->section;
	struct range r;

	buf_reset(&f->header);
	header_select(&f->header, header, s->names, s->name_count,
	    s->kind == SECTION_FIELDS_NOT);
	if (f->header.full)
		return fault_set(why, FAULT_LIMIT, "header of UID %u",
		    f->record.uid);
	r = range_cut((struct range){ 0, f->header.n }, item);
	write_head(f, item, r.len);
	buf_addspan(f->out, span_slice(buf_span(&f->header), (size_t)r.off,
	    (size_t)r.len));
	return 0;
}

/* Of the message's own header, which the record knows the place of. */
static int
fetch_header(struct fetch *f, const struct fetch_item *item,
    struct fault *why)
{
	struct span header;
	struct range r;

	if (reader_header(f->session->reader, f->record.uid, &header,
	    why) == -1)
		return -1;
	if (item->section->kind != SECTION_HEADER)
		return write_fields(f, item, header, why);
	r = range_cut((struct range){ 0, header.n }, item);
	write_head(f, item, r.len);
	buf_addspan(f->out, span_slice(header, (size_t)r.off,
	    (size_t)r.len));
	return 0;
}

/* All of a message that nothing else is asked of: from the mailbox straight
 * into the output. */
static int
fetch_whole(struct fetch *f, const struct fetch_item *item, struct fault *why)
{
	write_head(f, item, f->record.wire_size);
	return reader_copy(f->session->reader, f->record.uid,
	    f->record.wire_size, f->out, why);
}

/* A section of a part. */
static int
fetch_part(struct fetch *f, const struct fetch_item *item, struct fault *why)
{
	struct message *m = open_message(f, why);
	const struct mime_part *root;
	struct range r;
	struct buf header;
	int status;

	if (m == NULL || (root = message_structure(m, why)) == NULL)
		return -1;
	if (!section_range(root, item->section, &r.off, &r.len)) {
		write_nil(f, item);
		return 0;
	}
	if (item->section->kind != SECTION_FIELDS &&
	    item->section->kind != SECTION_FIELDS_NOT)
		return write_range(f, item, m, range_cut(r, item), why);
	buf_init(&header, 0);
	if (r.len > BOUND_MIME_HEADER)
		r.len = BOUND_MIME_HEADER;
	status = message_read(m, r.off, (size_t)r.len, &header, why);
	if (status == 0)
		status = write_fields(f, item, buf_span(&header), why);
	buf_clear(&header);
	return status;
}

int
fetch_body(struct fetch *f, const struct fetch_item *item, struct fault *why)
{
	const struct section *s = item->section;
	const struct record *rec = &f->record;
	bool fields = s->kind == SECTION_FIELDS ||
	    s->kind == SECTION_FIELDS_NOT;
	struct range r = { 0, rec->wire_size };
	struct message *m;

	if (s->depth > 0)
		return fetch_part(f, item, why);
	if (fields || (s->kind == SECTION_HEADER &&
	    rec->wire_header <= HEADER_ALONE))
		return fetch_header(f, item, why);
	if (s->kind == SECTION_ALL && !item->partial &&
	    f->items->bodies == 1 && rec->wire_size > 0 &&
	    rec->wire_size <= BOUND_WHOLE)
		return fetch_whole(f, item, why);
	if (s->kind == SECTION_HEADER)
		r.len = rec->wire_header;
	if (s->kind == SECTION_TEXT) {
		r.off = rec->wire_header;
		r.len -= rec->wire_header;
	}
	if ((m = open_message(f, why)) == NULL)
		return -1;
	return write_range(f, item, m, range_cut(r, item), why);
}
