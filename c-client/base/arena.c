/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas: a list of chunks, the newest first; bump allocation in that. */
#include "c-client/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "c-client/base/memory.h"

#include "c-client/base/banned.h"

#define CHUNK_SMALLEST	4096u
#define CHUNK_KEPT	(64u * 1024)

struct chunk {
	struct chunk *next;
	size_t size, used;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct chunk *chunks;
	size_t used, max;
	bool full;
};

struct arena *
arena_new(size_t max)
{
	struct arena *a = memory_zalloc(sizeof *a);

	a->max = max;
	return a;
}

static void
chunks_free(struct chunk *c)
{
	while (c != NULL) {
		struct chunk *next = c->next;

		free(c);
		c = next;
	}
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	chunks_free(a->chunks);
	free(a);
}

void
arena_reset(struct arena *a)
{
	struct chunk *keep = a->chunks;

	a->used = 0;
	a->full = false;
	if (keep == NULL)
		return;
	chunks_free(keep->next);
	keep->next = NULL;
	keep->used = 0;
	if (keep->size > CHUNK_KEPT) {
		free(keep);
		a->chunks = NULL;
	}
}

static struct chunk *
chunk_for(struct arena *a, size_t n)
{
	struct chunk *c = a->chunks;
	size_t size;

	if (c != NULL && c->size - c->used >= n)
		return c;
	size = c == NULL ? CHUNK_SMALLEST : c->size * 2;
	if (size > 1024u * 1024)
		size = 1024u * 1024;
	if (size < n)
		size = n;
	c = memory_alloc(sizeof *c + size);
	c->size = size;
	c->used = 0;
	c->next = a->chunks;
	a->chunks = c;
	return c;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	const size_t align = alignof(max_align_t);
	struct chunk *c;
	void *p;

	if (n > SIZE_MAX / 2)
		memory_exhausted(n);
	n = n == 0 ? align : (n + align - 1) / align * align;
	if (a->max != 0 && n > a->max - a->used) {
		a->full = true;
		return NULL;
	}
	c = chunk_for(a, n);
	p = c->bytes + c->used;
	c->used += n;
	a->used += n;
	memset(p, 0, n);
	return p;
}

bool
arena_full(const struct arena *a)
{
	return a->full;
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}

char *
arena_string(struct arena *a, const char *p, size_t n)
{
	char *s = arena_alloc(a, n + 1);

	if (s != NULL && n > 0)
		memcpy(s, p, n);
	return s;
}

struct span
arena_span(struct arena *a, struct span from)
{
	char *s = arena_string(a, from.p, from.n);

	if (s == NULL)
		return (struct span){ "", 0 };
	return (struct span){ s, from.n };
}
