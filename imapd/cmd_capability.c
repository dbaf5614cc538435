/* SPDX-License-Identifier: Apache-2.0 */
/* CAPABILITY (RFC 3501 6.1.1) after login. */
#include "imapd/command.h"

#include "c-client/base/buf.h"
#include "imapd/args.h"
#include "imapd/reply.h"

#include "c-client/base/banned.h"

void
cmd_capability(struct session *s, struct args *a)
{
	struct command_facts facts = { .login = true };
	struct buf *out;

	if (!args_end(a)) {
		reply_bad_args(s, a);
		return;
	}
	out = reply_begin(s);
	buf_adds(out, "* CAPABILITY ");
	command_capabilities(out, &facts);
	reply_end(s);
}
