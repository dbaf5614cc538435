/* SPDX-License-Identifier: Apache-2.0 */
/* Which mailboxes there are: making, renaming, listing them. */
#include <string.h>

#include "c-client/api/local.h"
#include "c-client/api/mail_link.h"
#include "c-client/api/tell.h"
#include "c-client/api/user.h"
#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/store/box.h"
#include "c-client/store/driver.h"
#include "c-client/store/list.h"

#include "c-client/base/banned.h"

DRIVER *
mail_valid(MAILSTREAM *stream, char *mailbox, char *purpose)
{
	struct user *u = local_enter(stream);
	const struct driver *driver = NULL;
	enum driver_kind kind;
	struct name name;
	struct fault why;

	if (u == NULL)
		return NULL;
	/* A program that has no purpose is not told why. */
	if (purpose == NULL) {
		if (mailbox != NULL && name_parse(&u->account,
		    span_of(mailbox), u->scratch, &name, &why) == 0)
			driver = driver_of(&u->account, &name, &kind, &why);
	} else if (user_name(u, mailbox, purpose, &name)) {
		driver = driver_of(&u->account, &name, &kind, &why);
		if (driver == NULL)
			tell_fault(purpose, mailbox, &why);
	}
	local_leave(stream, u);
	return driver == NULL ? NULL : mail_link_of(driver);
}

/* What changes one mailbox, or what is known of it; `parse` takes its name. */
static long
change(MAILSTREAM *stream, char *mailbox, const char *what,
    bool (*parse)(struct user *, char *, const char *, struct name *),
    int (*how)(struct account *, const struct name *, struct fault *))
{
	struct user *u = local_enter(stream);
	struct name name;
	struct fault why;
	long done = NIL;

	if (u == NULL)
		return NIL;
	if (parse(u, mailbox, what, &name))
		done = how(&u->account, &name, &why) == 0 ? T :
		    tell_fault(what, mailbox, &why);
	local_leave(stream, u);
	return done;
}

long
mail_create(MAILSTREAM *stream, char *mailbox)
{
	return change(stream, mailbox, "create mailbox", user_name_new,
	    box_create);
}

/* Is it the stream's mailbox, or one that is below it? */
static bool
is_open_below(const MAILSTREAM *stream, const struct name *name)
{
	const struct local *l = local_of(stream);
	size_t n = strlen(name->path);

	return l != NULL && strncmp(l->box->name.path, name->path, n) == 0 &&
	    (l->box->name.path[n] == '\0' ||
	    (!name->inbox && l->box->name.path[n] == '/'));
}

long
mail_delete(MAILSTREAM *stream, char *mailbox)
{
	struct user *u = local_enter(stream);
	struct name name;
	struct fault why;
	long done = NIL;

	if (u == NULL)
		return NIL;
	if (!user_name(u, mailbox, "delete mailbox", &name))
		done = NIL;
	else if (is_open_below(stream, &name))
		done = tell_error("Can't delete mailbox %s: this stream has "
		    "it open", mailbox);
	else
		done = box_delete(&u->account, &name, &why) == 0 ? T :
		    tell_fault("delete mailbox", mailbox, &why);
	local_leave(stream, u);
	return done;
}

long
mail_rename(MAILSTREAM *stream, char *old, char *newname)
{
	struct user *u = local_enter(stream);
	struct name from, to;
	struct fault why;
	long done = NIL;

	if (u == NULL)
		return NIL;
	if (!user_name(u, old, "rename mailbox", &from) ||
	    !user_name(u, newname, "rename mailbox to", &to))
		done = NIL;
	else if (!from.inbox && is_open_below(stream, &from))
		done = tell_error("Can't rename mailbox %s: this stream has "
		    "it open", old);
	else
		done = box_rename(&u->account, &from, &to, &why) == 0 ? T :
		    tell_fault("rename mailbox", old, &why);
	local_leave(stream, u);
	return done;
}

long
mail_subscribe(MAILSTREAM *stream, char *mailbox)
{
	return change(stream, mailbox, "subscribe to", user_name,
	    list_subscribe);
}

long
mail_unsubscribe(MAILSTREAM *stream, char *mailbox)
{
	return change(stream, mailbox, "unsubscribe from", user_name,
	    list_unsubscribe);
}

long
mail_status(MAILSTREAM *stream, char *mailbox, long flags)
{
	struct user *u = local_enter(stream);
	struct box_status is = { 0 };
	MAILSTATUS status = { .flags = flags & (SA_MESSAGES | SA_RECENT |
	    SA_UNSEEN | SA_UIDNEXT | SA_UIDVALIDITY) };
	struct name name;
	struct fault why;
	long done = NIL;

	if (u == NULL)
		return NIL;
	if (user_name(u, mailbox, "get status of", &name))
		done = box_status(&u->account, &name, &is, &why) == 0 ? T :
		    tell_fault("get status of", mailbox, &why);
	local_leave(stream, u);
	if (done == NIL)
		return NIL;
	status.messages = is.messages;
	status.recent = is.recent;
	status.unseen = is.unseen;
	status.uidnext = is.uidnext;
	status.uidvalidity = is.uidvalidity;
	mm_status(stream, mailbox, &status);
	return T;
}

static const struct {
	unsigned bit;
	long attribute;
} attributes[] = {
	{ LIST_NOINFERIORS, LATT_NOINFERIORS },
	{ LIST_NOSELECT, LATT_NOSELECT },
	{ LIST_MARKED, LATT_MARKED },
	{ LIST_UNMARKED, LATT_UNMARKED },
	{ LIST_HASCHILDREN, LATT_HASCHILDREN },
	{ LIST_HASNOCHILDREN, LATT_HASNOCHILDREN },
};

static void
tell_entry(MAILSTREAM *stream, const struct list_entry *e,
    void (*tell)(MAILSTREAM *, int, char *, long))
{
	struct buf wire;
	char *name;
	long bits = NIL;

	for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
		if (e->attributes & attributes[i].bit)
			bits |= attributes[i].attribute;
	buf_init(&wire, 0);
	name_write(&wire, e->path);
	name = cpystr(buf_string(&wire));
	buf_clear(&wire);
	tell(stream, '/', name, bits);
	fs_give((void **)&name);
}

static void
list(MAILSTREAM *stream, const char *ref, const char *pat,
    void (*tell)(MAILSTREAM *, int, char *, long),
    int (*get)(struct account *, struct span, struct span, struct arena *,
    struct list_entry **, size_t *, struct fault *))
{
	struct list_entry root = { "", LIST_NOSELECT }, *entries = &root;
	struct user *u;
	struct fault why;
	size_t count = 1;

	if (ref == NULL)
		ref = "";
	if (pat == NULL)
		pat = "";
	if (ref[0] == '{' || pat[0] == '{') {
		tell_error("Can't list %.80s%.80s: mailboxes of other hosts "
		    "are not for this library", ref, pat);
		return;
	}
	if ((u = local_enter(stream)) == NULL)
		return;
	/* An empty pattern asks for the delimiter (RFC 3501 6.3.8). */
	if (pat[0] != '\0' && get(&u->account, span_of(ref), span_of(pat),
	    u->scratch, &entries, &count, &why) == -1) {
		tell_fault("list", pat, &why);
		count = 0;
	}
	for (size_t i = 0; i < count; i++)
		tell_entry(stream, &entries[i], tell);
	local_leave(stream, u);
}

void
mail_list(MAILSTREAM *stream, char *ref, char *pat)
{
	list(stream, ref, pat, mm_list, list_all);
}

void
mail_lsub(MAILSTREAM *stream, char *ref, char *pat)
{
	list(stream, ref, pat, mm_lsub, list_subscribed);
}
