/* SPDX-License-Identifier: Apache-2.0 */
/* X-IMAPbase, written in place. */
#include "c-client/formats/mbox_base.h"

#include <string.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/digest.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/trip.h"
#include "c-client/formats/mbox.h"
#include "c-client/formats/mbox_meta.h"
#include "c-client/formats/mbox_room.h"
#include "c-client/formats/mbox_separator.h"
#include "c-client/formats/mbox_stamp.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

/* A last UID that is believed is below 2^31. */
#define LAST_MAX	(UINT32_C(1) << 31)

/* The longest internal data that are made anew. */
#define INTERNAL_MAX	(64u * 1024)

/* The file's first message. */
struct front {
	struct buf text;
	size_t header;		/* where its header begins in there */
	struct mbox_meta meta;
	size_t at, n;		/* the value of its base; n 0: none */
	bool led;		/* something is in front of its separator */
};

uint32_t
mbox_base_last(const struct box *box)
{
	uint32_t uidnext = box->meta.uidnext;
	uint32_t last = uidnext + MBOX_BASE_STEP - 1;

	if (box->shared)
		return uidnext - 1;
	return last < LAST_MAX && last >= uidnext ? last : uidnext - 1;
}

bool
mbox_base_is_low(const struct box *box)
{
	struct mbox_stamp s;

	return mbox_stamp_load(box, &s) && s.last != 0 &&
	    box->meta.uidnext > s.last && box->meta.uidnext - 1 > s.last;
}

/* The header alone: what is in bodies, and in other messages, says nothing. */
static struct span
header_of(const struct front *f)
{
	struct span text = span_slice(buf_span(&f->text), f->header,
	    f->text.n);
	struct mbox_meta_walk w = { .rest = text };

	while (mbox_meta_next(&w))
		if (w.line.p[0] == '\n' || (w.line.n == 2 &&
		    w.line.p[0] == '\r' && w.line.p[1] == '\n'))
			return span_slice(text, 0, text.n - w.rest.n);
	return text;
}

static void
value_find(struct front *f, struct span header)
{
	struct mbox_meta_walk w = { .rest = header };

	f->n = 0;
	while (mbox_meta_next(&w)) {
		struct span line = w.line;
		const char *colon;

		if (w.fold || (w.field != MBOX_FIELD_XIMAPBASE &&
		    w.field != MBOX_FIELD_XIMAP))
			continue;
		while (line.n > 0 && (line.p[line.n - 1] == '\n' ||
		    line.p[line.n - 1] == '\r'))
			line.n--;
		colon = memchr(line.p, ':', line.n);
		f->at = (size_t)(colon + 1 - f->text.p);
		f->n = line.n - (size_t)(colon + 1 - line.p);
	}
}

/* Read as much of the file as its first header takes, within reason. */
static int
front_read(struct mbox *m, struct front *f, struct fault *why)
{
	size_t want = 4 * 1024;
	struct digest *digest;
	struct span header;
	ptrdiff_t at;
	const char *lf;

	for (;;) {
		ssize_t got;

		buf_reset(&f->text);
		got = file_pread_full(m->fd, buf_room(&f->text, want), want,
		    0);
		if (got == -1)
			return fault_errno(why, "read %s", m->path);
		f->text.n = (size_t)got;
		if ((size_t)got < want || want >= MBOX_ROOM_HEADER_MAX ||
		    memmem(f->text.p, f->text.n, "\n\n", 2) != NULL ||
		    memmem(f->text.p, f->text.n, "\n\r\n", 3) != NULL)
			break;
		want *= 8;
	}
	at = mbox_separator_first(buf_span(&f->text));
	if (at == -1 || (lf = memchr(f->text.p + at, '\n',
	    f->text.n - (size_t)at)) == NULL)
		return 0;
	f->led = at != 0;
	f->header = (size_t)(lf + 1 - f->text.p);
	header = header_of(f);
	value_find(f, header);
	digest = digest_new();
	mbox_meta_parse(header, digest, &f->meta);
	digest_free(digest);
	return 0;
}

/* Only the second number, where it is as wide as the new one. */
static bool
number_patch(struct front *f, uint32_t last)
{
	char *p = f->text.p + f->at, *end = p + f->n, text[16] = "";
	size_t width = 0;
	struct buf b = { .p = text, .cap = sizeof text, .max = sizeof text };

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (p < end && *p != ' ' && *p != '\t')
		p++;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (p + width < end && p[width] >= '0' && p[width] <= '9')
		width++;
	buf_addnum(&b, last);
	if (b.n > width)
		return false;
	memset(p, '0', width);
	memcpy(p + width - b.n, text, b.n);
	return true;
}

static bool
value_patch(struct front *f, const struct box *box, uint32_t last, bool *named)
{
	struct buf text;
	bool fits;

	buf_init(&text, 0);
	mbox_room_base(&text, &box->meta, box->meta.uidvalidity, last);
	fits = mbox_room_fill(f->text.p, f->at, f->n, buf_span(&text));
	buf_clear(&text);
	*named = *named || fits;
	return fits || (f->meta.uidvalidity == box->meta.uidvalidity &&
	    number_patch(f, last));
}

static bool
has_name(struct span names, struct span name)
{
	while (names.n > 0) {
		size_t n = 0;

		while (n < names.n && names.p[n] != ' ' && names.p[n] != '\t')
			n++;
		if (span_eq_nocase(span_slice(names, 0, n), name))
			return true;
		names = span_slice(names, n + 1, names.n);
	}
	return false;
}

/* Internal data that can't be made anew are as good as they can be. */
static bool
is_named(const struct front *f, struct box *box)
{
	const struct box_meta *meta = &box->meta;
	const struct record *r = box->count == 0 ? NULL : box_at(box, 0);

	if (f->n == 0 || r == NULL || (f->meta.internal &&
	    (f->led || r->place > INTERNAL_MAX)))
		return true;
	for (size_t i = 0; i < meta->keyword_count; i++)
		if (!has_name(f->meta.names, span_of(meta->keywords[i])))
			return false;
	return true;
}

int
mbox_base_put(struct mbox *m, bool exact, uint32_t *last, bool *named,
    struct fault *why)
{
	const struct box *box = m->box;
	struct front f = { .n = 0 };
	uint32_t want = exact ? box->meta.uidnext - 1 : mbox_base_last(box);
	struct mbox_stamp s;
	int status;

	*last = 0;
	if (box_harden(m->box, why) == -1)
		return -1;
	buf_init(&f.text, 0);
	status = front_read(m, &f, why);
	*named = is_named(&f, m->box);
	if (status == 0 && f.n > 0) {
		if (f.meta.base && f.meta.uidvalidity ==
		    box->meta.uidvalidity && f.meta.last > want &&
		    f.meta.last < LAST_MAX && !(exact &&
		    mbox_stamp_load(box, &s) && s.last == f.meta.last))
			want = f.meta.last;
		if (!value_patch(&f, box, want, named))
			f.n = 0;
	}
	if (status == 0 && f.n > 0) {
		if (file_pwrite_full(m->fd, f.text.p + f.at, f.n,
		    (off_t)f.at) == -1 ||
		    TRIP("mbox_base.sync") || fdatasync(m->fd) == -1)
			status = fault_errno(why, "write %s", m->path);
		else
			*last = want;
	}
	buf_clear(&f.text);
	return status;
}

int
mbox_base_look(struct mbox *m, struct mbox_base *out, struct fault *why)
{
	struct front f = { .n = 0 };
	int status;

	buf_init(&f.text, 0);
	status = front_read(m, &f, why);
	out->named = status == 0 && is_named(&f, m->box);
	out->internal = status == 0 && f.meta.internal;
	buf_clear(&f.text);
	return status;
}
