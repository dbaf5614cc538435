/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the messages in a mailbox file.  It reads; it never writes. */
#include "c-client/formats/mbox_scan.h"

#include <stdlib.h>
#include <string.h>

#include "c-client/base/bounds.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/formats/mbox_meta.h"
#include "c-client/formats/mbox_separator.h"
#include "c-client/formats/mbox_window.h"
#include "c-client/formats/wire.h"
#include "c-client/mime/date.h"

#include "c-client/base/banned.h"

#define DAY_SECS	86400

/* Empty lines before the first separator are looked through so far. */
#define LEAD_MAX	4096u

/* What was passed must stay in reach: CR, LF, CR, LF and the octet before. */
#define BACK		5u

struct scanner {
	struct mbox_scan *scan;
	struct mbox_window w;
	struct digest *digest;
	struct mbox_separator next;	/* of the separator that was found */
	size_t next_size;
	struct fault *why;
};

enum found { FOUND_FAULT, FOUND_SEPARATOR, FOUND_END, FOUND_NOTHING };

static void
keep_from(struct scanner *s, uint64_t off)
{
	s->w.keep = off - s->w.at < BACK ? s->w.at : off - BACK;
}

/* Is the line that ends before `off` an empty one?  There is always a line
 * before it, but at the beginning of the file. */
static bool
is_after_empty(struct scanner *s, uint64_t off)
{
	const char *p = mbox_window_ptr(&s->w, off);

	if (off < 2)
		return off == 0 || p[-1] == '\n';
	if (p[-1] != '\n')
		return false;
	if (p[-2] == '\r')
		return off == 2 || p[-3] == '\n';
	return p[-2] == '\n';
}

/* Is there a separator at `off`, which is the beginning of a line? */
static enum found
separator_at(struct scanner *s, uint64_t off, bool after_empty)
{
	struct span line;

	while (mbox_window_has(&s->w, off) < 5 && !mbox_window_at_end(&s->w))
		if (mbox_window_read(&s->w, s->why) == -1)
			return FOUND_FAULT;
	if (mbox_window_has(&s->w, off) < 5 ||
	    memcmp(mbox_window_ptr(&s->w, off), "From ", 5) != 0)
		return FOUND_NOTHING;
	if (mbox_window_line(&s->w, off, MBOX_SEPARATOR_MAX + 1, &line,
	    s->why) == -1)
		return FOUND_FAULT;
	if (!mbox_separator_parse(line, after_empty, &s->next))
		return FOUND_NOTHING;
	s->next_size = line.n;
	return FOUND_SEPARATOR;
}

/*
 * Where the header that begins at `from` ends: behind the empty line, at a
 * separator, at the end of the file, or at the limit for headers.
 */
static enum found
header_end(struct scanner *s, uint64_t from, uint64_t *end)
{
	uint64_t off = from;
	struct span line;

	for (;;) {
		size_t left = BOUND_MIME_HEADER - (size_t)(off - from);

		*end = off;
		if (off == s->scan->to)
			return FOUND_END;
		if (left == 0)
			return FOUND_NOTHING;
		if (mbox_window_line(&s->w, off, left, &line, s->why) == -1)
			return FOUND_FAULT;
		if (line.p[0] == 'F') {
			enum found found = separator_at(s, off, false);

			if (found != FOUND_NOTHING)
				return found;
			/* The window may have moved. */
			if (mbox_window_line(&s->w, off, left, &line,
			    s->why) == -1)
				return FOUND_FAULT;
		}
		off += line.n;
		*end = off;
		if (line.p[0] == '\n' ||
		    (line.n == 2 && line.p[0] == '\r' && line.p[1] == '\n'))
			return off == s->scan->to ? FOUND_END : FOUND_NOTHING;
		if (line.p[line.n - 1] != '\n')
			return off == s->scan->to ? FOUND_END : FOUND_NOTHING;
	}
}

/* Count line ends from `off` on up to the next separator or the end. */
static enum found
body_end(struct scanner *s, uint64_t off, uint64_t *end, uint64_t *bare)
{
	bool line_start = mbox_window_ptr(&s->w, off)[-1] == '\n';
	enum found found;
	size_t n, used;

	for (;;) {
		keep_from(s, off);
		if (line_start) {
			found = separator_at(s, off,
			    is_after_empty(s, off));
			*end = off;
			if (found != FOUND_NOTHING)
				return found;
		}
		n = mbox_window_has(&s->w, off);
		if (!mbox_window_at_end(&s->w) && n < 2) {
			if (mbox_window_read(&s->w, s->why) == -1)
				return FOUND_FAULT;
			line_start = false;
			continue;
		}
		/* The last octet of the file has a 0 behind it, another one
		 * of the window waits for what comes. */
		if (!mbox_window_at_end(&s->w))
			n--;
		line_start = wire_count(mbox_window_ptr(&s->w, off), n,
		    &used, bare);
		off += used;
		if (!line_start && off == s->scan->to) {
			*end = off;
			return FOUND_END;
		}
	}
}

static struct mbox_message *
message_new(struct mbox_scan *scan)
{
	if (scan->count == scan->room) {
		scan->room = scan->room == 0 ? 16 : scan->room * 2;
		scan->messages = memory_grow_array(scan->messages,
		    scan->room, sizeof *scan->messages);
	}
	memset(&scan->messages[scan->count], 0, sizeof *scan->messages);
	return &scan->messages[scan->count++];
}

static void
date_set(struct record *r, const struct mbox_separator *sep,
    const struct mbox_meta *meta, int64_t now)
{
	struct date date;

	r->date = sep->secs;
	r->zone = sep->zone_minutes;
	if (!sep->dated && date_parse(meta->date, &date)) {
		r->date = date.secs;
		r->zone = date.zone_minutes;
	} else if (!sep->dated)
		r->date = now;
}

static void
meta_set(struct mbox_message *m, const struct mbox_meta *meta,
    const struct mbox_keywords *keywords)
{
	struct record *r = &m->r;

	m->uid = meta->uid;
	r->flags = r->flags_seen = meta->flags;
	r->keywords = r->keywords_seen =
	    mbox_keywords_bits(keywords, meta->keywords);
	r->wire_header = (uint32_t)meta->wire_size;
	memcpy(r->digest, meta->digest, sizeof r->digest);
}

/*
 * The first message of the file may tell of the mailbox as a whole.  A
 * UIDVALIDITY from the future or a last UID of 2^31 and more is nonsense that
 * somebody wrote to do harm.
 */
static void
base_set(struct mbox_scan *scan, const struct mbox_meta *meta)
{
	scan->internal = meta->internal;
	scan->based = meta->base && meta->uidvalidity > 0 &&
	    (int64_t)meta->uidvalidity <= scan->now + DAY_SECS &&
	    meta->last < UINT32_C(1) << 31;
	if (!scan->based)
		return;
	scan->uidvalidity = meta->uidvalidity;
	scan->last = meta->last;
	mbox_keywords_add_all(scan->keywords, meta->names);
}

/* The empty line before a separator, or at the end, is no part of the body:
 * its octets, 0 to 2. */
static uint64_t
blank_size(struct scanner *s, uint64_t body, uint64_t end)
{
	const char *p = mbox_window_ptr(&s->w, end);
	uint64_t n = 1;

	if (end <= body || p[-1] != '\n')
		return 0;
	if (end - body >= 2 && p[-2] == '\r')
		n = 2;
	return p[-1 - (ptrdiff_t)n] == '\n' ? n : 0;
}

/* A place for the message whose header was read, NULL for the internal data
 * of the mailbox, which is no message. */
static struct mbox_message *
message_begin(struct scanner *s, uint64_t place,
    const struct mbox_separator *sep, const struct mbox_meta *meta)
{
	struct mbox_scan *scan = s->scan;
	struct mbox_message *m;

	if (place == scan->begin && scan->from == 0) {
		base_set(scan, meta);
		if (scan->internal)
			return NULL;
	}
	m = message_new(scan);
	m->r.place = place;
	date_set(&m->r, sep, meta, scan->now);
	meta_set(m, meta, scan->keywords);
	return m;
}

/* One message, from its separator at *off on, up to the next one. */
static enum found
message_scan(struct scanner *s, uint64_t *off)
{
	struct mbox_separator sep = s->next;
	size_t sep_size = s->next_size;
	uint64_t place = *off, header = place + sep_size;
	uint64_t body, end, bare = 0, blank;
	struct mbox_message *m;
	struct mbox_meta meta;
	enum found found;

	if (s->scan->count == BOUND_MESSAGES) {
		fault_set(s->why, FAULT_LIMIT, "too many messages");
		return FOUND_FAULT;
	}
	keep_from(s, header);
	if ((found = header_end(s, header, &body)) == FOUND_FAULT)
		return found;
	mbox_meta_parse((struct span){ mbox_window_ptr(&s->w, header),
	    (size_t)(body - header) }, s->digest, &meta);
	m = message_begin(s, place, &sep, &meta);
	end = body;
	if (found == FOUND_NOTHING &&
	    (found = body_end(s, body, &end, &bare)) == FOUND_FAULT)
		return found;
	*off = end;
	if (m == NULL)
		return found;
	blank = blank_size(s, body, end);
	m->r.disk_size = end - place;
	m->r.separator = (uint16_t)sep_size;
	m->r.disk_header = (uint32_t)(body - header);
	m->r.wire_size = m->r.wire_header + (end - body - blank) +
	    bare - (blank == 1);
	return found;
}

/* Step over what is before the first separator of the part that is scanned. */
static enum found
lead_skip(struct scanner *s, uint64_t *off)
{
	struct mbox_scan *scan = s->scan;
	const char *p;
	enum found found;
	bool empty = false;

	while (mbox_window_has(&s->w, *off) < LEAD_MAX &&
	    !mbox_window_at_end(&s->w))
		if (mbox_window_read(&s->w, s->why) == -1)
			return FOUND_FAULT;
	p = mbox_window_ptr(&s->w, *off);
	if (scan->from == 0) {
		size_t n = mbox_window_has(&s->w, 0);
		ptrdiff_t at = mbox_separator_first((struct span){ p,
		    n < LEAD_MAX ? n : LEAD_MAX });

		if (at == -1)
			return FOUND_NOTHING;
		*off = (uint64_t)at;
		empty = true;
	} else if (p[-1] != '\n')
		return FOUND_NOTHING;
	else
		while (*p == '\n' || (*p == '\r' && p[1] == '\n')) {
			++*off;
			p++;
		}
	if (*off == scan->to)
		return FOUND_END;
	found = separator_at(s, *off, empty || is_after_empty(s, *off));
	return found;
}

int
mbox_scan(struct mbox_scan *scan, struct fault *why)
{
	struct scanner s = { .scan = scan, .why = why };
	uint64_t off = scan->from;
	enum found found = FOUND_END;

	scan->begin = scan->to;
	if (scan->from == scan->to)
		return 0;
	mbox_window_init(&s.w, scan->fd, off < BACK ? 0 : off - BACK,
	    scan->to);
	s.digest = digest_new();
	if (mbox_window_read(&s.w, why) == -1)
		found = FOUND_FAULT;
	else if ((found = lead_skip(&s, &off)) == FOUND_NOTHING) {
		fault_set(why, FAULT_CORRUPT, "no separator at %llu",
		    (unsigned long long)off);
		found = FOUND_FAULT;
	}
	scan->begin = off;
	while (found == FOUND_SEPARATOR)
		found = message_scan(&s, &off);
	scan->octets = s.w.octets;
	digest_free(s.digest);
	mbox_window_clear(&s.w);
	return found == FOUND_FAULT ? -1 : 0;
}

void
mbox_scan_clear(struct mbox_scan *scan)
{
	free(scan->messages);
	scan->messages = NULL;
	scan->count = scan->room = 0;
}

bool
mbox_scan_header(const char *p, size_t n, const struct record *r,
    const struct mbox_keywords *keywords, struct digest *digest,
    struct mbox_message *out)
{
	struct mbox_separator sep;
	struct mbox_meta meta;

	if (n != (size_t)r->separator + r->disk_header ||
	    !mbox_separator_parse((struct span){ p, r->separator }, true,
	    &sep))
		return false;
	memset(out, 0, sizeof *out);
	mbox_meta_parse((struct span){ p + r->separator, r->disk_header },
	    digest, &meta);
	meta_set(out, &meta, keywords);
	return meta.wire_size == r->wire_header &&
	    memcmp(meta.digest, r->digest, sizeof r->digest) == 0;
}
