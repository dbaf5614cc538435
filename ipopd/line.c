/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a POP3 client: where they end, and their words. */
#include "ipopd/line.h"

#include <string.h>

#include "c-client/base/bounds.h"

#include "c-client/base/banned.h"

/* Pass over what is left of a line that was too long.  True at its end. */
static bool
skip(struct line_reader *r, struct span in, size_t *used)
{
	ptrdiff_t end = span_find_char(in, '\n');

	if (end == -1) {
		*used = in.n;
		return false;
	}
	*used = (size_t)end + 1;
	r->over = false;
	return true;
}

enum line_event
line_next(struct line_reader *r, struct span in, size_t *used,
    struct span *line)
{
	struct span head;
	size_t passed = 0;
	ptrdiff_t end;

	*used = 0;
	if (r->over) {
		if (!skip(r, in, &passed)) {
			*used = passed;
			return LINE_MORE;
		}
		in = span_slice(in, passed, in.n);
	}
	head = span_slice(in, 0, BOUND_POP_LINE);
	end = span_find_char(head, '\n');
	if (end == -1) {
		if (in.n < BOUND_POP_LINE) {
			*used = passed;
			return LINE_MORE;
		}
		r->over = true;
		*used = passed + head.n;
		return LINE_TOOBIG;
	}
	*used = passed + (size_t)end + 1;
	*line = span_slice(in, 0, (size_t)end);
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	return line->n != 0 && memchr(line->p, '\0', line->n) != NULL ?
	    LINE_BAD : LINE_READY;
}

void
line_split(struct span text, struct line *l)
{
	ptrdiff_t blank = span_find_char(text, ' ');

	l->verb = blank == -1 ? text : span_slice(text, 0, (size_t)blank);
	l->rest = blank == -1 ? (struct span){ "", 0 } :
	    span_slice(text, (size_t)blank + 1, text.n);
	l->args = span_trim(l->rest);
}

struct span
line_word(struct span *args)
{
	ptrdiff_t blank = span_find_char(*args, ' ');
	struct span word = *args;

	if (blank == -1) {
		*args = (struct span){ "", 0 };
		return word;
	}
	word.n = (size_t)blank;
	*args = span_trim(span_slice(*args, (size_t)blank, args->n));
	return word;
}
