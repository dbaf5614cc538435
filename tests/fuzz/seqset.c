/* SPDX-License-Identifier: Apache-2.0 */
/* Sequence sets: ascending, apart, and the same when written and read again.
 * Input: what "*" stands for (one octet), then the text. */

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/store/seqset.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	const struct seqset *s, *again;
	struct buf b;

	if (size == 0)
		goto out;
	s = seqset_parse(arena, (struct span){ (const char *)data + 1,
	    size - 1 }, data[0], NULL);
	if (s == NULL || s->count == 0)
		goto out;
	buf_init(&b, 0);
	for (size_t i = 0; i < s->count; i++) {
		const struct seqset_range *r = &s->ranges[i];

		must(r->first > 0 && r->first <= r->last);
		must(i == 0 || r->first > r[-1].last + 1);
		must(seqset_has(s, r->first) && seqset_has(s, r->last));
		must(!seqset_has(s, r->first - 1));
		must(r->last == UINT32_MAX || !seqset_has(s, r->last + 1));
		buf_addf(&b, "%s%u:%u", i > 0 ? "," : "", r->first, r->last);
	}
	again = seqset_parse(arena, buf_span(&b), 0, NULL);
	must(again != NULL && again->count == s->count);
	for (size_t i = 0; i < s->count; i++)
		must(again->ranges[i].first == s->ranges[i].first &&
		    again->ranges[i].last == s->ranges[i].last);
	buf_clear(&b);
out:
	arena_free(arena);
	return 0;
}
