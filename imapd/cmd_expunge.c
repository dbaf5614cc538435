/* SPDX-License-Identifier: Apache-2.0 */
/* EXPUNGE and UID EXPUNGE (RFC 3501 6.4.3, RFC 4315 2.1): refused honestly. */
#include "imapd/command.h"

#include "imapd/args.h"
#include "imapd/reply.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

void
cmd_expunge(struct session *s, struct args *a)
{
	uint32_t *numbers;
	size_t count;

	if (s->uid) {
		if (!args_space(a)) {
			reply_bad_args(s, a);
			return;
		}
		if (!session_messages(s, a, &numbers, &count))
			return;
	}
	if (!args_end(a)) {
		reply_bad_args(s, a);
		return;
	}
	reply_no(s, "CANNOT",
	    "This server does not remove messages; they stay as they are");
}
