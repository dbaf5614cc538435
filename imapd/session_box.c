/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The selected mailbox of a session: selecting it, telling what changed in it
 * (RFC 3501 5.2, 7.3, 7.4.1), and which of its messages a command means.
 */
#include "imapd/session_box.h"

#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/store/box.h"
#include "c-client/store/message.h"
#include "c-client/store/parsed.h"
#include "c-client/store/seqset.h"
#include "c-client/store/view.h"
#include "imapd/args.h"
#include "imapd/reply.h"
#include "imapd/session.h"
#include "imapd/workarounds.h"

#include "c-client/base/banned.h"

/* What can't be written stays wanted in the index: the client may leave. */
static void
write_back(struct session *s)
{
	struct fault why;

	if (s->box != NULL && box_flush(s->box, true, &why) == -1)
		reply_log(s, &why);
}

/* Let go of all that belongs to the selected mailbox. */
static void
release(struct session *s)
{
	if (s->parsed != NULL)
		parsed_free(s->parsed);
	reader_free(s->reader);
	view_free(s->view);
	box_close(s->box);
	s->parsed = NULL;
	s->reader = NULL;
	s->view = NULL;
	s->box = NULL;
	s->warned_inuse = false;
}

void
session_unselect(struct session *s)
{
	write_back(s);
	release(s);
}

static bool
tell_progress(struct progress *p, uint64_t done, uint64_t total)
{
	return reply_progress(((struct session_progress *)p)->session, done,
	    total);
}

/* Locks that can't be had do not hide what the index knows. */
static int
first_sync(struct session *s, struct box *box, struct fault *why)
{
	if (box_sync(box, why) == 0)
		return 0;
	if (why->code != FAULT_INUSE || box->meta.uidvalidity == 0)
		return -1;
	reply_warn(s, why);
	s->warned_inuse = true;
	return 0;
}

int
session_select(struct session *s, const struct name *name, bool readonly,
    struct fault *why)
{
	struct box *box;
	struct view *view;

	session_unselect(s);
	if ((box = box_open_lazy(&s->account, name, readonly, why)) == NULL)
		return -1;
	s->progress.progress.tell = tell_progress;
	s->progress.session = s;
	box->progress = &s->progress.progress;
	if (first_sync(s, box, why) == -1 ||
	    (view = view_new(box, readonly || box->readonly, why)) == NULL) {
		box_close(box);
		return -1;
	}
	s->box = box;
	s->view = view;
	s->reader = reader_new(box);
	s->parsed = parsed_new(box, s->reader);
	return 0;
}

bool
session_name(struct session *s, struct span wire, struct name *out)
{
	struct fault why;

	if (name_parse(&s->account, wire, s->parse, out, &why) == 0) {
		if (!out->directory ||
		    workarounds_has(WORKAROUND_DELIMITER))
			return true;
		fault_set(&why, FAULT_BADNAME, "delimiter at the end");
	}
	reply_fault(s, &why);
	return false;
}

bool
session_is_selected(const struct session *s, const struct name *name)
{
	return s->box != NULL && strcmp(s->box->name.path, name->path) == 0;
}

/* Message numbers of a set of numbers. */
static bool
by_number(struct session *s, const struct seqset *set, uint32_t *out,
    size_t *count)
{
	size_t n = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct seqset_range *r = &set->ranges[i];

		if (r->last > s->view->count) {
			reply_bad(s, "There is no message with that number");
			return false;
		}
		for (uint32_t k = r->first; k <= r->last; k++)
			out[n++] = k;
	}
	*count = n;
	return true;
}

static void
by_uid(const struct view *v, const struct seqset *set, uint32_t *out,
    size_t *count)
{
	size_t n = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct seqset_range *r = &set->ranges[i];
		uint32_t k = view_number_from(v, r->first);
		uint32_t end = r->last == UINT32_MAX ?
		    (uint32_t)v->count + 1 : view_number_from(v, r->last + 1);

		while (k < end)
			out[n++] = k++;
	}
	*count = n;
}

bool
session_messages(struct session *s, struct args *a, uint32_t **numbers,
    size_t *count)
{
	const struct view *v = s->view;
	const struct seqset *set;
	struct fault why;
	struct span text;
	uint32_t star = (uint32_t)v->count;

	if (!args_seqset(a, &text)) {
		reply_bad_args(s, a);
		return false;
	}
	if (s->uid && v->count > 0)
		star = view_uid(v, star);
	set = seqset_parse(s->parse, text, star, &why);
	if (set == NULL) {
		reply_bad(s, why.code == FAULT_LIMIT ?
		    "Too many pieces in the set" : "Bad set of numbers");
		return false;
	}
	if (star == 0 && !s->uid && set->count == 0 &&
	    !workarounds_has(WORKAROUND_EMPTY_STAR)) {
		reply_bad(s, "There are no messages");
		return false;
	}
	*numbers = arena_alloc(s->scratch, (v->count + 1) * sizeof **numbers);
	if (!s->uid)
		return by_number(s, set, *numbers, count);
	by_uid(v, set, *numbers, count);
	return true;
}

/* "(\Answered ... keywords)", with "\*" where a client may make new ones. */
static void
add_flag_names(struct buf *out, const struct box *box, bool star)
{
	buf_adds(out, "(\\Answered \\Flagged \\Deleted \\Seen \\Draft");
	for (size_t i = 0; i < box->meta.keyword_count; i++) {
		buf_addc(out, ' ');
		buf_adds(out, box->meta.keywords[i]);
	}
	buf_adds(out, star && box->meta.keyword_count < BOUND_KEYWORDS ?
	    " \\*)" : ")");
}

void
session_flags(struct session *s)
{
	struct buf *out = reply_begin(s);

	buf_adds(out, "* FLAGS ");
	add_flag_names(out, s->box, false);
	reply_end(s);
}

void
session_permanent(struct session *s)
{
	struct buf *out = reply_begin(s);

	buf_adds(out, "* OK [PERMANENTFLAGS ");
	if (s->view->readonly)
		buf_adds(out, "()] No flags can be changed");
	else {
		add_flag_names(out, s->box, true);
		buf_adds(out, "] Flags that are kept");
	}
	reply_end(s);
}

void
session_tell_keywords(struct session *s)
{
	if (s->view->keywords_told == s->box->meta.keyword_count)
		return;
	s->view->keywords_told = s->box->meta.keyword_count;
	session_flags(s);
	session_permanent(s);
}

bool
session_tell_flags(struct session *s, uint32_t number)
{
	const struct record *r = view_record(s->view, number);
	struct buf *out;

	if (r == NULL)
		return true;
	out = reply_begin(s);
	buf_add(out, "* ", 2);
	buf_addnum(out, number);
	buf_adds(out, " FETCH (");
	if (s->uid) {
		buf_adds(out, "UID ");
		buf_addnum(out, r->uid);
		buf_addc(out, ' ');
	}
	buf_adds(out, "FLAGS ");
	reply_flags(out, s->box, r, view_is_recent(s->view, number));
	buf_addc(out, ')');
	return reply_end(s);
}

static void
tell(struct session *s, const struct view_changes *c)
{
	for (size_t i = 0; i < c->expunged_count; i++)
		reply_number(s, c->expunged[i], "EXPUNGE");
	if (c->exists)
		reply_number(s, (uint32_t)s->view->count, "EXISTS");
	if (c->recent)
		reply_number(s, (uint32_t)s->view->recent_count, "RECENT");
	if (c->keywords) {
		session_flags(s);
		session_permanent(s);
		s->view->keywords_told = s->box->meta.keyword_count;
	}
	for (size_t i = 0; i < c->flags_count; i++)
		if (!session_tell_flags(s, c->flags[i]))
			return;
}

/* The session can't go on with this mailbox: numbers and UIDs that the client
 * knows mean nothing any more. */
static bool
lost(struct session *s, const char *text)
{
	release(s);
	session_bye(s, "Killed (lost mailbox)", text);
	return false;
}

bool
session_sync(struct session *s, bool may_expunge)
{
	struct view_changes changes = { 0 };
	struct fault why;
	int rc;

	if (s->view == NULL)
		return true;
	rc = view_sync(s->view, may_expunge, s->scratch, &changes, &why);
	if (changes.renumbered)
		return lost(s, "The mailbox was replaced: select it again");
	tell(s, &changes);
	if (rc == 0) {
		s->warned_inuse = false;
		return true;
	}
	if (why.code == FAULT_NOTFOUND)
		return lost(s, "The mailbox is gone");
	/* Once is enough as long as it lasts. */
	if (!s->warned_inuse)
		reply_warn(s, &why);
	s->warned_inuse = true;
	return true;
}
