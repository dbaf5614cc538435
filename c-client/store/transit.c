/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notes of moves, and finishing what somebody who was killed has left.
 *
 * All copies are there or none (append.h), under UIDs that follow each other,
 * and a UID is never given to another message.  So what a note says stays true
 * whatever was done to the mailboxes since, and to finish a move twice does
 * nothing.
 */
#include "c-client/store/transit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "c-client/base/trip.h"
#include "c-client/store/account.h"
#include "c-client/store/append.h"
#include "c-client/store/box_private.h"
#include "c-client/store/name.h"
#include "c-client/store/seqset.h"

#include "c-client/base/banned.h"

/* In the index directory; each move locks the octet of its number. */
#define LOCKS		".transit.lock"

#define NOTE_FORMAT	0x54524e01u

enum note_kind {
	NOTE_LEAVING = 1,	/* in the source's index: where they went */
	NOTE_COMING		/* in the target's */
};

/* What follows is the path of the other mailbox, and, of those that are
 * coming, their UIDs in the source as a sequence set. */
struct note_head {
	uint32_t format;
	uint32_t kind;
	uint32_t path_n;
	uint32_t count;		/* messages */
	uint32_t from_validity;	/* UIDVALIDITY of the source, */
	uint32_t to_validity;	/* and of the target */
	uint32_t first;		/* UID in the target; 0: not arrived */
};

struct note {
	struct note_head head;
	struct name other;
	const struct seqset *uids;
};

struct transit {
	uint64_t id;
	int lock;
	struct box *from;
	struct box *to;
};

/* The lock of this number: a descriptor to close; -1 with errno, EAGAIN where
 * somebody has it. */
static int
lock_take(const struct account *account, uint64_t id)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
	    .l_start = (off_t)id, .l_len = 1 };
	struct buf path;
	int fd, e;

	buf_init(&path, 0);
	buf_addf(&path, "%s/%s", account->index_dir, LOCKS);
	fd = TRIP("transit.lock_open") ? -1 : open(buf_string(&path), O_RDWR |
	    O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	buf_clear(&path);
	if (fd == -1)
		return -1;
	if (!TRIP("transit.lock") && fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return fd;
	e = errno == EACCES ? EAGAIN : errno;
	close(fd);
	errno = e;
	return -1;
}

/* A number that nobody else has now, nor had. */
static uint64_t
number(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return ((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec) &
	    INT64_MAX;
}

static void
note_write(struct buf *out, struct note_head *head, const char *path,
    struct span uids)
{
	head->format = NOTE_FORMAT;
	head->path_n = (uint32_t)strlen(path);
	buf_add(out, head, sizeof *head);
	buf_adds(out, path);
	buf_addspan(out, uids);
}

static size_t
set_size(const struct seqset *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->count; i++)
		n += set->ranges[i].last - set->ranges[i].first + 1;
	return n;
}

/* What is in an index is hostile until checked: the path has to be one that
 * a client may name. */
static bool
note_read(const struct account *account, struct arena *arena, struct span data,
    struct note *out)
{
	struct span path, uids;
	struct fault f;
	struct buf wire;
	bool good;

	if (data.n < sizeof out->head)
		return false;
	memcpy(&out->head, data.p, sizeof out->head);
	data = span_slice(data, sizeof out->head, data.n);
	if (out->head.format != NOTE_FORMAT || out->head.path_n > data.n ||
	    out->head.path_n > BOUND_MAILBOX_NAME)
		return false;
	path = span_slice(data, 0, out->head.path_n);
	uids = span_slice(data, out->head.path_n, data.n);
	if (memchr(path.p, '\0', path.n) != NULL)
		return false;
	buf_init(&wire, 0);
	name_write(&wire, arena_string(arena, path.p, path.n));
	good = name_parse(account, buf_span(&wire), arena, &out->other,
	    &f) == 0 && span_eq(span_of(out->other.path), path);
	buf_clear(&wire);
	if (!good || out->head.kind == NOTE_LEAVING)
		return good && uids.n == 0;
	out->uids = seqset_parse(arena, uids, 0, &f);
	return out->head.kind == NOTE_COMING && out->uids != NULL &&
	    out->head.count <= BOUND_MESSAGES &&
	    set_size(out->uids) == out->head.count &&
	    out->head.first <= UINT32_MAX - out->head.count;
}

/* The note of this number that the box has; false if there is none. */
static bool
note_find(const struct box *box, struct arena *arena, uint64_t id,
    struct note *out)
{
	struct index_transit all[INDEX_TRANSITS];
	size_t n = index_transit_list(box->index, arena, all);

	for (size_t i = 0; i < n; i++)
		if (all[i].id == id)
			return note_read(box->account, arena, all[i].data,
			    out);
	return false;
}

/* Softly: a kill leaves it as it is, and after a loss of power some message
 * may be in both mailboxes. */
static int
note_put(struct box *box, uint64_t id, struct span data, struct fault *why)
{
	if (box_begin_soft(box, why) == -1)
		return -1;
	index_transit_put(box->index, id, data);
	box_touch_meta(box);
	return box_commit(box, why);
}

static void
note_drop(struct box *box, uint64_t id)
{
	struct fault f;

	if (box != NULL && note_put(box, id, (struct span){ "", 0 }, &f) == -1)
		log_line(LOG_WARNING, "note of a move in %s: %s",
		    box->name.path, f.text);
}

static int
notes_make(struct transit *t, struct span uids, uint32_t count,
    struct fault *why)
{
	struct note_head coming = { .kind = NOTE_COMING, .count = count,
	    .from_validity = t->from->meta.uidvalidity };
	struct note_head leaving = { .kind = NOTE_LEAVING, .count = count };
	struct buf note;
	int status = 0;

	buf_init(&note, 0);
	/* Within a mailbox one is enough. */
	if (strcmp(t->from->name.path, t->to->name.path) != 0) {
		note_write(&note, &leaving, t->to->name.path,
		    (struct span){ "", 0 });
		status = note_put(t->from, t->id, buf_span(&note), why);
		buf_reset(&note);
	}
	TRIP_KILL("transit.leaving");
	if (status == 0) {
		note_write(&note, &coming, t->from->name.path, uids);
		status = note_put(t->to, t->id, buf_span(&note), why);
	}
	buf_clear(&note);
	TRIP_KILL("transit.coming");
	if (status == 0 && t->from->meta.uidvalidity != coming.from_validity)
		return fault_set(why, FAULT_CHANGED, "%s was replaced",
		    t->from->name.path);
	return status;
}

/* More than are in one command are not noted down. */
static bool
is_short(struct span uids)
{
	size_t pieces = 1;

	for (size_t i = 0; i < uids.n; i++)
		pieces += uids.p[i] == ',';
	return pieces <= BOUND_SEQSET && uids.n + sizeof(struct note_head) +
	    BOUND_MAILBOX_NAME <= INDEX_TRANSIT_MAX;
}

int
transit_begin(struct transit **out, struct box *from, struct append *to,
    const uint32_t *uids, size_t count, struct fault *why)
{
	const struct account *account = from->account;
	struct transit *t;
	struct buf set;
	int status;

	*out = NULL;
	if (account->index_dir == NULL || count == 0)
		return 0;
	buf_init(&set, 0);
	seqset_write(&set, uids, count);
	if (!is_short(buf_span(&set))) {
		buf_clear(&set);
		return 0;
	}
	t = memory_zalloc(sizeof *t);
	t->from = from;
	t->to = append_box(to);
	do
		t->lock = lock_take(account, t->id = number());
	while (t->lock == -1 && errno == EAGAIN);
	status = t->lock == -1 ? fault_errno(why, "lock %s/%s",
	    account->index_dir, LOCKS) :
	    notes_make(t, buf_span(&set), (uint32_t)count, why);
	buf_clear(&set);
	if (status == -1) {
		transit_end(t, t->lock != -1);
		return -1;
	}
	append_in_transit(to, t->id);
	*out = t;
	return 0;
}

void
transit_end(struct transit *t, bool clear)
{
	if (t == NULL)
		return;
	if (clear) {
		note_drop(t->to, t->id);
		TRIP_KILL("transit.cleared");
		if (t->from != t->to)
			note_drop(t->from, t->id);
	}
	if (t->lock != -1)
		close(t->lock);
	free(t);
}

void
transit_arrive(struct box *box, uint64_t id, uint32_t first, size_t count)
{
	struct arena *arena = arena_new(0);
	struct index_transit all[INDEX_TRANSITS];
	size_t n = index_transit_list(box->index, arena, all);
	struct note note;

	for (size_t i = 0; i < n; i++) {
		struct span data = all[i].data;
		struct buf b;

		if (all[i].id != id || !note_read(box->account, arena, data,
		    &note) || note.head.kind != NOTE_COMING ||
		    note.head.count != count || note.head.first != 0)
			continue;
		note.head.first = first;
		note.head.to_validity = box->meta.uidvalidity;
		buf_init(&b, 0);
		buf_add(&b, &note.head, sizeof note.head);
		buf_addspan(&b, span_slice(data, sizeof note.head, data.n));
		index_transit_put(box->index, id, buf_span(&b));
		box_touch_meta(box);
		buf_clear(&b);
	}
	arena_free(arena);
}

/* --- What others left ----------------------------------------------------- */

/* Two mailboxes and what is to be done between them. */
struct work {
	struct account *account;
	struct arena *arena;
	uint64_t id;
	struct box *from, *to;	/* opened for it; NULL: not there any more */
};

/* 0 with *out NULL where there is no such mailbox. */
static int
open_synced(struct work *w, const struct name *name, struct box **out,
    struct fault *why)
{
	struct box *box = box_open_lazy(w->account, name, false, why);

	*out = NULL;
	if (box != NULL) {
		((struct box_private *)box)->settling = true;
		if (box_sync(box, why) == 0) {
			*out = box;
			return 0;
		}
		box_close(box);
	}
	return why->code == FAULT_NOTFOUND || why->code == FAULT_BADNAME ?
	    0 : -1;
}

/* Remove from the source what the target has. */
static int
remove_arrived(struct work *w, const struct note *note, struct fault *why)
{
	uint32_t *uids = memory_grow_array(NULL, note->head.count + 1,
	    sizeof *uids), copy = note->head.first;
	size_t n = 0;
	int status;

	for (size_t i = 0; i < note->uids->count; i++) {
		const struct seqset_range *r = &note->uids->ranges[i];

		for (uint32_t k = 0; k <= r->last - r->first; k++, copy++)
			if (box_find(w->to, copy) >= 0 &&
			    box_find(w->from, r->first + k) >= 0)
				uids[n++] = r->first + k;
	}
	status = n == 0 ? 0 : box_expunge(w->from, uids, n, false, why);
	if (status == 0 && n > 0)
		log_line(LOG_NOTICE, "%s: a move to %s that was cut short was "
		    "finished: %zu messages are removed here",
		    w->from->name.path, w->to->name.path, n);
	free(uids);
	return status;
}

/* 0: all that can be done is done, and the notes may go. */
static int
finish(struct work *w, const struct name *from, const struct name *to,
    struct fault *why)
{
	struct note note;

	if (open_synced(w, to, &w->to, why) == -1)
		return -1;
	if (w->to == NULL || !note_find(w->to, w->arena, w->id, &note) ||
	    note.head.kind != NOTE_COMING || note.head.first == 0 ||
	    note.head.to_validity != w->to->meta.uidvalidity)
		return 0;
	if (strcmp(from->path, to->path) == 0)
		w->from = w->to;
	else if (open_synced(w, from, &w->from, why) == -1)
		return -1;
	if (w->from == NULL ||
	    note.head.from_validity != w->from->meta.uidvalidity)
		return 0;
	return remove_arrived(w, &note, why);
}

/* One note of the box, whose number is locked. */
static int
settle_one(struct box *box, struct arena *arena, uint64_t id,
    struct fault *why)
{
	struct box_private *p = (struct box_private *)box;
	struct work w = { .account = p->account, .arena = arena, .id = id };
	struct note note;
	int status = 0;

	/* One that says nothing, or was settled meanwhile, can go. */
	if (note_find(box, arena, id, &note))
		status = note.head.kind == NOTE_LEAVING ?
		    finish(&w, &box->name, &note.other, why) :
		    finish(&w, &note.other, &box->name, why);
	if (status == 0) {
		note_drop(w.to, id);
		TRIP_KILL("transit.settled");
		note_drop(w.from, id);
		note_drop(box, id);
	}
	if (w.from != w.to)
		box_close(w.from);
	box_close(w.to);
	return status;
}

bool
transit_settle(struct box *box)
{
	struct box_private *p = (struct box_private *)box;
	struct index_transit all[INDEX_TRANSITS];
	struct arena *arena;
	size_t n;
	bool done = false;

	/* What could not be done is left to who opens it next. */
	if (p->settling || box->account->index_dir == NULL)
		return false;
	arena = arena_new(0);
	n = index_transit_list(box->index, arena, all);
	for (size_t i = 0; i < n; i++) {
		int lock = lock_take(box->account, all[i].id);
		struct fault f;

		if (lock == -1)
			continue;
		if (settle_one(box, arena, all[i].id, &f) == 0)
			done = true;
		else {
			p->settling = true;
			log_line(LOG_WARNING, "a move that was cut short: %s",
			    f.text);
		}
		close(lock);
	}
	arena_free(arena);
	return done;
}
