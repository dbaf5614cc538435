/* SPDX-License-Identifier: Apache-2.0 */
/* Copying messages from one mailbox into another. */
#include "c-client/store/copy.h"

#include <stdbool.h>
#include <stdlib.h>

#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/store/append.h"
#include "c-client/store/box.h"
#include "c-client/store/message.h"

#include "c-client/base/banned.h"

/* A message that is too long to be read whole is copied in such pieces. */
#define PIECE	(256u * 1024)

/* The names of a record's keywords; returns their number. */
static size_t
keywords_of(const struct box *box, const struct record *r,
    struct span names[static BOUND_KEYWORDS])
{
	size_t n = 0;

	for (size_t i = 0; i < box->meta.keyword_count; i++)
		if (r->keywords.bits[i / 64] >> (i % 64) & 1)
			names[n++] = span_of(box->meta.keywords[i]);
	return n;
}

static int
copy_octets(struct message *m, struct append *to, struct fault *why)
{
	struct span whole = message_span(m);
	uint64_t size = message_size(m);
	struct buf piece;
	int status = 0;

	if (whole.p != NULL)
		return append_whole(to, whole, why);
	buf_init(&piece, 0);
	for (uint64_t off = 0; off < size && status == 0; off += piece.n) {
		buf_reset(&piece);
		status = message_read(m, off, PIECE, &piece, why);
		if (status == 0 && piece.n == 0)
			status = fault_set(why, FAULT_EXPUNGED,
			    "message ends early");
		if (status == 0)
			status = append_data(to, buf_span(&piece), why);
	}
	buf_clear(&piece);
	return status;
}

int
copy_message(struct box *from, struct reader *reader, uint32_t uid,
    struct append *to, struct fault *why)
{
	struct span names[BOUND_KEYWORDS];
	const struct record *r;
	struct message *m;
	size_t count, at;

	if ((r = box_record(from, uid, &at)) == NULL)
		return fault_set(why, FAULT_EXPUNGED, "UID %u is gone", uid);
	count = keywords_of(from, r, names);
	if (append_message(to, r->flags & FLAG_ALL_SYSTEM, names, count, true,
	    r->date, r->zone, why) == -1)
		return -1;
	if (append_link(to, from, r))
		return 0;
	m = reader_open(reader, uid, why);
	return m == NULL ? -1 : copy_octets(m, to, why);
}

int
copy_undo(struct box *from, struct append *to, const uint32_t *uids,
    size_t count, bool *moved, struct fault *why)
{
	uint32_t validity = from->meta.uidvalidity, *doubled;
	size_t n = 0;
	int status;

	/* Only a mailbox that was looked at anew says what is still there. */
	if (box_sync(from, why) == -1)
		return -1;
	if (from->meta.uidvalidity != validity)
		return fault_set(why, FAULT_CHANGED, "%s was replaced",
		    from->name.path);
	doubled = memory_grow_array(NULL, count + 1, sizeof *doubled);
	for (size_t i = 0; i < count; i++) {
		moved[i] = box_find(from, uids[i]) < 0;
		if (!moved[i])
			doubled[n++] = append_uid(to, i);
	}
	status = append_undo(to, doubled, n, why);
	free(doubled);
	return status;
}
