/* SPDX-License-Identifier: Apache-2.0 */
/* Section specifications (RFC 3501 6.4.5 and 9). */
#include "c-client/mime/section.h"

#include "c-client/mime/part.h"

#include "c-client/base/banned.h"

static const struct {
	const char *name;
	enum section_kind kind;
} kinds[] = {
	{ "HEADER", SECTION_HEADER },
	{ "HEADER.FIELDS", SECTION_FIELDS },
	{ "HEADER.FIELDS.NOT", SECTION_FIELDS_NOT },
	{ "TEXT", SECTION_TEXT },
	{ "MIME", SECTION_MIME },
};

static bool
kind_parse(struct span text, struct section *out)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (!span_is(text, kinds[i].name))
			continue;
		out->kind = kinds[i].kind;
		return out->kind != SECTION_MIME || out->depth > 0;
	}
	return false;
}

bool
section_parse_spec(struct span text, struct section *out)
{
	*out = (struct section){ .kind = SECTION_ALL };
	while (text.n > 0 && ascii_is_digit((unsigned char)text.p[0])) {
		ptrdiff_t dot = span_find_char(text, '.');
		struct span digits = span_slice(text, 0,
		    dot < 0 ? text.n : (size_t)dot);
		uint64_t number;

		if (digits.p[0] == '0' ||
		    !span_number(digits, UINT32_MAX, &number))
			return false;
		if (out->depth < BOUND_MIME_DEPTH)
			out->path[out->depth] = (uint32_t)number;
		if (out->depth <= BOUND_MIME_DEPTH)
			out->depth++;
		if (dot < 0)
			return true;
		text = span_slice(text, digits.n + 1, text.n);
		if (text.n == 0)
			return false;
	}
	return text.n == 0 || kind_parse(text, out);
}

static const struct mime_part *
child_number(const struct mime_part *p, uint32_t number)
{
	if (number == 0 || number > p->child_count)
		return NULL;
	p = p->child;
	while (--number > 0)
		p = p->next;
	return p;
}

/*
 * `p` is what stands at the place reached so far; `whole` tells that it is a
 * message with header and all, not a part with a number.  A number goes into
 * the multipart that a message or part is; in another message there is only
 * number 1, its body.
 */
const struct mime_part *
section_part(const struct mime_part *root, const struct section *s,
    const struct mime_part **message)
{
	const struct mime_part *p = root;
	bool whole = true;

	if (s->depth > BOUND_MIME_DEPTH)
		return NULL;
	for (size_t i = 0; i < s->depth; i++) {
		if (!whole && p->kind == MIME_MESSAGE) {
			p = p->child;
			whole = true;
		}
		if (p->kind == MIME_MULTIPART) {
			p = child_number(p, s->path[i]);
			if (p == NULL)
				return NULL;
		} else if (!whole || s->path[i] != 1)
			return NULL;
		whole = false;
	}
	*message = whole ? p : p->kind == MIME_MESSAGE ? p->child : NULL;
	return p;
}

bool
section_range(const struct mime_part *root, const struct section *s,
    uint64_t *off, uint64_t *len)
{
	const struct mime_part *message, *p = section_part(root, s, &message);

	if (p == NULL)
		return false;
	switch (s->kind) {
	case SECTION_ALL:
		*off = s->depth == 0 ? p->header_off : p->body_off;
		*len = p->body_off + p->body_octets - *off;
		return true;
	case SECTION_MIME:
		*off = p->header_off;
		*len = p->header_octets;
		return s->depth > 0;
	case SECTION_TEXT:
		if (message == NULL)
			return false;
		*off = message->body_off;
		*len = message->body_octets;
		return true;
	default:
		if (message == NULL)
			return false;
		*off = message->header_off;
		*len = message->header_octets;
		return true;
	}
}
