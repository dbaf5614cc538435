/* SPDX-License-Identifier: Apache-2.0 */
/* A window that moves over a file.  It reads; it never writes. */
#include "c-client/formats/mbox_window.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c-client/base/fault.h"
#include "c-client/base/memory.h"

#include "c-client/base/banned.h"

/* Large enough that a call costs nothing, small enough for the cache. */
#define BLOCK	(256u * 1024)

void
mbox_window_init(struct mbox_window *w, int fd, uint64_t from, uint64_t end)
{
	uint64_t all = end - from + 1;

	*w = (struct mbox_window){ .fd = fd, .end = end, .at = from,
	    .keep = from };
	w->room = all < BLOCK ? (size_t)all : BLOCK;
	w->p = memory_alloc(w->room + 1);
	w->p[0] = '\0';
}

void
mbox_window_clear(struct mbox_window *w)
{
	free(w->p);
	w->p = NULL;
}

bool
mbox_window_at_end(const struct mbox_window *w)
{
	return w->at + w->n == w->end;
}

const char *
mbox_window_ptr(const struct mbox_window *w, uint64_t off)
{
	assert(off >= w->at && off <= w->at + w->n);
	return w->p + (off - w->at);
}

size_t
mbox_window_has(const struct mbox_window *w, uint64_t off)
{
	assert(off >= w->at && off <= w->at + w->n);
	return (size_t)(w->at + w->n - off);
}

int
mbox_window_read(struct mbox_window *w, struct fault *why)
{
	size_t drop = (size_t)(w->keep - w->at), want;
	ssize_t got;

	assert(w->keep >= w->at && drop <= w->n && !mbox_window_at_end(w));
	/* Only where that makes room: moving little for little is slow. */
	if (drop >= w->room / 4) {
		memmove(w->p, w->p + drop, w->n - drop);
		w->at += drop;
		w->n -= drop;
	}
	if (w->room - w->n < w->room / 4) {
		w->room *= 2;
		w->p = memory_grow(w->p, w->room + 1);
	}
	want = w->room - w->n;
	if (want > w->end - w->at - w->n)
		want = (size_t)(w->end - w->at - w->n);
	do
		got = pread(w->fd, w->p + w->n, want,
		    (off_t)(w->at + w->n));
	while (got == -1 && errno == EINTR);
	if (got == -1)
		return fault_errno(why, "read mailbox");
	if (got == 0)
		return fault_set(why, FAULT_CHANGED,
		    "mailbox became shorter while it was read");
	w->n += (size_t)got;
	w->p[w->n] = '\0';
	w->octets += (uint64_t)got;
	return 0;
}

int
mbox_window_line(struct mbox_window *w, uint64_t off, size_t max,
    struct span *line, struct fault *why)
{
	size_t seen = 0;

	for (;;) {
		const char *p = mbox_window_ptr(w, off), *lf;
		size_t n = mbox_window_has(w, off);

		if (n > max)
			n = max;
		lf = memchr(p + seen, '\n', n - seen);
		if (lf != NULL) {
			*line = (struct span){ p, (size_t)(lf - p) + 1 };
			return 0;
		}
		if (n == max || mbox_window_at_end(w)) {
			*line = (struct span){ p, n };
			return 0;
		}
		seen = n;
		if (mbox_window_read(w, why) == -1)
			return -1;
	}
}
