/* SPDX-License-Identifier: Apache-2.0 */
/* An address list: groups are closed, mailboxes are there, limits hold. */

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/mime/addr.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Reads every octet, so that a sanitizer sees a span out of bounds. */
static unsigned
sum(struct span s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += (unsigned char)s.p[i];
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	unsigned all = 0;
	bool in_group = false;
	size_t n = 0;

	for (struct addr *one = addr_parse(a, (struct span){
	    (const char *)data, size }); one != NULL; one = one->next) {
		must(!(one->group_start && one->group_end));
		must(one->group_end == (one->mailbox.p == NULL));
		if (one->group_start || one->group_end) {
			must(one->host.p == NULL);
			must(in_group == one->group_end);
			in_group = one->group_start;
		}
		all += sum(one->name) + sum(one->adl) + sum(one->mailbox) +
		    sum(one->host);
		n++;
	}
	must(!in_group && n <= BOUND_ADDRESSES && all < UINT32_MAX);
	arena_free(a);
	return 0;
}
