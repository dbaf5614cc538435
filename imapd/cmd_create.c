/* SPDX-License-Identifier: Apache-2.0 */
/* CREATE (RFC 3501 6.3.3). */
#include "imapd/command.h"

#include "c-client/base/fault.h"
#include "c-client/store/box.h"
#include "c-client/store/name.h"
#include "imapd/args.h"
#include "imapd/reply.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

void
cmd_create(struct session *s, struct args *a)
{
	struct span wire;
	struct name name;
	struct fault why;

	if (!args_space(a) || !args_mailbox(a, &wire) || !args_end(a))
		reply_bad_args(s, a);
	/* A name that ends in the delimiter asks for a directory. */
	else if (name_parse_new(&s->account, wire, s->parse, &name,
	    &why) == -1 ||
	    box_create(&s->account, &name, &why) == -1)
		reply_fault(s, &why);
}
