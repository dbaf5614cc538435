/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mime/ says of a message on standard input, for tests: ENVELOPE, BODY,
 * BODYSTRUCTURE, then one line "SECTION OFFSET LENGTH" for each section that
 * the message has.  Bare LF becomes CRLF first, unless -r is given; -c N feeds
 * the parser in pieces of N octets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/mime/envelope.h"
#include "c-client/mime/part.h"
#include "c-client/mime/section.h"
#include "c-client/mime/structure.h"

#include "c-client/base/banned.h"

static void
message_read(struct buf *out, bool raw)
{
	static char piece[65536];
	char last = '\0';
	size_t n;

	while ((n = fread(piece, 1, sizeof piece, stdin)) > 0) {
		for (size_t i = 0; i < n; i++) {
			if (piece[i] == '\n' && last != '\r' && !raw)
				buf_addc(out, '\r');
			buf_addc(out, piece[i]);
			last = piece[i];
		}
	}
}

static void
range_print(const struct mime_part *root, const char *path, const char *kind)
{
	struct section s;
	uint64_t off, len;
	char spec[2048];

	snprintf(spec, sizeof spec, "%s%s%s", path,
	    *path != '\0' && *kind != '\0' ? "." : "", kind);
	if (!section_parse_spec(span_of(spec), &s) ||
	    !section_range(root, &s, &off, &len))
		return;
	printf("[%s] %llu %llu\n", spec, (unsigned long long)off,
	    (unsigned long long)len);
}

/* All sections under a path; `p` has numbered parts inside. */
static void
sections_print(const struct mime_part *root, const char *path)
{
	static const char *const kinds[] = { "", "MIME", "HEADER", "TEXT" };
	const struct mime_part *p, *message;
	struct section s;
	char deeper[1024];

	if (!section_parse_spec(span_of(path), &s) ||
	    (p = section_part(root, &s, &message)) == NULL)
		return;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		range_print(root, path, kinds[i]);
	if (p->kind == MIME_LEAF && *path != '\0')
		return;
	for (unsigned i = 1;; i++) {
		snprintf(deeper, sizeof deeper, "%s%s%u", path,
		    *path == '\0' ? "" : ".", i);
		if (!section_parse_spec(span_of(deeper), &s) ||
		    section_part(root, &s, &message) == NULL)
			return;
		sections_print(root, deeper);
	}
}

int
main(int argc, char **argv)
{
	struct arena *a = arena_new(0);
	struct buf message, out;
	struct mime_parser *m;
	struct mime_part *root;
	size_t piece = SIZE_MAX;
	bool raw = false;
	int c;

	while ((c = getopt(argc, argv, "rc:")) != -1) {
		if (c == 'r')
			raw = true;
		else if (c == 'c')
			piece = strtoul(optarg, NULL, 10);
		else
			return 64;
	}
	buf_init(&message, 0);
	buf_init(&out, 0);
	message_read(&message, raw);
	m = mime_parser_new(a);
	for (size_t at = 0; at < message.n;) {
		struct span s = span_slice(buf_span(&message), at,
		    piece == 0 ? 1 : piece);

		mime_parser_feed(m, s.p, s.n);
		at += s.n;
	}
	root = mime_parser_end(m);
	buf_adds(&out, "ENVELOPE ");
	envelope_write(&out, root->header);
	buf_adds(&out, "\nBODY ");
	structure_write(&out, root, false);
	buf_adds(&out, "\nBODYSTRUCTURE ");
	structure_write(&out, root, true);
	buf_addc(&out, '\n');
	fwrite(out.p, 1, out.n, stdout);
	sections_print(root, "");
	buf_clear(&message);
	buf_clear(&out);
	arena_free(a);
	return 0;
}
