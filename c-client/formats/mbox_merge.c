/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a scan found is put into the index.
 *
 * UIDs ascend in the order of the file, as other programs expect of X-UID: a
 * message that would break this, and all behind it, get new ones.
 */
#include "c-client/formats/mbox_merge.h"

#include <stdlib.h>
#include <string.h>

#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/formats/mbox_match.h"
#include "c-client/formats/mbox_scan.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

/* UIDs that are never given: the last of 32 bits, with some room. */
#define UID_END		(UINT32_MAX - 1)

struct merge {
	struct box *box;
	const struct mbox_merge *in;
	int bit_of[BOUND_KEYWORDS];	/* scan's bits as the box has them */
	bool same_bits;
	bool trusted;		/* the file's X-IMAPbase is believed */
	struct record *adds;	/* to come behind all others, without UIDs
				 * where these are to be new */
	size_t add_count;
};

/* Names that the scan found get their bits in the box: new ones only from a
 * base that is believed. */
static void
keywords_map(struct merge *m)
{
	const struct mbox_keywords *k = m->in->scan->keywords;
	struct fault ignored = { .code = FAULT_NONE };

	m->same_bits = true;
	for (size_t i = 0; i < k->count; i++) {
		struct span name = span_of(k->names[i]);

		m->bit_of[i] = m->trusted ?
		    box_keyword_add(m->box, name, &ignored) :
		    box_keyword(m->box, name);
		m->same_bits = m->same_bits && m->bit_of[i] == (int)i;
	}
}

static struct keywords
keywords_of(const struct merge *m, const struct keywords *scanned)
{
	struct keywords out = { { 0 } };

	if (m->same_bits)
		return *scanned;
	for (unsigned i = 0; i < m->in->scan->keywords->count; i++) {
		int bit = m->bit_of[i];

		if ((scanned->bits[i / 64] >> i % 64 & 1) != 0 && bit >= 0)
			out.bits[bit / 64] |= UINT64_C(1) << bit % 64;
	}
	return out;
}

/*
 * The record of a message that was not known, `named` if its X-UID is
 * believed.  Mail in the spool comes from anybody: what its headers say of
 * flags is noted as seen, so that it is no change later, but not followed.  At
 * the first sight of a mailbox they may be those of the user's mail program;
 * but nobody shall deliver mail that is deleted.
 */
static struct record
record_new(const struct merge *m, const struct mbox_message *msg, bool named)
{
	const struct mbox_merge *in = m->in;
	struct record r = msg->r;
	struct keywords none = { { 0 } };
	bool ours = r.place >= in->ours_from && r.place < in->ours_to;

	r.keywords = r.keywords_seen = keywords_of(m, &msg->r.keywords);
	if (m->box->name.inbox && !named && !ours) {
		r.flags &= in->kind == MBOX_MERGE_NEW ?
		    FLAG_SEEN | FLAG_ANSWERED | FLAG_FLAGGED | FLAG_OLD : 0;
		r.keywords = none;
	}
	r.saved = in->kind == MBOX_MERGE_NEW ? r.date : in->now;
	r.uid = named ? msg->uid : 0;
	r.uid_seen = msg->uid;
	r.modseq = 0;
	return r;
}

/* All get new UIDs under a new UIDVALIDITY: the numbers are used up. */
static void
renumber(struct merge *m)
{
	struct box *box = m->box;
	size_t n = box->count;
	struct record *all = memory_grow_array(NULL, n + m->add_count + 1,
	    sizeof *all);

	if (n > 0)
		memcpy(all, box->records, n * sizeof *all);
	if (m->add_count > 0)
		memcpy(all + n, m->adds, m->add_count * sizeof *all);
	box_remove_all(box, true);
	box->meta.uidvalidity = box_meta_uidvalidity(
	    box->meta.uidvalidity, m->in->now);
	box->meta.uidnext = 1;
	box->meta.first_recent = 1;
	for (size_t i = 0; i < n + m->add_count; i++) {
		all[i].uid = box->meta.uidnext++;
		all[i].uid_seen = 0;
		all[i].modseq = 0;
		box_add(box, &all[i]);
	}
	free(all);
}

/*
 * Add those of m->adds; the ones without a UID get theirs from `next` on, in
 * ascending order with the others.
 */
static void
adds_commit(struct merge *m, uint64_t next)
{
	struct box_meta *meta = &m->box->meta;

	if (next < meta->uidnext)
		next = meta->uidnext;
	if (next + m->add_count >= UID_END) {
		renumber(m);
		return;
	}
	for (size_t i = 0; i < m->add_count; i++) {
		struct record *r = &m->adds[i];

		if (r->uid == 0)
			r->uid = (uint32_t)next;
		if (r->uid_seen != r->uid)
			r->uid_seen = 0;
		if (r->uid >= next)
			next = (uint64_t)r->uid + 1;
		box_add(m->box, r);
	}
	meta->uidnext = (uint32_t)next;
}

static void
merge_new(struct merge *m)
{
	const struct mbox_scan *scan = m->in->scan;
	struct box_meta *meta = &m->box->meta;
	uint32_t before = 0;
	uint64_t next = 1;
	bool believe = scan->based;

	box_remove_all(m->box, true);
	meta->uidvalidity = scan->based ? scan->uidvalidity :
	    box_meta_uidvalidity(meta->uidvalidity > m->box->lost ?
	    meta->uidvalidity : m->box->lost, m->in->now);
	meta->uidnext = meta->first_recent = 1;
	for (size_t i = 0; i < scan->count; i++) {
		const struct mbox_message *msg = &scan->messages[i];

		believe = believe && msg->uid > before &&
		    msg->uid <= scan->last;
		before = msg->uid;
		m->adds[m->add_count++] = record_new(m, msg, believe);
	}
	/* What an index that was lost gave out is not above the last one
	 * (mbox_base.h). */
	if (scan->based)
		next = (uint64_t)scan->last + 1;
	adds_commit(m, next);
	if (scan->based && meta->uidnext <= scan->last)
		meta->uidnext = scan->last + 1;
	/* What another program has shown as new already is not \Recent. */
	for (size_t i = 0; i < m->box->count; i++)
		if ((m->box->records[i].flags_seen & FLAG_OLD) != 0)
			meta->first_recent = m->box->records[i].uid + 1;
}

static int
merge_tail(struct merge *m, struct fault *why)
{
	const struct mbox_scan *scan = m->in->scan;
	struct box *box = m->box;

	/* Empty lines in front of the tail are the last message's. */
	if (box->count > 0) {
		struct record *last = box_at(box, box->count - 1);

		if (last == NULL)
			return fault_set(why, FAULT_IO,
			    "the last record can't be read");
		if (last->place + last->disk_size > scan->begin)
			return fault_set(why, FAULT_CHANGED,
			    "a tail that begins inside of a message");
		if (last->place + last->disk_size != scan->begin) {
			last->disk_size = scan->begin - last->place;
			box_touch(box, box->count - 1);
		}
	}
	for (size_t i = 0; i < scan->count; i++)
		m->adds[m->add_count++] = record_new(m, &scan->messages[i],
		    false);
	adds_commit(m, 0);
	return 0;
}

/* Known messages get what the scan says of them; the flags by merging. */
static bool
record_update(struct merge *m, struct record *r,
    const struct mbox_message *msg)
{
	struct keywords now = keywords_of(m, &msg->r.keywords_seen);
	struct record was = *r;
	bool seen;

	if (m->in->kind == MBOX_MERGE_FULL) {
		r->place = msg->r.place;
		r->disk_size = msg->r.disk_size;
		r->wire_size = msg->r.wire_size;
		r->wire_header = msg->r.wire_header;
		r->disk_header = msg->r.disk_header;
		r->separator = msg->r.separator;
	}
	r->uid_seen = msg->uid == r->uid ? r->uid : 0;
	if (record_merge_flags(r, msg->r.flags_seen, &now, &seen))
		r->modseq = box_modseq(m->box);
	return memcmp(&was, r, sizeof was) != 0;
}

static int
merge_flags(struct merge *m, struct fault *why)
{
	const struct mbox_scan *scan = m->in->scan;
	struct box *box = m->box;

	if (scan->count != box->count)
		return fault_set(why, FAULT_CHANGED,
		    "other messages than were looked at");
	for (size_t i = 0; i < box->count; i++)
		if (record_update(m, &box->records[i], &scan->messages[i]))
			box_touch(box, i);
	return 0;
}

/*
 * In a known mailbox the numbers in X-IMAPbase count only where they can't be
 * a stranger's: in the internal data of the user's own folder, or in a message
 * that was there before.
 */
static bool
is_base_trusted(const struct box *box, const struct mbox_scan *scan,
    const ptrdiff_t *old_of)
{
	if (!scan->based || scan->uidvalidity != box->meta.uidvalidity)
		return false;
	if (scan->internal)
		return !box->name.inbox;
	return scan->count > 0 && old_of[0] != -1;
}

/*
 * The first messages whose UIDs ascend keep them.  kept[i] is set for records
 * that stay; what is behind goes to m->adds, with a UID only where another
 * program gave it one.
 */
static void
full_split(struct merge *m, const ptrdiff_t *old_of, bool *kept)
{
	const struct mbox_scan *scan = m->in->scan;
	struct box *box = m->box;
	uint32_t before = 0;
	bool keeping = true;

	for (size_t i = 0; i < scan->count; i++) {
		const struct mbox_message *msg = &scan->messages[i];
		ptrdiff_t old = old_of[i];
		struct record *add = &m->adds[m->add_count];
		bool named = false;

		if (keeping && old != -1 && box->records[old].uid > before) {
			before = box->records[old].uid;
			kept[old] = true;
			if (record_update(m, &box->records[old], msg))
				box_touch(box, (size_t)old);
			continue;
		}
		if (keeping && old == -1 && m->trusted)
			named = msg->uid > before &&
			    msg->uid >= box->meta.uidnext &&
			    msg->uid <= scan->last;
		keeping = named;
		if (old != -1) {
			*add = box->records[old];
			record_update(m, add, msg);
			add->uid_seen = msg->uid;
			add->uid = 0;
			add->modseq = 0;
		} else
			*add = record_new(m, msg, named);
		if (named)
			before = msg->uid;
		m->add_count++;
	}
}

/*
 * In a mailbox that others number too, what they wrote into it is what is so.
 * True where the index says something else: it was written before it was told
 * here, so nobody knows of that.
 */
static bool
is_overruled(const struct box *box, const struct mbox_scan *scan,
    const ptrdiff_t *old_of)
{
	uint32_t before = 0;

	if (!box->shared || !scan->based)
		return false;
	if (scan->uidvalidity != box->meta.uidvalidity)
		return true;
	for (size_t i = 0; i < scan->count; i++) {
		uint32_t uid = scan->messages[i].uid;

		if (uid <= before || uid > scan->last)
			return false;
		before = uid;
		if (old_of[i] == -1 ? uid < box->meta.uidnext :
		    box->records[old_of[i]].uid != uid)
			return true;
	}
	return false;
}

static void
merge_full(struct merge *m)
{
	const struct mbox_scan *scan = m->in->scan;
	struct box *box = m->box;
	size_t count = box->count;
	ptrdiff_t *old_of = memory_grow_array(NULL, scan->count + 1,
	    sizeof *old_of);
	bool *kept = memory_zalloc(count + 1);
	size_t *gone = memory_grow_array(NULL, count + 1, sizeof *gone);
	size_t n_gone = 0;
	uint64_t next = 0;

	mbox_match(box->records, count, scan->messages, scan->count,
	    scan->based && scan->uidvalidity == box->meta.uidvalidity,
	    old_of);
	m->trusted = is_base_trusted(box, scan, old_of) ||
	    (box->shared && scan->based);
	keywords_map(m);
	if (is_overruled(box, scan, old_of)) {
		merge_new(m);
		goto out;
	}
	full_split(m, old_of, kept);
	for (size_t i = 0; i < count; i++)
		if (!kept[i])
			gone[n_gone++] = i;
	box_remove_many(box, gone, n_gone);
	/* Another program has given out UIDs up to there. */
	if (m->trusted && (box->shared || scan->last != m->in->last))
		next = (uint64_t)scan->last + 1;
	adds_commit(m, next);
out:
	free(gone);
	free(kept);
	free(old_of);
}

int
mbox_merge(struct box *box, const struct mbox_merge *in, struct fault *why)
{
	struct merge m = { .box = box, .in = in };
	int status = 0;

	m.adds = memory_grow_array(NULL, in->scan->count + 1, sizeof *m.adds);
	m.trusted = in->kind == MBOX_MERGE_NEW && in->scan->based;
	if (in->kind != MBOX_MERGE_FULL)
		keywords_map(&m);
	switch (in->kind) {
	case MBOX_MERGE_NEW:
		merge_new(&m);
		break;
	case MBOX_MERGE_TAIL:
		status = merge_tail(&m, why);
		break;
	case MBOX_MERGE_FULL:
		merge_full(&m);
		break;
	case MBOX_MERGE_FLAGS:
		status = merge_flags(&m, why);
		break;
	}
	box_touch_meta(box);
	free(m.adds);
	return status;
}
