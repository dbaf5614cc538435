/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE (RFC 3501 6.3.4). */
#include "imapd/command.h"

#include "c-client/base/fault.h"
#include "c-client/store/box.h"
#include "c-client/store/name.h"
#include "imapd/args.h"
#include "imapd/reply.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

void
cmd_delete(struct session *s, struct args *a)
{
	struct span wire;
	struct name name;
	struct fault why;

	if (!args_space(a) || !args_mailbox(a, &wire) || !args_end(a)) {
		reply_bad_args(s, a);
		return;
	}
	if (!session_name(s, wire, &name))
		return;
	if (session_is_selected(s, &name))
		reply_no(s, "INUSE", "The mailbox is selected here");
	else if (box_delete(&s->account, &name, &why) == -1)
		reply_fault(s, &why);
}
