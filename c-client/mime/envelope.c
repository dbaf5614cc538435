/* SPDX-License-Identifier: Apache-2.0 */
/* ENVELOPE (RFC 3501 7.4.2): one walk over the header, then the ten members
 * in their order. */
#include "c-client/mime/envelope.h"

#include <stdbool.h>
#include <stdint.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/mime/addr.h"
#include "c-client/mime/header.h"
#include "c-client/mime/imapstr.h"

#include "c-client/base/banned.h"

enum form {
	FORM_STRING,
	FORM_ADDRESS,		/* the first field counts */
	FORM_ADDRESSES		/* all fields together */
};

enum {
	DATE, SUBJECT, FROM, SENDER, REPLY_TO, TO, CC, BCC, IN_REPLY_TO,
	MESSAGE_ID, MEMBERS
};

static const struct {
	const char *name;
	enum form form;
} members[MEMBERS] = {
	[DATE] =	{ "Date",	 FORM_STRING },
	[SUBJECT] =	{ "Subject",	 FORM_STRING },
	[FROM] =	{ "From",	 FORM_ADDRESS },
	[SENDER] =	{ "Sender",	 FORM_ADDRESS },
	[REPLY_TO] =	{ "Reply-To",	 FORM_ADDRESS },
	[TO] =		{ "To",		 FORM_ADDRESSES },
	[CC] =		{ "Cc",		 FORM_ADDRESSES },
	[BCC] =		{ "Bcc",	 FORM_ADDRESSES },
	[IN_REPLY_TO] =	{ "In-Reply-To", FORM_STRING },
	[MESSAGE_ID] =	{ "Message-ID",	 FORM_STRING },
};

/* One member's field, and where the list of addresses stands. */
struct member {
	struct span body;	/* p == NULL: no such field */
	struct addr *list, *last;
	size_t count;
};

static size_t
member_of(struct span name)
{
	size_t i;

	for (i = 0; i < MEMBERS; i++)
		if (span_is(name, members[i].name))
			break;
	return i;
}

/* Add a field's addresses, BOUND_ADDRESSES in all; a group that would pass
 * it is left out whole. */
static void
addresses_add(struct arena *a, struct member *m, struct span body)
{
	struct addr *list = addr_parse(a, body), *end = NULL;
	size_t n = m->count;
	bool in_group = false;

	for (struct addr *one = list; one != NULL && n < BOUND_ADDRESSES;
	    one = one->next) {
		n++;
		in_group = one->group_start || (in_group && !one->group_end);
		if (in_group)
			continue;
		end = one;
		m->count = n;
	}
	if (end == NULL)
		return;
	if (m->last == NULL)
		m->list = list;
	else
		m->last->next = list;
	m->last = end;
	end->next = NULL;
}

static void
members_read(struct arena *a, struct span header, struct member *found)
{
	struct header_field f;
	struct header_iter it;
	size_t i;

	header_begin(&it, header);
	while (header_next(&it, &f)) {
		i = member_of(f.name);
		if (i == MEMBERS || (members[i].form != FORM_ADDRESSES &&
		    found[i].body.p != NULL))
			continue;
		found[i].body = f.body;
		if (members[i].form != FORM_STRING &&
		    found[i].count < BOUND_ADDRESSES)
			addresses_add(a, &found[i], f.body);
	}
}

/* (name adl mailbox host), RFC 3501 9; groups are told by a host of NIL. */
static void
address_write(struct buf *out, const struct addr *a)
{
	struct span host = a->host;

	if (!a->group_start && !a->group_end && host.p == NULL)
		host = SPAN("");
	buf_addc(out, '(');
	imapstr_write(out, a->name);
	buf_addc(out, ' ');
	imapstr_write(out, a->adl);
	buf_addc(out, ' ');
	imapstr_write(out, a->mailbox);
	buf_addc(out, ' ');
	imapstr_write(out, host);
	buf_addc(out, ')');
}

/* Six of them stand between two strings: with the blank in front. */
static void
addresses_write(struct buf *out, const struct addr *list)
{
	buf_addc(out, ' ');
	if (list == NULL) {
		buf_adds(out, "NIL");
		return;
	}
	buf_addc(out, '(');
	for (; list != NULL; list = list->next)
		address_write(out, list);
	buf_addc(out, ')');
}

static struct span
text_of(struct arena *a, const struct member *m)
{
	return m->body.p == NULL ? m->body : header_unfold(a, m->body);
}

void
envelope_read(struct arena *a, struct span header, struct envelope *out)
{
	struct member found[MEMBERS] = { { .body = { NULL, 0 } } };

	members_read(a, header, found);
	out->date = text_of(a, &found[DATE]);
	out->subject = text_of(a, &found[SUBJECT]);
	out->from = found[FROM].list;
	out->sender = found[SENDER].list == NULL ? out->from :
	    found[SENDER].list;
	out->reply_to = found[REPLY_TO].list == NULL ? out->from :
	    found[REPLY_TO].list;
	out->to = found[TO].list;
	out->cc = found[CC].list;
	out->bcc = found[BCC].list;
	out->in_reply_to = text_of(a, &found[IN_REPLY_TO]);
	out->message_id = text_of(a, &found[MESSAGE_ID]);
}

void
envelope_write(struct buf *out, struct span header)
{
	struct arena *a = arena_new(0);
	struct envelope e;

	envelope_read(a, header, &e);
	buf_addc(out, '(');
	imapstr_write(out, e.date);
	buf_addc(out, ' ');
	imapstr_write(out, e.subject);
	addresses_write(out, e.from);
	addresses_write(out, e.sender);
	addresses_write(out, e.reply_to);
	addresses_write(out, e.to);
	addresses_write(out, e.cc);
	addresses_write(out, e.bcc);
	buf_addc(out, ' ');
	imapstr_write(out, e.in_reply_to);
	buf_addc(out, ' ');
	imapstr_write(out, e.message_id);
	buf_addc(out, ')');
	arena_free(a);
}
