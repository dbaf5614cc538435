/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rewriting a mailbox file in place.
 *
 * A file that becomes shorter is written from its front to its end, one that
 * grows from its end to its front: what is written comes from behind, or from
 * before, all that was written till then.  Between both is the gap.  A piece
 * that fits the gap destroys nothing when it is written; a longer one goes to
 * the redo file first.
 */
#include "c-client/formats/mbox_rewrite.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/memory.h"
#include "c-client/base/trip.h"
#include "c-client/formats/mbox_redo.h"

#include "c-client/base/banned.h"

/*
 * A gap from this on is worth being filled directly: each piece costs syncs,
 * and a long one through the redo file is written twice.  What goes directly
 * is written while it is read, so many octets at a time, and the disk begins
 * with them at once.
 */
#ifdef TRIPS
#define DIRECT_LEAST	(2u * 1024)
#define DIRECT_MOST	MBOX_REDO_PIECE
#define STREAM		1000u
#else
#define DIRECT_LEAST	(4u * 1024 * 1024)
#define DIRECT_MOST	(128u * 1024 * 1024)
#define STREAM		(1024u * 1024)
#endif

struct work {
	int fd;
	struct mbox_redo *redo;
	struct mbox_plan *plan;
	struct mbox_gap gap;
	struct buf piece;
	uint64_t target;	/* where the piece goes */
	uint64_t streamed;	/* octets of it that are written, before those
				 * in `piece` */
	bool direct;		/* it may be written while it is read */
	bool unsynced;		/* the piece before was written, and is in the
				 * redo file still */
	size_t at;		/* the next segment; growing: behind it */
	uint64_t inside;	/* octets of it that are done, at its front or,
				 * growing, at its end */
	uint64_t done, total;	/* octets written, and in all */
	struct fault *why;
};

static struct mbox_segment *
segment_add(struct mbox_plan *p)
{
	if (p->count == p->room) {
		p->room = p->room == 0 ? 64 : p->room * 2;
		p->segments = memory_grow_array(p->segments, p->room,
		    sizeof *p->segments);
	}
	return &p->segments[p->count++];
}

void
mbox_plan_copy(struct mbox_plan *p, uint64_t from, uint64_t n)
{
	struct mbox_segment *last = p->count == 0 ? NULL :
	    &p->segments[p->count - 1];

	if (n == 0)
		return;
	if (last != NULL && last->message == MBOX_SEGMENT_COPY &&
	    last->from + last->from_n == from) {
		last->from_n += n;
		last->n += n;
		return;
	}
	*segment_add(p) = (struct mbox_segment){ .from = from, .from_n = n,
	    .n = n, .message = MBOX_SEGMENT_COPY };
}

void
mbox_plan_make(struct mbox_plan *p, uint64_t from, uint64_t from_n,
    uint64_t n, size_t message)
{
	*segment_add(p) = (struct mbox_segment){ .from = from,
	    .from_n = from_n, .n = n, .message = message };
}

void
mbox_plan_clear(struct mbox_plan *p)
{
	free(p->segments);
	p->segments = NULL;
	p->count = p->room = 0;
}

static int
octets_read(struct work *w, uint64_t from, uint64_t n, struct buf *out)
{
	char *room = buf_room(out, (size_t)n);
	ssize_t got = file_pread_full(w->fd, room, (size_t)n, (off_t)from);

	if (got == -1)
		return fault_errno(w->why, "read mailbox");
	if ((uint64_t)got != n)
		return fault_set(w->why, FAULT_IO,
		    "mailbox became shorter while it was rewritten");
	out->n += (size_t)n;
	return 0;
}

/* Nothing else is written, to the mailbox or the redo file, before this. */
static int
settle(struct work *w)
{
	if (w->unsynced && (TRIP("mbox_rewrite.sync") ||
	    fdatasync(w->fd) == -1))
		return fault_errno(w->why, "write mailbox");
	w->unsynced = false;
	return 0;
}

/* What there is of the piece, into the gap. */
static int
stream(struct work *w)
{
	if (settle(w) == -1)
		return -1;
	if (file_pwrite_ahead(w->fd, w->piece.p, w->piece.n,
	    w->target + w->streamed) == -1)
		return fault_errno(w->why, "write mailbox");
	w->streamed += w->piece.n;
	buf_reset(&w->piece);
	return 0;
}

static int
copy_read(struct work *w, uint64_t from, uint64_t n)
{
	while (w->direct && n > STREAM) {
		if (octets_read(w, from, STREAM, &w->piece) == -1 ||
		    stream(w) == -1)
			return -1;
		from += STREAM;
		n -= STREAM;
	}
	if (octets_read(w, from, n, &w->piece) == -1)
		return -1;
	return w->direct && w->piece.n >= STREAM ? stream(w) : 0;
}

/* The segment's octets [off, off+n) as they are to be. */
static int
segment_read(struct work *w, const struct mbox_segment *s, uint64_t off,
    uint64_t n)
{
	size_t before = w->piece.n;
	struct buf old;
	int status;

	if (s->message == MBOX_SEGMENT_COPY)
		return copy_read(w, s->from + off, n);
	buf_init(&old, 0);
	status = octets_read(w, s->from, s->from_n, &old);
	if (status == 0)
		status = w->plan->make(w->plan, s, buf_span(&old), &w->piece,
		    w->why);
	buf_clear(&old);
	if (status == 0 && w->piece.n - before != s->n)
		return fault_set(w->why, FAULT_IO,
		    "a header is not as it was planned");
	return status;
}

/* Octets of the gap that may be written over.  A file that grows keeps the mark
 * at the gap's beginning. */
static uint64_t
gap_room(const struct work *w)
{
	uint64_t gap = w->gap.to - w->gap.from;

	if (!w->plan->grows)
		return gap;
	return gap > MBOX_REDO_MARK ? gap - MBOX_REDO_MARK : 0;
}

/* How long the next piece may be: it fits the gap, or the redo file. */
static uint64_t
piece_limit(const struct work *w)
{
	uint64_t gap = gap_room(w);

	if (w->redo->fd != -1 && gap < DIRECT_LEAST)
		return MBOX_REDO_PIECE;
	return gap < DIRECT_MOST ? gap : DIRECT_MOST;
}

static uint64_t
piece_size(const struct work *w)
{
	return w->streamed + w->piece.n;
}

/* The next piece goes to `target`; does it fit the gap whatever comes? */
static void
piece_begin(struct work *w, uint64_t target, bool direct)
{
	buf_reset(&w->piece);
	w->target = target;
	w->streamed = 0;
	w->direct = direct;
}

/* So much of a segment of which `left` octets are to be done goes into a piece
 * that has `room` left: all of a header, or nothing. */
static uint64_t
share(const struct mbox_segment *s, uint64_t left, uint64_t room)
{
	if (left <= room)
		return left;
	return s->message == MBOX_SEGMENT_COPY ? room : 0;
}

/* Towards the end: what is next, into w->piece; *after is the gap then. */
static int
piece_forward(struct work *w, struct mbox_gap *after)
{
	const struct mbox_plan *p = w->plan;
	uint64_t limit = piece_limit(w);

	piece_begin(w, w->gap.from, limit <= gap_room(w));
	while (w->at < p->count && piece_size(w) < limit) {
		const struct mbox_segment *s = &p->segments[w->at];
		uint64_t n = share(s, s->n - w->inside,
		    limit - piece_size(w));

		/* A header that fits nothing goes through the redo file. */
		if (n == 0 && piece_size(w) == 0 && w->redo->fd != -1) {
			n = s->n;
			w->direct = false;
		}
		if (n == 0)
			break;
		if (segment_read(w, s, w->inside, n) == -1)
			return -1;
		w->inside += n;
		if (w->inside == s->n) {
			w->at++;
			w->inside = 0;
		}
	}
	after->from = w->gap.from + piece_size(w);
	after->to = w->at == p->count ? p->old_end :
	    p->segments[w->at].from + w->inside;
	return 0;
}

/* Towards the beginning: first it is decided what goes into the piece, then
 * it is read in its order. */
static int
piece_backward(struct work *w, struct mbox_gap *after)
{
	const struct mbox_plan *p = w->plan;
	uint64_t limit = piece_limit(w), sum = 0, cut = 0, inside = w->inside;
	size_t first = w->at;

	while (first > 0 && sum < limit) {
		const struct mbox_segment *s = &p->segments[first - 1];
		uint64_t left = s->n - (first == w->at ? inside : 0);
		uint64_t n = share(s, left, limit - sum);

		if (n == 0 && sum == 0)
			n = left;
		if (n == 0)
			break;
		sum += n;
		cut = left - n;
		if (cut > 0) {
			cut = s->n - cut;
			first--;
			break;
		}
		first--;
	}
	piece_begin(w, w->gap.to - sum, sum <= gap_room(w));
	/* `cut` octets of the end of segment `first` are done after this. */
	for (size_t i = first; i < w->at; i++) {
		const struct mbox_segment *s = &p->segments[i];
		uint64_t from = i == first && cut > 0 ? s->n - cut : 0;
		uint64_t to = s->n - (i == w->at - 1 ? inside : 0);

		if (segment_read(w, s, from, to - from) == -1)
			return -1;
	}
	w->at = cut > 0 ? first + 1 : first;
	w->inside = cut;
	after->to = w->gap.to - sum;
	after->from = cut > 0 ?
	    p->segments[first].from + p->segments[first].n - cut :
	    first < p->count ? p->segments[first].from : p->start;
	return 0;
}

/* Write the piece, which destroys what it is made from: through the redo
 * file.  The disk is at it while the next piece is read. */
static int
piece_through(struct work *w, struct mbox_gap after)
{
	if (w->redo->fd == -1)
		return fault_set(w->why, FAULT_QUOTA,
		    "no room to rewrite the mailbox");
	if (settle(w) == -1 || mbox_redo_note(w->redo, w->gap, after, w->target,
	    buf_span(&w->piece), w->why) == -1)
		return -1;
	if (file_pwrite_ahead(w->fd, w->piece.p, w->piece.n,
	    w->target) == -1)
		return fault_errno(w->why, "write mailbox");
	w->unsynced = true;
	w->gap = after;
	return 0;
}

/* Write the piece into the gap: until it is there the gap is where it was. */
static int
piece_direct(struct work *w, struct mbox_gap after)
{
	if (stream(w) == -1)
		return -1;
	if (TRIP("mbox_rewrite.sync_gap") || fdatasync(w->fd) == -1)
		return fault_errno(w->why, "write mailbox");
	if (w->redo->fd != -1 && mbox_redo_note(w->redo, after, after, 0,
	    SPAN(""), w->why) == -1)
		return -1;
	w->gap = after;
	return 0;
}

static int
piece_write(struct work *w, struct mbox_gap after)
{
	uint64_t n = piece_size(w);
	int status;

	if (n == 0)
		return fault_set(w->why, FAULT_QUOTA,
		    "no room to rewrite the mailbox");
	status = n <= gap_room(w) ? piece_direct(w, after) :
	    piece_through(w, after);
	w->done += n;
	if (status == 0 && w->plan->tell != NULL)
		w->plan->tell(w->plan, w->done, w->total);
	return status;
}

/* Room for all of it before the first octet moves. */
static int
extend(struct work *w)
{
	struct mbox_plan *p = w->plan;
	off_t n = (off_t)(p->new_end - p->old_end);

	if (n == 0)
		return 0;
	if (!TRIP("mbox_rewrite.allocate") &&
	    fallocate(w->fd, 0, (off_t)p->old_end, n) == 0)
		return 0;
	if (errno == EOPNOTSUPP && !TRIP("mbox_rewrite.extend") &&
	    ftruncate(w->fd, (off_t)p->new_end) == 0)
		return 0;
	fault_errno(w->why, "room in the mailbox");
	if (TRIP("mbox_rewrite.undo") ||
	    ftruncate(w->fd, (off_t)p->old_end) == -1)
		return fault_errno(w->why, "truncate mailbox");
	return -1;
}

/* Cut off what is behind the last octet.  After this note nothing is replayed
 * any more: others may add mail to the file that was cut. */
static int
cut_off(struct work *w)
{
	if (w->redo->fd != -1 && mbox_redo_note(w->redo, w->gap, w->gap, 0,
	    SPAN(""), w->why) == -1)
		return -1;
	if (TRIP("mbox_rewrite.truncate") ||
	    ftruncate(w->fd, (off_t)w->gap.from) == -1 ||
	    TRIP("mbox_rewrite.cut_sync") || fdatasync(w->fd) == -1)
		return fault_errno(w->why, "truncate mailbox");
	return 0;
}

/* The gap as it is in the beginning. */
static int
begin(struct work *w)
{
	struct mbox_plan *p = w->plan;

	for (size_t i = 0; i < p->count; i++)
		w->total += p->segments[i].n;
	w->at = p->grows ? p->count : 0;
	w->gap = p->grows ? (struct mbox_gap){ p->old_end, p->new_end } :
	    (struct mbox_gap){ p->start, p->count == 0 ? p->old_end :
	    p->segments[0].from };
	if (p->grows && w->redo->fd == -1)
		return fault_set(w->why, FAULT_QUOTA,
		    "no room to rewrite the mailbox");
	/* Where nothing is to be moved the note from before may still have to
	 * be replayed. */
	if (w->redo->fd != -1 && w->total > 0 && mbox_redo_note(w->redo,
	    w->gap, w->gap, 0, SPAN(""), w->why) == -1)
		return -1;
	return p->grows ? extend(w) : 0;
}

/*
 * One gap, with nothing of what is before it changed yet: blocks are cut out of
 * it, and the header that was behind it is written, longer, from its beginning
 * on.  What follows that is where it belongs.
 */
static int
gap_cut(struct work *w, uint64_t from, const struct mbox_segment *s)
{
	struct mbox_segment near = *s;
	uint64_t cut = s->from - from - (s->n - s->from_n);
	uint64_t at = (from + w->plan->block - 1) / w->plan->block *
	    w->plan->block;

	w->gap = (struct mbox_gap){ from, s->from };
	if (cut > 0) {
		if (mbox_redo_note_cut(w->redo, w->gap, at, cut,
		    w->why) == -1)
			return -1;
		if (TRIP("mbox_rewrite.collapse") || fallocate(w->fd,
		    FALLOC_FL_COLLAPSE_RANGE, (off_t)at, (off_t)cut) == -1)
			return fault_set(w->why, FAULT_CANNOT,
			    "blocks can't be cut out of this file");
	}
	near.from -= cut;
	w->gap.to -= cut;
	piece_begin(w, from, false);
	if (segment_read(w, &near, 0, near.n) == -1)
		return -1;
	return piece_through(w, (struct mbox_gap){ from + near.n,
	    from + near.n }) == -1 ? -1 : settle(w);
}

static int
cut_all(struct work *w)
{
	const struct mbox_plan *p = w->plan;

	for (size_t i = p->count; i-- > 0;) {
		const struct mbox_segment *s = &p->segments[i];
		uint64_t from = i == 0 ? p->start :
		    s[-1].from + s[-1].from_n;

		if (from < s->from && gap_cut(w, from, s) == -1)
			return -1;
	}
	return mbox_redo_note(w->redo, w->gap, w->gap, 0, SPAN(""), w->why);
}

/* Piece after piece. */
static int
move(struct work *w)
{
	while (w->done < w->total) {
		struct mbox_gap after = w->gap;

		if ((w->plan->grows ? piece_backward(w, &after) :
		    piece_forward(w, &after)) == -1 ||
		    piece_write(w, after) == -1)
			return -1;
	}
	return settle(w);
}

/* Has a program that takes no lock, or won't wait for it, added something
 * meanwhile?  That is moved too, before the file is cut off. */
static bool
is_late(struct work *w)
{
	struct mbox_plan *p = w->plan;
	struct stat st;
	uint64_t n;

	if (fstat(w->fd, &st) == -1 || (uint64_t)st.st_size <= p->old_end)
		return false;
	n = (uint64_t)st.st_size - p->old_end;
	mbox_plan_copy(p, p->old_end, n);
	/* What is done of a segment that became longer is done. */
	if (w->at == p->count) {
		w->at--;
		w->inside = p->segments[w->at].n - n;
	}
	p->old_end += n;
	p->new_end += n;
	w->total += n;
	return true;
}

int
mbox_rewrite(int fd, struct mbox_redo *redo, struct mbox_plan *p,
    struct fault *why)
{
	struct work w = { .fd = fd, .redo = redo, .plan = p, .why = why };
	int status;

	if (p->block > 0) {
		buf_init(&w.piece, 0);
		status = cut_all(&w);
		buf_clear(&w.piece);
		return status;
	}
	status = begin(&w);
	buf_init(&w.piece, 0);
	do {
		if (status == 0)
			status = move(&w);
	} while (status == 0 && !p->grows && is_late(&w));
	buf_clear(&w.piece);
	if (status == 0)
		status = p->grows ? mbox_redo_note(redo, w.gap, w.gap, 0,
		    SPAN(""), why) : cut_off(&w);
	return status;
}
