/* SPDX-License-Identifier: Apache-2.0 */
/* LOGOUT (RFC 3501 6.1.3). */
#include "imapd/command.h"

#include "imapd/args.h"
#include "imapd/reply.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

void
cmd_logout(struct session *s, struct args *a)
{
	if (!args_end(a)) {
		reply_bad_args(s, a);
		return;
	}
	/* A program that the user starts after the answer sees the flags. */
	session_unselect(s);
	session_bye(s, "Logout", "IMAP4rev1 server terminating connection");
}
