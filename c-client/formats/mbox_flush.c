/* SPDX-License-Identifier: Apache-2.0 */
/* Writing flags, keywords and UIDs into a mailbox file. */
#include "c-client/formats/mbox_flush.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/log.h"
#include "c-client/base/trip.h"
#include "c-client/formats/mbox.h"
#include "c-client/formats/mbox_base.h"
#include "c-client/formats/mbox_change.h"
#include "c-client/formats/mbox_stamp.h"
#include "c-client/formats/mbox_sync.h"
#include "c-client/store/account.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

/* A client that says goodbye is not kept waiting for others' locks. */
#define LEAVE_SECS	3u

/* So many octets of the file that were passed are given to the disk at once. */
#define AHEAD		(16u * 1024 * 1024)

struct flush {
	struct mbox *m;
	bool leaving;
	uint32_t last;		/* that the file says; 0: none */
	bool named;		/* it has the names of all keywords */
	size_t lacking;		/* the first record without room */
	uint64_t ahead;		/* up to here the disk has what was written */
	struct fault *why;
};

bool
mbox_flush_has_keywords(const struct record *r)
{
	return memcmp(&r->keywords, &r->keywords_seen,
	    sizeof r->keywords) != 0;
}

bool
mbox_flush_is_due(const struct record *r, bool has_base)
{
	return ((r->flags ^ r->flags_seen) & FLAG_ALL_SYSTEM) != 0 ||
	    mbox_flush_has_keywords(r) || (has_base && r->uid_seen != r->uid);
}

/* Is there anything to do at all?  Looks at no file. */
static bool
is_due(const struct flush *f)
{
	const struct box *box = f->m->box;
	struct mbox_stamp s;
	bool has_base = mbox_stamp_load(box, &s) && s.last != 0;

	if (box->count > 0 && !has_base && f->leaving)
		return true;
	if (box_unwritten(box) == 0)
		return false;
	for (size_t i = 0; i < box->count; i++)
		if (mbox_flush_is_due(&box->records[i], has_base))
			return true;
	return false;
}

/* One message: written in place, or found to have no room. */
static int
put_one(struct flush *f, struct mbox_change *c, size_t i)
{
	const struct record *r = &f->m->box->records[i];
	struct mbox_said said;
	struct span head;
	size_t from, to;
	char *header;
	enum mbox_room room;

	if (mbox_change_look(c, i, &head, f->why) == -1)
		return -1;
	mbox_change_said(c, i, f->last != 0, &said);
	header = c->head.p + r->separator;
	room = mbox_room_patch(header, r->disk_header, &said, &from, &to);
	if (room == MBOX_ROOM_NONE) {
		if (i < f->lacking)
			f->lacking = i;
		return 0;
	}
	if (room == MBOX_ROOM_FITS && file_pwrite_full(f->m->fd,
	    header + from, to - from,
	    (off_t)(r->place + r->separator + from)) == -1)
		return fault_errno(f->why, "write %s", f->m->path);
	c->moved[i].made = true;
	c->moved[i].uid = f->last != 0 ? r->uid : r->uid_seen;
	c->moved[i].flags = said.flags;
	c->moved[i].keywords = said.keywords;
	return 0;
}

/* The sync at the end waits for one disk that was idle till then, or for
 * little. */
static void
ahead(struct flush *f, uint64_t place)
{
	if (place < f->ahead + AHEAD)
		return;
	account_sync_ahead(f->m->box->account, f->m->fd, f->ahead,
	    place - f->ahead);
	f->ahead = place;
}

/* All that fits where it is; what the file says after it is taken over.  A
 * message gets no keywords before their names are in the base. */
static int
put_in_place(struct flush *f)
{
	const struct box *box = f->m->box;
	struct mbox_change c;
	int status = 0;

	mbox_change_begin(&c, f->m, 0);
	c.last = f->last;
	c.size = c.plan.old_end;
	for (size_t i = 0; i < box->count && status == 0; i++) {
		const struct record *r = &box->records[i];

		c.moved[i] = (struct mbox_moved){ .place = r->place,
		    .disk_header = r->disk_header };
		if (!f->named && mbox_flush_has_keywords(r)) {
			if (f->lacking > i)
				f->lacking = i;
		} else if (mbox_flush_is_due(r, f->last != 0))
			status = put_one(f, &c, i);
		ahead(f, r->place);
	}
	if (status == 0 && (TRIP("mbox_flush.sync") ||
	    account_sync(box->account, f->m->fd) == -1))
		status = fault_errno(f->why, "sync %s", f->m->path);
	if (status == 0)
		status = mbox_change_commit(&c, f->why);
	mbox_change_end(&c);
	return status;
}

/* Room in all messages that lack it, and a base in the first one or in the
 * internal data where the file has none, or one that is too short. */
static int
make_room(struct flush *f, bool base, bool internal)
{
	const struct box *box = f->m->box;
	struct mbox_change c;
	int status = 0;

	mbox_change_begin(&c, f->m, base ? 0 : f->lacking);
	c.plan.grows = true;
	c.last = f->last != 0 ? f->last : base ? box->meta.uidnext - 1 : 0;
	/* A first message that is made anew keeps its base. */
	c.base = c.first == 0 && c.last != 0 && !internal ? 0 : SIZE_MAX;
	if (base && internal)
		mbox_change_internal(&c);
	for (size_t i = c.first; i < box->count && status == 0; i++) {
		bool made = false;

		if (i == c.base || mbox_flush_is_due(&box->records[i],
		    c.last != 0))
			status = mbox_change_make(&c, i, UINT64_MAX, &made,
			    f->why);
		if (!made && i == c.base) {
			c.last = f->last;
			c.base = SIZE_MAX;
		}
		if (!made)
			mbox_change_keep(&c, i);
	}
	if (status == 0 && c.plan.count > 0)
		status = mbox_change_run(&c, f->why);
	if (status == 0)
		status = mbox_change_commit(&c, f->why);
	mbox_change_end(&c);
	return status;
}

static int
flush_locked(struct flush *f)
{
	struct box *box = f->m->box;
	struct mbox_base base;

	if (mbox_sync_locked(f->m, true, f->why) == -1)
		return -1;
	if (box->count == 0 || !is_due(f))
		return 0;
	if (mbox_base_put(f->m, f->leaving, &f->last, &f->named,
	    f->why) == -1 ||
	    put_in_place(f) == -1)
		return -1;
	if (!f->leaving || (f->lacking == SIZE_MAX && f->last != 0))
		return 0;
	if (mbox_base_look(f->m, &base, f->why) == -1)
		return -1;
	if (f->last == 0 && base.internal && f->lacking == SIZE_MAX)
		return 0;
	return make_room(f, f->last == 0 ? !base.internal : !f->named,
	    base.internal);
}

int
mbox_flush(struct box *box, bool leaving, struct fault *why)
{
	struct mbox *m = box->state;
	struct flush f = { .m = m, .leaving = leaving, .lacking = SIZE_MAX,
	    .why = why };
	uint32_t timeout = m->lock.timeout;
	struct stat st;
	int status;

	if (m->fd == -1 || !m->writable || !is_due(&f))
		return 0;
	if (box_need_all(box, why) == -1)
		return -1;
	/* In a shared one it is no goodbye: UIDs are to be told. */
	if (leaving && !box->shared && timeout > LEAVE_SECS)
		m->lock.timeout = LEAVE_SECS;
	status = mbox_lock(m, MBOX_LOCK_WRITE, &st, why);
	m->lock.timeout = timeout;
	if (status == 0)
		status = flush_locked(&f);
	mbox_unlock(m);
	/* Another program has the mailbox, or there is no room for more: the
	 * index keeps what is wanted. */
	if (status == -1 && (why->code == FAULT_INUSE ||
	    why->code == FAULT_QUOTA || why->code == FAULT_CHANGED ||
	    why->code == FAULT_NOTFOUND)) {
		log_line(LOG_NOTICE, "%s: not written back now: %s", m->path,
		    why->text);
		return 0;
	}
	return status == -1 ? -1 : 0;
}
