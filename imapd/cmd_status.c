/* SPDX-License-Identifier: Apache-2.0 */
/* STATUS (RFC 3501 6.3.10), of the selected mailbox too. */
#include "imapd/command.h"

#include <stddef.h>
#include <string.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/store/box.h"
#include "c-client/store/name.h"
#include "imapd/args.h"
#include "imapd/reply.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

static const struct {
	const char *name;
	size_t offset;
} items[] = {
	{ "MESSAGES", offsetof(struct box_status, messages) },
	{ "RECENT", offsetof(struct box_status, recent) },
	{ "UIDNEXT", offsetof(struct box_status, uidnext) },
	{ "UIDVALIDITY", offsetof(struct box_status, uidvalidity) },
	{ "UNSEEN", offsetof(struct box_status, unseen) },
};
#define ITEMS	(sizeof items / sizeof items[0])

static bool
one_item(struct args *a, unsigned *wanted)
{
	struct span word;

	if (!args_atom(a, &word))
		return false;
	for (size_t i = 0; i < ITEMS; i++)
		if (span_is(word, items[i].name)) {
			*wanted |= 1u << i;
			return true;
		}
	return args_fail(a, "Unknown STATUS item");
}

static bool
parse(struct args *a, struct span *mailbox, unsigned *wanted)
{
	if (!args_space(a) || !args_mailbox(a, mailbox) || !args_space(a) ||
	    !args_open(a))
		return false;
	for (bool first = true; !args_close(a); first = false)
		if ((!first && a->p[-1] != ' ' &&
		    !args_fail(a, "A blank is missing")) ||
		    !one_item(a, wanted))
			return false;
	if (*wanted == 0)
		return args_fail(a, "No STATUS item");
	return args_end(a);
}

void
cmd_status(struct session *s, struct args *a)
{
	struct box_status status = { 0 };
	struct span mailbox;
	struct name name;
	struct fault why;
	struct buf *out;
	unsigned wanted = 0;

	if (!parse(a, &mailbox, &wanted)) {
		reply_bad_args(s, a);
		return;
	}
	if (!session_name(s, mailbox, &name))
		return;
	if (box_status(&s->account, &name, &status, &why) == -1) {
		reply_fault(s, &why);
		return;
	}
	out = reply_begin(s);
	buf_adds(out, "* STATUS ");
	reply_mailbox(out, name.path);
	for (size_t i = 0, told = 0; i < ITEMS; i++) {
		uint32_t value;

		if (!(wanted & 1u << i))
			continue;
		memcpy(&value, (const char *)&status + items[i].offset,
		    sizeof value);
		buf_adds(out, told++ == 0 ? " (" : " ");
		buf_adds(out, items[i].name);
		buf_addc(out, ' ');
		buf_addnum(out, value);
	}
	buf_addc(out, ')');
	reply_end(s);
}
