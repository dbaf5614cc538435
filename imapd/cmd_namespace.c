/* SPDX-License-Identifier: Apache-2.0 */
/* NAMESPACE (RFC 2342 5): the user's own, and what the configuration has. */
#include "imapd/command.h"

#include "c-client/base/buf.h"
#include "c-client/store/name.h"
#include "imapd/args.h"
#include "imapd/reply.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

/* Namespaces of one kind, those of `spaces` that are served: " (...)". */
static void
tell(struct session *s, struct buf *out, const enum name_space *spaces,
    size_t count)
{
	bool any = false;

	buf_addc(out, ' ');
	for (size_t i = 0; i < count; i++) {
		if (!name_space_is_served(&s->account, spaces[i]))
			continue;
		buf_adds(out, any ? "(\"" : "((\"");
		buf_adds(out, name_space_prefix(spaces[i]));
		buf_adds(out, "\" \"/\")");
		any = true;
	}
	buf_adds(out, any ? ")" : "NIL");
}

/* That absolute names may be used makes no namespace of them: clients would
 * look for mailboxes in the whole file system. */
void
cmd_namespace(struct session *s, struct args *a)
{
	static const enum name_space users[] = { NAME_USER };
	static const enum name_space shared[] = { NAME_SHARED, NAME_PUBLIC };
	struct buf *out;

	if (!args_end(a)) {
		reply_bad_args(s, a);
		return;
	}
	out = reply_begin(s);
	buf_adds(out, "* NAMESPACE ((\"\" \"/\"))");
	tell(s, out, users, 1);
	tell(s, out, shared, 2);
	reply_end(s);
}
