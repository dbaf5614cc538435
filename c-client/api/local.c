/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of a stream, by number.  Numbers are the view's; they change in
 * local_sync() alone.
 */
#include "c-client/api/local.h"

#include <stdlib.h>
#include <string.h>

#include "c-client/api/mail_date.h"
#include "c-client/api/mail_link.h"
#include "c-client/api/tell.h"
#include "c-client/api/user.h"
#include "c-client/base/arena.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/mime/date.h"
#include "c-client/store/box.h"
#include "c-client/store/message.h"
#include "c-client/store/seqset.h"
#include "c-client/store/view.h"

#include "c-client/base/banned.h"

struct local *
local_of(const MAILSTREAM *stream)
{
	struct local *l = stream == NULL ? NULL : stream->local;

	return l == NULL || l->view == NULL ? NULL : l;
}

struct user *
local_enter(const MAILSTREAM *stream)
{
	struct local *l = stream == NULL ? NULL : stream->local;
	struct user *u = l == NULL ? user_new() : l->user;

	tell_here();
	if (u != NULL)
		u->depth++;
	return u;
}

void
local_leave(const MAILSTREAM *stream, struct user *u)
{
	if (stream == NULL || stream->local == NULL)
		user_free(u);
	else if (--u->depth == 0)
		arena_reset(u->scratch);
}

/* What the record says; of a message that is gone, what it said last. */
static void
fill(MAILSTREAM *stream, MESSAGECACHE *elt)
{
	struct local *l = stream->local;
	uint32_t number = (uint32_t)elt->msgno;
	const struct record *r = view_record(l->view, number);

	if (r == NULL)
		return;
	elt->rfc822_size = r->wire_size;
	elt->seen = (r->flags & FLAG_SEEN) != 0;
	elt->deleted = (r->flags & FLAG_DELETED) != 0;
	elt->flagged = (r->flags & FLAG_FLAGGED) != 0;
	elt->answered = (r->flags & FLAG_ANSWERED) != 0;
	elt->draft = (r->flags & FLAG_DRAFT) != 0;
	elt->user_flags = r->keywords.bits[0] &
	    ((UINT64_C(1) << NUSERFLAGS) - 1);
	mail_date_set(elt, &(struct date){ r->date, r->zone });
	elt->recent = view_is_recent(l->view, number);
	elt->valid = 1;
}

static void
make_room(struct local *l, size_t count)
{
	if (count <= l->room)
		return;
	l->messages = memory_grow_array(l->messages, count, sizeof(void *));
	while (l->room < count)
		l->messages[l->room++] = NULL;
}

struct local_message *
local_message(MAILSTREAM *stream, unsigned long number)
{
	struct local *l = local_of(stream);
	struct local_message *m;

	if (l == NULL || number == 0 || number > l->view->count)
		return NULL;
	make_room(l, l->view->count);
	m = l->messages[number - 1];
	if (m == NULL) {
		m = memory_zalloc(sizeof *m);
		m->elt.msgno = number;
		l->messages[number - 1] = m;
	}
	fill(stream, &m->elt);
	return m;
}

struct local_message *
local_asked(MAILSTREAM *stream, unsigned long number, bool uid)
{
	struct local_message *m;

	if (local_of(stream) == NULL) {
		tell_error("There is no open mailbox");
		return NULL;
	}
	m = local_message(stream, uid ? mail_msgno(stream, number) : number);
	if (m == NULL)
		tell_error("There is no message with the %s %lu",
		    uid ? "UID" : "number", number);
	return m;
}

uint32_t
local_uid(const MAILSTREAM *stream, unsigned long number)
{
	const struct local *l = stream->local;

	return view_uid(l->view, (uint32_t)number);
}

/* Message numbers of a set of UIDs. */
static size_t
by_uid(const struct view *v, const struct seqset *set, uint32_t *out)
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
	return n;
}

static size_t
by_number(const struct view *v, const struct seqset *set, uint32_t *out)
{
	size_t n = 0;

	if (set->count > 0 && set->ranges[set->count - 1].last > v->count)
		return SIZE_MAX;
	for (size_t i = 0; i < set->count; i++)
		for (uint32_t k = set->ranges[i].first;
		    k <= set->ranges[i].last; k++)
			out[n++] = k;
	return n;
}

int
local_sequence(MAILSTREAM *stream, const char *text, bool uid,
    uint32_t **numbers, size_t *count)
{
	struct local *l = local_of(stream);
	const struct seqset *set;
	struct fault why;
	uint32_t star;

	if (l == NULL || text == NULL) {
		tell_error("There is no open mailbox, or no sequence");
		return -1;
	}
	star = (uint32_t)l->view->count;
	if (uid && star > 0)
		star = view_uid(l->view, star);
	set = seqset_parse(l->user->scratch, span_of(text), star, &why);
	if (set == NULL) {
		tell_error("Bad sequence: %s", why.text);
		return -1;
	}
	*numbers = arena_alloc(l->user->scratch,
	    (l->view->count + 1) * sizeof **numbers);
	*count = uid ? by_uid(l->view, set, *numbers) :
	    by_number(l->view, set, *numbers);
	if (*count != SIZE_MAX)
		return 0;
	tell_error("Bad sequence: there are %zu messages", l->view->count);
	return -1;
}

void
local_keywords(MAILSTREAM *stream)
{
	struct local *l = stream->local;
	const struct box_meta *meta = &l->box->meta;

	for (size_t i = 0; i < NUSERFLAGS; i++) {
		const char *is = i < meta->keyword_count ? meta->keywords[i] :
		    NULL;

		if (is != NULL && stream->user_flags[i] != NULL &&
		    strcmp(is, stream->user_flags[i]) == 0)
			continue;
		fs_give((void **)&stream->user_flags[i]);
		stream->user_flags[i] = cpystr(is);
		if (is != NULL && !stream->rdonly)
			stream->perm_user_flags |= 1ul << i;
	}
	stream->kwd_create = !stream->rdonly &&
	    meta->keyword_count < NUSERFLAGS;
	l->view->keywords_told = meta->keyword_count;
}

void
local_tell_flags(MAILSTREAM *stream, unsigned long number)
{
	struct local *l = local_of(stream);

	if (l == NULL || number > l->view->count)
		return;
	if (number <= l->room && l->messages[number - 1] != NULL)
		fill(stream, &l->messages[number - 1]->elt);
	if (!stream->silent)
		mm_flags(stream, number);
}

static void
forget_parsed(struct local_message *m)
{
	mail_free_envelope(&m->env);
	mail_free_body(&m->body);
}

/* Each number is as it is counted when those before it are gone; so the i-th
 * was at the place `number - 1 + i`. */
static void
take_out(struct local *l, const uint32_t *expunged, size_t count)
{
	size_t to = count == 0 ? l->room : expunged[0] - 1, gone = 0;

	for (size_t from = to; from < l->room; from++) {
		struct local_message *m = l->messages[from];

		if (gone < count && from == expunged[gone] - 1 + gone) {
			gone++;
			if (m == NULL)
				continue;
			forget_parsed(m);
			free(m);
			continue;
		}
		if (m != NULL)
			m->elt.msgno = to + 1;
		l->messages[to++] = m;
	}
	while (to < l->room)
		l->messages[to++] = NULL;
}

static void
tell(MAILSTREAM *stream, const struct view_changes *c)
{
	struct local *l = stream->local;

	if (c->expunged_count > 0 && l->parsed != 0)
		local_parse_only(l, 0);
	take_out(l, c->expunged, c->expunged_count);
	if (c->keywords)
		local_keywords(stream);
	/* INBOX may have become a mailbox of another format. */
	stream->dtb = mail_link_of(l->box->driver);
	stream->recent = l->view->recent_count;
	stream->uid_last = l->view->last;
	for (size_t i = 0; i < c->expunged_count; i++) {
		stream->nmsgs--;
		if (!stream->silent)
			mm_expunged(stream, c->expunged[i]);
	}
	stream->nmsgs = l->view->count;
	if (!stream->silent && (c->exists || c->expunged_count > 0))
		mm_exists(stream, stream->nmsgs);
	for (size_t i = 0; i < c->flags_count; i++)
		local_tell_flags(stream, c->flags[i]);
}

static bool
lost(MAILSTREAM *stream, const char *text)
{
	local_release(stream->local);
	stream->nmsgs = stream->recent = 0;
	stream->unhealthy = 1;
	tell_notify(stream, text, BYE);
	return false;
}

bool
local_sync(MAILSTREAM *stream)
{
	struct local *l = stream->local;
	struct view_changes changes = { 0 };
	struct fault why;
	int status;

	/* Not while a program's function hears of other changes. */
	if (l->user->depth > 1)
		return true;
	status = view_sync(l->view, true, l->user->scratch, &changes, &why);
	if (changes.renumbered)
		return lost(stream, "The mailbox was replaced: open it again");
	tell(stream, &changes);
	if (status == 0) {
		l->warned = false;
		return true;
	}
	if (why.code == FAULT_NOTFOUND)
		return lost(stream, "The mailbox is gone");
	/* Once is enough as long as it lasts. */
	if (!l->warned)
		tell_warning("Can't look for new mail: %s", why.text);
	l->warned = true;
	return true;
}

void
local_forget_parsed(struct local *l)
{
	for (size_t i = 0; i < l->room; i++)
		if (l->messages[i] != NULL)
			forget_parsed(l->messages[i]);
}

/* No search for it: a program that wants one at a time goes over all. */
void
local_parse_only(struct local *l, unsigned long number)
{
	if (l->parsed != number && l->parsed != 0)
		forget_parsed(l->messages[l->parsed - 1]);
	l->parsed = number;
}

void
local_forget_texts(struct local *l)
{
	for (size_t i = 0; i < LOCAL_TEXTS; i++)
		buf_clear(&l->texts[i]);
	if (l->reader != NULL)
		reader_forget(l->reader);
}

/* What the program was handed stays until the stream is closed. */
void
local_release(struct local *l)
{
	reader_free(l->reader);
	view_free(l->view);
	box_close(l->box);
	l->reader = NULL;
	l->view = NULL;
	l->box = NULL;
}

void
local_free(struct local *l)
{
	local_release(l);
	local_forget_texts(l);
	for (size_t i = 0; i < l->room; i++) {
		if (l->messages[i] == NULL)
			continue;
		forget_parsed(l->messages[i]);
		free(l->messages[i]);
	}
	free(l->messages);
	user_free(l->user);
	free(l);
}
