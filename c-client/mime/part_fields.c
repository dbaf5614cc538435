/* SPDX-License-Identifier: Apache-2.0 */
/* The MIME fields of a part's header (RFC 2045, 1864, 2183, 2557, 3282). */
#include "c-client/mime/part_fields.h"

#include <stddef.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/mime/header.h"
#include "c-client/mime/part.h"

#include "c-client/base/banned.h"

/* What a type without a subtype is taken for. */
static const struct {
	const char *type, *subtype;
} subtypes[] = {
	{ "text", "plain" },
	{ "multipart", "mixed" },
	{ "message", "rfc822" },
	{ "audio", "basic" },
	{ "image", "x-unknown" },
	{ "video", "x-unknown" },
};

static void
subtype_default(struct mime_part *p)
{
	for (size_t i = 0; i < sizeof subtypes / sizeof subtypes[0]; i++) {
		if (span_is(p->type, subtypes[i].type)) {
			p->subtype = span_of(subtypes[i].subtype);
			return;
		}
	}
	p->type = SPAN("application");
	p->subtype = SPAN("octet-stream");
}

static void
type_read(struct arena *a, struct mime_part *p, struct span body)
{
	struct param_field f;

	param_parse(a, body, &f);
	if (f.type.n == 0)
		return;
	p->type = f.type;
	p->subtype = f.subtype;
	p->params = f.params;
	if (f.subtype.n == 0)
		subtype_default(p);
}

static void
disposition_read(struct arena *a, struct mime_part *p, struct span body)
{
	struct param_field f;

	param_parse(a, body, &f);
	if (f.type.n == 0)
		return;
	p->disposition = f.type;
	p->disposition_params = f.params;
}

static void
encoding_read(struct arena *a, struct mime_part *p, struct span body)
{
	struct param_field f;

	param_parse(a, body, &f);
	if (f.type.n > 0)
		p->encoding = f.type;
}

/* "en, de (comment)" (RFC 3282 2). */
static void
language_read(struct arena *a, struct mime_part *p, struct span body)
{
	struct mime_language **last = &p->language, *one;
	struct span rest = body, piece;
	struct param_field f;
	ptrdiff_t comma;

	for (size_t i = 0; i < BOUND_MIME_PARAMS && rest.n > 0; i++) {
		comma = span_find_char(rest, ',');
		piece = span_slice(rest, 0, comma < 0 ? rest.n :
		    (size_t)comma);
		rest = span_slice(rest, piece.n + 1, rest.n);
		param_parse(a, piece, &f);
		if (f.type.n == 0)
			continue;
		one = arena_alloc(a, sizeof *one);
		if (one == NULL)
			return;
		one->tag = f.type;
		*last = one;
		last = &one->next;
	}
}

static void
id_read(struct arena *a, struct mime_part *p, struct span body)
{
	p->id = header_unfold(a, body);
}

static void
description_read(struct arena *a, struct mime_part *p, struct span body)
{
	p->description = header_unfold(a, body);
}

static void
md5_read(struct arena *a, struct mime_part *p, struct span body)
{
	p->md5 = header_unfold(a, body);
}

static void
location_read(struct arena *a, struct mime_part *p, struct span body)
{
	p->location = header_unfold(a, body);
}

/* All names begin with "content-", which is left out. */
static const struct {
	const char *name;
	void (*read)(struct arena *, struct mime_part *, struct span body);
} fields[] = {
	{ "type", type_read },
	{ "transfer-encoding", encoding_read },
	{ "disposition", disposition_read },
	{ "id", id_read },
	{ "description", description_read },
	{ "md5", md5_read },
	{ "language", language_read },
	{ "location", location_read },
};

#define FIELDS	(sizeof fields / sizeof fields[0])

static void
field_read(struct arena *a, struct mime_part *p, struct header_field *f,
    unsigned *seen)
{
	struct span rest = span_slice(f->name, 8, f->name.n);

	for (size_t i = 0; i < FIELDS; i++) {
		if (!span_is(rest, fields[i].name))
			continue;
		if ((*seen & 1u << i) == 0)
			fields[i].read(a, p, f->body);
		*seen |= 1u << i;
	}
}

void
part_fields_read(struct arena *a, struct mime_part *p, bool in_digest)
{
	static const struct param us_ascii = {
		.name = { "charset", 7 }, .value = { "us-ascii", 8 }
	};
	struct header_iter it;
	struct header_field f;
	unsigned seen = 0;

	p->encoding = SPAN("7BIT");
	header_begin(&it, p->header);
	while (header_next(&it, &f))
		if (f.name.n > 8 && span_starts_nocase(f.name, "content-"))
			field_read(a, p, &f, &seen);
	if (p->type.n > 0)
		return;
	p->params = NULL;
	if (in_digest) {
		p->type = SPAN("message");
		p->subtype = SPAN("rfc822");
		return;
	}
	p->type = SPAN("text");
	p->subtype = SPAN("plain");
	p->params = arena_alloc(a, sizeof *p->params);
	if (p->params != NULL)
		*p->params = us_ascii;
}

void
part_fields_opaque(struct mime_part *p)
{
	p->type = SPAN("application");
	p->subtype = SPAN("octet-stream");
	p->params = NULL;
}
