/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CHECK (RFC 3501 6.4.1): all is durable already, in the index; now other
 * programs are to see it in the mailbox.
 */
#include "imapd/command.h"

#include "c-client/base/fault.h"
#include "c-client/store/box.h"
#include "imapd/args.h"
#include "imapd/reply.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

void
cmd_check(struct session *s, struct args *a)
{
	struct fault why;

	if (!args_end(a))
		reply_bad_args(s, a);
	else if (box_flush(s->box, false, &why) == -1)
		reply_fault(s, &why);
}
