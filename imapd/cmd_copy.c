/* SPDX-License-Identifier: Apache-2.0 */
/* COPY and UID COPY (RFC 3501 6.4.7, RFC 4315 3): all messages or none. */
#include "imapd/command.h"

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/store/append.h"
#include "c-client/store/box.h"
#include "c-client/store/message.h"
#include "c-client/store/name.h"
#include "c-client/store/seqset.h"
#include "c-client/store/view.h"
#include "imapd/args.h"
#include "imapd/reply.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

#define PIECE	(256u * 1024)

/* The names of a record's keywords, in scratch. */
static struct span *
keywords_of(struct session *s, const struct record *r, size_t *count)
{
	const struct box_meta *meta = &s->box->meta;
	struct span *names = arena_alloc(s->scratch,
	    (meta->keyword_count + 1) * sizeof *names);
	size_t n = 0;

	for (size_t i = 0; i < meta->keyword_count; i++)
		if (r->keywords.bits[i / 64] >> (i % 64) & 1)
			names[n++] = arena_span(s->scratch,
			    span_of(meta->keywords[i]));
	*count = n;
	return names;
}

static int
copy_octets(struct append *to, struct message *m,
    struct fault *why)
{
	struct span whole = message_span(m);
	uint64_t size = message_size(m);
	struct buf piece;
	int rc = 0;

	if (whole.p != NULL)
		return append_data(to, whole, why);
	buf_init(&piece, 0);
	for (uint64_t off = 0; off < size && rc == 0; off += piece.n) {
		buf_reset(&piece);
		rc = message_read(m, off, PIECE, &piece, why);
		if (rc == 0 && piece.n == 0)
			rc = fault_set(why, FAULT_EXPUNGED,
			    "message ends early");
		if (rc == 0)
			rc = append_data(to, buf_span(&piece), why);
	}
	buf_clear(&piece);
	return rc;
}

static int
copy_one(struct session *s, struct append *to, uint32_t number,
    uint32_t *uid, struct fault *why)
{
	const struct record *found = view_record(s->view, number);
	struct record r;
	struct message *m;
	struct span *keywords;
	size_t count;

	if (found == NULL)
		return fault_set(why, FAULT_EXPUNGED, "message %u is gone",
		    number);
	/* Reading may sync, which moves records. */
	r = *found;
	*uid = r.uid;
	keywords = keywords_of(s, &r, &count);
	if ((m = reader_open(s->reader, r.uid, why)) == NULL)
		return -1;
	if (append_message(to, r.flags & FLAG_ALL_SYSTEM, keywords, count,
	    true, r.date, r.zone, why) == -1)
		return -1;
	return copy_octets(to, m, why);
}

static void
answer(struct session *s, const struct append *to, const uint32_t *uids,
    size_t count)
{
	uint32_t *new = arena_alloc(s->scratch, count * sizeof *new);
	struct buf code;

	for (size_t i = 0; i < count; i++)
		new[i] = append_uid(to, i);
	buf_init(&code, 0);
	buf_addf(&code, "COPYUID %u ", append_uidvalidity(to));
	seqset_write(&code, uids, count);
	buf_addc(&code, ' ');
	seqset_write(&code, new, count);
	reply_ok(s, buf_string(&code), "COPY completed");
	buf_clear(&code);
}

static void
copy(struct session *s, const struct name *name, const uint32_t *numbers,
    size_t count)
{
	uint32_t *uids = arena_alloc(s->scratch, count * sizeof *uids);
	struct append *to;
	struct fault why;
	int rc = 0;

	to = append_new(&s->account, name, session_is_selected(s, name) ?
	    s->box : NULL, &why);
	if (to == NULL) {
		if (why.code == FAULT_NOTFOUND)
			reply_no(s, "TRYCREATE", "No such mailbox");
		else
			reply_fault(s, &why);
		return;
	}
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = copy_one(s, to, numbers[i], &uids[i], &why);
	if (rc == 0 && count > 0)
		rc = append_commit(to, &why);
	if (rc == -1)
		reply_fault(s, &why);
	else if (count > 0)
		answer(s, to, uids, count);
	append_free(to);
}

void
cmd_copy(struct session *s, struct args *a)
{
	struct span mailbox;
	struct name name;
	uint32_t *numbers;
	size_t count;

	if (!args_space(a)) {
		reply_bad_args(s, a);
		return;
	}
	if (!session_messages(s, a, &numbers, &count))
		return;
	if (!args_space(a) || !args_mailbox(a, &mailbox) || !args_end(a))
		reply_bad_args(s, a);
	else if (session_name(s, mailbox, &name))
		copy(s, &name, numbers, count);
}
