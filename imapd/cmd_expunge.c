/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What removes messages that are \Deleted: EXPUNGE, UID EXPUNGE and CLOSE
 * (RFC 3501 6.4.3, RFC 4315 2.1, RFC 3501 6.4.2).  That they are gone is told
 * by session_sync(), as if another session had removed them.
 */
#include "imapd/command.h"

#include "c-client/base/arena.h"
#include "c-client/base/fault.h"
#include "c-client/store/box.h"
#include "c-client/store/cursor.h"
#include "c-client/store/view.h"
#include "imapd/args.h"
#include "imapd/reply.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

/* UIDs of those of the messages that are \Deleted; `numbers` NULL is all that
 * the view has. */
static uint32_t *
deleted_of(struct session *s, const uint32_t *numbers, size_t *count)
{
	size_t all = numbers == NULL ? s->view->count : *count, n = 0;
	uint32_t *uids = arena_alloc(s->scratch, (all + 1) * sizeof *uids);
	struct cursor cursor = { 0 };

	for (size_t i = 0; i < all; i++) {
		const struct record *r = cursor_record(&cursor, s->view,
		    numbers == NULL ? (uint32_t)(i + 1) : numbers[i]);

		if (r != NULL && r->flags & FLAG_DELETED)
			uids[n++] = r->uid;
	}
	*count = n;
	return uids;
}

static int
expunge(struct session *s, const uint32_t *numbers, size_t count,
    struct fault *why)
{
	uint32_t *uids;

	/* Another session of this client may have said \Deleted just now. */
	if (box_sync(s->box, why) == -1)
		return -1;
	/* The UIDs of a mailbox that was replaced are other messages'. */
	if (s->box->meta.uidvalidity != s->view->uidvalidity)
		return fault_set(why, FAULT_CHANGED, "%s was replaced",
		    s->box->name.path);
	uids = deleted_of(s, numbers, &count);
	return box_expunge(s->box, uids, count, true, why);
}

void
cmd_expunge(struct session *s, struct args *a)
{
	uint32_t *numbers = NULL;
	struct fault why;
	size_t count = 0;

	if (s->uid) {
		if (!args_space(a)) {
			reply_bad_args(s, a);
			return;
		}
		if (!session_messages(s, a, &numbers, &count))
			return;
	}
	if (!args_end(a))
		reply_bad_args(s, a);
	else if (s->view->readonly)
		reply_no(s, "READ-ONLY", "The mailbox is read-only");
	else if (expunge(s, numbers, count, &why) == -1)
		reply_fault(s, &why);
}

/*
 * Without untagged EXPUNGEs, and without a NO: RFC 3501 knows none for CLOSE.
 * What can't be removed now stays \Deleted, which a warning says.
 */
void
cmd_close(struct session *s, struct args *a)
{
	struct fault why;

	if (!args_end(a)) {
		reply_bad_args(s, a);
		return;
	}
	if (!s->view->readonly && expunge(s, NULL, 0, &why) == -1)
		reply_warn(s, &why);
	session_unselect(s);
}
