/* SPDX-License-Identifier: Apache-2.0 */
/* Changing flags: in the records, and so in the index. */
#include "c-client/store/box.h"

#include <string.h>

#include "c-client/base/fault.h"
#include "c-client/store/box_private.h"

#include "c-client/base/banned.h"

/* The bits of the names.  A name that the mailbox doesn't have is made if it
 * is to be set; taking it away takes nothing. */
static int
keyword_bits(struct box *box, const struct box_store *change,
    struct keywords *bits, struct fault *why)
{
	*bits = (struct keywords){ { 0 } };
	for (size_t i = 0; i < change->keyword_count; i++) {
		int bit = change->op == BOX_STORE_REMOVE ?
		    box_keyword(box, change->keywords[i]) :
		    box_keyword_add(box, change->keywords[i], why);

		if (bit != -1)
			bits->bits[bit / 64] |= (uint64_t)1 << (bit % 64);
		else if (change->op != BOX_STORE_REMOVE)
			return -1;
	}
	return 0;
}

/* What the record's flags and keywords are to be; false if they are so. */
static bool
apply(struct record *r, const struct box_store *change,
    const struct keywords *bits)
{
	struct keywords was = r->keywords;
	uint16_t flags = r->flags, kept = flags & FLAG_OLD;
	uint16_t told = change->flags & FLAG_ALL_SYSTEM;

	for (size_t i = 0; i < sizeof was.bits / sizeof was.bits[0]; i++) {
		if (change->op == BOX_STORE_SET)
			r->keywords.bits[i] = bits->bits[i];
		else if (change->op == BOX_STORE_ADD)
			r->keywords.bits[i] |= bits->bits[i];
		else
			r->keywords.bits[i] &= ~bits->bits[i];
	}
	if (change->op == BOX_STORE_SET)
		flags = (uint16_t)(kept | told);
	else if (change->op == BOX_STORE_ADD)
		flags = (uint16_t)(flags | told);
	else
		flags = (uint16_t)(flags & ~told);
	if (flags == r->flags && memcmp(&was, &r->keywords, sizeof was) == 0)
		return false;
	r->flags = flags;
	return true;
}

int
box_store_flags(struct box *box, const uint32_t *uids, size_t count,
    const struct box_store *change, uint64_t *modseq, struct fault *why)
{
	struct keywords bits;
	size_t i = 0, changed = 0;

	*modseq = 0;
	if (box->readonly)
		return fault_set(why, FAULT_READONLY, "%s can't be written",
		    box->name.path);
	if (box_begin(box, why) == -1)
		return -1;
	if (keyword_bits(box, change, &bits, why) == -1) {
		box_rollback(box);
		return -1;
	}
	for (size_t k = 0; k < count; k++, i++) {
		struct record *r;

		/* Both ascend; a long way is jumped over. */
		if (i >= box->count || box_uid(box, i) != uids[k])
			i = box_find_from(box, uids[k]);
		if (i >= box->count)
			break;
		if (box_uid(box, i) != uids[k])
			continue;
		if ((r = box_at(box, i)) == NULL) {
			box_rollback(box);
			return fault_set(why, FAULT_IO,
			    "the index of %s can't be read", box->name.path);
		}
		if (!apply(r, change, &bits))
			continue;
		r->modseq = box_modseq(box);
		box_touch(box, i);
		changed++;
	}
	if (changed > 0)
		*modseq = box_modseq(box);
	if (box_commit(box, why) == -1)
		return -1;
	if (!box_write_through(box))
		return fault_set(why, FAULT_READONLY, "flags of %s can't be "
		    "written into it", box->name.path);
	return 0;
}
