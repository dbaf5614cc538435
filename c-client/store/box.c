/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open mailbox: records and meta in memory, the index behind them, the
 * format's driver behind that.
 */
#include "c-client/store/box.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "c-client/base/arena.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "c-client/store/account.h"
#include "c-client/store/box_private.h"
#include "c-client/store/driver.h"
#include "c-client/store/index.h"
#include "c-client/store/place.h"
#include "c-client/store/transit.h"

#include "c-client/base/banned.h"

/* Others may commit again and again while something is read. */
#define READ_TRIES	16

/* INBOX may come and go; so often in one look. */
#define FOLLOW_TRIES	8

/* So many take less memory than all the rest of a session. */
#define RECORDS_FEW	1000

static struct box_private *
private(struct box *box)
{
	return (struct box_private *)box;
}

/* For what is told without changing anything that the caller sees. */
static struct index_records *
records_of(const struct box *box)
{
	return &private((struct box *)(uintptr_t)box)->records;
}

/* The records change from the i-th on. */
static void
note_change(struct box *box, size_t i)
{
	struct box_private *p = private(box);

	if (i < p->from)
		p->from = i;
	p->changed = true;
}

/* The records as the public part shows them. */
static void
publish(struct box *box, bool changed)
{
	struct box_private *p = private(box);
	size_t from = index_changed_from(box->index);

	if (box->meta.uidvalidity == 0 && p->uidvalidity != 0)
		box->lost = p->uidvalidity;
	p->uidvalidity = box->meta.uidvalidity;
	box->records = p->records.p;
	box->count = p->records.count;
	p->here_from = p->here_to = 0;
	if (from < p->from)
		p->from = from;
	if (!changed)
		return;
	box->generation++;
	p->changes[box->generation % BOX_CHANGES] = p->from;
	p->from = SIZE_MAX;
}

size_t
box_changed_from(const struct box *box, uint64_t generation)
{
	const struct box_private *p = (const struct box_private *)box;
	size_t from = SIZE_MAX;

	if (box->generation - generation >= BOX_CHANGES)
		return 0;
	for (; generation < box->generation; generation++)
		if (p->changes[(generation + 1) % BOX_CHANGES] < from)
			from = p->changes[(generation + 1) % BOX_CHANGES];
	return from;
}

static int
refresh(struct box *box, struct fault *why)
{
	struct box_private *p = private(box);
	bool changed = false;
	int status = index_refresh(box->index, &box->meta, &p->records,
	    &changed, why);

	if (status == 0)
		p->unsure = false;
	publish(box, changed);
	return status;
}

/* Take back what a transaction changed in memory. */
static void
reread(struct box *box)
{
	struct box_private *p = private(box);
	struct fault f;

	index_forget_loaded(box->index);
	p->unsure = true;
	if (refresh(box, &f) == -1) {
		/* Nothing is better than what never was. */
		log_line(LOG_ERR, "%s: %s", box->name.path, f.text);
		p->records.count = 0;
	}
	p->from = 0;
	publish(box, true);
}

bool
box_is_unsure(const struct box *box)
{
	return ((const struct box_private *)box)->unsure;
}

/* May INBOX have become another thing than it was? */
static bool
must_follow(const struct box *box, const struct fault *why)
{
	return box->name.inbox && why->code == FAULT_NOTFOUND &&
	    driver_placeholder() != NULL;
}

static void
placeholder_open(struct box *box)
{
	box->driver = driver_placeholder();
	box->driver->open(box, NULL);
}

int
box_follow(struct box *box, struct fault *why)
{
	struct account *account = private(box)->account;
	const struct driver *driver;
	enum driver_kind kind;

	box->driver->close(box);
	/* Whatever fails from here on, it is a box. */
	placeholder_open(box);
	driver = driver_of(account, &box->name, &kind, why);
	if (driver == box->driver)
		return 0;
	if (driver != NULL) {
		box->driver->close(box);
		box->driver = driver;
		if (driver->open(box, why) == 0)
			return 0;
		placeholder_open(box);
	}
	/* It came and went while it was looked at. */
	return why->code == FAULT_NOTFOUND ? 0 : -1;
}

/* Few records are read at once: what is damaged is found out before anybody was
 * told of it. */
static int
read_few(struct box *box, struct fault *why)
{
	struct box_private *p = private(box);

	if (!p->lazy || box->count > RECORDS_FEW)
		return 0;
	p->lazy = false;
	if (box_need_all(box, why) == 0)
		return 0;
	return index_is_damaged(box->index) ? refresh(box, why) : -1;
}

static struct box *
open_box(struct account *account, const struct name *name, bool readonly,
    bool lazy, struct fault *why)
{
	enum driver_kind kind;
	const struct driver *driver = driver_of(account, name, &kind, why);
	struct box_private *p;
	struct box *box;

	/* It came between two looks. */
	if (driver == NULL && name->inbox && why->code == FAULT_NOTFOUND)
		driver = driver_placeholder();
	if (driver == NULL)
		return NULL;
	if (kind == DRIVER_DIRECTORY) {
		fault_set(why, FAULT_BADNAME, "%s is a directory", name->path);
		return NULL;
	}
	p = memory_zalloc(sizeof *p);
	p->from = SIZE_MAX;
	p->through = UINT64_MAX;
	p->account = account;
	box = &p->box;
	box->account = account;
	box->driver = driver;
	box->keep = arena_new(0);
	box->name.path = arena_string(box->keep, name->path,
	    strlen(name->path));
	box->name.inbox = name->inbox;
	p->examined = readonly;
	box->index = index_open(account->index_dir, name->path,
	    account->lock_timeout, why);
	if (box->index == NULL)
		goto fail;
	p->lazy = lazy;
	index_set_lazy(box->index, lazy);
	if (!index_is_durable(box->index))
		box->unsticky = box->readonly = true;
	if (refresh(box, why) == -1 || read_few(box, why) == -1)
		goto fail;
	if (driver->open(box, why) == -1 &&
	    (!must_follow(box, why) || box_follow(box, why) == -1)) {
		box->driver->close(box);
		goto fail;
	}
	box->shared = place_is_shared(account, &box->name);
	/* Only now is it known who says that nothing may be written. */
	p->examined = p->examined && !box->readonly;
	box->readonly = box->readonly || readonly;
	return box;
fail:
	index_close(box->index);
	free(p->records.p);
	arena_free(box->keep);
	free(p);
	return NULL;
}

struct box *
box_open(struct account *account, const struct name *name, bool readonly,
    struct fault *why)
{
	return open_box(account, name, readonly, false, why);
}

struct box *
box_open_lazy(struct account *account, const struct name *name,
    bool readonly, struct fault *why)
{
	return open_box(account, name, readonly, true, why);
}

void
box_close(struct box *box)
{
	struct box_private *p = private(box);

	if (box == NULL)
		return;
	box->driver->close(box);
	index_close(box->index);
	/* The mailbox was deleted or renamed, with its index; what was made in
	 * its place meanwhile is of no use. */
	if (p->gone && box->meta.uidvalidity == 0)
		index_remove(box->account->index_dir, box->name.path,
		    box->account->lock_timeout, NULL);
	free(p->records.p);
	arena_free(box->keep);
	free(p);
}

static bool
has_uids(const struct box *box)
{
	for (size_t i = 0; i < box->count; i++)
		if (box->records[i].uid != box->records[i].uid_seen)
			return false;
	return true;
}

bool
box_write_through(struct box *box)
{
	struct box_private *p = private(box);
	struct fault f = { .code = FAULT_NONE };

	if (!box->shared || box->unsticky || box->missing ||
	    p->through == box->generation)
		return !box->unsticky;
	if (box_need_all(box, &f) == -1)
		return false;
	/* Who only reads has nothing but UIDs to write. */
	if ((!box->readonly || p->examined) && box_unwritten(box) > 0 &&
	    (box->driver->flush(box, true, &f) == -1 ||
	    box_need_all(box, &f) == -1))
		log_line(LOG_WARNING, "UIDs of %s can't be written into it: "
		    "%s", box->name.path, f.text);
	p->through = box->generation;
	if (f.code == FAULT_NONE && has_uids(box))
		return true;
	box->unsticky = box->readonly = true;
	return false;
}

static int
sync_driver(struct box *box, struct fault *why)
{
	int status = box->driver->sync(box, why);

	for (int i = 0; i < FOLLOW_TRIES && status == -1 &&
	    must_follow(box, why); i++) {
		if (box_follow(box, why) == -1)
			return -1;
		status = box->driver->sync(box, why);
	}
	if (status == -1 && must_follow(box, why))
		why->code = FAULT_INUSE;
	return status;
}

static int
sync_once(struct box *box, struct fault *why)
{
	if (sync_driver(box, why) == -1)
		return -1;
	box_write_through(box);
	return 0;
}

static int
sync_all(struct box *box, struct fault *why)
{
	struct fault f = { .code = FAULT_NONE };

	box->unsettled = false;
	if (refresh(box, why) == -1)
		return -1;
	if (sync_once(box, &f) == 0)
		return 0;
	/* What was damaged turned out only when it was needed. */
	if (f.code == FAULT_CORRUPT && index_is_damaged(box->index)) {
		if (refresh(box, why) == -1)
			return -1;
		if (sync_driver(box, &f) == 0)
			return 0;
	}
	/* No room for the index, but the mail is there to be read. */
	if (f.code == FAULT_QUOTA && index_is_durable(box->index) &&
	    index_leave_disk(box->index, &f) == 0) {
		box->unsticky = box->readonly = true;
		if (refresh(box, why) == -1)
			return -1;
		if (sync_once(box, &f) == 0)
			return 0;
	}
	private(box)->gone = f.code == FAULT_NOTFOUND;
	if (why != NULL)
		*why = f;
	return -1;
}

int
box_sync(struct box *box, struct fault *why)
{
	if (sync_all(box, why) == -1)
		return -1;
	if (!box->meta.transits || !transit_settle(box))
		return 0;
	return sync_all(box, why);
}

int
box_expunge(struct box *box, const uint32_t *uids, size_t count,
    bool deleted_only, struct fault *why)
{
	if (box->readonly)
		return fault_set(why, FAULT_READONLY, "%s can't be written",
		    box->name.path);
	if (count == 0)
		return 0;
	/* All that are behind the first one get other places. */
	if (box_need_all(box, why) == -1)
		return -1;
	if (box->driver->expunge(box, uids, count, deleted_only, why) == 0)
		return 0;
	/* No INBOX, no messages. */
	return must_follow(box, why) ? box_sync(box, why) : -1;
}

int
box_flush(struct box *box, bool leaving, struct fault *why)
{
	if (box->readonly || box->missing)
		return 0;
	/* Mostly all is written, and nothing has to be read to know it. */
	if (box_unwritten(box) > 0 && box_need_all(box, why) == -1)
		return -1;
	return box->driver->flush(box, leaving, why);
}

size_t
box_find_from(const struct box *box, uint32_t uid)
{
	return index_find(box->index, records_of(box), uid);
}

ptrdiff_t
box_find(const struct box *box, uint32_t uid)
{
	size_t i = box_find_from(box, uid);

	return i < box->count && box_uid(box, i) == uid ? (ptrdiff_t)i : -1;
}

static bool
is_here(const struct box *box, size_t i)
{
	const struct box_private *p = (const struct box_private *)box;

	return i >= p->here_from && i < p->here_to;
}

uint32_t
box_uid(const struct box *box, size_t i)
{
	return is_here(box, i) ? box->records[i].uid :
	    index_uid(box->index, records_of(box), i);
}

void
box_uids(const struct box *box, size_t i, size_t n, uint32_t *out)
{
	struct index_walk walk = { .to = 0 };
	uint32_t uid;

	for (size_t got; n > 0; n -= got, i += got) {
		got = box_walk(box, &walk, i, &uid);
		got = got < n ? got : n;
		for (size_t k = 0; k < got; k++)
			*out++ = uid++;
	}
}

size_t
box_walk(const struct box *box, struct index_walk *walk, size_t i,
    uint32_t *uid)
{
	return index_walk(box->index, records_of(box), walk, i, uid);
}

size_t
box_next_unseen(const struct box *box, size_t i)
{
	return index_next_unseen(box->index, records_of(box), i);
}

size_t
box_quiet(const struct box *box, size_t i, uint64_t modseq)
{
	return is_here(box, i) ? 0 : index_quiet(box->index, i, modseq);
}

size_t
box_unwritten(const struct box *box)
{
	return index_unwritten(box->index, records_of(box));
}

void
box_sums(const struct box *box, size_t *unseen, uint64_t *octets)
{
	index_sums(box->index, records_of(box), unseen, octets);
}

struct record *
box_at(struct box *box, size_t i)
{
	struct box_private *p = private(box);

	if (is_here(box, i))
		return &box->records[i];
	if (i >= box->count || index_need(box->index, &p->records, i, 1) != 1)
		return NULL;
	index_here(box->index, i, &p->here_from, &p->here_to);
	return &box->records[i];
}

/* There is nothing to be had any more, and nothing is concluded from that. */
static void
give_up(struct box *box)
{
	struct box_private *p = private(box);

	log_line(LOG_ERR, "%s: the index can't be read", box->name.path);
	index_forget_loaded(box->index);
	p->unsure = true;
	p->records.count = 0;
	p->from = 0;
	publish(box, true);
}

struct record *
box_record(struct box *box, uint32_t uid, size_t *at)
{
	struct box_private *p = private(box);
	uint32_t uidvalidity = box->meta.uidvalidity;
	struct fault f;

	for (int i = 0; i < READ_TRIES; i++) {
		ptrdiff_t found = box_find(box, uid);
		struct record *r;
		int got;

		if (found == -1)
			return NULL;
		*at = (size_t)found;
		if ((r = box_at(box, *at)) != NULL)
			return r;
		got = index_need(box->index, &p->records, *at, 1);
		/* Damage: it is found out again from the mailbox, which mostly
		 * has the same UIDs. */
		if (got == -1 && (box_sync(box, &f) == -1 ||
		    box->meta.uidvalidity != uidvalidity))
			break;
		if (got == 0 && refresh(box, &f) == -1)
			break;
	}
	give_up(box);
	return NULL;
}

int
box_need_all(struct box *box, struct fault *why)
{
	struct box_private *p = private(box);
	int got = 0;

	index_set_lazy(box->index, false);
	for (int i = 0; i < READ_TRIES && got == 0; i++) {
		got = index_need(box->index, &p->records, 0, box->count);
		if (got == 0 && refresh(box, why) == -1)
			return -1;
	}
	if (got == 0)
		return fault_set(why, FAULT_INUSE,
		    "%s changes all the time", box->name.path);
	if (got == -1)
		return fault_set(why, FAULT_CORRUPT,
		    "the index of %s can't be read", box->name.path);
	p->here_from = 0;
	p->here_to = box->count;
	return 0;
}

void
box_rest(struct box *box)
{
	struct box_private *p = private(box);

	if (!p->lazy)
		return;
	index_set_lazy(box->index, true);
	index_let_go(box->index, &p->records);
	p->here_from = p->here_to = 0;
}

static int
begin(struct box *box, bool soft, struct fault *why)
{
	struct box_private *p = private(box);
	bool changed = false;
	int status = index_begin(box->index, &box->meta, &p->records,
	    soft || box->account->relaxed, &changed, why);

	p->modseq = 0;
	p->changed = false;
	if (status == 0)
		p->unsure = false;
	publish(box, changed);
	return status;
}

int
box_begin(struct box *box, struct fault *why)
{
	return begin(box, false, why);
}

int
box_begin_soft(struct box *box, struct fault *why)
{
	return begin(box, true, why);
}

int
box_harden(struct box *box, struct fault *why)
{
	if (box_begin(box, why) == -1)
		return -1;
	if (!index_is_soft(box->index)) {
		box_rollback(box);
		return 0;
	}
	/* A commit that changes nothing is synced with all before it. */
	index_note_meta(box->index);
	return box_commit(box, why);
}

int
box_commit(struct box *box, struct fault *why)
{
	struct box_private *p = private(box);
	int status;

	assert(box->count == 0 ||
	    box_uid(box, box->count - 1) < box->meta.uidnext);
	status = index_commit(box->index, &box->meta, &p->records, why);

	if (status == -1)
		reread(box);
	else
		publish(box, p->changed);
	return status;
}

void
box_rollback(struct box *box)
{
	struct box_private *p = private(box);

	index_rollback(box->index);
	if (p->changed)
		reread(box);
}

uint32_t
box_meta_uidvalidity(uint32_t old, int64_t now)
{
	uint32_t value = now < 1 || now > UINT32_MAX ? 1 : (uint32_t)now;

	if (value <= old && old < UINT32_MAX)
		value = old + 1;
	return value;
}

/* Microseconds since 1970: a MODSEQ that no index lost and made anew repeats
 * (docs/ARCHITECTURE, decision 1). */
static uint64_t
clock_modseq(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec < 0)
		return 1;
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t
box_modseq(struct box *box)
{
	struct box_private *p = private(box);
	uint64_t now;

	if (p->modseq != 0)
		return p->modseq;
	now = clock_modseq();
	p->modseq = now > box->meta.highestmodseq ? now :
	    box->meta.highestmodseq + 1;
	box->meta.highestmodseq = p->modseq;
	box_touch_meta(box);
	return p->modseq;
}

void
box_add(struct box *box, const struct record *record)
{
	struct box_private *p = private(box);
	struct index_records *r = &p->records;

	/* The last ones are written again, together with it; where they can't
	 * be read the commit fails. */
	if (r->count > 0)
		index_need(box->index, r, r->count - 1, 1);
	assert(r->count == 0 || record->uid > box_uid(box, r->count - 1));
	index_records_grow(r, r->count + 1);
	r->p[r->count] = *record;
	if (r->p[r->count].modseq == 0)
		r->p[r->count].modseq = box_modseq(box);
	note_change(box, r->count++);
	index_note_added(box->index, r->count);
	publish(box, false);
}

void
box_remove_many(struct box *box, const size_t *gone, size_t count)
{
	struct box_private *p = private(box);
	struct index_records *r = &p->records;
	size_t to, k = 0;

	if (count == 0)
		return;
	index_need(box->index, r, 0, r->count);
	/* From the end: those below keep their places for the index. */
	for (size_t i = count; i-- > 0;)
		index_note_removed(box->index, r, gone[i]);
	to = gone[0];
	for (size_t i = gone[0]; i < r->count; i++) {
		if (k < count && gone[k] == i)
			k++;
		else
			r->p[to++] = r->p[i];
	}
	r->count = to;
	/* Somebody who asks for changes since a MODSEQ is told of them. */
	box_modseq(box);
	note_change(box, gone[0]);
	publish(box, false);
}

void
box_remove(struct box *box, size_t i)
{
	box_remove_many(box, &i, 1);
}

void
box_remove_all(struct box *box, bool forget)
{
	struct box_private *p = private(box);

	index_note_removed_all(box->index, &p->records, forget);
	p->records.count = 0;
	box_modseq(box);
	note_change(box, 0);
	publish(box, false);
}

void
box_touch(struct box *box, size_t i)
{
	index_note_touched(box->index, i);
	note_change(box, i);
}

void
box_touch_meta(struct box *box)
{
	index_note_meta(box->index);
	private(box)->changed = true;
}

int
box_keyword(const struct box *box, struct span name)
{
	for (size_t i = 0; i < box->meta.keyword_count; i++)
		if (span_is(name, box->meta.keywords[i]))
			return (int)i;
	return -1;
}

int
box_keyword_add(struct box *box, struct span name, struct fault *why)
{
	int bit = box_keyword(box, name);

	if (bit != -1)
		return bit;
	if (!index_keyword_is_valid(name))
		return fault_set(why, FAULT_SYNTAX, "no keyword");
	if (box->meta.keyword_count == BOUND_KEYWORDS)
		return fault_set(why, FAULT_LIMIT, "over %u keywords in %s",
		    BOUND_KEYWORDS, box->name.path);
	bit = (int)box->meta.keyword_count++;
	box->meta.keywords[bit] = arena_string(box->keep, name.p, name.n);
	box_touch_meta(box);
	return bit;
}
