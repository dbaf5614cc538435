/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of a message's MIME parts (RFC 2045, 2046) from a push parser:
 * it is fed the message in pieces of any size, keeps only its headers, and
 * never sees a file.
 *
 * How octets are counted: offsets are from the first octet fed.  A part's
 * header ends with its empty line; its body with the line end in front of the
 * delimiter line, which belongs to the delimiter (RFC 2046 5.1.1).  Where a
 * body would be empty and the line end is the header's own, it stays with the
 * header of the part that the delimiter ends; what is inside that part ends
 * with it, so that a part never reaches beyond the body that it is in.  A
 * delimiter line is "--", the boundary, "--" if it closes, blanks, and its
 * line end, in at most 1,000 octets; a line with more behind the boundary is
 * none.  A delimiter of an outer part ends all inner ones; where two have the
 * same boundary it is the inner one's.
 *
 * What else was decided:
 * - No Content-Type, or none that can be read: text/plain; charset=us-ascii,
 *   in multipart/digest message/rfc822.  A missing subtype: text/plain,
 *   multipart/mixed, message/rfc822, audio/basic, image/x-unknown,
 *   video/x-unknown, and application/octet-stream for anything else.
 * - message/rfc822 and message/global have one child, the message inside,
 *   whatever their Content-Transfer-Encoding says.
 * - A multipart always has a child, as IMAP's grammar wants (body-type-mpart
 *   is 1*body).  One in which no delimiter is found gets a text/plain child
 *   whose body is all of its own, so that people can read it; one that has
 *   only a closing delimiter gets an empty text/plain child in front of it.
 * - Beyond BOUND_MIME_DEPTH a multipart or message is an
 *   application/octet-stream leaf.  Beyond BOUND_MIME_PARTS, or when all
 *   headers together pass BOUND_MIME_HEADER, or when the arena is full, the
 *   part that begins there is one, and goes on to the end of the message.
 */
#ifndef MIME_PART_H
#define MIME_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"
#include "c-client/mime/param.h"

struct arena;
struct mime_parser;

enum mime_kind {
	MIME_LEAF,
	MIME_MULTIPART,		/* one child or more */
	MIME_MESSAGE		/* just one child, the message inside */
};

struct mime_part {
	struct mime_part *parent, *child, *next;
	uint32_t child_count;
	enum mime_kind kind;

	uint64_t header_off, header_octets;	/* with its empty line */
	uint64_t body_off, body_octets;
	uint64_t body_lines;	/* line ends (LF) in the body */

	/* The header's octets.  All spans below point into it or into the
	 * arena; unfolded and without blanks around, else as written. */
	struct span header;
	struct span type, subtype;	/* never empty; defaults filled in */
	struct param *params;
	struct span id;			/* p == NULL where there is no field */
	struct span description;
	struct span encoding;		/* "7BIT" where there is no field */
	struct span md5;
	struct span disposition;	/* p == NULL or not empty */
	struct param *disposition_params;
	struct mime_language *language;
	struct span location;
};

struct mime_language {
	struct mime_language *next;
	struct span tag;
};

/*
 * A parser whose tree and headers will live in the arena: at most about
 * BOUND_MIME_HEADER, plus 700 octets for each of BOUND_MIME_PARTS, plus what
 * parameters take.  NULL if the arena is full already.
 */
struct mime_parser *mime_parser_new(struct arena *);

/* The next `n` octets of the message. */
void mime_parser_feed(struct mime_parser *, const char *, size_t n);

/* The message is complete.  Returns the root, which lives as long as the
 * arena; the parser is gone.  Must be called to release memory, also if
 * nobody wants the tree. */
struct mime_part *mime_parser_end(struct mime_parser *);

/* All of it for a message in memory; NULL if the arena is full already. */
struct mime_part *mime_parse(struct arena *, struct span message);

#endif
