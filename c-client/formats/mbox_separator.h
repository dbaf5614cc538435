/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line that begins a message in a mailbox file: which line is one, and
 * the date in it.  The one rule for scanning, for looking at a file from
 * outside, and for what is quoted on writing.
 */
#ifndef FORMATS_MBOX_SEPARATOR_H
#define FORMATS_MBOX_SEPARATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

/* A longer line is no separator, whatever is in it. */
#define MBOX_SEPARATOR_MAX	1024u

struct mbox_separator {
	bool dated;
	int64_t secs;		/* since 1970; 0 if there is no date */
	int16_t zone_minutes;	/* as written, else the machine's own zone at
				 * that time */
};

/*
 * Is `line` (with or without its line end) a separator?  It begins with
 * "From ", and its rest ends in a date: that of ctime(3), with or without
 * seconds, with a zone before or after the year, or that of RFC 822; "remote
 * from" and a word may follow.  `after_empty` says that an empty line, or
 * nothing, is before it: then one word without a date will do.
 */
bool mbox_separator_parse(struct span line, bool after_empty,
    struct mbox_separator *out);

/*
 * Where the first separator of a file begins, whose first octets are `head`:
 * behind a byte order mark and empty lines.  -1 if the file does not begin
 * with one.  A file without any octet but these has it at its end.
 */
ptrdiff_t mbox_separator_first(struct span head);

#endif
