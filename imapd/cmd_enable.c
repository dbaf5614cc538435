/* SPDX-License-Identifier: Apache-2.0 */
/* ENABLE (RFC 5161 3.1): nothing here has to be enabled, so nothing is. */
#include "imapd/command.h"

#include "c-client/base/buf.h"
#include "imapd/args.h"
#include "imapd/reply.h"

#include "c-client/base/banned.h"

void
cmd_enable(struct session *s, struct args *a)
{
	struct span word;

	do {
		if (!args_space(a) || !args_atom(a, &word)) {
			reply_bad_args(s, a);
			return;
		}
	} while (!args_is_end(a));
	buf_adds(reply_begin(s), "* ENABLED");
	reply_end(s);
}
