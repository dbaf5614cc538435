/* SPDX-License-Identifier: Apache-2.0 */
/* Octets into commands: lines and literals.  Knows no command. */
#include "imapd/wire.h"

#include <assert.h>
#include <string.h>

#include "c-client/base/bounds.h"

#include "c-client/base/banned.h"

const struct wire_limits wire_prelogin = {
	.line = BOUND_LINE_PRELOGIN,
	.text = BOUND_TEXT_PRELOGIN,
	.literal = BOUND_LITERAL_PRELOGIN,
	.literals = BOUND_LITERALS,
};

const struct wire_limits wire_session = {
	.line = BOUND_LINE,
	.text = BOUND_COMMAND_ARENA,
	.literal = BOUND_LITERAL,
	.literals = BOUND_LITERALS,
};

/* So much of a command is kept even if it is too long. */
#define HEAD_MIN	(BOUND_TAG + 64u)

void
wire_init(struct wire *w, const struct wire_limits *limits)
{
	*w = (struct wire){ .limits = limits, .state = WIRE_IN_LINE };
	buf_init(&w->text, limits->text);
}

void
wire_clear(struct wire *w)
{
	buf_clear(&w->text);
}

struct span
wire_text(const struct wire *w)
{
	return buf_span(&w->text);
}

/* The memory of a big command is not kept for the small ones after it. */
static void
begin_command(struct wire *w)
{
	if (w->text.cap > 64u * 1024)
		buf_clear(&w->text);
	buf_reset(&w->text);
	w->over = w->long_line = w->lost = w->skipping = false;
	w->literals = 0;
	w->line_used = w->tail_n = w->mark = 0;
	w->state = WIRE_IN_LINE;
}

static enum wire_event
done(struct wire *w)
{
	w->state = WIRE_DONE;
	return w->skipping ? WIRE_SKIPPED : WIRE_COMMAND;
}

static void
go_over(struct wire *w)
{
	w->over = w->long_line = w->skipping = true;
}

/* Remember the end of the line: whether a literal follows has to be known
 * even where the line itself is thrown away. */
static void
tail_add(struct wire *w, const char *p, size_t n)
{
	const size_t max = sizeof w->tail;

	if (n >= max) {
		memcpy(w->tail, p + (n - max), max);
		w->tail_n = max;
		return;
	}
	if (w->tail_n + n > max) {
		size_t drop = w->tail_n + n - max;

		memmove(w->tail, w->tail + drop, w->tail_n - drop);
		w->tail_n -= drop;
	}
	memcpy(w->tail + w->tail_n, p, n);
	w->tail_n += n;
}

static void
line_add(struct wire *w, const char *p, size_t n)
{
	size_t allowed = w->limits->line;

	if (n == 0)
		return;
	tail_add(w, p, n);
	if (w->skipping)
		return;
	/* A CR may turn out to be half of the line's end. */
	if (p[n - 1] == '\r')
		allowed++;
	if (w->line_used + n > allowed || w->text.n + n > w->text.max) {
		go_over(w);
		/* Its tag is needed for the answer. */
		if (w->text.n < HEAD_MIN)
			buf_add(&w->text, p, n < HEAD_MIN ? n : HEAD_MIN);
		return;
	}
	w->line_used += n;
	buf_add(&w->text, p, n);
}

/*
 * literal = "{" number ["+"] "}" at the end of the line (RFC 3501 9, RFC 7888
 * 8).  A number that is too large for 64 bits counts as the largest one.
 */
static bool
announces(struct wire *w)
{
	struct span tail = { w->tail, w->tail_n }, digits;
	size_t at;

	if (tail.n < 3 || tail.p[tail.n - 1] != '}')
		return false;
	for (at = tail.n - 1; at > 0 && tail.p[at] != '{'; at--)
		;
	if (tail.p[at] != '{')
		return false;
	digits = span_slice(tail, at + 1, tail.n - at - 2);
	w->sync = true;
	if (digits.n > 0 && digits.p[digits.n - 1] == '+') {
		w->sync = false;
		digits.n--;
	}
	if (digits.n == 0)
		return false;
	for (size_t i = 0; i < digits.n; i++)
		if (!ascii_is_digit((unsigned char)digits.p[i]))
			return false;
	if (!span_number(digits, UINT64_MAX, &w->size))
		w->size = UINT64_MAX;
	return true;
}

/* What is announced is skipped, unless it will not be sent at all. */
static void
skip_literal(struct wire *w)
{
	w->skipping = true;
	w->streaming = false;
	w->left = w->size;
	w->state = WIRE_IN_LITERAL;
	if (w->size > UINT32_MAX && !w->sync)
		w->lost = true;
	if (w->sync || w->lost)
		w->state = WIRE_REFUSED;
}

/* The line is complete, without its LF. */
static enum wire_event
line_end(struct wire *w)
{
	bool literal;

	if (w->tail_n > 0 && w->tail[w->tail_n - 1] == '\r') {
		w->tail_n--;
		if (!w->skipping) {
			w->text.n--;
			w->line_used--;
		}
	}
	literal = announces(w);
	w->tail_n = 0;
	if (!literal)
		return done(w);
	if (!w->skipping && w->literals++ >= w->limits->literals)
		go_over(w);
	if (!w->skipping) {
		buf_add(&w->text, "\r\n", 2);
		if (w->text.full)
			go_over(w);
	}
	if (!w->skipping) {
		w->state = WIRE_ASKED;
		return WIRE_LITERAL;
	}
	skip_literal(w);
	return WIRE_MORE;
}

static enum wire_event
line_feed(struct wire *w, struct span in, size_t *used)
{
	const char *lf = in.n == 0 ? NULL : memchr(in.p, '\n', in.n);
	size_t n = lf == NULL ? in.n : (size_t)(lf - in.p);

	line_add(w, in.p, n);
	*used += n;
	if (lf == NULL)
		return WIRE_MORE;
	*used += 1;
	return line_end(w);
}

static enum wire_event
literal_feed(struct wire *w, struct span in, size_t *used)
{
	size_t n = in.n < w->left ? in.n : (size_t)w->left;

	*used += n;
	w->left -= n;
	if (w->left == 0)
		w->state = WIRE_IN_LINE;
	if (n == 0 || w->skipping)
		return WIRE_MORE;
	if (w->streaming) {
		w->piece = span_slice(in, 0, n);
		return WIRE_PIECE;
	}
	buf_add(&w->text, in.p, n);
	return WIRE_MORE;
}

enum wire_event
wire_feed(struct wire *w, struct span in, size_t *used)
{
	enum wire_event e = WIRE_MORE;

	*used = 0;
	assert(w->state != WIRE_ASKED);
	if (w->state == WIRE_DONE)
		begin_command(w);
	while (e == WIRE_MORE) {
		struct span rest = span_slice(in, *used, in.n);

		if (w->state == WIRE_REFUSED)
			return done(w);
		if (w->state == WIRE_IN_LITERAL && w->left == 0)
			w->state = WIRE_IN_LINE;
		if (rest.n == 0)
			return WIRE_MORE;
		e = w->state == WIRE_IN_LITERAL ?
		    literal_feed(w, rest, used) : line_feed(w, rest, used);
	}
	return e;
}

bool
wire_keep(struct wire *w)
{
	assert(w->state == WIRE_ASKED);
	if (w->size > w->limits->literal ||
	    w->size > w->text.max - w->text.n) {
		w->over = true;
		skip_literal(w);
		return false;
	}
	w->streaming = false;
	w->left = w->size;
	w->state = WIRE_IN_LITERAL;
	return true;
}

void
wire_stream(struct wire *w)
{
	assert(w->state == WIRE_ASKED);
	w->streaming = true;
	w->left = w->size;
	w->mark = w->text.n;
	w->state = WIRE_IN_LITERAL;
}

void
wire_refuse(struct wire *w)
{
	assert(w->state == WIRE_ASKED);
	skip_literal(w);
}
