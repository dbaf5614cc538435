/* SPDX-License-Identifier: Apache-2.0 */
/* LIST patterns: a small automaton without tables. */
#include "c-client/store/list_pattern.h"

#include <stdlib.h>
#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/memory.h"

#include "c-client/base/banned.h"

static bool
is_wildcard(char c)
{
	return c == '*' || c == '%';
}

bool
list_pattern_init(struct list_pattern *pattern, struct span text,
    struct arena *arena)
{
	char *p = arena_alloc(arena, text.n + 1);
	size_t n = 0;

	*pattern = (struct list_pattern){ .p = p };
	if (p == NULL)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		/* "%%" is "%", and "*" beside either is "*". */
		if (n > 0 && is_wildcard(text.p[i]) && is_wildcard(p[n - 1])) {
			if (text.p[i] == '*')
				p[n - 1] = '*';
		} else
			p[n++] = text.p[i];
	}
	pattern->n = n;
	/* Between its wildcards there are more letters than a name can have. */
	if (n > 2 * BOUND_MAILBOX_NAME + 1)
		return false;
	for (size_t i = 0; i < 3; i++) {
		pattern->sets[i] = arena_alloc(arena, (n + 1) *
		    sizeof *pattern->sets[i]);
		if (pattern->sets[i] == NULL)
			return false;
	}
	return true;
}

size_t
list_pattern_head(const struct list_pattern *pattern)
{
	size_t head = 0;

	for (size_t i = 0; i < pattern->n && !is_wildcard(pattern->p[i]); i++)
		if (pattern->p[i] == '/')
			head = i + 1;
	return head;
}

/* A set that is being made. */
struct growing {
	uint32_t *at;
	size_t count;
};

/* Add a place, and the one behind a wildcard that stands there. */
static void
add(const struct list_pattern *pattern, struct growing *set, uint32_t at)
{
	for (;;) {
		if (set->count == 0 || set->at[set->count - 1] < at)
			set->at[set->count++] = at;
		if (at == pattern->n || !is_wildcard(pattern->p[at]))
			return;
		at++;
	}
}

struct list_places
list_pattern_begin(struct list_pattern *pattern)
{
	struct growing set = { pattern->sets[0], 0 };

	add(pattern, &set, 0);
	return (struct list_places){ set.at, set.count };
}

static bool
same(const struct list_pattern *pattern, char a, char b)
{
	if (!pattern->nocase)
		return a == b;
	return ascii_lower((unsigned char)a) == ascii_lower((unsigned char)b);
}

/*
 * One octet.  Places stay ascending: no two wildcards are neighbours, so a
 * place gives itself or the next one, and at most one more behind that.
 */
static void
step(const struct list_pattern *pattern, struct list_places from, char c,
    struct growing *to)
{
	to->count = 0;
	for (size_t i = 0; i < from.count; i++) {
		uint32_t at = from.at[i];

		if (at == pattern->n)
			continue;
		if (pattern->p[at] == '*' || (pattern->p[at] == '%' &&
		    c != '/'))
			add(pattern, to, at);
		else if (!is_wildcard(pattern->p[at]) &&
		    same(pattern, pattern->p[at], c))
			add(pattern, to, at + 1);
	}
}

struct list_places
list_pattern_walk(struct list_pattern *pattern, struct list_places from,
    struct span text)
{
	size_t next = 1;

	for (size_t i = 0; i < text.n && from.count > 0; i++) {
		struct growing to = { pattern->sets[next], 0 };

		/* The two sets take turns; `from` may be one that the last
		 * walk left. */
		if (from.at == to.at) {
			next = 3 - next;
			to.at = pattern->sets[next];
		}
		step(pattern, from, text.p[i], &to);
		from = (struct list_places){ to.at, to.count };
		next = 3 - next;
	}
	return from;
}

struct list_places
list_pattern_keep(struct list_places set)
{
	uint32_t *at = memory_grow_array(NULL, set.count + 1, sizeof *at);

	if (set.count > 0)
		memcpy(at, set.at, set.count * sizeof *at);
	return (struct list_places){ at, set.count };
}

void
list_pattern_drop(struct list_places set)
{
	free((void *)(uintptr_t)set.at);
}

bool
list_pattern_done(const struct list_pattern *pattern, struct list_places set)
{
	return set.count > 0 && set.at[set.count - 1] == pattern->n;
}
