/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FETCH and UID FETCH (RFC 3501 6.4.5 and 6.4.8).  Messages that are gone are
 * left out, and a tagged NO says so (RFC 2180 4.1.2).
 */
#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/fault.h"
#include "c-client/store/box.h"
#include "c-client/store/cursor.h"
#include "c-client/store/parsed.h"
#include "c-client/store/view.h"
#include "imapd/args.h"
#include "imapd/command.h"
#include "imapd/fetch.h"
#include "imapd/fetch_args.h"
#include "imapd/reply.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

/*
 * \Seen is stored for so many messages, or octets of them, at a time before
 * they are sent: few commits, and yet a client that goes away in the middle
 * has not marked a whole mailbox that it never got.
 */
#define SEEN_MESSAGES	1000u
#define SEEN_OCTETS	(16u * 1024 * 1024)

struct run {
	struct session *s;
	struct fetch fetch;
	struct cursor cursor;
	uint32_t *seen;		/* UIDs that this command gave \Seen in the
				 * running batch, ascending */
	size_t seen_count, seen_at;
	bool gone;		/* a message was not there any more */
	bool warned;		/* \Seen could not be stored; said once */
	struct fault failed;	/* the first other fault */
};

/* How many of the numbers make the next batch; those of its messages that are
 * not \Seen go to r->seen. */
static size_t
batch_of(struct run *r, const uint32_t *numbers, size_t count)
{
	struct cursor cursor = r->cursor;
	uint64_t octets = 0;
	size_t n = 0;

	r->seen_count = r->seen_at = 0;
	for (; n < count && n < SEEN_MESSAGES && octets < SEEN_OCTETS; n++) {
		const struct record *rec = cursor_record(&cursor, r->s->view,
		    numbers[n]);

		if (rec == NULL)
			continue;
		octets += rec->wire_size;
		if ((rec->flags & FLAG_SEEN) == 0)
			r->seen[r->seen_count++] = rec->uid;
	}
	return n;
}

static void
store_seen(struct run *r)
{
	const struct box_store store = { .op = BOX_STORE_ADD,
	    .flags = FLAG_SEEN };
	struct session *s = r->s;
	uint64_t before = s->box->meta.highestmodseq, modseq = 0;
	struct fault why = { 0 };

	if (r->seen_count == 0)
		return;
	if (box_store_flags(s->box, r->seen, r->seen_count, &store, &modseq,
	    &why) == 0) {
		view_told(s->view, before, modseq);
		return;
	}
	r->seen_count = 0;
	if (!r->warned && why.code != FAULT_READONLY)
		reply_warn(s, &why);
	r->warned = true;
}

/* Was \Seen set by this command?  Asked of ascending UIDs. */
static bool
was_seen(struct run *r, uint32_t uid)
{
	while (r->seen_at < r->seen_count && r->seen[r->seen_at] < uid)
		r->seen_at++;
	return r->seen_at < r->seen_count && r->seen[r->seen_at] == uid;
}

/* One message; once more where the mailbox changed under it.  False where the
 * command can't go on. */
static bool
run_message(struct run *r, uint32_t number)
{
	struct session *s = r->s;
	struct fault why = { 0 };

	for (int tries = 0; tries < 2; tries++) {
		const struct record *rec = cursor_record(&r->cursor, s->view,
		    number);

		if (rec == NULL) {
			r->gone = true;
			return true;
		}
		if (fetch_message(&r->fetch, number, rec,
		    view_is_recent(s->view, number),
		    was_seen(r, rec->uid), &why) == 0)
			return reply_end(s);
		if (r->fetch.sent || why.code != FAULT_CHANGED)
			break;
	}
	if (r->fetch.sent)
		return false;
	if (why.code == FAULT_EXPUNGED)
		r->gone = true;
	else if (r->failed.code == FAULT_NONE)
		r->failed = why;
	/* Each further message would wait as long for the locks. */
	return why.code != FAULT_INUSE;
}

static void
run_all(struct run *r, const uint32_t *numbers, size_t count)
{
	bool mark = r->fetch.items->seen && !r->s->view->readonly;

	if (mark)
		r->seen = arena_alloc(r->s->scratch,
		    SEEN_MESSAGES * sizeof *r->seen);
	while (count > 0) {
		size_t n = mark ? batch_of(r, numbers, count) : count;

		if (mark)
			store_seen(r);
		for (size_t i = 0; i < n; i++)
			if (!run_message(r, numbers[i]))
				return;
		numbers += n;
		count -= n;
	}
}

void
cmd_fetch(struct session *s, struct args *a)
{
	struct fetch_items items;
	uint32_t *numbers;
	size_t count;
	struct run *r;

	if (!args_space(a)) {
		reply_bad_args(s, a);
		return;
	}
	if (!session_messages(s, a, &numbers, &count))
		return;
	if (!fetch_args_parse(a, s->uid, &items)) {
		reply_bad_args(s, a);
		return;
	}
	if (items.flags || (items.seen && !s->view->readonly))
		session_tell_keywords(s);
	r = arena_alloc(s->scratch, sizeof *r);
	r->s = s;
	fetch_begin(&r->fetch, s, &items);
	/* Nothing may be told between the pieces of a response. */
	s->box->progress = NULL;
	run_all(r, numbers, count);
	s->box->progress = &s->progress.progress;
	fetch_end(&r->fetch);
	parsed_flush(s->parsed);
	if (r->failed.code != FAULT_NONE)
		reply_fault(s, &r->failed);
	else if (r->gone && !s->uid)
		reply_no(s, "EXPUNGEISSUED",
		    "Some of the messages are gone");
}
