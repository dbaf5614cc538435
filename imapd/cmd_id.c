/* SPDX-License-Identifier: Apache-2.0 */
/* ID (RFC 2971) after login. */
#include "imapd/command.h"

#include "c-client/base/buf.h"
#include "c-client/base/log.h"
#include "c-client/server/service.h"
#include "imapd/args.h"
#include "imapd/id.h"
#include "imapd/reply.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

void
cmd_id(struct session *s, struct args *a)
{
	struct buf said;

	buf_init(&said, 2000);
	if (!id_parse(a, &said))
		reply_bad_args(s, a);
	else {
		log_line(LOG_DEBUG, "ID user=%s host=%s %s", s->start->user,
		    s->start->client, buf_string(&said));
		id_write(reply_begin(s));
		reply_end(s);
	}
	buf_clear(&said);
}
