/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pieces of arguments, in any order over any text: the first octets say
 * which ones.  The text has nothing behind it, so that a sanitizer sees each
 * look beyond its end.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/mime/date.h"
#include "imapd/args.h"
#include "imapd/id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS	8u

static bool
step(struct args *a, unsigned what)
{
	struct args_flags flags;
	struct span span;
	struct date date;
	struct buf said;
	uint32_t number;
	int64_t days;
	bool ok;

	switch (what % 18) {
	case 0: return args_space(a);
	case 1: return args_atom(a, &span);
	case 2: return args_astring(a, &span);
	case 3: return args_string(a, &span);
	case 4: return args_nstring(a, &span);
	case 5: return args_list_mailbox(a, &span);
	case 6: return args_number(a, &number);
	case 7: return args_nznumber(a, &number);
	case 8: return args_seqset(a, &span);
	case 9: return args_flag_list(a, false, &flags);
	case 10: return args_flag_list(a, true, &flags);
	case 11: return args_date_time(a, &date);
	case 12: return args_date(a, &days);
	case 13: return args_open(a);
	case 14: return args_close(a);
	case 15: return args_word(a, &span);
	case 16: return args_tag(a, &span);
	default:
		buf_init(&said, 2000);
		ok = id_parse(a, &said);
		buf_clear(&said);
		return ok;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena;
	struct args a;
	char *text;
	size_t n;

	if (size < STEPS)
		return 0;
	n = size - STEPS;
	if ((text = malloc(n + (n == 0))) == NULL)
		return 0;
	memcpy(text, data + STEPS, n);
	arena = arena_new(BOUND_COMMAND_ARENA);
	args_init(&a, arena, (struct span){ text, n });
	for (size_t i = 0; i < STEPS; i++) {
		bool ok = step(&a, data[i]);

		assert(a.p <= a.end && a.p >= text);
		assert(ok || a.error != NULL || data[i] % 18 == 14);
		args_is_end(&a);
		args_peek(&a);
	}
	arena_free(arena);
	free(text);
	return 0;
}
