/* SPDX-License-Identifier: Apache-2.0 */
/* LIST and LSUB (RFC 3501 6.3.8, 6.3.9; RFC 3348). */
#include "imapd/command.h"

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/store/list.h"
#include "c-client/store/name.h"
#include "imapd/args.h"
#include "imapd/reply.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

static const struct {
	unsigned bit;
	const char *name;
} attributes[] = {
	{ LIST_NOSELECT, "\\Noselect" },
	{ LIST_NOINFERIORS, "\\Noinferiors" },
	{ LIST_HASCHILDREN, "\\HasChildren" },
	{ LIST_HASNOCHILDREN, "\\HasNoChildren" },
	{ LIST_MARKED, "\\Marked" },
	{ LIST_UNMARKED, "\\Unmarked" },
};

static bool
tell(struct session *s, const struct list_entry *e)
{
	struct buf *out = reply_begin(s);
	bool first = true;

	buf_adds(out, "* ");
	buf_adds(out, s->command->name);
	buf_adds(out, " (");
	for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
		if (!(e->attributes & attributes[i].bit))
			continue;
		if (!first)
			buf_addc(out, ' ');
		first = false;
		buf_adds(out, attributes[i].name);
	}
	buf_adds(out, ") \"/\" ");
	reply_mailbox(out, e->path);
	return reply_end(s);
}

/* What all names have at their beginning that are in the namespace of the
 * reference. */
static const char *
root_of(struct session *s, struct span reference)
{
	const char *name = arena_string(s->scratch, reference.p,
	    reference.n), *rest;
	enum name_space space = NAME_OWN;

	if (name != NULL)
		space = name_space(name, &rest);
	if (space == NAME_OWN || !name_space_is_served(&s->account, space))
		return "";
	return name_space_prefix(space);
}

static void
list(struct session *s, struct args *a, int (*get)(struct account *,
    struct span, struct span, struct arena *, struct list_entry **, size_t *,
    struct fault *))
{
	struct span reference, pattern;
	struct list_entry *entries = NULL;
	struct fault why;
	size_t count = 0;

	if (!args_space(a) || !args_mailbox(a, &reference) ||
	    !args_space(a) || !args_list_mailbox(a, &pattern) ||
	    !args_end(a)) {
		reply_bad_args(s, a);
		return;
	}
	/* An empty pattern asks for the delimiter, and for the namespace that
	 * the reference is in (6.3.8). */
	if (pattern.n == 0) {
		struct list_entry root = { root_of(s, reference),
		    LIST_NOSELECT };

		tell(s, &root);
		return;
	}
	if (get(&s->account, reference, pattern, s->scratch, &entries, &count,
	    &why) == -1) {
		reply_fault(s, &why);
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (!tell(s, &entries[i]))
			return;
}

void
cmd_list(struct session *s, struct args *a)
{
	list(s, a, list_all);
}

void
cmd_lsub(struct session *s, struct args *a)
{
	list(s, a, list_subscribed);
}
