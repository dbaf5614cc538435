/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message: ENVELOPE, BODYSTRUCTURE and the offsets of all parts are the same
 * whole and in pieces, whose length the first octet gives, and what is written
 * is well-formed IMAP.
 */
#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/mime/envelope.h"
#include "c-client/mime/part.h"
#include "c-client/mime/structure.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
offsets_add(struct buf *out, const struct mime_part *p, uint64_t end)
{
	must(p->header_off + p->header_octets == p->body_off);
	must(p->body_off + p->body_octets <= end);
	buf_addf(out, "%llu %llu %llu\n", (unsigned long long)p->header_off,
	    (unsigned long long)p->body_off,
	    (unsigned long long)p->body_octets);
	end = p->body_off + p->body_octets;
	for (p = p->child; p != NULL; p = p->next)
		offsets_add(out, p, end);
}

static void
describe(struct span message, size_t piece, size_t max, struct buf *out)
{
	struct arena *a = arena_new(max);
	struct mime_parser *m = mime_parser_new(a);
	struct mime_part *root;

	if (m == NULL) {
		arena_free(a);
		return;
	}
	for (size_t at = 0; at < message.n; at += piece) {
		struct span s = span_slice(message, at, piece);

		mime_parser_feed(m, s.p, s.n);
	}
	root = mime_parser_end(m);
	must(root->body_off + root->body_octets == message.n);
	envelope_write(out, root->header);
	structure_write(out, root, true);
	structure_write(out, root, false);
	offsets_add(out, root, message.n);
	arena_free(a);
}

/* The octets that a literal at p takes; it may not be empty. */
static size_t
literal_length(const char *p, size_t left)
{
	size_t n = 0, at = 1;

	while (at < left && p[at] >= '0' && p[at] <= '9')
		n = n * 10 + (size_t)(p[at++] - '0');
	must(n > 0 && at + 3 + n <= left);
	must(memcmp(p + at, "}\r\n", 3) == 0);
	must(memchr(p + at + 3, '\0', n) == NULL);
	return at + 3 + n;
}

static void
check_form(struct span s)
{
	size_t depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		must(c != '\0' && c != '\r' && c < 0x80);
		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && c == '{')
			i += literal_length(s.p + i, s.n - i) - 1;
		else if (!quoted && c == '(')
			depth++;
		else if (!quoted && c == ')')
			must(depth-- > 0);
	}
	must(!quoted && depth == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span message;
	struct buf whole, parts;
	size_t piece;

	if (size == 0)
		return 0;
	piece = data[0] % 64u + 1;
	message = (struct span){ (const char *)data + 1, size - 1 };
	buf_init(&whole, 0);
	buf_init(&parts, 0);
	describe(message, message.n + 1, 0, &whole);
	describe(message, piece, 0, &parts);
	must(span_eq(buf_span(&whole), buf_span(&parts)));
	check_form(buf_span(&whole));
	buf_reset(&parts);
	describe(message, piece, 64 * (size_t)data[0] + 1, &parts);
	check_form(buf_span(&parts));
	buf_clear(&whole);
	buf_clear(&parts);
	return 0;
}
