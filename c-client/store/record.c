/* SPDX-License-Identifier: Apache-2.0 */
/* What the index knows of one message. */
#include "c-client/store/record.h"

#include <stddef.h>

#include "c-client/base/banned.h"

bool
record_merge_flags(struct record *r, uint16_t flags_now,
    const struct keywords *now, bool *seen)
{
	uint16_t flags, changed = r->flags_seen ^ flags_now;
	bool wanted = false;

	*seen = changed != 0;
	flags = (uint16_t)((r->flags & ~changed) | (flags_now & changed));
	wanted = flags != r->flags;
	r->flags = flags;
	r->flags_seen = flags_now;
	for (size_t i = 0; i < BOUND_KEYWORDS / 64; i++) {
		uint64_t bits = r->keywords_seen.bits[i] ^ now->bits[i];
		uint64_t want = (r->keywords.bits[i] & ~bits) |
		    (now->bits[i] & bits);

		*seen = *seen || bits != 0;
		wanted = wanted || want != r->keywords.bits[i];
		r->keywords.bits[i] = want;
		r->keywords_seen.bits[i] = now->bits[i];
	}
	return wanted;
}
