/* SPDX-License-Identifier: Apache-2.0 */
/* COPY and UID COPY (RFC 3501 6.4.7, RFC 4315 3): all messages or none. */
#include "imapd/command.h"

#include "c-client/base/buf.h"
#include "imapd/args.h"
#include "imapd/copies.h"
#include "imapd/reply.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

void
cmd_copy(struct session *s, struct args *a)
{
	struct copies t;
	struct buf code;

	if (!copies_parse(s, a, &t))
		return;
	if (copies_run(s, &t, false) && t.count > 0) {
		buf_init(&code, 0);
		copies_code(s, &t, NULL, &code);
		reply_ok(s, code.n == 0 ? NULL : buf_string(&code),
		    "COPY completed");
		buf_clear(&code);
	}
	copies_end(&t, false);
}
