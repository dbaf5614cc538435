/* SPDX-License-Identifier: Apache-2.0 */
/* SELECT, EXAMINE (RFC 3501 6.3.1, 6.3.2) and UNSELECT (RFC 3691). */
#include "imapd/command.h"

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/store/box.h"
#include "c-client/store/name.h"
#include "c-client/store/view.h"
#include "imapd/args.h"
#include "imapd/reply.h"
#include "imapd/session.h"
#include "imapd/session_box.h"

#include "c-client/base/banned.h"

/* "* OK [CODE n] text" */
static void
tell_code(struct session *s, const char *code, uint32_t n, const char *text)
{
	struct buf *out = reply_begin(s);

	buf_adds(out, "* OK [");
	buf_adds(out, code);
	buf_addc(out, ' ');
	buf_addnum(out, n);
	buf_adds(out, "] ");
	buf_adds(out, text);
	reply_end(s);
}

static void
tell(struct session *s)
{
	uint32_t unseen = view_first_unseen(s->view);

	session_flags(s);
	s->view->keywords_told = s->box->meta.keyword_count;
	reply_number(s, (uint32_t)s->view->count, "EXISTS");
	reply_number(s, (uint32_t)s->view->recent_count, "RECENT");
	if (unseen != 0)
		tell_code(s, "UNSEEN", unseen, "First unseen message");
	tell_code(s, "UIDVALIDITY", s->view->uidvalidity, "UIDs are valid");
	tell_code(s, "UIDNEXT", s->box->meta.uidnext, "Predicted next UID");
	if (s->box->unsticky)
		reply_untagged(s, "NO", "UIDNOTSTICKY",
		    "There is no room to keep UIDs and flags");
	session_permanent(s);
}

static void
select_box(struct session *s, struct args *a, bool readonly)
{
	struct span wire;
	struct name name;
	struct fault why;
	bool was = s->view != NULL;

	if (!args_space(a) || !args_mailbox(a, &wire) || !args_end(a)) {
		reply_bad_args(s, a);
		return;
	}
	/* Whatever comes of it, the mailbox before is no longer selected
	 * (6.3.1). */
	session_unselect(s);
	if (was)
		reply_untagged(s, "OK", "CLOSED",
		    "The mailbox before is closed");
	if (!session_name(s, wire, &name))
		return;
	if (session_select(s, &name, readonly, &why) == -1) {
		reply_fault(s, &why);
		return;
	}
	tell(s);
	reply_ok(s, s->view->readonly ? "READ-ONLY" : "READ-WRITE", readonly ?
	    "EXAMINE completed" : "SELECT completed");
}

void
cmd_select(struct session *s, struct args *a)
{
	select_box(s, a, false);
}

void
cmd_examine(struct session *s, struct args *a)
{
	select_box(s, a, true);
}

void
cmd_unselect(struct session *s, struct args *a)
{
	if (!args_end(a))
		reply_bad_args(s, a);
	else
		session_unselect(s);
}
