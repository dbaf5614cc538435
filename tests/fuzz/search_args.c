/* SPDX-License-Identifier: Apache-2.0 */
/* SEARCH's arguments: whatever comes, a tree that can be walked or a fault. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/fault.h"
#include "c-client/store/search.h"
#include "imapd/args.h"
#include "imapd/search_args.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* search.c refuses what is deeper. */
static void
walk(const struct search_key *key, unsigned depth)
{
	if (depth > 4 * BOUND_NESTING)
		abort();
	for (; key != NULL; key = key->next) {
		if (key->op == SEARCH_AND || key->op == SEARCH_OR ||
		    key->op == SEARCH_NOT) {
			if (key->sub == NULL)
				abort();
			walk(key->sub, depth + 1);
		}
		if ((key->op == SEARCH_NUMBERS || key->op == SEARCH_UIDS) &&
		    key->set == NULL)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct search_args_star star = { 7, 4294967295u };
	struct arena *arena = arena_new(BOUND_COMMAND_ARENA);
	struct fault why = { 0 };
	struct search_key *key;
	struct args a;

	args_init(&a, arena, (struct span){ (const char *)data, n });
	key = search_args_parse(&a, &star, &why);
	walk(key, 0);
	if (key == NULL && a.error == NULL && why.code == FAULT_NONE)
		abort();
	arena_free(arena);
	return 0;
}
