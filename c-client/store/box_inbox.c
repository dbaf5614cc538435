/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RENAME of INBOX (RFC 3501 6.3.5): its messages go into a new mailbox, and it
 * stays, empty.  They are copied first and removed then, so that none can be
 * lost; what can't be removed is taken out of the new mailbox again.
 */
#include "c-client/store/box.h"

#include "c-client/base/arena.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/store/append.h"
#include "c-client/store/box_private.h"
#include "c-client/store/copy.h"
#include "c-client/store/message.h"
#include "c-client/store/transit.h"

#include "c-client/base/banned.h"

/* The messages on their way. */
struct move {
	struct box *inbox;
	struct append *to;
	uint32_t *uids;
	size_t count;
	bool kept;		/* there may be some in the new mailbox */
	bool sure;		/* none is in both mailboxes */
	struct transit *transit;
};

static int
copy_all(struct move *m, struct fault *why)
{
	struct reader *reader = reader_new(m->inbox);
	uint32_t validity = m->inbox->meta.uidvalidity;
	int status = 0;

	box_uids(m->inbox, 0, m->count, m->uids);
	for (size_t i = 0; i < m->count && status == 0; i++)
		status = copy_message(m->inbox, reader, m->uids[i], m->to,
		    why);
	reader_free(reader);
	if (status == 0 && m->inbox->meta.uidvalidity != validity)
		return fault_set(why, FAULT_CHANGED, "INBOX was replaced");
	return status == 0 && transit_begin(&m->transit, m->inbox, m->to,
	    m->uids, m->count, why) == 0 ? append_commit(m->to, why) : -1;
}

/* INBOX could not be emptied; `why` says so already. */
static int
take_back(struct move *m)
{
	bool *moved = arena_alloc(m->inbox->keep, m->count * sizeof *moved);
	struct fault unsure;
	size_t n = 0;

	if (copy_undo(m->inbox, m->to, m->uids, m->count, moved,
	    &unsure) == -1) {
		log_line(LOG_ERR, "RENAME of INBOX: messages may be in it and "
		    "in the new mailbox: %s", unsure.text);
		return -1;
	}
	m->sure = true;
	for (size_t i = 0; i < m->count; i++)
		n += moved[i];
	m->kept = n > 0;
	return n == m->count ? 0 : -1;
}

static int
move_all(struct move *m, const struct name *to, struct fault *why)
{
	int status;

	m->count = m->inbox->count;
	m->uids = arena_alloc(m->inbox->keep,
	    (m->count + 1) * sizeof *m->uids);
	m->to = append_new(m->inbox->account, to, NULL, why);
	if (m->to == NULL)
		return -1;
	status = copy_all(m, why);
	if (status == 0 && m->count > 0) {
		m->kept = true;
		m->sure = box_expunge(m->inbox, m->uids, m->count, false,
		    why) == 0;
		if (!m->sure)
			status = take_back(m);
	}
	transit_end(m->transit, m->sure);
	append_free(m->to);
	return status;
}

int
box_rename_inbox(struct account *account, const struct name *to,
    struct fault *why)
{
	const struct name inbox = { .path = "INBOX", .inbox = true };
	struct name name = *to;
	struct move m = { .inbox = box_open(account, &inbox, false, why) };
	struct fault undo;
	int status = -1;

	name.directory = false;
	if (m.inbox == NULL || box_sync(m.inbox, why) == -1)
		goto out;
	if (m.inbox->readonly) {
		fault_set(why, FAULT_READONLY, "INBOX can't be written");
		goto out;
	}
	if (box_create(account, &name, why) == -1)
		goto out;
	status = move_all(&m, &name, why);
	if (status == -1 && !m.kept && box_delete(account, &name, &undo) == -1)
		log_line(LOG_WARNING, "RENAME of INBOX: %s", undo.text);
out:
	box_close(m.inbox);
	return status;
}
