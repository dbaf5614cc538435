/* SPDX-License-Identifier: Apache-2.0 */
/* What LIST and LSUB share. */
#include "c-client/store/list_entries.h"

#include <stdlib.h>
#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/memory.h"
#include "c-client/mime/utf7.h"
#include "c-client/store/list.h"
#include "c-client/store/list_pattern.h"
#include "c-client/store/name.h"

#include "c-client/base/banned.h"

void
list_entries_add(struct list_entries *list, const char *path,
    unsigned attributes, struct arena *arena)
{
	if (list->count == list->room) {
		list->room = list->room == 0 ? 64 : list->room * 2;
		list->p = memory_grow_array(list->p, list->room,
		    sizeof *list->p);
	}
	list->p[list->count++] = (struct list_entry){
		.path = arena_string(arena, path, strlen(path)),
		.attributes = attributes,
	};
}

static int
by_path(const void *a, const void *b)
{
	const struct list_entry *x = a, *y = b;
	bool first = strcmp(x->path, "INBOX") == 0;
	bool second = strcmp(y->path, "INBOX") == 0;

	if (first || second)
		return second - first;
	return strcmp(x->path, y->path);
}

/* The same name found twice: what can be selected counts, and one that has
 * children has them. */
static void
kept_merge(struct list_entry *kept, const struct list_entry *other)
{
	unsigned children = (kept->attributes | other->attributes) &
	    LIST_HASCHILDREN;

	if (!(other->attributes & LIST_NOSELECT))
		*kept = *other;
	if (children)
		kept->attributes = (kept->attributes & ~(unsigned)
		    LIST_HASNOCHILDREN) | children;
}

void
list_entries_finish(struct list_entries *list, struct arena *arena,
    struct list_entry **entries, size_t *count)
{
	size_t kept = 0;

	if (list->count > 0)
		qsort(list->p, list->count, sizeof *list->p, by_path);
	for (size_t i = 0; i < list->count; i++) {
		if (kept > 0 && strcmp(list->p[kept - 1].path,
		    list->p[i].path) == 0) {
			kept_merge(&list->p[kept - 1], &list->p[i]);
		} else
			list->p[kept++] = list->p[i];
	}
	*entries = arena_alloc(arena, kept * sizeof **entries);
	if (kept > 0)
		memcpy(*entries, list->p, kept * sizeof **entries);
	*count = kept;
	free(list->p);
	*list = (struct list_entries){ 0 };
}

bool
list_whole_pattern(const struct account *account, struct span reference,
    struct span pattern, struct arena *arena, struct list_pattern *out)
{
	struct buf wire, utf8;
	struct span text;
	bool good;

	buf_init(&wire, 0);
	buf_init(&utf8, 0);
	if (!name_is_rooted(pattern))
		buf_addspan(&wire, reference);
	buf_addspan(&wire, pattern);
	text = name_drop_legacy(account, buf_span(&wire));
	good = (text.n == wire.n || !name_is_rooted(text)) &&
	    utf7_decode(text, &utf8) &&
	    list_pattern_init(out, buf_span(&utf8), arena);
	buf_clear(&wire);
	buf_clear(&utf8);
	return good;
}
