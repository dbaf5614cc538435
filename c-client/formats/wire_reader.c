/* SPDX-License-Identifier: Apache-2.0 */
/* Reading text from any wire offset on. */
#include "c-client/formats/wire_reader.h"

#include <stdlib.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/formats/wire.h"

#include "c-client/base/banned.h"

/* Octets between two marks: going back in a message costs so much. */
#define MARK_STEP	(1024u * 1024)

void
wire_reader_begin(struct wire_reader *rd, struct wire_place first)
{
	rd->first = rd->here = first;
	rd->mark_count = 0;
}

void
wire_reader_clear(struct wire_reader *rd)
{
	free(rd->marks);
	*rd = (struct wire_reader){ 0 };
}

static void
mark_add(struct wire_reader *rd)
{
	uint64_t last = rd->mark_count == 0 ? rd->first.wire :
	    rd->marks[rd->mark_count - 1].wire;

	if (rd->here.wire < last + MARK_STEP)
		return;
	if (rd->mark_count == rd->mark_room) {
		rd->mark_room = rd->mark_room == 0 ? 16 : rd->mark_room * 2;
		rd->marks = memory_grow_array(rd->marks, rd->mark_room,
		    sizeof *rd->marks);
	}
	rd->marks[rd->mark_count++] = rd->here;
}

/* Go to the last place that is known and not beyond wire offset `off`. */
static void
mark_seek(struct wire_reader *rd, uint64_t off)
{
	size_t low = 0, high = rd->mark_count;

	if (rd->here.wire > off)
		rd->here = rd->first;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rd->marks[middle].wire <= off)
			low = middle + 1;
		else
			high = middle;
	}
	if (low > 0 && rd->marks[low - 1].wire > rd->here.wire)
		rd->here = rd->marks[low - 1];
}

/*
 * Add at most `room` octets from `here` on, and go on by what was added whole:
 * a CRLF whose CR fits and whose LF doesn't is begun again.
 */
static int
step(struct wire_reader *rd, struct wire_source *source, uint64_t room,
    struct buf *out, struct fault *why)
{
	size_t was = out->n, used;
	struct span p;

	if (source->get(source, rd->here.disk, room, &p, why) == -1)
		return -1;
	if (room > SIZE_MAX / 2)
		room = SIZE_MAX / 2;
	used = wire_add(out, (size_t)room, p.p, p.n, rd->here.before);
	if (out->full)
		return fault_set(why, FAULT_LIMIT, "no room for a message");
	if (used > 0) {
		rd->here.wire += out->n - was;
		rd->here.disk += used;
		rd->here.before = p.p[used - 1];
		mark_add(rd);
	}
	return 0;
}

/* Step up to wire offset `off`, or to the line end that it is inside of. */
static int
skip(struct wire_reader *rd, struct wire_source *source, uint64_t off,
    struct fault *why)
{
	struct buf waste;
	int status = 0;

	mark_seek(rd, off);
	buf_init(&waste, 0);
	while (status == 0 && rd->here.wire < off) {
		uint64_t was = rd->here.disk;

		buf_reset(&waste);
		status = step(rd, source, off - rd->here.wire, &waste, why);
		if (rd->here.disk == was)
			break;
	}
	buf_clear(&waste);
	return status;
}

int
wire_reader_add(struct wire_reader *rd, struct wire_source *source,
    uint64_t off, uint64_t len, struct buf *out, struct fault *why)
{
	size_t end = out->n + (size_t)len;

	if (skip(rd, source, off, why) == -1)
		return -1;
	if (rd->here.wire < off && len > 0) {
		buf_addc(out, '\n');
		rd->here.wire += 2;
		rd->here.disk++;
		rd->here.before = '\n';
	}
	while (out->n < end && !out->full) {
		uint64_t was = rd->here.disk;

		if (step(rd, source, end - out->n, out, why) == -1)
			return -1;
		if (rd->here.disk == was) {
			buf_addc(out, '\r');
			break;
		}
	}
	return out->full ?
	    fault_set(why, FAULT_LIMIT, "no room for a message") : 0;
}
