/* SPDX-License-Identifier: Apache-2.0 */
/* From the selected mailbox into another, for COPY and MOVE. */
#include "imapd/copies.h"

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/store/append.h"
#include "c-client/store/box.h"
#include "c-client/store/copy.h"
#include "c-client/store/seqset.h"
#include "c-client/store/transit.h"
#include "c-client/store/view.h"
#include "imapd/args.h"
#include "imapd/reply.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

bool
copies_parse(struct session *s, struct args *a, struct copies *t)
{
	struct span mailbox;

	*t = (struct copies){ .to = NULL };
	if (!args_space(a)) {
		reply_bad_args(s, a);
		return false;
	}
	if (!session_messages(s, a, &t->numbers, &t->count))
		return false;
	if (!args_space(a) || !args_mailbox(a, &mailbox) || !args_end(a)) {
		reply_bad_args(s, a);
		return false;
	}
	return session_name(s, mailbox, &t->name);
}

static int
collect(struct session *s, struct copies *t, struct fault *why)
{
	t->uids = arena_alloc(s->scratch, (t->count + 1) * sizeof *t->uids);
	for (size_t i = 0; i < t->count; i++) {
		t->uids[i] = view_uid(s->view, t->numbers[i]);
		if (copy_message(s->box, s->reader, t->uids[i], t->to,
		    why) == -1)
			return -1;
	}
	/* The UIDs of a mailbox that was replaced are other messages'. */
	if (s->box->meta.uidvalidity != s->view->uidvalidity)
		return fault_set(why, FAULT_CHANGED, "%s was replaced",
		    s->box->name.path);
	return 0;
}

bool
copies_run(struct session *s, struct copies *t, bool move)
{
	struct fault why;

	t->to = append_new(&s->account, &t->name,
	    session_is_selected(s, &t->name) ? s->box : NULL, &why);
	if (t->to == NULL && why.code == FAULT_NOTFOUND)
		reply_no(s, "TRYCREATE", "No such mailbox");
	else if (t->to == NULL || collect(s, t, &why) == -1 ||
	    (move && transit_begin(&t->transit, s->box, t->to, t->uids,
	    t->count, &why) == -1) || append_commit(t->to, &why) == -1)
		reply_fault(s, &why);
	else
		return true;
	return false;
}

void
copies_end(struct copies *t, bool moved)
{
	transit_end(t->transit, moved);
	t->transit = NULL;
	append_free(t->to);
	t->to = NULL;
}

void
copies_code(struct session *s, const struct copies *t, const bool *which,
    struct buf *code)
{
	uint32_t *old = arena_alloc(s->scratch, (t->count + 1) * sizeof *old);
	uint32_t *new = arena_alloc(s->scratch, (t->count + 1) * sizeof *new);
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++) {
		if (which != NULL && !which[i])
			continue;
		old[n] = t->uids[i];
		new[n++] = append_uid(t->to, i);
	}
	if (append_uidvalidity(t->to) == 0)
		return;
	buf_addf(code, "COPYUID %u ", append_uidvalidity(t->to));
	seqset_write(code, old, n);
	buf_addc(code, ' ');
	seqset_write(code, new, n);
}
