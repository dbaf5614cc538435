/* SPDX-License-Identifier: Apache-2.0 */
/* RENAME (RFC 3501 6.3.5). */
#include "imapd/command.h"

#include <string.h>

#include "c-client/base/fault.h"
#include "c-client/store/box.h"
#include "c-client/store/name.h"
#include "imapd/args.h"
#include "imapd/reply.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

/* Is the selected mailbox `name`, or below it? */
static bool
holds_selected(const struct session *s, const struct name *name)
{
	size_t n = strlen(name->path);

	return s->box != NULL && !s->box->name.inbox && !name->inbox &&
	    strncmp(s->box->name.path, name->path, n) == 0 &&
	    (s->box->name.path[n] == '\0' || s->box->name.path[n] == '/');
}

void
cmd_rename(struct session *s, struct args *a)
{
	struct span from_wire, to_wire;
	struct name from, to;
	struct fault why;

	if (!args_space(a) || !args_mailbox(a, &from_wire) ||
	    !args_space(a) || !args_mailbox(a, &to_wire) || !args_end(a)) {
		reply_bad_args(s, a);
		return;
	}
	if (!session_name(s, from_wire, &from) ||
	    !session_name(s, to_wire, &to))
		return;
	if (holds_selected(s, &from))
		reply_no(s, "INUSE", "The mailbox is selected here");
	else if (box_rename(&s->account, &from, &to, &why) == -1)
		reply_fault(s, &why);
}
