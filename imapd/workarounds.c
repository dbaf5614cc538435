/* SPDX-License-Identifier: Apache-2.0 */
/* The table of client faults.  Nothing else decides to be generous. */
#include "imapd/workarounds.h"

#include "c-client/base/banned.h"

static const struct workaround_row rows[WORKAROUNDS] = {
	[WORKAROUND_BLANKS] = { "blanks", "several",
	    "more than one blank between arguments, blanks inside "
	    "parentheses and at the end of the line",
	    "they count as one, and as none at the end", true },
	[WORKAROUND_QUOTED_8BIT] = { "quoted-8bit", "most, for passwords",
	    "8-bit octets in quoted strings, where RFC 3501 wants a literal",
	    "taken as they are; mailbox names refuse them", true },
	[WORKAROUND_DELIMITER] = { "trailing-delimiter", "Thunderbird",
	    "a hierarchy delimiter at the end of a mailbox's name",
	    "dropped, but for CREATE, where it means a directory", true },
	[WORKAROUND_ID_EMPTY] = { "id-empty", "several",
	    "ID () where ID NIL is meant",
	    "taken as NIL", true },
	[WORKAROUND_EMPTY_STAR] = { "empty-star", "most",
	    "FETCH 1:* in a mailbox without messages",
	    "OK without any answer in place of BAD", true },
	[WORKAROUND_RECENT] = { "set-recent", "those that copy flags",
	    "\\Recent in the flags of STORE and APPEND",
	    "passed over", true },
	[WORKAROUND_BODY_BLANK] = { "body-blank", "Pine, Alpine",
	    "BODY [...] with a blank before the bracket",
	    "taken as without", true },
};

bool
workarounds_has(enum workaround w)
{
	return rows[w].on;
}

const struct workaround_row *
workarounds_row(size_t i)
{
	return i < WORKAROUNDS ? &rows[i] : NULL;
}
