/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: opening, looking for news, expunging, closing. */
#include <stdlib.h>
#include <string.h>

#include "c-client/api/local.h"
#include "c-client/api/mail_link.h"
#include "c-client/api/tell.h"
#include "c-client/api/user.h"
#include "c-client/base/arena.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/store/box.h"
#include "c-client/store/cursor.h"
#include "c-client/store/message.h"
#include "c-client/store/view.h"

#include "c-client/base/banned.h"

/* The box of a new stream; locks that can't be had do not hide what the index
 * knows. */
static int
open_box(struct local *l, const struct name *name, bool readonly,
    struct fault *why)
{
	l->box = box_open_lazy(&l->user->account, name, readonly, why);
	if (l->box == NULL)
		return -1;
	if (box_sync(l->box, why) == -1) {
		if (why->code != FAULT_INUSE ||
		    l->box->meta.uidvalidity == 0)
			return -1;
		tell_warning("Can't look for new mail: %s", why->text);
		l->warned = true;
	}
	l->view = view_new(l->box, readonly || l->box->readonly, why);
	if (l->view == NULL)
		return -1;
	l->reader = reader_new(l->box);
	return 0;
}

static char *
canonical(const struct name *name)
{
	struct buf wire;
	char *copy;

	buf_init(&wire, 0);
	name_write(&wire, name->path);
	copy = cpystr(buf_string(&wire));
	buf_clear(&wire);
	return copy;
}

static MAILSTREAM *
stream_new(struct local *l, const struct name *name, char *text,
    long options)
{
	MAILSTREAM *s = fs_get(sizeof *s);

	memset(s, 0, sizeof *s);
	s->local = l;
	s->dtb = mail_link_of(l->box->driver);
	s->mailbox = canonical(name);
	s->original_mailbox = cpystr(text);
	s->inbox = name->inbox;
	s->debug = (options & OP_DEBUG) != 0;
	s->silent = (options & OP_SILENT) != 0;
	s->scache = (options & OP_SHORTCACHE) != 0;
	s->rdonly = l->view->readonly;
	s->perm_seen = s->perm_deleted = s->perm_flagged = s->perm_answered =
	    s->perm_draft = !s->rdonly;
	s->uid_nosticky = l->box->unsticky;
	s->nmsgs = l->view->count;
	s->recent = l->view->recent_count;
	s->uid_validity = l->view->uidvalidity;
	s->uid_last = l->box->meta.uidnext - 1;
	local_keywords(s);
	return s;
}

/* Not with OP_PROTOTYPE, OP_HALFOPEN: there is nothing half open here. */
static MAILSTREAM *
open_stream(struct user *u, char *text, long options)
{
	struct local *l;
	MAILSTREAM *s;
	struct name name;
	struct fault why;

	if (options & (OP_PROTOTYPE | OP_HALFOPEN)) {
		tell_error("Can't open mailbox half only");
		return NULL;
	}
	if (!user_name(u, text, "open mailbox", &name))
		return NULL;
	l = memory_zalloc(sizeof *l);
	l->user = u;
	if (open_box(l, &name, (options & OP_READONLY) != 0, &why) == -1) {
		tell_fault("open mailbox", text, &why);
		local_release(l);
		free(l);
		return NULL;
	}
	s = stream_new(l, &name, text, options);
	if (s->rdonly && !(options & OP_READONLY) && !s->silent)
		tell_warning("Mailbox %.80s can only be read", text);
	return s;
}

MAILSTREAM *
mail_open(MAILSTREAM *old, char *name, long options)
{
	/* It may be the old stream's own. */
	char *text = cpystr(name);
	struct user *u;
	MAILSTREAM *s = NULL;

	mail_close_full(old, options & OP_EXPUNGE ? CL_EXPUNGE : NIL);
	u = user_new();
	if (u != NULL) {
		u->depth++;
		s = open_stream(u, text, options);
		if (s == NULL)
			user_free(u);
		else if (!s->silent)
			mm_exists(s, s->nmsgs);
		if (s != NULL)
			local_leave(s, u);
	}
	free(text);
	return s;
}

/* UIDs of those of the messages that are \Deleted; `numbers` NULL is all. */
static uint32_t *
deleted_of(struct local *l, const uint32_t *numbers, size_t *count)
{
	size_t all = numbers == NULL ? l->view->count : *count, n = 0;
	uint32_t *uids = arena_alloc(l->user->scratch,
	    (all + 1) * sizeof *uids);
	struct cursor cursor = { 0 };

	for (size_t i = 0; i < all; i++) {
		const struct record *r = cursor_record(&cursor, l->view,
		    numbers == NULL ? (uint32_t)(i + 1) : numbers[i]);

		if (r != NULL && r->flags & FLAG_DELETED)
			uids[n++] = r->uid;
	}
	*count = n;
	return uids;
}

static int
expunge(struct local *l, const uint32_t *numbers, size_t count,
    struct fault *why)
{
	uint32_t *uids;

	/* Another session may have said \Deleted just now. */
	if (box_sync(l->box, why) == -1)
		return -1;
	/* The UIDs of a mailbox that was replaced are other messages'. */
	if (l->box->meta.uidvalidity != l->view->uidvalidity)
		return fault_set(why, FAULT_CHANGED, "%s was replaced",
		    l->box->name.path);
	uids = deleted_of(l, numbers, &count);
	return box_expunge(l->box, uids, count, true, why);
}

/* T, or NIL after mm_log(). */
static long
expunge_sequence(MAILSTREAM *stream, char *sequence, bool uid)
{
	struct local *l = stream->local;
	uint32_t *numbers = NULL;
	size_t count = 0;
	struct fault why;
	int status;

	if (stream->rdonly)
		return tell_error("Can't expunge %s: it can only be read",
		    stream->mailbox);
	if (sequence != NULL &&
	    local_sequence(stream, sequence, uid, &numbers, &count) == -1)
		return NIL;
	mm_critical(stream);
	status = expunge(l, numbers, count, &why);
	mm_nocritical(stream);
	return status == 0 ? T : tell_fault("expunge", stream->mailbox, &why);
}

long
mail_expunge_full(MAILSTREAM *stream, char *sequence, long options)
{
	struct local *l = local_of(stream);
	struct user *u;
	long done;

	if (l == NULL)
		return tell_error("Can't expunge: there is no open mailbox");
	u = local_enter(stream);
	done = expunge_sequence(stream, sequence, (options & EX_UID) != 0);
	if (!local_sync(stream))
		done = NIL;
	local_leave(stream, u);
	return done;
}

long
mail_ping(MAILSTREAM *stream)
{
	struct user *u;
	bool alive;

	if (local_of(stream) == NULL)
		return NIL;
	u = local_enter(stream);
	alive = local_sync(stream);
	local_leave(stream, u);
	return alive ? T : NIL;
}

/* What can't be written stays wanted in the index. */
static void
write_back(MAILSTREAM *stream, bool leaving)
{
	struct local *l = stream->local;
	struct fault why;
	int status;

	mm_critical(stream);
	status = box_flush(l->box, leaving, &why);
	mm_nocritical(stream);
	if (status == -1)
		tell_warning("Flags of %s are not in the mailbox itself yet: "
		    "%s", stream->mailbox, why.text);
}

void
mail_check(MAILSTREAM *stream)
{
	if (local_of(stream) == NULL)
		return;
	write_back(stream, false);
	mail_ping(stream);
}

MAILSTREAM *
mail_close_full(MAILSTREAM *stream, long options)
{
	if (stream == NULL)
		return NULL;
	if (local_of(stream) != NULL) {
		local_enter(stream);
		if (options & CL_EXPUNGE && !stream->rdonly)
			expunge_sequence(stream, NULL, false);
		write_back(stream, true);
	}
	local_free(stream->local);
	for (size_t i = 0; i < NUSERFLAGS; i++)
		free(stream->user_flags[i]);
	free(stream->mailbox);
	free(stream->original_mailbox);
	free(stream);
	return NULL;
}

void
mail_gc(MAILSTREAM *stream, long gcflags)
{
	struct local *l = stream == NULL ? NULL : stream->local;

	if (l == NULL)
		return;
	if (gcflags & GC_ENV)
		local_forget_parsed(l);
	if (gcflags & GC_TEXTS)
		local_forget_texts(l);
}
