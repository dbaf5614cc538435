/* SPDX-License-Identifier: Apache-2.0 */
/* Finding known messages again. */
#include "c-client/formats/mbox_match.h"

#include <stdlib.h>
#include <string.h>

#include "c-client/base/memory.h"
#include "c-client/formats/mbox_scan.h"
#include "c-client/store/record.h"

#include "c-client/base/banned.h"

/* What a message is known by; sorted, equal ones in their order. */
struct key {
	const struct record *record;
	size_t index;
};

static uint64_t
body_size(const struct record *r)
{
	return r->wire_size - r->wire_header;
}

static int
record_compare(const struct record *a, const struct record *b)
{
	int order = memcmp(a->digest, b->digest, sizeof a->digest);

	if (order == 0 && body_size(a) != body_size(b))
		order = body_size(a) < body_size(b) ? -1 : 1;
	return order;
}

static int
key_compare(const void *va, const void *vb)
{
	const struct key *a = va, *b = vb;
	int order = record_compare(a->record, b->record);

	if (order == 0)
		order = a->index < b->index ? -1 : a->index > b->index;
	return order;
}

static ptrdiff_t
find_uid(const struct record *records, size_t count, uint32_t uid)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (records[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && records[low].uid == uid ? (ptrdiff_t)low : -1;
}

/* Those that say themselves who they are. */
static void
match_uids(const struct record *records, size_t old_count,
    const struct mbox_message *messages, size_t count, bool *taken,
    ptrdiff_t *old_of)
{
	for (size_t i = 0; i < count; i++) {
		ptrdiff_t at;

		if (messages[i].uid == 0)
			continue;
		at = find_uid(records, old_count, messages[i].uid);
		if (at == -1 || taken[at] ||
		    record_compare(&records[at], &messages[i].r) != 0)
			continue;
		taken[at] = true;
		old_of[i] = at;
	}
}

void
mbox_match(const struct record *records, size_t old_count,
    const struct mbox_message *messages, size_t count, bool uids,
    ptrdiff_t *old_of)
{
	struct key *olds, *news;
	bool *taken = memory_zalloc(old_count + 1);
	size_t n_olds = 0, n_news = 0, i, j;

	for (i = 0; i < count; i++)
		old_of[i] = -1;
	if (uids)
		match_uids(records, old_count, messages, count, taken,
		    old_of);
	olds = memory_grow_array(NULL, old_count + 1, sizeof *olds);
	news = memory_grow_array(NULL, count + 1, sizeof *news);
	for (i = 0; i < old_count; i++)
		if (!taken[i])
			olds[n_olds++] = (struct key){ &records[i], i };
	for (i = 0; i < count; i++)
		if (old_of[i] == -1)
			news[n_news++] = (struct key){ &messages[i].r, i };
	qsort(olds, n_olds, sizeof *olds, key_compare);
	qsort(news, n_news, sizeof *news, key_compare);
	for (i = j = 0; i < n_olds && j < n_news; ) {
		int order = record_compare(olds[i].record, news[j].record);

		if (order == 0)
			old_of[news[j].index] = (ptrdiff_t)olds[i].index;
		i += order <= 0;
		j += order >= 0;
	}
	free(olds);
	free(news);
	free(taken);
}
