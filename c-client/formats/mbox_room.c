/* SPDX-License-Identifier: Apache-2.0 */
/* Room for metadata in a header.  Pure text. */
#include "c-client/formats/mbox_room.h"

#include <string.h>

#include "c-client/base/buf.h"
#include "c-client/formats/mbox_meta.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

/* Columns for names of keywords to come: in a message, and in the list of all
 * names, for which no room can be made later without moving the whole file. */
#define KEYWORD_ROOM	72u
#define NAMES_ROOM	480u

/* Where the value of a metadata line is in the header. */
struct slot {
	size_t at, n;		/* behind the colon, without the line end */
	unsigned count;		/* of such lines; one is good */
};

struct slots {
	struct slot of[MBOX_FIELD_XIMAP + 1];
	bool odd;		/* one of them is folded */
};

static void
slots_find(struct span header, struct slots *s)
{
	struct mbox_meta_walk w = { .rest = header };

	memset(s, 0, sizeof *s);
	while (mbox_meta_next(&w)) {
		struct slot *slot;
		struct span line = w.line;
		const char *colon;

		if (!mbox_meta_is_hidden(w.field))
			continue;
		s->odd = s->odd || w.fold;
		if (w.fold)
			continue;
		slot = &s->of[w.field];
		slot->count++;
		if (line.n > 0 && line.p[line.n - 1] == '\n')
			line.n--;
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		colon = memchr(line.p, ':', line.n);
		slot->at = (size_t)(colon + 1 - header.p);
		slot->n = line.n - (size_t)(colon + 1 - line.p);
	}
}

static void
text_status(const struct mbox_said *said, struct buf *out)
{
	buf_adds(out, (said->flags & FLAG_SEEN) != 0 ? "RO" : "O");
}

static void
text_xstatus(const struct mbox_said *said, struct buf *out)
{
	static const struct { uint16_t flag; char letter; } letters[] = {
		{ FLAG_DELETED, 'D' }, { FLAG_FLAGGED, 'F' },
		{ FLAG_ANSWERED, 'A' }, { FLAG_DRAFT, 'T' },
	};

	for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
		if ((said->flags & letters[i].flag) != 0)
			buf_addc(out, letters[i].letter);
}

static void
text_keywords(const struct mbox_said *said, struct buf *out)
{
	size_t begin = out->n;

	for (size_t i = 0; i < said->meta->keyword_count; i++) {
		if ((said->keywords.bits[i / 64] >> i % 64 & 1) == 0)
			continue;
		if (out->n > begin)
			buf_addc(out, ' ');
		buf_adds(out, said->meta->keywords[i]);
	}
}

static void
text_uid(const struct mbox_said *said, struct buf *out)
{
	if (said->uid != 0)
		buf_addnum(out, said->uid);
}

void
mbox_room_base(struct buf *out, const struct box_meta *meta,
    uint32_t uidvalidity, uint32_t last)
{
	buf_addf(out, "%010u %010u", uidvalidity, last);
	for (size_t i = 0; i < meta->keyword_count; i++) {
		buf_addc(out, ' ');
		buf_adds(out, meta->keywords[i]);
	}
}

static void
text_base(const struct mbox_said *said, struct buf *out)
{
	if (said->last != 0)
		mbox_room_base(out, said->meta, said->uidvalidity,
		    said->last);
}

/* The metadata lines, in the order in which they are written.  A line whose
 * text is empty need not be there. */
static const struct {
	enum mbox_field field;
	const char *name;
	void (*text)(const struct mbox_said *, struct buf *);
	size_t room;		/* columns of its text at least */
	bool first_only;	/* in the first message of a file */
} lines[] = {
	{ MBOX_FIELD_XIMAPBASE, "X-IMAPbase: ", text_base, NAMES_ROOM, true },
	{ MBOX_FIELD_STATUS, "Status: ", text_status, 2, false },
	{ MBOX_FIELD_XSTATUS, "X-Status: ", text_xstatus, 4, false },
	{ MBOX_FIELD_XKEYWORDS, "X-Keywords: ", text_keywords, KEYWORD_ROOM,
	    false },
	{ MBOX_FIELD_XUID, "X-UID: ", text_uid, 10, false },
};
#define LINES	(sizeof lines / sizeof lines[0])

bool
mbox_room_fill(char *header, size_t at, size_t n, struct span text)
{
	size_t blank = text.n < n ? 1 : 0;

	if (text.n > n)
		return false;
	memset(header + at, ' ', n);
	if (text.n > 0)
		memcpy(header + at + blank, text.p, text.n);
	return true;
}

/* Does the slot have room for the text, and does it have it already? */
static enum mbox_room
slot_look(const char *header, const struct slots *slots, size_t i,
    const struct mbox_said *said, struct span text)
{
	const struct slot *slot = &slots->of[lines[i].field];
	struct span now;

	if (lines[i].first_only && said->last == 0)
		return MBOX_ROOM_SAME;
	if (lines[i].field == MBOX_FIELD_XUID && said->uid == 0)
		return MBOX_ROOM_SAME;
	if (slot->count == 0 && text.n == 0)
		return MBOX_ROOM_SAME;
	if (slot->count != 1)
		return MBOX_ROOM_NONE;
	now = span_trim((struct span){ header + slot->at, slot->n });
	if (span_eq(now, text))
		return MBOX_ROOM_SAME;
	return text.n <= slot->n ? MBOX_ROOM_FITS : MBOX_ROOM_NONE;
}

enum mbox_room
mbox_room_patch(char *header, size_t n, const struct mbox_said *said,
    size_t *from, size_t *to)
{
	struct slots slots;
	struct buf text;
	enum mbox_room found[LINES], all = MBOX_ROOM_SAME;
	size_t begin[LINES + 1] = { 0 };

	slots_find((struct span){ header, n }, &slots);
	if (slots.odd || (!said->front &&
	    (slots.of[MBOX_FIELD_XIMAPBASE].count > 0 ||
	    slots.of[MBOX_FIELD_XIMAP].count > 0)))
		return MBOX_ROOM_NONE;
	buf_init(&text, 0);
	for (size_t i = 0; i < LINES && all != MBOX_ROOM_NONE; i++) {
		lines[i].text(said, &text);
		begin[i + 1] = text.n;
		found[i] = slot_look(header, &slots, i, said, span_slice(
		    buf_span(&text), begin[i], text.n - begin[i]));
		if (found[i] != MBOX_ROOM_SAME)
			all = found[i];
	}
	*from = n;
	*to = 0;
	for (size_t i = 0; i < LINES && all == MBOX_ROOM_FITS; i++) {
		const struct slot *slot = &slots.of[lines[i].field];

		if (found[i] != MBOX_ROOM_FITS)
			continue;
		mbox_room_fill(header, slot->at, slot->n, span_slice(
		    buf_span(&text), begin[i], begin[i + 1] - begin[i]));
		if (slot->at < *from)
			*from = slot->at;
		if (slot->at + slot->n > *to)
			*to = slot->at + slot->n;
	}
	buf_clear(&text);
	return all;
}

/* The lines of metadata, each with its room. */
static void
lines_add(const struct mbox_said *said, size_t pad, struct buf *out)
{
	for (size_t i = 0; i < LINES; i++) {
		size_t begin, room = lines[i].room;

		if (lines[i].first_only && said->last == 0)
			continue;
		if (lines[i].field == MBOX_FIELD_XKEYWORDS)
			room += pad;
		buf_adds(out, lines[i].name);
		begin = out->n;
		lines[i].text(said, out);
		if (out->n - begin < room) {
			size_t blanks = room - (out->n - begin);

			memset(buf_room(out, blanks), ' ', blanks);
			out->n += blanks;
		}
		buf_addc(out, '\n');
	}
}

static bool
is_empty(struct span line)
{
	return line.p[0] == '\n' || (line.n == 2 && line.p[0] == '\r' &&
	    line.p[1] == '\n');
}

bool
mbox_room_write(struct span header, const struct mbox_said *said, size_t pad,
    struct buf *out)
{
	struct mbox_meta_walk w = { .rest = header };
	bool written = false;

	if (header.n > MBOX_ROOM_HEADER_MAX ||
	    (header.n > 0 && header.p[header.n - 1] != '\n'))
		return false;
	while (mbox_meta_next(&w)) {
		if (mbox_meta_is_hidden(w.field))
			continue;
		if (is_empty(w.line)) {
			lines_add(said, pad, out);
			written = true;
		}
		buf_addspan(out, w.line);
	}
	if (!written)
		lines_add(said, pad, out);
	return true;
}
