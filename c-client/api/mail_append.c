/* SPDX-License-Identifier: Apache-2.0 */
/* Adding messages to a mailbox: those the program gives, and copies of those
 * of a stream. */
#include <string.h>

#include "c-client/api/local.h"
#include "c-client/api/mail_flag.h"
#include "c-client/api/tell.h"
#include "c-client/api/user.h"
#include "c-client/base/arena.h"
#include "c-client/base/fault.h"
#include "c-client/mime/date.h"
#include "c-client/store/append.h"
#include "c-client/store/copy.h"
#include "c-client/store/view.h"

#include "c-client/base/banned.h"

/* The stream's own box where that is the mailbox. */
static struct box *
own_box(const MAILSTREAM *stream, const struct name *name)
{
	const struct local *l = local_of(stream);

	return l != NULL && strcmp(l->box->name.path, name->path) == 0 ?
	    l->box : NULL;
}

static struct append *
begin(MAILSTREAM *stream, struct user *u, char *mailbox, const char *what)
{
	struct append *to;
	struct name name;
	struct fault why;

	if (!user_name(u, mailbox, what, &name))
		return NULL;
	to = append_new(&u->account, &name, own_box(stream, &name), &why);
	if (to != NULL)
		return to;
	if (why.code == FAULT_NOTFOUND)
		tell_notify(stream, "[TRYCREATE] There is no such mailbox",
		    NIL);
	tell_fault(what, mailbox, &why);
	return NULL;
}

/* All octets of the program's string; NUL is stored as it would be sent. */
static int
add_octets(struct append *to, STRING *message, struct fault *why)
{
	char piece[4096];
	size_t n = 0;

	for (unsigned long left = SIZE(message); left > 0; left--) {
		char c = SNX(message);

		piece[n++] = c == '\0' ? (char)0x80 : c;
		if (n < sizeof piece && left > 1)
			continue;
		if (append_data(to, (struct span){ piece, n }, why) == -1)
			return -1;
		n = 0;
	}
	return 0;
}

static bool
add(struct user *u, struct append *to, char *flags, char *text,
    STRING *message, const char *mailbox)
{
	struct box_store set = { .flags = 0 };
	struct date date = { 0, 0 };
	bool dated = text != NULL && text[0] != '\0';
	struct fault why;

	if (dated && !date_parse_internal(span_of(text), &date) &&
	    !date_parse(span_of(text), &date))
		return tell_error("Can't append: bad date %.80s", text);
	if (!mail_flag_parse(flags, u->scratch, &set))
		return false;
	if (SIZE(message) == 0)
		return tell_error("Can't append an empty message");
	if (append_message(to, set.flags, set.keywords, set.keyword_count,
	    dated, date.secs, date.zone_minutes, &why) == 0 &&
	    add_octets(to, message, &why) == 0)
		return true;
	return tell_fault("append to", mailbox, &why);
}

static bool
commit(MAILSTREAM *stream, struct append *to, const char *what,
    const char *mailbox)
{
	struct fault why;
	int status;

	mm_critical(stream);
	status = append_commit(to, &why);
	mm_nocritical(stream);
	return status == 0 || tell_fault(what, mailbox, &why);
}

static bool
append(MAILSTREAM *stream, struct user *u, struct append *to, char *mailbox,
    append_t next, void *data)
{
	char *flags = NULL, *date = NULL;
	STRING *message = NULL;
	size_t n = 0;

	for (;;) {
		if (!next(stream, data, &flags, &date, &message))
			return false;
		if (message == NULL)
			break;
		if (!add(u, to, flags, date, message, mailbox))
			return false;
		n++;
	}
	return n > 0 && commit(stream, to, "append to", mailbox);
}

long
mail_append_multiple(MAILSTREAM *stream, char *mailbox, append_t next,
    void *data)
{
	struct user *u = local_enter(stream);
	struct append *to;
	bool done = false;

	if (u == NULL)
		return NIL;
	if ((to = begin(stream, u, mailbox, "append to")) != NULL)
		done = append(stream, u, to, mailbox, next, data);
	append_free(to);
	local_leave(stream, u);
	return done ? T : NIL;
}

struct one {
	char *flags, *date;
	STRING *message;
};

static long
next_of_one(MAILSTREAM *stream, void *data, char **flags, char **date,
    STRING **message)
{
	struct one *one = data;

	(void)stream;
	*flags = one->flags;
	*date = one->date;
	*message = one->message;
	one->message = NULL;
	return T;
}

long
mail_append_full(MAILSTREAM *stream, char *mailbox, char *flags, char *date,
    STRING *message)
{
	struct one one = { flags, date, message };

	return mail_append_multiple(stream, mailbox, next_of_one, &one);
}

static int
collect(MAILSTREAM *stream, const uint32_t *numbers, size_t count,
    struct append *to, struct fault *why)
{
	struct local *l = stream->local;

	for (size_t i = 0; i < count; i++)
		if (copy_message(l->box, l->reader,
		    local_uid(stream, numbers[i]), to, why) == -1)
			return -1;
	/* The UIDs of a mailbox that was replaced are other messages'. */
	if (l->box->meta.uidvalidity != l->view->uidvalidity)
		return fault_set(why, FAULT_CHANGED, "%s was replaced",
		    l->box->name.path);
	return 0;
}

static bool
copy(MAILSTREAM *stream, struct user *u, const uint32_t *numbers,
    size_t count, char *mailbox)
{
	struct append *to = begin(stream, u, mailbox, "copy to");
	struct fault why;
	bool done = false;

	if (to == NULL)
		return false;
	if (count == 0)
		done = true;
	else if (collect(stream, numbers, count, to, &why) == -1)
		tell_fault("copy to", mailbox, &why);
	else
		done = commit(stream, to, "copy to", mailbox);
	append_free(to);
	return done;
}

long
mail_copy_full(MAILSTREAM *stream, char *sequence, char *mailbox,
    long options)
{
	static const struct box_store deleted = { .op = BOX_STORE_ADD,
	    .flags = FLAG_DELETED };
	bool move = (options & CP_MOVE) != 0, done = false;
	struct user *u;
	uint32_t *numbers;
	size_t count;

	if (local_of(stream) == NULL)
		return tell_error("Can't copy: there is no open mailbox");
	if (move && stream->rdonly)
		return tell_error("Can't move from %s: it can only be read",
		    stream->mailbox);
	u = local_enter(stream);
	if (local_sequence(stream, sequence, (options & CP_UID) != 0,
	    &numbers, &count) == 0)
		done = copy(stream, u, numbers, count, mailbox) && (!move ||
		    mail_flag_store(stream, numbers, count, &deleted, false));
	local_leave(stream, u);
	return done ? T : NIL;
}
