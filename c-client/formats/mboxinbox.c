/* SPDX-License-Identifier: Apache-2.0 */
/* The "mbox" format: the INBOX that takes the spool's mail to ~/mbox. */
#include "c-client/formats/mboxinbox.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/clock.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "c-client/formats/mbox_append.h"
#include "c-client/formats/mbox_flush.h"
#include "c-client/formats/mbox_names.h"
#include "c-client/formats/mbox_read.h"
#include "c-client/formats/mboxinbox_move.h"
#include "c-client/store/box.h"
#include "c-client/store/place.h"
#include "c-client/store/watch.h"

#include "c-client/base/banned.h"

/* The account as the functions of the other format shall see it. */
static struct account
seen_as(const struct account *account, struct arena *arena)
{
	struct account out = *account;
	struct buf path;

	buf_init(&path, 0);
	buf_addf(&path, "%s/mbox", account->home);
	out.spool = arena_string(arena, path.p, path.n);
	buf_clear(&path);
	return out;
}

/* Does the name mean ~/mbox, which is INBOX's and has no other name? */
static bool
is_its_file(const struct account *account, const struct name *name)
{
	struct arena *arena = arena_new(0);
	struct account mine = seen_as(account, arena);
	struct buf path;
	bool is;

	buf_init(&path, 0);
	place_path(account, name, &path);
	is = strcmp(buf_string(&path), mine.spool) == 0;
	buf_clear(&path);
	arena_free(arena);
	return is;
}

static enum driver_kind
inbox_probe(struct account *account, const struct name *name,
    struct fault *why)
{
	const struct name inbox = { .path = "INBOX", .inbox = true };
	struct arena *arena;
	struct account mine;
	enum driver_kind kind;

	if (!account->mbox_inbox)
		return DRIVER_NOT_OURS;
	if (!name->inbox && !is_its_file(account, name))
		return DRIVER_NOT_OURS;
	arena = arena_new(0);
	mine = seen_as(account, arena);
	kind = mbox_probe(&mine, &inbox, why);
	arena_free(arena);
	if (kind != DRIVER_MAILBOX)
		return DRIVER_NOT_OURS;
	if (name->inbox)
		return DRIVER_MAILBOX;
	fault_set(why, FAULT_BADNAME, "%s is INBOX", name->path);
	return DRIVER_PART;
}

static int
inbox_open(struct box *box, struct fault *why)
{
	struct mboxinbox *b = memory_zalloc(sizeof *b);
	struct account *real = box->account;

	b->real = real;
	b->account = seen_as(real, box->keep);
	mbox_lock_init(&b->lock, real->spool, 0, real->dot_lock);
	box->account = &b->account;
	if (mbox_open_as(&b->m, box, why) == 0)
		return 0;
	box->account = real;
	return -1;
}

static void
inbox_close(struct box *box)
{
	struct mboxinbox *b = box->state;
	struct account *real;

	if (b == NULL)
		return;
	real = b->real;
	mbox_driver.close(box);
	box->account = real;
}

/* Mail stays where it is, and somebody has to know. */
static void
tell_once(struct mboxinbox *b, const char *text)
{
	if (!b->logged)
		log_line(LOG_WARNING, "new mail stays in %s: %s",
		    b->real->spool, text);
	b->logged = true;
}

/*
 * Both locks, or none: who waits for one with the other in hand may wait for
 * somebody who does the same.  1; 0 if there is nothing to move any more.
 */
static int
lock_both(struct mboxinbox *b, int spool, struct fault *why)
{
	struct mbox *m = &b->m;
	uint32_t timeout = m->lock.timeout;
	double end = clock_steady() + (b->hasty ? 0 : timeout);
	struct stat st, by_name;
	int status = -1;

	for (;;) {
		if (fstat(spool, &st) == -1)
			return fault_errno(why, "stat the spool");
		if (st.st_size == 0 && !mboxinbox_move_is_begun(b->real))
			return 0;
		if (mbox_lock_take(&b->lock, spool, MBOX_LOCK_WRITE,
		    why) == 0) {
			m->lock.timeout = 0;
			status = mbox_lock(m, MBOX_LOCK_WRITE, &st, why);
			m->lock.timeout = timeout;
			if (status == 0)
				break;
			mbox_lock_drop(&b->lock);
		}
		b->hasty = why->code == FAULT_INUSE && clock_steady() >= end;
		if (why->code != FAULT_INUSE || b->hasty)
			return -1;
		clock_pause();
	}
	b->hasty = false;
	/* Is it still the file with this name? */
	if (mbox_stat(b->real, &m->box->name, &by_name) == 0 &&
	    fstat(spool, &st) == 0 && by_name.st_dev == st.st_dev &&
	    by_name.st_ino == st.st_ino)
		return 1;
	mbox_unlock(m);
	mbox_lock_drop(&b->lock);
	return 0;
}

static int
move_from(struct mboxinbox *b, int spool, bool *torn, struct fault *why)
{
	int status = lock_both(b, spool, why);

	*torn = mboxinbox_move_is_begun(b->real);
	if (status != 1)
		return status;
	status = mboxinbox_move(&b->m, spool, torn, why);
	mbox_lock_drop(&b->lock);
	if (status == 0) {
		mboxinbox_move_end(b->real);
		b->logged = false;
	}
	mbox_unlock(&b->m);
	return status;
}

/*
 * What the spool has goes to ~/mbox.  Where that can't be it stays, and is
 * tried again next time; only a part of a copy has to go before anything else
 * is done.
 */
static int
take_mail(struct mboxinbox *b, struct fault *why)
{
	struct mbox *m = &b->m;
	struct fault f = { .code = FAULT_NONE };
	struct stat st;
	bool torn = false;
	int spool, status;

	if (mbox_stat(b->real, &m->box->name, &st) == -1 || m->fd == -1 ||
	    !m->writable || (st.st_size == 0 &&
	    !mboxinbox_move_is_begun(b->real)))
		return 0;
	spool = mbox_open_file(b->real, &m->box->name, O_RDWR, &st, &f);
	if (spool == -1) {
		tell_once(b, f.text);
		return 0;
	}
	if (st.st_dev == m->dev && st.st_ino == m->ino) {
		if (!b->logged)
			log_line(LOG_ALERT, "File %s and %s are the same "
			    "file!", m->path, b->real->spool);
		b->logged = true;
		status = 0;
	} else
		status = move_from(b, spool, &torn, &f);
	close(spool);
	if (status != -1)
		return 0;
	if (f.code != FAULT_INUSE)
		tell_once(b, f.text);
	if (!torn)
		return 0;
	/* It is not the index that has no room. */
	if (f.code == FAULT_QUOTA)
		f.code = FAULT_IO;
	if (why != NULL)
		*why = f;
	return -1;
}

static int
inbox_sync(struct box *box, struct fault *why)
{
	return take_mail(box->state, why) == -1 ? -1 :
	    mbox_driver.sync(box, why);
}

static int
inbox_append(struct box *box, struct append_item *items, size_t count,
    struct fault *why)
{
	return take_mail(box->state, why) == -1 ? -1 :
	    mbox_driver.append(box, items, count, why);
}

static int
inbox_expunge(struct box *box, const uint32_t *uids, size_t count,
    bool deleted_only, struct fault *why)
{
	return take_mail(box->state, why) == -1 ? -1 :
	    mbox_driver.expunge(box, uids, count, deleted_only, why);
}

static int
inbox_create(struct account *account, const struct name *name,
    struct fault *why)
{
	if (name->inbox)
		return fault_set(why, FAULT_EXISTS, "INBOX is there");
	return mbox_create(account, name, why);
}

static void
inbox_watch(struct box *box, struct watch *watch)
{
	struct mboxinbox *b = box->state;

	watch_file(watch, b->m.path);
	watch_file(watch, b->real->spool);
}

const struct driver mboxinbox_driver = {
	.name = "mbox",
	.probe = inbox_probe,
	.open = inbox_open,
	.close = inbox_close,
	.sync = inbox_sync,
	.read = mbox_read,
	.form = mbox_append_form,
	.append = inbox_append,
	.expunge = inbox_expunge,
	.flush = mbox_flush,
	.create = inbox_create,
	.remove = mbox_remove,
	.rename = mbox_rename,
	.list = driver_list_none,
	.watch = inbox_watch,
};
