/* SPDX-License-Identifier: Apache-2.0 */
/* Messages by number and UID, and sequences of them. */
#include "c-client/api/local.h"
#include "c-client/api/user.h"
#include "c-client/store/view.h"

#include "c-client/base/banned.h"

MESSAGECACHE *
mail_elt(MAILSTREAM *stream, unsigned long msgno)
{
	struct local_message *m = local_asked(stream, msgno, false);

	return m == NULL ? NULL : &m->elt;
}

unsigned long
mail_uid(MAILSTREAM *stream, unsigned long msgno)
{
	struct local *l = local_of(stream);

	if (l == NULL || msgno == 0 || msgno > l->view->count)
		return 0;
	return local_uid(stream, msgno);
}

unsigned long
mail_msgno(MAILSTREAM *stream, unsigned long uid)
{
	struct local *l = local_of(stream);

	if (l == NULL || uid == 0 || uid > UINT32_MAX)
		return 0;
	return view_number(l->view, (uint32_t)uid);
}

static long
mark(MAILSTREAM *stream, const char *text, bool uid)
{
	struct local *l = local_of(stream);
	struct user *u;
	uint32_t *numbers;
	size_t count = 0;
	int status;

	if ((u = local_enter(stream)) == NULL)
		return NIL;
	status = local_sequence(stream, text, uid, &numbers, &count);
	if (status == 0) {
		for (size_t i = 0; i < l->room; i++)
			if (l->messages[i] != NULL)
				l->messages[i]->elt.sequence = 0;
		for (size_t i = 0; i < count; i++)
			local_message(stream, numbers[i])->elt.sequence = 1;
	}
	local_leave(stream, u);
	return status == 0 ? T : NIL;
}

long
mail_sequence(MAILSTREAM *stream, unsigned char *sequence)
{
	return mark(stream, (char *)sequence, false);
}

long
mail_uid_sequence(MAILSTREAM *stream, unsigned char *sequence)
{
	return mark(stream, (char *)sequence, true);
}

/* What these were to bring is brought by mail_elt(). */
void
mail_fetch_fast(MAILSTREAM *stream, char *sequence, long flags)
{
	mark(stream, sequence, (flags & FT_UID) != 0);
}

void
mail_fetch_flags(MAILSTREAM *stream, char *sequence, long flags)
{
	mark(stream, sequence, (flags & FT_UID) != 0);
}
