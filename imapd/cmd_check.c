/* SPDX-License-Identifier: Apache-2.0 */
/* CHECK (RFC 3501 6.4.1): all is durable already; the loop looks again. */
#include "imapd/command.h"

#include "imapd/args.h"
#include "imapd/reply.h"

#include "c-client/base/banned.h"

void
cmd_check(struct session *s, struct args *a)
{
	if (!args_end(a))
		reply_bad_args(s, a);
}
