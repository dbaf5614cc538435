/* SPDX-License-Identifier: Apache-2.0 */
/* STATUS: counting over the records of a mailbox. */
#include "c-client/store/box.h"

#include "c-client/base/fault.h"

#include "c-client/base/banned.h"

static void
count(const struct box *box, struct box_status *out)
{
	size_t unseen;

	*out = (struct box_status){
		.messages = (uint32_t)box->count,
		.uidnext = box->meta.uidnext,
		.uidvalidity = box->meta.uidvalidity,
		.highestmodseq = box->meta.highestmodseq,
		.recent = (uint32_t)(box->count -
		    box_find_from(box, box->meta.first_recent)),
	};
	box_sums(box, &unseen, &out->size_octets);
	out->unseen = (uint32_t)unseen;
}

int
box_status(struct account *account, const struct name *name,
    struct box_status *out, struct fault *why)
{
	struct box *box = box_open_lazy(account, name, true, why);

	if (box == NULL)
		return -1;
	if (box_sync(box, why) == -1) {
		box_close(box);
		return -1;
	}
	count(box, out);
	box_close(box);
	return 0;
}
