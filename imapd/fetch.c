/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the record and the index answer.  Clients ask for it of whole mailboxes
 * at once, so it is written by hand, without printf.
 */
#include "imapd/fetch.h"

#include <string.h>

#include "c-client/base/fault.h"
#include "c-client/mime/date.h"
#include "c-client/server/stream.h"
#include "c-client/store/box.h"
#include "c-client/store/message.h"
#include "c-client/store/parsed.h"
#include "imapd/fetch_args.h"
#include "imapd/fetch_body.h"
#include "imapd/reply.h"
#include "imapd/session.h"

#include "c-client/base/banned.h"

/* Enough for each of the short pieces here. */
#define ROOM	64

void
fetch_begin(struct fetch *f, struct session *s,
    const struct fetch_items *items)
{
	memset(f, 0, sizeof *f);
	f->session = s;
	f->items = items;
}

void
fetch_end(struct fetch *f)
{
	for (size_t i = 0; i < FETCH_FLAG_TEXTS; i++)
		buf_clear(&f->texts[i].text);
	buf_clear(&f->header);
}

/* A C string without its NUL; returns the end. */
static char *
put(char *to, const char *s)
{
	size_t n = strlen(s);

	memcpy(to, s, n);
	return to + n;
}

static char *
put_number(char *to, uint64_t value)
{
	char digits[20];
	size_t at = sizeof digits;

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	memcpy(to, digits + at, sizeof digits - at);
	return to + (sizeof digits - at);
}

static char *
put_two(char *to, unsigned value)
{
	to[0] = (char)('0' + value / 10 % 10);
	to[1] = (char)('0' + value % 10);
	return to + 2;
}

/* The text of these flags, from those that were made before if it is there. */
static struct span
flags_text(struct fetch *f)
{
	const struct record *r = &f->record;
	uint16_t flags = r->flags & FLAG_ALL_SYSTEM;
	uint64_t hash = r->keywords.bits[0] * 0x9E3779B97F4A7C15u ^
	    r->keywords.bits[1] * 0xC2B2AE3D27D4EB4Fu;
	struct fetch_flag_text *t;

	hash = (hash >> 58 ^ (uint64_t)flags * 2 ^ (uint64_t)f->recent);
	t = &f->texts[hash % FETCH_FLAG_TEXTS];
	if (!t->used || t->flags != flags || t->recent != f->recent ||
	    memcmp(&t->keywords, &r->keywords, sizeof t->keywords) != 0) {
		t->used = true;
		t->flags = flags;
		t->recent = f->recent;
		t->keywords = r->keywords;
		buf_reset(&t->text);
		reply_flags(&t->text, f->session->box, r, f->recent);
	}
	return buf_span(&t->text);
}

static int
write_uid(struct fetch *f, const struct fetch_item *item, struct fault *why)
{
	char *to = buf_room(f->out, ROOM), *begin = to;

	(void)item;
	(void)why;
	to = put_number(put(to, "UID "), f->record.uid);
	f->out->n += (size_t)(to - begin);
	return 0;
}

static int
write_size(struct fetch *f, const struct fetch_item *item, struct fault *why)
{
	char *to = buf_room(f->out, ROOM), *begin = to;

	(void)item;
	(void)why;
	to = put_number(put(to, "RFC822.SIZE "), f->record.wire_size);
	f->out->n += (size_t)(to - begin);
	return 0;
}

static int
write_flags(struct fetch *f, const struct fetch_item *item, struct fault *why)
{
	struct span text = flags_text(f);
	char *to = buf_room(f->out, ROOM + text.n), *begin = to;

	(void)item;
	(void)why;
	to = put(to, "FLAGS ");
	memcpy(to, text.p, text.n);
	to += text.n;
	f->out->n += (size_t)(to - begin);
	return 0;
}

static int
write_date(struct fetch *f, const struct fetch_item *item, struct fault *why)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct date date = { f->record.date, f->record.zone };
	int64_t local = date.secs + 60 * (int64_t)date.zone_minutes;
	int64_t days = local / 86400 - (local % 86400 < 0), year;
	unsigned secs = (unsigned)(local - days * 86400);
	unsigned zone = (unsigned)(date.zone_minutes < 0 ?
	    -date.zone_minutes : date.zone_minutes);
	int month, day;
	char *to, *begin;

	(void)item;
	(void)why;
	date_civil(days, &year, &month, &day);
	if (year < 0 || year > 9999) {
		buf_adds(f->out, "INTERNALDATE \"");
		date_write_internal(f->out, &date);
		buf_addc(f->out, '"');
		return 0;
	}
	begin = buf_room(f->out, ROOM);
	to = put_two(put(begin, "INTERNALDATE \""), (unsigned)day);
	if (day < 10)
		to[-2] = ' ';
	*to++ = '-';
	memcpy(to, months + 3 * (month - 1), 3);
	to[3] = '-';
	to = put_two(put_two(to + 4, (unsigned)year / 100),
	    (unsigned)year % 100);
	*to++ = ' ';
	to = put_two(to, secs / 3600);
	*to++ = ':';
	to = put_two(to, secs / 60 % 60);
	*to++ = ':';
	to = put_two(to, secs % 60);
	*to++ = ' ';
	*to++ = date.zone_minutes < 0 ? '-' : '+';
	to = put_two(put_two(to, zone / 60), zone % 60);
	*to++ = '"';
	f->out->n += (size_t)(to - begin);
	return 0;
}

static int
write_parsed(struct fetch *f, const struct fetch_item *item,
    struct fault *why)
{
	enum parsed_kind kind = item->what == FETCH_ENVELOPE ?
	    PARSED_ENVELOPE : item->what == FETCH_STRUCTURE ? PARSED_BODY :
	    PARSED_BODYSTRUCTURE;

	buf_addspan(f->out, item->label);
	buf_addc(f->out, ' ');
	return parsed_get(f->session->parsed, f->record.uid, kind, f->out,
	    why);
}

/* By fetch_what. */
static int (*const writers[])(struct fetch *, const struct fetch_item *,
    struct fault *) = {
	[FETCH_UID] = write_uid,
	[FETCH_FLAGS] = write_flags,
	[FETCH_INTERNALDATE] = write_date,
	[FETCH_SIZE] = write_size,
	[FETCH_ENVELOPE] = write_parsed,
	[FETCH_STRUCTURE] = write_parsed,
	[FETCH_BODYSTRUCTURE] = write_parsed,
	[FETCH_BODY] = fetch_body,
};

void
fetch_pump(struct fetch *f)
{
	if (f->out->n < STREAM_FLUSH)
		return;
	f->sent = true;
	reply_pump(f->session);
}

static int
write_items(struct fetch *f, uint32_t number, bool flags, struct fault *why)
{
	char *to = buf_room(f->out, ROOM), *begin = to;

	to = put(put_number(put(to, "* "), number), " FETCH (");
	f->out->n += (size_t)(to - begin);
	for (size_t i = 0; i < f->items->count; i++) {
		const struct fetch_item *item = &f->items->items[i];

		if (i > 0)
			buf_addc(f->out, ' ');
		if (writers[item->what](f, item, why) == -1)
			return -1;
	}
	if (flags && !f->items->flags) {
		buf_addc(f->out, ' ');
		write_flags(f, NULL, why);
	}
	buf_addc(f->out, ')');
	return 0;
}

int
fetch_message(struct fetch *f, uint32_t number, const struct record *record,
    bool recent, bool flags, struct fault *why)
{
	const struct box *box = f->session->box;
	size_t before;
	int status;

	if (f->generation != box->generation) {
		for (size_t i = 0; i < FETCH_FLAG_TEXTS; i++)
			f->texts[i].used = false;
		f->generation = box->generation;
	}
	f->record = *record;
	if (f->record.wire_header > f->record.wire_size)
		f->record.wire_header = (uint32_t)f->record.wire_size;
	f->recent = recent;
	f->sent = false;
	f->out = reply_begin(f->session);
	before = f->out->n;
	status = write_items(f, number, flags, why);
	reader_unpin(f->session->reader);
	if (status == 0)
		return 0;
	if (!f->sent) {
		f->out->n = before;
		return -1;
	}
	/* The client waits for octets that can't be had: it must not take
	 * what follows for them. */
	stream_abort(f->session->stream);
	f->session->end = true;
	f->session->why = why->code == FAULT_CLOSED ?
	    "Unexpected client disconnect, while sending" :
	    "Killed (message vanished while it was sent)";
	return -1;
}
