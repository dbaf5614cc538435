/* SPDX-License-Identifier: Apache-2.0 */
/* A message as it is written into a mailbox file.  Pure formatting. */
#include "c-client/formats/mbox_format.h"

#include <stdlib.h>
#include <string.h>

#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/memory.h"
#include "c-client/formats/mbox_meta.h"
#include "c-client/formats/mbox_separator.h"
#include "c-client/mime/date.h"
#include "c-client/store/append.h"
#include "c-client/store/record.h"

#include "c-client/base/banned.h"

#define BLOCK		(128u * 1024)

/* Columns for the names of keywords to come.  With the other three lines this
 * makes the 160 octets or so that a message needs to have its flags changed
 * in place. */
#define KEYWORD_ROOM	96u

/* Renaming makes a header longer, at worst three times. */
#define HEADER_MAX	(BOUND_MIME_HEADER / 4)

/* So much of a line says what it is. */
#define LINE_HEAD	(MBOX_SEPARATOR_MAX + 2)

/* A message as it comes from the client, a block at a time. */
struct feed {
	const struct append_item *item;
	uint64_t read;		/* octets of it that were read */
	char *block;
	size_t at, n;
	struct fault *why;
};

void
mbox_format_date(struct buf *out, int64_t secs, int zone)
{
	static const char weekdays[7][4] = {
		"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"
	};
	static const char months[12][4] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun",
		"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
	};
	int64_t least = date_days(1, 1, 1) * 86400;
	int64_t most = date_days(9999, 12, 31) * 86400 + 86399;
	int64_t local, days, in_day, year;
	int month, day, minutes = zone < 0 ? -zone : zone;

	if (minutes >= 24 * 60)
		zone = minutes = 0;
	local = secs < least ? least : secs > most ? most : secs;
	local += (int64_t)zone * 60;
	local = local < least ? least : local > most ? most : local;
	days = local / 86400 - (local % 86400 < 0);
	in_day = local - days * 86400;
	date_civil(days, &year, &month, &day);
	buf_addf(out, "%s %s %2d %02d:%02d:%02d %04d %c%02d%02d",
	    weekdays[(days % 7 + 11) % 7], months[month - 1], day,
	    (int)(in_day / 3600), (int)(in_day / 60 % 60),
	    (int)(in_day % 60), (int)year, zone < 0 ? '-' : '+',
	    minutes / 60, minutes % 60);
}

/* At least `want` octets in the block, if there are so many. */
static int
feed_fill(struct feed *f, size_t want)
{
	uint64_t left = f->item->size - f->read;
	size_t k;

	if (f->n - f->at >= want || left == 0)
		return 0;
	memmove(f->block, f->block + f->at, f->n - f->at);
	f->n -= f->at;
	f->at = 0;
	k = BLOCK - f->n;
	if (k > left)
		k = (size_t)left;
	if (append_read(f->item, f->read, f->block + f->n, k, f->why) == -1)
		return -1;
	f->n += k;
	f->read += k;
	return 0;
}

static bool
feed_is_end(const struct feed *f)
{
	return f->at == f->n && f->read == f->item->size;
}

/* What the next line begins with: up to its LF, or LINE_HEAD octets. */
static struct span
feed_head(const struct feed *f)
{
	struct span s = { f->block + f->at, f->n - f->at };
	const char *lf;

	if (s.n > LINE_HEAD)
		s.n = LINE_HEAD;
	lf = memchr(s.p, '\n', s.n);
	if (lf != NULL)
		s.n = (size_t)(lf - s.p) + 1;
	return s;
}

static int
put(struct mbox_sink *sink, const char *p, size_t n, struct fault *why)
{
	return n == 0 ? 0 : sink->write(sink, p, n, why);
}

/* One line, with LF at its end; a CRLF loses its CR unless there are two. */
static int
line_put(struct feed *f, struct mbox_sink *sink)
{
	char before = '\0';

	for (;;) {
		const char *p, *lf;
		size_t n;

		if (feed_fill(f, 4) == -1)
			return -1;
		p = f->block + f->at;
		n = f->n - f->at;
		if (n == 0)
			return put(sink, "\n", 1, f->why);
		lf = memchr(p, '\n', n);
		if (lf != NULL) {
			size_t k = (size_t)(lf - p);
			char last = k > 1 ? p[k - 2] : before;

			f->at += k + 1;
			if (k > 0 && p[k - 1] == '\r' && last != '\r')
				k--;
			return put(sink, p, k, f->why) == -1 ? -1 :
			    put(sink, "\n", 1, f->why);
		}
		/* Two octets wait: they may be CRs before an LF. */
		if (f->read < f->item->size)
			n -= 2;
		if (put(sink, p, n, f->why) == -1)
			return -1;
		before = p[n - 1];
		f->at += n;
	}
}

/*
 * The lines of a body that are whole in the block and can't be taken for a
 * separator, in one piece: their CRs are taken out where they stand.  What is
 * left for line_put() is a line with an F at its beginning, or one that goes
 * on behind the block.
 */
static int
plain_lines_put(struct feed *f, bool *after_empty, struct mbox_sink *sink)
{
	char *from = f->block + f->at, *to = from;
	const char *p = from, *end = f->block + f->n;

	while (p < end && *p != 'F') {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t n;

		if (lf == NULL)
			break;
		n = (size_t)(lf - p);
		if (n > 0 && lf[-1] == '\r' && (n == 1 || lf[-2] != '\r'))
			n--;
		if (to != p)
			memmove(to, p, n);
		to += n;
		*to++ = '\n';
		*after_empty = n == 0;
		p = lf + 1;
	}
	f->at += (size_t)(p - from);
	return put(sink, from, (size_t)(to - from), f->why);
}

/* Behind a header of so many octets; not where a scan would not look for it
 * any more. */
static int
metadata_put(const struct append_item *item, uint64_t octets,
    struct mbox_sink *sink, struct fault *why)
{
	struct buf b;
	size_t names;
	int status;

	if (octets > HEADER_MAX)
		return 0;
	buf_init(&b, 0);
	buf_adds(&b, (item->flags & FLAG_SEEN) != 0 ? "Status: RO" :
	    "Status: O ");
	buf_adds(&b, "\nX-Status: ");
	names = b.n;
	if ((item->flags & FLAG_DELETED) != 0)
		buf_addc(&b, 'D');
	if ((item->flags & FLAG_FLAGGED) != 0)
		buf_addc(&b, 'F');
	if ((item->flags & FLAG_ANSWERED) != 0)
		buf_addc(&b, 'A');
	if ((item->flags & FLAG_DRAFT) != 0)
		buf_addc(&b, 'T');
	while (b.n < names + 4)
		buf_addc(&b, ' ');
	buf_adds(&b, "\nX-Keywords: ");
	names = b.n;
	for (size_t i = 0; i < item->keyword_count; i++) {
		buf_addspan(&b, item->keywords[i]);
		buf_addc(&b, ' ');
	}
	while (b.n < names + KEYWORD_ROOM)
		buf_addc(&b, ' ');
	/* A number above X-IMAPbase's last one would make other programs
	 * renumber the mailbox; here is room for it. */
	buf_adds(&b, "\nX-UID:           \n");
	status = put(sink, b.p, b.n, why);
	buf_clear(&b);
	return status;
}

/* A line that must not be what it looks like. */
static int
disguise_put(struct feed *f, bool header, bool after_empty,
    struct mbox_sink *sink)
{
	struct span head = feed_head(f);
	struct mbox_separator sep;

	/* On disk its line end may be shorter, and the limit counts it. */
	if (head.n > 0 && head.p[head.n - 1] == '\n')
		head.n--;
	if (head.n > 0 && head.p[head.n - 1] == '\r')
		head.n--;
	if (header && mbox_meta_is_hidden(mbox_meta_field(head)))
		return put(sink, "X-Original-", 11, f->why);
	if (mbox_separator_parse(head, after_empty, &sep))
		return put(sink, ">", 1, f->why);
	return 0;
}

static int
lines_put(struct feed *f, struct mbox_sink *sink)
{
	bool header = true, after_empty = false;

	while (feed_fill(f, LINE_HEAD) == 0) {
		struct span head;
		bool empty;

		if (feed_is_end(f))
			return header ? metadata_put(f->item, f->read, sink,
			    f->why) : 0;
		if (!header) {
			size_t was = f->at;

			if (plain_lines_put(f, &after_empty, sink) == -1)
				return -1;
			if (f->at > was)
				continue;
		}
		head = feed_head(f);
		empty = span_eq(head, SPAN("\n")) ||
		    span_eq(head, SPAN("\r\n"));
		if (header && empty) {
			if (metadata_put(f->item, f->read - (f->n - f->at),
			    sink, f->why) == -1)
				return -1;
			header = false;
		} else if (disguise_put(f, header, after_empty, sink) == -1)
			return -1;
		if (line_put(f, sink) == -1)
			return -1;
		after_empty = empty;
	}
	return -1;
}

static int
message_put(struct feed *f, struct span sender, struct mbox_sink *sink)
{
	struct buf line;
	int status = -1;

	buf_init(&line, 0);
	buf_addspan(&line, sender);
	mbox_format_date(&line, f->item->date, f->item->zone);
	buf_addc(&line, '\n');
	if (put(sink, line.p, line.n, f->why) == 0 && lines_put(f, sink) == 0)
		status = put(sink, "\n", 1, f->why);
	buf_clear(&line);
	return status;
}

int
mbox_format(const struct append_item *item, struct span sender,
    struct mbox_sink *sink, struct fault *why)
{
	struct feed f = { .item = item, .why = why };
	int status;

	f.block = memory_alloc(BLOCK);
	status = message_put(&f, sender, sink);
	free(f.block);
	return status;
}

struct buf_sink {
	struct mbox_sink sink;	/* first: write() gets this */
	struct buf *out;
};

static int
buf_write(struct mbox_sink *sink, const char *p, size_t n, struct fault *why)
{
	(void)why;
	buf_add(((struct buf_sink *)sink)->out, p, n);
	return 0;
}

void
mbox_format_whole(const struct append_item *item, struct span message,
    struct span sender, struct buf *out)
{
	struct buf_sink to = { .sink = { .write = buf_write }, .out = out };
	struct feed f = { .item = item, .read = message.n, .n = message.n };

	/* Lines are made shorter where they stand. */
	f.block = memory_alloc(message.n + 1);
	if (message.n > 0)
		memcpy(f.block, message.p, message.n);
	message_put(&f, sender, &to.sink);
	free(f.block);
}
