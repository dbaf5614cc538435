/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MOVE and UID MOVE (RFC 6851): copies first, then the messages are removed
 * here.  Where that fails the copies are taken out of the target again.
 */
#include "imapd/command.h"

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/store/box.h"
#include "c-client/store/copy.h"
#include "c-client/store/view.h"
#include "imapd/args.h"
#include "imapd/copies.h"
#include "imapd/reply.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

/* "* OK [COPYUID ...]": before the EXPUNGEs (RFC 6851 4.3), which
 * session_sync() tells. */
static void
tell_moved(struct session *s, const struct copies *t, const bool *moved)
{
	struct buf code;

	buf_init(&code, 0);
	copies_code(s, t, moved, &code);
	if (code.n > 0)
		reply_untagged(s, "OK", buf_string(&code), "Moved");
	buf_clear(&code);
}

/* Not all could be removed: those that are here still are here only.  False
 * where that isn't sure. */
static bool
undo(struct session *s, struct copies *t, const struct fault *why)
{
	bool *moved = arena_alloc(s->scratch, t->count * sizeof *moved);
	struct fault unsure;
	size_t n = 0;

	if (copy_undo(s->box, t->to, t->uids, t->count, moved,
	    &unsure) == -1) {
		reply_log(s, &unsure);
		reply_log(s, why);
		reply_no(s, reply_code(why), "The messages were copied, but "
		    "they could not be removed here");
		return false;
	}
	for (size_t i = 0; i < t->count; i++)
		n += moved[i];
	if (n > 0)
		tell_moved(s, t, moved);
	if (n < t->count)
		reply_fault(s, why);
	return true;
}

void
cmd_move(struct session *s, struct args *a)
{
	struct copies t;
	struct fault why;
	bool moved = false;

	if (!copies_parse(s, a, &t))
		return;
	if (s->view->readonly) {
		reply_no(s, "READ-ONLY", "The mailbox is read-only");
		return;
	}
	if (copies_run(s, &t, true) && t.count > 0) {
		moved = box_expunge(s->box, t.uids, t.count, false,
		    &why) == 0;
		if (moved)
			tell_moved(s, &t, NULL);
		else
			moved = undo(s, &t, &why);
	}
	copies_end(&t, moved);
}
