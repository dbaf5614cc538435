/* SPDX-License-Identifier: Apache-2.0 */
/* FETCH's data items: every item that is made can be answered. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/mime/section.h"
#include "imapd/args.h"
#include "imapd/fetch_args.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *arena = arena_new(BOUND_COMMAND_ARENA);
	struct fetch_items items;
	struct args a;

	args_init(&a, arena, (struct span){ (const char *)data, n });
	if (fetch_args_parse(&a, n % 2 == 1, &items)) {
		if (items.count == 0 || items.count > BOUND_FETCH_ITEMS)
			abort();
		for (size_t i = 0; i < items.count; i++) {
			const struct fetch_item *item = &items.items[i];

			if (item->label.n == 0 || item->count == 0 ||
			    (item->what == FETCH_BODY) !=
			    (item->section != NULL))
				abort();
		}
	} else if (a.error == NULL) {
		abort();
	}
	arena_free(arena);
	return 0;
}
