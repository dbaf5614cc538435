/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of a POP3 client (RFC 1939 section 3).  Fed bytes, it says where
 * a line ends; it does no I/O and keeps none of the bytes.
 */
#ifndef IPOPD_LINE_H
#define IPOPD_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

enum line_event {
	LINE_MORE,		/* no whole line is left */
	LINE_READY,		/* *line is one, without its end */
	LINE_TOOBIG,		/* over BOUND_POP_LINE: skipped to its end */
	LINE_BAD		/* a line with a NUL: skipped */
};

/* All that is kept between calls; zeroed at the start. */
struct line_reader {
	bool over;		/* within a line that is too long */
};

/*
 * Take the next line from `in`.  *used is how many octets of `in` are done
 * with, whatever is returned: the caller drops them, or passes them over,
 * before the next call.  A line ends in CRLF or LF; a CR elsewhere is part of
 * it.  LINE_TOOBIG is given once, as soon as the limit is passed, without
 * waiting for the line's end; what is left of it is then passed over.
 */
enum line_event line_next(struct line_reader *, struct span in, size_t *used,
    struct span *line);

/* A command: its first word, and all behind the one blank that ends it. */
struct line {
	struct span verb;
	struct span rest;	/* as it was sent: a password may begin and
				 * end with blanks */
	struct span args;	/* `rest` without blanks at either end */
};

void line_split(struct span text, struct line *);

/* The first word of *args, which is then what follows it, trimmed. */
struct span line_word(struct span *args);

#endif
