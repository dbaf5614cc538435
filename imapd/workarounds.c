/* SPDX-License-Identifier: Apache-2.0 */
/* The table of client faults.  Nothing else decides to be generous. */
#include "imapd/workarounds.h"

#include <string.h>

#include "c-client/base/log.h"
#include "c-client/base/words.h"

#include "c-client/base/banned.h"

static const struct workaround_row rows[WORKAROUNDS] = {
	[WORKAROUND_BLANKS] = { "blanks", "several",
	    "more than one blank between arguments, blanks inside "
	    "parentheses and at the end of the line",
	    "they count as one, and as none at the end" },
	[WORKAROUND_QUOTED_8BIT] = { "quoted-8bit", "most, for passwords",
	    "8-bit octets in quoted strings, where RFC 3501 wants a literal",
	    "taken as they are; mailbox names refuse them" },
	[WORKAROUND_DELIMITER] = { "trailing-delimiter", "Thunderbird",
	    "a hierarchy delimiter at the end of a mailbox's name",
	    "dropped, but for CREATE, where it means a directory" },
	[WORKAROUND_ID_EMPTY] = { "id-empty", "several",
	    "ID () where ID NIL is meant",
	    "taken as NIL" },
	[WORKAROUND_EMPTY_STAR] = { "empty-star", "most",
	    "FETCH 1:* in a mailbox without messages",
	    "OK without any answer in place of BAD" },
	[WORKAROUND_RECENT] = { "set-recent", "those that copy flags",
	    "\\Recent in the flags of STORE and APPEND",
	    "passed over" },
	[WORKAROUND_BODY_BLANK] = { "body-blank", "Pine, Alpine",
	    "BODY [...] with a blank before the bracket",
	    "taken as without" },
	[WORKAROUND_RECORDS] = { "tls-records", "Outlook, Windows Mail",
	    "TLS records of nearly 16,384 octets are not understood by their "
	    "SChannel",
	    "no record has more than 8,192; ipop3d does so too" },
};

/* A property of the process: set before its first command, then only read. */
static bool off[WORKAROUNDS];

/* Switch what `word` names; false if it names nothing. */
static bool
take_word(struct span word)
{
	bool known = false;

	for (size_t i = 0; i < WORKAROUNDS; i++) {
		bool on = words_apply(word, rows[i].word, !off[i]);

		/* It says something of this one if that is the same whatever
		 * was before. */
		known |= on == words_apply(word, rows[i].word, off[i]);
		off[i] = !on;
	}
	return known;
}

void
workarounds_set(const char *words)
{
	struct span left = span_of(words), word;
	char shown[LOG_FIELD_MAX];

	memset(off, 0, sizeof off);
	while ((word = words_next(&left)).n != 0)
		if (!take_word(word))
			log_line(LOG_ERR, "configuration: workarounds: %s "
			    "is none; imapd.conf(5) lists them",
			    log_field(word.p, word.n, shown));
}

bool
workarounds_has(enum workaround w)
{
	return !off[w];
}

const struct workaround_row *
workarounds_row(size_t i)
{
	return i < WORKAROUNDS ? &rows[i] : NULL;
}
