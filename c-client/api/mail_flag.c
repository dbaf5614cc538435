/* SPDX-License-Identifier: Apache-2.0 */
/* Flags by name, and changing them. */
#include "c-client/api/mail_flag.h"

#include "c-client/api/local.h"
#include "c-client/api/tell.h"
#include "c-client/api/user.h"
#include "c-client/base/arena.h"
#include "c-client/base/fault.h"
#include "c-client/store/view.h"

#include "c-client/base/banned.h"

static const struct {
	const char *name;
	uint16_t flag;
} system_flags[] = {
	{ "\\Answered", FLAG_ANSWERED },
	{ "\\Deleted", FLAG_DELETED },
	{ "\\Draft", FLAG_DRAFT },
	{ "\\Flagged", FLAG_FLAGGED },
	{ "\\Seen", FLAG_SEEN },
};

/* A name into *out, the keyword to `keywords`, which has room.  False where
 * there is no such flag. */
static bool
one_flag(struct span name, struct box_store *out, struct span *keywords)
{
	for (size_t i = 0; i < sizeof system_flags / sizeof system_flags[0];
	    i++)
		if (span_is(name, system_flags[i].name)) {
			out->flags |= system_flags[i].flag;
			return true;
		}
	if (name.p[0] == '\\')
		return false;
	keywords[out->keyword_count++] = name;
	return true;
}

bool
mail_flag_parse(const char *text, struct arena *arena, struct box_store *out)
{
	struct span rest = span_trim(span_of(text == NULL ? "" : text)), word;
	struct span *keywords = arena_alloc(arena,
	    (rest.n / 2 + 1) * sizeof *keywords);

	out->flags = 0;
	out->keywords = keywords;
	out->keyword_count = 0;
	if (rest.n >= 2 && rest.p[0] == '(' && rest.p[rest.n - 1] == ')')
		rest = span_trim(span_slice(rest, 1, rest.n - 2));
	while (rest.n > 0) {
		ptrdiff_t end = span_find_char(rest, ' ');

		word = span_slice(rest, 0, end == -1 ? rest.n : (size_t)end);
		rest = span_trim(span_slice(rest, word.n, rest.n));
		if (!one_flag(word, out, keywords)) {
			tell_error("There is no flag %.*s", (int)word.n,
			    word.p);
			return false;
		}
	}
	return true;
}

bool
mail_flag_store(MAILSTREAM *stream, const uint32_t *numbers, size_t count,
    const struct box_store *change, bool silent)
{
	struct local *l = stream->local;
	uint32_t *uids = arena_alloc(l->user->scratch,
	    (count + 1) * sizeof *uids);
	uint64_t before = l->box->meta.highestmodseq, modseq = 0;
	struct fault why;

	for (size_t i = 0; i < count; i++)
		uids[i] = local_uid(stream, numbers[i]);
	/* The UIDs of a mailbox that was replaced are other messages'. */
	if (l->box->meta.uidvalidity != l->view->uidvalidity)
		return tell_error("%s was replaced", stream->mailbox);
	if (count > 0 && box_store_flags(l->box, uids, count, change, &modseq,
	    &why) == -1)
		return tell_fault("set flags in", stream->mailbox, &why);
	local_keywords(stream);
	if (modseq == 0)
		return true;
	for (size_t i = 0; i < count && !silent; i++) {
		const struct record *r = view_record(l->view, numbers[i]);

		/* Those that had it that way already keep theirs. */
		if (r != NULL && r->modseq == modseq)
			local_tell_flags(stream, numbers[i]);
	}
	view_told(l->view, before, modseq);
	return true;
}

void
mail_flag(MAILSTREAM *stream, char *sequence, char *flag, long flags)
{
	struct user *u;
	struct box_store change = { .op = flags & ST_SET ? BOX_STORE_ADD :
	    BOX_STORE_REMOVE };
	uint32_t *numbers;
	size_t count;

	if (local_of(stream) == NULL) {
		tell_error("Can't set flags: there is no open mailbox");
		return;
	}
	u = local_enter(stream);
	if (stream->rdonly)
		tell_error("Can't set flags in %s: it can only be read",
		    stream->mailbox);
	else if (mail_flag_parse(flag, u->scratch, &change) &&
	    local_sequence(stream, sequence, (flags & ST_UID) != 0, &numbers,
	    &count) == 0)
		mail_flag_store(stream, numbers, count, &change,
		    (flags & ST_SILENT) != 0);
	local_leave(stream, u);
}
