/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collecting messages that are to be added: no lock is held while a client
 * sends.  Each message begins at a place of its own, in memory first; when
 * that is full everything goes to an unnamed file.
 */
#include "c-client/store/append.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/memory.h"
#include "c-client/base/trip.h"
#include "c-client/store/account.h"
#include "c-client/store/box_private.h"
#include "c-client/store/driver.h"
#include "c-client/store/transit.h"

#include "c-client/base/banned.h"

/* What goes to the file is written in pieces of this many octets. */
#define PIECE		(256u * 1024)

struct append {
	struct account *account;
	struct box *box;
	bool own;		/* the box was opened here */
	struct arena *arena;	/* keywords of the items */
	struct append_item *items;
	size_t count, room;
	struct buf form;	/* one message, as driver->form() made it */
	driver_form *form_of;	/* NULL: it made none of them */
	const struct driver *keeper;	/* it keeps some of them; NULL */
	struct buf memory;	/* all, or what is not yet in the file */
	int fd;			/* -1: all is in memory */
	uint64_t size;		/* octets collected in all */
	bool failed;		/* octets are missing */
	bool done;
	uint64_t transit;	/* number of the move that it is part of */
};

/* The mailbox of the append before, or another one. */
static struct box *
open_or_take(struct account *account, const struct name *name,
    struct fault *why)
{
	struct box *box = account->kept;
	enum driver_kind kind;

	account->kept = NULL;
	if (box != NULL && strcmp(box->name.path, name->path) == 0 &&
	    driver_of(account, name, &kind, NULL) == box->driver)
		return box;
	box_close(box);
	return box_open_lazy(account, name, false, why);
}

void
append_rest(struct account *account)
{
	box_close(account->kept);
	account->kept = NULL;
}

struct append *
append_new(struct account *account, const struct name *name,
    struct box *selected, struct fault *why)
{
	struct append *a;
	struct box *box = selected;

	/* A mailbox that was selected for reading can be added to. */
	if (box == NULL || box->readonly)
		box = open_or_take(account, name, why);
	if (box == NULL)
		return NULL;
	if (box->readonly) {
		fault_set(why, FAULT_READONLY, "%s can't be written",
		    name->path);
		if (box != selected)
			box_close(box);
		return NULL;
	}
	a = memory_zalloc(sizeof *a);
	a->account = account;
	a->box = box;
	a->own = box != selected;
	a->arena = arena_new(0);
	a->fd = -1;
	buf_init(&a->memory, BOUND_WHOLE);
	buf_init(&a->form, 0);
	return a;
}

static void
unlink_kept(struct append *a)
{
	if (a->keeper == NULL || a->box->driver != a->keeper)
		return;
	for (size_t i = 0; i < a->count; i++)
		if (a->items[i].kept != NULL)
			a->keeper->unlink(a->box, a->items[i].kept);
}

void
append_free(struct append *a)
{
	if (a == NULL)
		return;
	unlink_kept(a);
	/* Who adds one message mostly adds more. */
	if (a->own && a->done && !a->box->readonly) {
		append_rest(a->account);
		a->account->kept = a->box;
	} else if (a->own)
		box_close(a->box);
	if (a->fd != -1)
		close(a->fd);
	buf_clear(&a->memory);
	buf_clear(&a->form);
	arena_free(a->arena);
	free(a->items);
	free(a);
}

/* Minutes east of UTC at that time, as this machine sees it. */
static int16_t
local_zone(time_t when)
{
	struct tm tm;

	if (localtime_r(&when, &tm) == NULL)
		return 0;
	return (int16_t)(tm.tm_gmtoff / 60);
}

int
append_message(struct append *a, uint16_t flags, const struct span *keywords,
    size_t count, bool has_date, int64_t date, int16_t zone,
    struct fault *why)
{
	struct append_item *item;
	struct span *names;

	if (count > BOUND_KEYWORDS)
		return fault_set(why, FAULT_LIMIT, "%zu keywords", count);
	if (a->count == a->room) {
		a->room = a->room == 0 ? 8 : a->room * 2;
		a->items = memory_grow_array(a->items, a->room,
		    sizeof *a->items);
	}
	names = arena_alloc(a->arena, count * sizeof *names);
	for (size_t i = 0; i < count; i++)
		names[i] = arena_span(a->arena, keywords[i]);
	if (!has_date) {
		date = time(NULL);
		zone = local_zone((time_t)date);
	}
	item = &a->items[a->count++];
	*item = (struct append_item){
		.flags = flags & FLAG_ALL_SYSTEM,
		.keywords = names,
		.keyword_count = count,
		.date = date,
		.zone = zone,
		.from = a,
		.at = a->size,
	};
	return 0;
}

static int
file_add(struct append *a, struct span bytes, struct fault *why)
{
	if (TRIP("append.spill") ||
	    file_write_full(a->fd, bytes.p, bytes.n) == -1)
		return fault_errno(why, "temporary file");
	return 0;
}

/* From memory to a file: a large message takes no large process. */
static int
spill(struct append *a, struct fault *why)
{
	if (a->fd == -1)
		a->fd = file_unnamed(a->account->index_dir);
	if (a->fd == -1)
		return fault_errno(why, "temporary file");
	if (file_add(a, buf_span(&a->memory), why) == -1)
		return -1;
	if (a->memory.cap > PIECE)
		buf_clear(&a->memory);
	buf_reset(&a->memory);
	return 0;
}

static int
collect(struct append *a, struct span bytes, struct fault *why)
{
	struct append_item *item = &a->items[a->count - 1];

	if (bytes.n > BOUND_APPEND - item->size)
		return fault_set(why, FAULT_LIMIT, "a message over %u octets",
		    BOUND_APPEND);
	if (bytes.n > (a->fd == -1 ? BOUND_WHOLE : PIECE) - a->memory.n &&
	    spill(a, why) == -1)
		return -1;
	if (a->fd == -1 || bytes.n < PIECE)
		buf_addspan(&a->memory, bytes);
	else if (file_add(a, bytes, why) == -1)
		return -1;
	item->size += bytes.n;
	a->size += bytes.n;
	return 0;
}

int
append_data(struct append *a, struct span bytes, struct fault *why)
{
	if (collect(a, bytes, why) == 0)
		return 0;
	a->failed = true;
	return -1;
}

int
append_whole(struct append *a, struct span message, struct fault *why)
{
	struct append_item *item = &a->items[a->count - 1];

	if (a->box->driver->form == NULL)
		return append_data(a, message, why);
	buf_reset(&a->form);
	item->size = message.n;
	a->box->driver->form(a->box, item, message, &a->form);
	item->size = 0;
	item->formed = true;
	a->form_of = a->box->driver->form;
	return append_data(a, buf_span(&a->form), why);
}

bool
append_link(struct append *a, struct box *from, const struct record *r)
{
	const struct driver *driver = a->box->driver;
	struct buf kept;
	bool done = false;

	if (driver->link == NULL || from->driver != driver)
		return false;
	buf_init(&kept, 0);
	if (driver->link(from, r, a->box, &kept)) {
		a->items[a->count - 1].kept = arena_string(a->arena, kept.p,
		    kept.n);
		a->keeper = driver;
		done = true;
	}
	buf_clear(&kept);
	return done;
}

/* What was made for one format is nothing for another, which the INBOX may have
 * by now. */
static int
give(struct append *a, struct fault *why)
{
	const struct driver *driver = a->box->driver;

	if ((a->form_of != NULL && driver->form != a->form_of) ||
	    (a->keeper != NULL && driver != a->keeper))
		return fault_set(why, FAULT_CHANGED,
		    "%s has another format now", a->box->name.path);
	return driver->append(a->box, a->items, a->count, why);
}

int
append_commit(struct append *a, struct fault *why)
{
	if (a->failed)
		return fault_set(why, FAULT_IO, "a message is not whole");
	if (a->count == 0)
		return 0;
	if (a->fd != -1 && a->memory.n > 0 && spill(a, why) == -1)
		return -1;
	if (give(a, why) == -1 && (!a->box->name.inbox ||
	    why->code != FAULT_NOTFOUND || driver_placeholder() == NULL ||
	    box_follow(a->box, why) == -1 || give(a, why) == -1))
		return -1;
	a->done = true;
	box_write_through(a->box);
	return 0;
}

uint32_t
append_uidvalidity(const struct append *a)
{
	return a->box->unsticky ? 0 : a->box->meta.uidvalidity;
}

size_t
append_count(const struct append *a)
{
	return a->count;
}

uint32_t
append_uid(const struct append *a, size_t i)
{
	return a->items[i].uid;
}

struct box *
append_box(const struct append *a)
{
	return a->box;
}

void
append_in_transit(struct append *a, uint64_t id)
{
	a->transit = id;
}

uint64_t
append_transit(const struct append_item *items)
{
	return items[0].from->transit;
}

void
append_arrive(const struct append_item *items, size_t count)
{
	const struct append *a = items[0].from;

	if (a->transit != 0)
		transit_arrive(a->box, a->transit, items[0].uid, count);
}

int
append_undo(struct append *a, const uint32_t *uids, size_t count,
    struct fault *why)
{
	return box_expunge(a->box, uids, count, false, why);
}

int
append_read(const struct append_item *item, uint64_t off, void *p, size_t len,
    struct fault *why)
{
	const struct append *a = item->from;
	ssize_t got;

	if (off > item->size || len > item->size - off)
		return fault_set(why, FAULT_IO, "a read behind the message");
	if (len == 0)
		return 0;
	if (a->fd == -1) {
		memcpy(p, a->memory.p + item->at + off, len);
		return 0;
	}
	got = file_pread_full(a->fd, p, len, (off_t)(item->at + off));
	if (got == -1)
		return fault_errno(why, "temporary file");
	if ((size_t)got != len)
		return fault_set(why, FAULT_IO, "temporary file is short");
	return 0;
}

struct keywords
append_keywords(const struct box *box, const struct append_item *item)
{
	struct keywords out = { { 0 } };

	for (size_t i = 0; i < item->keyword_count; i++) {
		int bit = box_keyword(box, item->keywords[i]);

		if (bit >= 0)
			out.bits[bit / 64] |= UINT64_C(1) << bit % 64;
	}
	return out;
}
