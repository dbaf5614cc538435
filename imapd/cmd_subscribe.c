/* SPDX-License-Identifier: Apache-2.0 */
/* SUBSCRIBE and UNSUBSCRIBE (RFC 3501 6.3.6, 6.3.7).  Names need not exist. */
#include "imapd/command.h"

#include "c-client/base/fault.h"
#include "c-client/store/list.h"
#include "c-client/store/name.h"
#include "imapd/args.h"
#include "imapd/reply.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

static bool
take_name(struct session *s, struct args *a, struct name *name)
{
	struct span wire;

	if (!args_space(a) || !args_mailbox(a, &wire) || !args_end(a)) {
		reply_bad_args(s, a);
		return false;
	}
	return session_name(s, wire, name);
}

void
cmd_subscribe(struct session *s, struct args *a)
{
	struct name name;
	struct fault why;

	if (take_name(s, a, &name) &&
	    list_subscribe(&s->account, &name, &why) == -1)
		reply_fault(s, &why);
}

void
cmd_unsubscribe(struct session *s, struct args *a)
{
	struct name name;
	struct fault why;

	if (!take_name(s, a, &name) ||
	    list_unsubscribe(&s->account, &name, &why) == 0)
		return;
	if (why.code == FAULT_NOTFOUND)
		reply_no(s, "NONEXISTENT", "That name is not subscribed");
	else
		reply_fault(s, &why);
}
