/* SPDX-License-Identifier: Apache-2.0 */
/* APPEND (RFC 3501 6.3.11, RFC 4315 3): no message is in memory whole. */
#include "imapd/command.h"

#include <string.h>

#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/mime/date.h"
#include "c-client/store/append.h"
#include "c-client/store/name.h"
#include "imapd/args.h"
#include "imapd/reply.h"
#include "imapd/session.h"
#include "imapd/workarounds.h"

#include "c-client/base/banned.h"

/* What stands in front of the message. */
struct header {
	struct span mailbox;
	struct args_flags flags;
	struct date date;
	bool has_date;
};

/* Is the announcement of a literal all that is left? */
static bool
at_announcement(const struct args *a)
{
	const char *lf = NULL;

	if (args_peek(a) == '{')
		lf = memchr(a->p, '\n', (size_t)(a->end - a->p));
	return lf != NULL && lf + 1 == a->end;
}

/* append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal */
static bool
parse(struct args *a, struct header *h)
{
	if (!args_mailbox(a, &h->mailbox) || !args_space(a))
		return false;
	if (args_peek(a) == '(' && (!args_flag_list(a, false, &h->flags) ||
	    !args_space(a)))
		return false;
	if (args_peek(a) == '"') {
		if (!args_date_time(a, &h->date) || !args_space(a))
			return false;
		h->has_date = true;
	}
	return at_announcement(a) || args_fail(a, "A message is expected");
}

/* Flags that can't be stored; the answer is set then. */
static bool
flags_are_good(struct session *s, const struct args_flags *f)
{
	if (f->unknown != NULL) {
		reply_no(s, "CANNOT", "Unknown system flag");
		return false;
	}
	if (f->recent && !workarounds_has(WORKAROUND_RECENT)) {
		reply_bad(s, "\\Recent can't be set");
		return false;
	}
	return true;
}

static bool
begin(struct session *s, struct header *h)
{
	struct name name;
	struct fault why;

	if (!session_name(s, h->mailbox, &name))
		return false;
	s->append = append_new(&s->account, &name,
	    session_is_selected(s, &name) ? s->box : NULL, &why);
	if (s->append == NULL) {
		if (why.code == FAULT_NOTFOUND)
			reply_no(s, "TRYCREATE", "No such mailbox");
		else
			reply_fault(s, &why);
		return false;
	}
	if (append_message(s->append, h->flags.flags, h->flags.keywords,
	    h->flags.keyword_count, h->has_date, h->date.secs,
	    h->date.zone_minutes, &why) == -1) {
		reply_fault(s, &why);
		cmd_append_abandon(s);
		return false;
	}
	return true;
}

enum command_literal
cmd_append_literal(struct session *s, struct args *a, uint64_t size)
{
	struct header h = { .has_date = false };

	if (s->append != NULL || reply_failed(s)) {
		reply_bad(s, "One message at a time");
		return LITERAL_REFUSE;
	}
	if (!args_space(a)) {
		reply_bad_args(s, a);
		return LITERAL_REFUSE;
	}
	/* The name of the mailbox may be a literal as well. */
	if (at_announcement(a))
		return LITERAL_KEEP;
	if (!parse(a, &h)) {
		reply_bad_args(s, a);
		return LITERAL_REFUSE;
	}
	if (size > BOUND_APPEND) {
		reply_no(s, "TOOBIG", "The message is too large");
		return LITERAL_REFUSE;
	}
	if (size == 0) {
		reply_no(s, "CANNOT", "A message can't be empty");
		return LITERAL_REFUSE;
	}
	if (!flags_are_good(s, &h.flags) || !begin(s, &h))
		return LITERAL_REFUSE;
	return LITERAL_STREAM;
}

static void
add(struct session *s, struct span data)
{
	struct fault why;

	if (s->append == NULL || append_data(s->append, data, &why) == 0)
		return;
	if (why.code == FAULT_LIMIT)
		reply_no(s, "TOOBIG", "The message is too large");
	else
		reply_fault(s, &why);
	cmd_append_abandon(s);
}

/* CHAR8 has no NUL (RFC 3501 9); one that comes all the same is stored as
 * 0x80, as it would be sent. */
static void
add_without_nul(struct session *s, struct span data)
{
	char piece[4096];

	while (data.n > 0) {
		size_t n = data.n < sizeof piece ? data.n : sizeof piece;

		for (size_t i = 0; i < n; i++)
			piece[i] = data.p[i] == '\0' ? '\x80' : data.p[i];
		add(s, (struct span){ piece, n });
		data = span_slice(data, n, data.n);
	}
}

void
cmd_append_piece(struct session *s, struct span data)
{
	if (memchr(data.p, '\0', data.n) == NULL)
		add(s, data);
	else
		add_without_nul(s, data);
}

void
cmd_append_abandon(struct session *s)
{
	append_free(s->append);
	s->append = NULL;
}

static void
commit(struct session *s)
{
	struct fault why;
	struct buf code;

	if (append_commit(s->append, &why) == -1) {
		reply_fault(s, &why);
		return;
	}
	if (append_uidvalidity(s->append) == 0) {
		reply_ok(s, NULL, "APPEND completed");
		return;
	}
	buf_init(&code, 0);
	buf_addf(&code, "APPENDUID %u %u", append_uidvalidity(s->append),
	    append_uid(s->append, 0));
	reply_ok(s, buf_string(&code), "APPEND completed");
	buf_clear(&code);
}

void
cmd_append(struct session *s, struct args *a)
{
	struct span behind;
	struct header h = { .has_date = false };

	if (s->append == NULL) {
		/* The message failed on its way, or there was none. */
		if (!reply_failed(s) && args_space(a))
			parse(a, &h);
		reply_bad_args(s, a);
		return;
	}
	behind = span_slice(wire_text(&s->wire), s->wire.mark, SIZE_MAX);
	if (span_trim(behind).n != 0)
		reply_bad(s, "Too many arguments");
	else
		commit(s);
	cmd_append_abandon(s);
}
