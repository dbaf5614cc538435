/* SPDX-License-Identifier: Apache-2.0 */
/* NOOP (RFC 3501 6.1.2): the loop tells what is new. */
#include "imapd/command.h"

#include "imapd/args.h"
#include "imapd/reply.h"

#include "c-client/base/banned.h"

void
cmd_noop(struct session *s, struct args *a)
{
	if (!args_end(a))
		reply_bad_args(s, a);
}
