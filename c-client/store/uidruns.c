/* SPDX-License-Identifier: Apache-2.0 */
/* Ascending UIDs as runs of those that follow each other. */
#include "c-client/store/uidruns.h"

#include <stdlib.h>
#include <string.h>

#include "c-client/base/memory.h"

#include "c-client/base/banned.h"

struct uidrun {
	uint32_t uid;		/* the first one, */
	uint32_t at;		/* and its index */
};

/* Index behind the k-th run. */
static size_t
end_of(const struct uidruns *u, size_t k)
{
	return k + 1 < u->n ? u->runs[k + 1].at : u->count;
}

void
uidruns_clear(struct uidruns *u)
{
	free(u->runs);
	memset(u, 0, sizeof *u);
}

void
uidruns_add(struct uidruns *u, uint32_t uid, size_t n)
{
	const struct uidrun *last = u->n == 0 ? NULL : &u->runs[u->n - 1];

	if (n == 0)
		return;
	if (last == NULL || uid - last->uid != u->count - last->at) {
		if (u->n == u->cap) {
			u->cap = u->cap < 4 ? 4 : u->cap * 2;
			u->runs = memory_grow_array(u->runs, u->cap,
			    sizeof *u->runs);
		}
		u->runs[u->n++] = (struct uidrun){ uid, (uint32_t)u->count };
	}
	u->count += n;
}

/* The run that has the i-th one. */
static size_t
run_of(const struct uidruns *u, size_t i)
{
	size_t low = 0, high = u->n;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (u->runs[mid].at <= i)
			low = mid;
		else
			high = mid;
	}
	return low;
}

uint32_t
uidruns_at(const struct uidruns *u, size_t i, size_t *left)
{
	size_t k = run_of(u, i);

	if (left != NULL)
		*left = end_of(u, k) - i;
	return u->runs[k].uid + (uint32_t)(i - u->runs[k].at);
}

size_t
uidruns_find(const struct uidruns *u, uint32_t uid)
{
	size_t low = 0, high = u->n, n;

	/* The last run that begins at this UID or before it. */
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (u->runs[mid].uid <= uid)
			low = mid;
		else
			high = mid;
	}
	if (u->n == 0)
		return 0;
	if (uid <= u->runs[low].uid)
		return u->runs[low].at;
	n = end_of(u, low) - u->runs[low].at;
	return u->runs[low].at + (uid - u->runs[low].uid < n ?
	    uid - u->runs[low].uid : n);
}

bool
uidruns_has(const struct uidruns *u, uint32_t uid)
{
	size_t i = uidruns_find(u, uid);

	return i < u->count && uidruns_at(u, i, NULL) == uid;
}

void
uidruns_split(struct uidruns *u, size_t i, struct uidruns *tail)
{
	size_t left, k;

	memset(tail, 0, sizeof *tail);
	if (i >= u->count)
		return;
	k = run_of(u, i);
	for (size_t at = i; at < u->count; at += left) {
		uint32_t uid = uidruns_at(u, at, &left);

		uidruns_add(tail, uid, left);
	}
	u->n = u->runs[k].at == i ? k : k + 1;
	u->count = i;
}
