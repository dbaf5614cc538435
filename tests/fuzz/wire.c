/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire parser: the events of any input are the same however it is cut,
 * and its memory stays within its limits.  The first octet chooses the cut
 * and what is done with literals.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "imapd/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct wire_limits limits = {
	.line = 40, .text = 100, .literal = 20, .literals = 4,
};

static void
decide(struct wire *w, unsigned how, struct buf *events)
{
	if (how % 3 == 0)
		buf_addc(events, wire_keep(w) ? 'k' : 'r');
	else if (how % 3 == 1) {
		wire_stream(w);
		buf_addc(events, 's');
	} else {
		wire_refuse(w);
		buf_addc(events, 'n');
	}
}

static void
take_events(struct wire *w, struct span in, unsigned how,
    struct buf *events)
{
	enum wire_event e;
	size_t used;

	do {
		e = wire_feed(w, in, &used);
		assert(used <= in.n);
		assert(w->text.n <= limits.text);
		in = span_slice(in, used, in.n);
		if (e == WIRE_LITERAL)
			decide(w, how, events);
		else if (e == WIRE_PIECE)
			buf_addspan(events, w->piece);
		else if (e == WIRE_COMMAND) {
			buf_addc(events, 'C');
			buf_addspan(events, wire_text(w));
		} else if (e == WIRE_SKIPPED)
			buf_addc(events, w->over ? 'O' : 'S');
		if (e == WIRE_SKIPPED && w->lost)
			return;
	} while (e != WIRE_MORE);
	assert(in.n == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { (const char *)data + 1, size - 1 };
	struct buf got[2];
	unsigned how;
	size_t cut;

	if (size == 0)
		return 0;
	how = data[0];
	cut = in.n == 0 ? 0 : how % (in.n + 1);
	for (int i = 0; i < 2; i++) {
		struct wire w;

		wire_init(&w, &limits);
		buf_init(&got[i], 0);
		if (i == 0)
			take_events(&w, in, how, &got[i]);
		else {
			take_events(&w, span_slice(in, 0, cut), how, &got[i]);
			if (!w.lost)
				take_events(&w, span_slice(in, cut, in.n),
				    how, &got[i]);
		}
		wire_clear(&w);
	}
	assert(span_eq(buf_span(&got[0]), buf_span(&got[1])));
	buf_clear(&got[0]);
	buf_clear(&got[1]);
	return 0;
}
