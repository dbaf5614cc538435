/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packing records.  The form is the number of records (32 bits), then for each
 * field one octet, which is the number of octets of a difference, the base
 * (64 bits), and the differences.
 */
#include "c-client/store/index_pack.h"

#include <string.h>

#include "c-client/base/buf.h"
#include "c-client/store/index_private.h"

#include "c-client/base/banned.h"

#define FIELD(name, size)	{ offsetof(struct record, name), size }

static const struct field {
	size_t offset, size;
} fields[] = {
	FIELD(place, 8), FIELD(disk_size, 8), FIELD(wire_size, 8),
	FIELD(date, 8), FIELD(saved, 8), FIELD(digest[0], 8),
	FIELD(digest[8], 8), FIELD(uid, 4), FIELD(wire_header, 4),
	FIELD(disk_header, 4), FIELD(separator, 2), FIELD(zone, 2),
	/* The part of the flags. */
	FIELD(modseq, 8), FIELD(keywords.bits[0], 8),
	FIELD(keywords.bits[1], 8), FIELD(keywords_seen.bits[0], 8),
	FIELD(keywords_seen.bits[1], 8), FIELD(uid_seen, 4),
	FIELD(flags, 2), FIELD(flags_seen, 2),
};
#define FIELDS	(sizeof fields / sizeof fields[0])
#define MAIL	12u		/* fields of its part */

_Static_assert(12 * 8 + 4 * 4 + 4 * 2 == sizeof(struct record),
    "each octet of a record is in one field");

/* The fields of each part: [from, to). */
static const struct {
	size_t from, to;
} parts[INDEX_PARTS] = {
	[INDEX_PART_MAIL] = { 0, MAIL }, [INDEX_PART_FLAGS] = { MAIL, FIELDS },
};

#define HEAD	(1 + sizeof(uint64_t))	/* of a field */

/*
 * One loop for all sizes.  These are inlined with constants, so that each size
 * has a loop of its own without a choice in it.
 */
#define INLINE	__attribute__((always_inline)) static inline

INLINE uint64_t
load(const char *p, size_t size)
{
	uint64_t v8;
	uint32_t v4;
	uint16_t v2;

	switch (size) {
	case 8:
		memcpy(&v8, p, sizeof v8);
		return v8;
	case 4:
		memcpy(&v4, p, sizeof v4);
		return v4;
	case 2:
		memcpy(&v2, p, sizeof v2);
		return v2;
	case 1:
		return (unsigned char)*p;
	default:
		return 0;
	}
}

INLINE void
store(char *p, size_t size, uint64_t v)
{
	uint32_t v4 = (uint32_t)v;
	uint16_t v2 = (uint16_t)v;

	switch (size) {
	case 8:
		memcpy(p, &v, sizeof v);
		break;
	case 4:
		memcpy(p, &v4, sizeof v4);
		break;
	case 2:
		memcpy(p, &v2, sizeof v2);
		break;
	case 1:
		*p = (char)v;
		break;
	}
}

INLINE void
gather(uint64_t *values, const char *p, size_t size, size_t count)
{
	for (size_t i = 0; i < count; i++, p += sizeof(struct record))
		values[i] = load(p, size);
}

INLINE void
narrow(char *out, size_t width, const uint64_t *values, uint64_t base,
    size_t count)
{
	for (size_t i = 0; i < count; i++, out += width)
		store(out, width, values[i] - base);
}

INLINE void
spread(char *p, size_t size, const char *in, size_t width, uint64_t base,
    size_t count)
{
	for (size_t i = 0; i < count; i++, p += sizeof(struct record),
	    in += width)
		store(p, size, base + load(in, width));
}

/* `place` is taken off the base. */
static void
pack_field(struct buf *out, const struct field *f, const struct record *r,
    uint64_t *values, size_t count, uint64_t place)
{
	const char *p = (const char *)r + f->offset;
	uint64_t base = UINT64_MAX, top = 0;
	uint8_t width;
	char *room;

	switch (f->size) {
	case 8: gather(values, p, 8, count); break;
	case 4: gather(values, p, 4, count); break;
	default: gather(values, p, 2, count); break;
	}
	for (size_t i = 0; i < count; i++) {
		base = values[i] < base ? values[i] : base;
		top = values[i] > top ? values[i] : top;
	}
	top -= base;
	width = top == 0 ? 0 : top <= UINT8_MAX ? 1 : top <= UINT16_MAX ? 2 :
	    top <= UINT32_MAX ? 4 : 8;
	buf_addc(out, (char)width);
	place = base - place;
	buf_add(out, &place, sizeof place);
	room = buf_room(out, width * count);
	switch (width) {
	case 8: narrow(room, 8, values, base, count); break;
	case 4: narrow(room, 4, values, base, count); break;
	case 2: narrow(room, 2, values, base, count); break;
	case 1: narrow(room, 1, values, base, count); break;
	}
	out->n += width * count;
}

uint64_t
index_pack_place(const struct record *r, size_t count)
{
	uint64_t place = count == 0 ? 0 : r[0].place;

	for (size_t i = 1; i < count; i++)
		place = r[i].place < place ? r[i].place : place;
	return place;
}

void
index_pack_write(struct buf *out, enum index_part part,
    const struct record *r, size_t count, uint64_t place)
{
	uint64_t values[INDEX_BLOB_RECORDS];
	uint32_t n = (uint32_t)count;

	buf_add(out, &n, sizeof n);
	for (size_t i = parts[part].from; i < parts[part].to && count > 0; i++)
		pack_field(out, &fields[i], r, values, count, i == 0 ? place :
		    0);
}

bool
index_pack_count(struct span packed, enum index_part part, size_t max,
    size_t *count)
{
	uint32_t n;

	if (packed.n < sizeof n)
		return false;
	memcpy(&n, packed.p, sizeof n);
	packed = span_slice(packed, sizeof n, packed.n);
	if (n > max)
		return false;
	for (size_t i = parts[part].from; i < parts[part].to && n > 0; i++) {
		size_t width;

		if (packed.n < HEAD)
			return false;
		width = (unsigned char)packed.p[0];
		if ((width > 2 && width != 4 && width != 8) ||
		    packed.n - HEAD < width * n)
			return false;
		packed = span_slice(packed, HEAD + width * n, packed.n);
	}
	*count = n;
	return packed.n == 0;
}

/* All widths of one size of field. */
#define SPREAD(size)						\
	switch (width) {					\
	case 0: spread(to, size, in, 0, base, n); break;	\
	case 1: spread(to, size, in, 1, base, n); break;	\
	case 2: spread(to, size, in, 2, base, n); break;	\
	case 4: spread(to, size, in, 4, base, n); break;	\
	default: spread(to, size, in, 8, base, n); break;	\
	}

void
index_pack_read(struct span packed, enum index_part part, uint64_t place,
    struct record *out)
{
	const char *in = packed.p;
	uint32_t n;

	memcpy(&n, in, sizeof n);
	in += sizeof n;
	for (size_t i = parts[part].from; i < parts[part].to && n > 0; i++) {
		size_t width = (unsigned char)in[0];
		char *to = (char *)out + fields[i].offset;
		uint64_t base;

		memcpy(&base, in + 1, sizeof base);
		base += i == 0 ? place : 0;
		in += HEAD;
		switch (fields[i].size) {
		case 8: SPREAD(8) break;
		case 4: SPREAD(4) break;
		default: SPREAD(2) break;
		}
		in += width * n;
	}
}
