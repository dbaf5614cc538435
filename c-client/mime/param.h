/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of the structured MIME fields: a token and its parameters
 * (RFC 2045 5.1, RFC 2183 2), with the continuations and character sets of
 * RFC 2231.  Reads generously; not for addresses.
 */
#ifndef MIME_PARAM_H
#define MIME_PARAM_H

#include <stdbool.h>

#include "c-client/base/span.h"

struct arena;
struct buf;

struct param {
	struct param *next;
	struct span name;	/* as written, without "*0", "*1*" ...;
				 * with a final "*" if `extended` */
	struct span value;	/* quoting removed, pieces joined; if
				 * `extended`: charset'language'%XX... */
	bool extended;		/* RFC 2231 ext-value */
};

struct param_field {
	struct span type;	/* before the slash, or all of it; may be
				 * empty */
	struct span subtype;	/* behind the slash; empty if none */
	struct param *params;	/* in order of first appearance */
};

/*
 * Parse the body of Content-Type, Content-Disposition or
 * Content-Transfer-Encoding.  Of more than BOUND_MIME_PARAMS parameters
 * (pieces count one each) the rest is left out.  Spans lie in `body` or in
 * the arena.
 */
void param_parse(struct arena *, struct span body, struct param_field *out);

/* The value of `name` as written (not extended), or an empty span. */
struct span param_value(const struct param *, const char *name);

/*
 * The value of `name` ("filename", without asterisk) in UTF-8, added to
 * `out`; the extended form is preferred, encoded-words in a plain value are
 * decoded too (RFC 2231 forbids them and many programs write them).  Returns
 * false if there is no such parameter.
 */
bool param_utf8(const struct param *, const char *name, struct buf *out);

#endif
