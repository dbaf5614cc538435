/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of mime/ share. */
#include "tests/lib/mail.h"

#include <assert.h>
#include <stdio.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/mime/part.h"

#include "c-client/base/banned.h"

bool
mail_read(const char *path, bool wire, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	int c, last = '\0';

	if (f == NULL)
		return false;
	while ((c = getc(f)) != EOF) {
		if (wire && c == '\n' && last != '\r')
			buf_addc(out, '\r');
		buf_addc(out, (char)c);
		last = c;
	}
	fclose(f);
	return true;
}

static void
part_add(struct buf *out, const struct mime_part *p)
{
	buf_addf(out, "%d %llu+%llu %llu+%llu/%llu %u ", (int)p->kind,
	    (unsigned long long)p->header_off,
	    (unsigned long long)p->header_octets,
	    (unsigned long long)p->body_off,
	    (unsigned long long)p->body_octets,
	    (unsigned long long)p->body_lines, p->child_count);
	buf_addspan(out, p->type);
	buf_addc(out, '/');
	buf_addspan(out, p->subtype);
	for (const struct param *a = p->params; a != NULL; a = a->next) {
		buf_addc(out, ';');
		buf_addspan(out, a->name);
		buf_addc(out, '=');
		buf_addspan(out, a->value);
	}
	buf_addc(out, '\n');
}

static void
part_check(const struct mime_part *p)
{
	uint64_t end = p->body_off + p->body_octets, at = p->body_off;
	uint32_t n = 0;

	assert(p->header_off + p->header_octets == p->body_off);
	assert(p->header.n <= p->header_octets);
	assert(p->body_lines <= p->body_octets);
	assert(p->type.n > 0 && p->subtype.n > 0 && p->encoding.p != NULL);
	assert((p->kind == MIME_LEAF) == (p->child == NULL));
	for (const struct mime_part *c = p->child; c != NULL; c = c->next) {
		assert(c->parent == p);
		assert(c->header_off >= at);
		at = c->body_off + c->body_octets;
		assert(at <= end);
		n++;
	}
	assert(n == p->child_count);
}

static void
tree_add(struct buf *out, const struct mime_part *p, unsigned depth)
{
	assert(depth <= BOUND_MIME_DEPTH + 1);
	part_check(p);
	for (unsigned i = 0; i < depth; i++)
		buf_addc(out, ' ');
	part_add(out, p);
	for (p = p->child; p != NULL; p = p->next)
		tree_add(out, p, depth + 1);
}

void
mail_tree(struct buf *out, const struct mime_part *root)
{
	tree_add(out, root, 0);
}

void
mail_tree_of(struct span message, size_t first, size_t piece,
    size_t arena_max, struct buf *out)
{
	struct arena *a = arena_new(arena_max);
	struct mime_parser *m = mime_parser_new(a);
	struct mime_part *root;
	size_t n = first;

	if (m == NULL) {
		arena_free(a);
		return;
	}
	for (size_t at = 0; at < message.n; at += n, n = piece) {
		struct span s = span_slice(message, at, n);

		mime_parser_feed(m, s.p, s.n);
	}
	root = mime_parser_end(m);
	assert(root->body_off + root->body_octets == message.n);
	mail_tree(out, root);
	arena_free(a);
}
