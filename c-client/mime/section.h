/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Section specifications of FETCH (RFC 3501 6.4.5): what BODY[...] names, and
 * which octets of the message that is.
 */
#ifndef MIME_SECTION_H
#define MIME_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/bounds.h"
#include "c-client/base/span.h"

struct mime_part;

enum section_kind {
	SECTION_ALL,		/* "" or a part number alone */
	SECTION_HEADER,
	SECTION_FIELDS,		/* HEADER.FIELDS (names) */
	SECTION_FIELDS_NOT,	/* HEADER.FIELDS.NOT (names) */
	SECTION_TEXT,
	SECTION_MIME
};

struct section {
	uint32_t path[BOUND_MIME_DEPTH];
	size_t depth;		/* numbers in path; above BOUND_MIME_DEPTH:
				 * too deep, no such part */
	enum section_kind kind;
	const struct span *names;	/* filled in by the command's parser */
	size_t name_count;
};

/*
 * Parse what stands between "[" and "]" up to a list of names, such as "",
 * "1.2", "TEXT" or "1.2.HEADER.FIELDS" (ASCII case ignored).  Names are set to
 * none.  Returns false, *out unspecified, if the grammar forbids it: a part
 * number of 0, MIME without a part number, stray dots.  More than
 * BOUND_MIME_DEPTH numbers are no error.
 */
bool section_parse_spec(struct span text, struct section *out);

/*
 * The octets of the message that a section names; for SECTION_FIELDS and
 * SECTION_FIELDS_NOT those of the header from which header_select() takes
 * them.  False if there is no such part, or HEADER or TEXT is asked of a part
 * that is no message.  Part 1 of a message that is not multipart is its
 * body, and 1.MIME its header.
 */
bool section_range(const struct mime_part *root, const struct section *,
    uint64_t *off, uint64_t *len);

/*
 * The part that a section's numbers name: the root for none.  *message tells
 * that it stands for a whole message (the root, or the message inside a
 * message/rfc822 part, for HEADER and TEXT).  NULL if there is none.
 */
const struct mime_part *section_part(const struct mime_part *root,
    const struct section *, const struct mime_part **message);

#endif
