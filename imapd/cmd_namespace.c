/* SPDX-License-Identifier: Apache-2.0 */
/* NAMESPACE (RFC 2342 5): one namespace, the user's own. */
#include "imapd/command.h"

#include "c-client/base/buf.h"
#include "imapd/args.h"
#include "imapd/reply.h"

#include "c-client/base/banned.h"

void
cmd_namespace(struct session *s, struct args *a)
{
	if (!args_end(a)) {
		reply_bad_args(s, a);
		return;
	}
	buf_adds(reply_begin(s), "* NAMESPACE ((\"\" \"/\")) NIL NIL");
	reply_end(s);
}
