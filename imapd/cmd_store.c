/* SPDX-License-Identifier: Apache-2.0 */
/* STORE and UID STORE (RFC 3501 6.4.6). */
#include "imapd/command.h"

#include "c-client/base/arena.h"
#include "c-client/base/fault.h"
#include "c-client/store/box.h"
#include "c-client/store/view.h"
#include "imapd/args.h"
#include "imapd/reply.h"
#include "imapd/session.h"
#include "imapd/session_box.h"
#include "imapd/workarounds.h"

#include "c-client/base/banned.h"

struct change {
	struct box_store store;
	bool silent;
};

/* store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP flags */
static bool
parse(struct args *a, struct change *c, struct args_flags *flags)
{
	struct span word;

	c->store.op = BOX_STORE_SET;
	if (!args_space(a))
		return false;
	if (args_skip(a, '+'))
		c->store.op = BOX_STORE_ADD;
	else if (args_skip(a, '-'))
		c->store.op = BOX_STORE_REMOVE;
	if (!args_atom(a, &word))
		return false;
	c->silent = span_is(word, "FLAGS.SILENT");
	if (!c->silent && !span_is(word, "FLAGS"))
		return args_fail(a, "FLAGS is expected");
	if (!args_space(a) || !args_flag_list(a, true, flags))
		return false;
	c->store.flags = flags->flags;
	c->store.keywords = flags->keywords;
	c->store.keyword_count = flags->keyword_count;
	if (flags->recent && !workarounds_has(WORKAROUND_RECENT))
		return args_fail(a, "\\Recent can't be set");
	return args_end(a);
}

/* The UIDs of those that are still there. */
static uint32_t *
uids_of(struct session *s, const uint32_t *numbers, size_t count,
    size_t *there)
{
	uint32_t *uids = arena_alloc(s->scratch, (count + 1) * sizeof *uids);
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (view_record(s->view, numbers[i]) != NULL)
			uids[n++] = view_uid(s->view, numbers[i]);
	*there = n;
	return uids;
}

static void
store(struct session *s, const struct change *c, const uint32_t *numbers,
    size_t count)
{
	uint64_t before = s->box->meta.highestmodseq, modseq = 0;
	struct fault why;
	size_t there;
	uint32_t *uids = uids_of(s, numbers, count, &there);

	if (there > 0 && box_store_flags(s->box, uids, there, &c->store,
	    &modseq, &why) == -1) {
		reply_fault(s, &why);
		return;
	}
	session_tell_keywords(s);
	if (!c->silent)
		for (size_t i = 0; i < count; i++)
			if (!session_tell_flags(s, numbers[i]))
				return;
	if (modseq != 0)
		view_told(s->view, before, modseq);
	/* RFC 2180 4.2.1: what could be done was done. */
	if (there < count && !s->uid)
		reply_no(s, "EXPUNGEISSUED", "Some of the messages are gone");
}

void
cmd_store(struct session *s, struct args *a)
{
	struct change change = { .silent = false };
	struct args_flags flags;
	uint32_t *numbers;
	size_t count;

	if (!args_space(a)) {
		reply_bad_args(s, a);
		return;
	}
	if (!session_messages(s, a, &numbers, &count))
		return;
	if (!parse(a, &change, &flags))
		reply_bad_args(s, a);
	else if (flags.unknown != NULL)
		reply_no(s, "CANNOT", "Unknown system flag");
	else if (s->view->readonly)
		reply_no(s, "READ-ONLY", "The mailbox is read-only");
	else
		store(s, &change, numbers, count);
}
