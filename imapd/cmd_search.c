/* SPDX-License-Identifier: Apache-2.0 */
/* SEARCH and UID SEARCH (RFC 3501 6.4.4 and 6.4.8). */
#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/store/search.h"
#include "c-client/store/view.h"
#include "imapd/args.h"
#include "imapd/command.h"
#include "imapd/reply.h"
#include "imapd/search_args.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

/* Some of the many that are known: RFC 3501 7.1 leaves it to us. */
#define CHARSETS "BADCHARSET (US-ASCII UTF-8 ISO-8859-1 ISO-8859-2 " \
	"ISO-8859-15 WINDOWS-1252 KOI8-R ISO-2022-JP SHIFT_JIS EUC-JP " \
	"EUC-KR GB18030 BIG5)"

/* One untagged SEARCH, empty if nothing was found.  It is made in a few large
 * steps: a mailbox may have very many messages. */
static void
tell(struct session *s, const uint32_t *numbers, size_t count)
{
	struct buf *out = reply_begin(s);

	buf_adds(out, "* SEARCH");
	for (size_t i = 0; i < count; i++) {
		buf_addc(out, ' ');
		buf_addnum(out, s->uid ? view_uid(s->view, numbers[i]) :
		    numbers[i]);
		if (i % 4096 == 4095 && !reply_pump(s))
			return;
	}
	reply_end(s);
}

void
cmd_search(struct session *s, struct args *a)
{
	const struct view *view = s->view;
	struct search_args_star star = { (uint32_t)view->count,
	    view->count == 0 ? 0 : view_uid(view, (uint32_t)view->count) };
	struct fault why = { 0 };
	struct search_key *key = search_args_parse(a, &star, &why);
	uint32_t *numbers;
	size_t count;

	if (key == NULL && a->error != NULL)
		reply_bad_args(s, a);
	else if (key == NULL && why.code == FAULT_CHARSET)
		reply_no(s, CHARSETS, "Unknown character set");
	else if (key == NULL || search_run(s->view, s->reader, key,
	    s->scratch, &numbers, &count, &why) == -1)
		reply_fault(s, &why);
	else
		tell(s, numbers, count);
}
