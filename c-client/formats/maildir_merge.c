/* SPDX-License-Identifier: Apache-2.0 */
/* What was found in a maildir is put into the index. */
#include "c-client/formats/maildir_merge.h"

#include <stdlib.h>
#include <string.h>

#include "c-client/base/clock.h"
#include "c-client/base/memory.h"
#include "c-client/formats/maildir.h"
#include "c-client/formats/maildir_match.h"
#include "c-client/formats/maildir_name.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

/* UIDs that are never given: the last of 32 bits, with some room. */
#define UID_END		(UINT32_MAX - 1)

/* An arrival and when its name says that it came. */
struct timed {
	uint64_t secs, usecs;
	const char *name;
	struct maildir_arrival arrival;
};

/* The digits at p, as far as they go. */
static uint64_t
digits(const char *p)
{
	uint64_t n = 0;

	while (ascii_is_digit((unsigned char)*p) && n < UINT64_MAX / 16)
		n = n * 10 + (uint64_t)(*p++ - '0');
	return n;
}

/* "1700000000.M123P...", "1700000000.123.host", or anything. */
static void
time_read(struct timed *t)
{
	const char *dot = strchr(t->name, '.');

	t->secs = digits(t->name);
	t->usecs = dot != NULL && dot[1] == 'M' ? digits(dot + 2) : 0;
}

static int
by_time(const void *a, const void *b)
{
	const struct timed *x = a, *y = b;

	if (x->secs != y->secs)
		return x->secs < y->secs ? -1 : 1;
	if (x->usecs != y->usecs)
		return x->usecs < y->usecs ? -1 : 1;
	/* Those of one append are numbered in their order. */
	return strverscmp(x->name, y->name);
}

/* New ones, from `first` on, by their time. */
static void
arrivals_order(const struct maildir_merge *merge, struct maildir_match *match,
    size_t first)
{
	size_t count = match->arrival_count - first;
	struct timed *all = memory_grow_array(NULL, count + 1, sizeof *all);

	for (size_t i = 0; i < count; i++) {
		all[i].arrival = match->arrivals[first + i];
		all[i].name = maildir_files_name(merge->files,
		    &merge->files->p[all[i].arrival.file]);
		time_read(&all[i]);
	}
	qsort(all, count, sizeof *all, by_time);
	for (size_t i = 0; i < count; i++)
		match->arrivals[first + i] = all[i].arrival;
	free(all);
}

bool
maildir_merge_number(struct maildir *m, struct maildir_merge *merge,
    struct maildir_match *match, uint32_t list_next,
    uint32_t list_uidvalidity)
{
	const struct box_meta *meta = &m->box->meta;
	uint64_t next = list_next;
	uint32_t old = meta->uidvalidity;
	size_t first = 0;

	if (!merge->fresh) {
		merge->uidvalidity = old;
		if (next < meta->uidnext)
			next = meta->uidnext;
	} else if (list_uidvalidity != 0 && !merge->renumber)
		merge->uidvalidity = list_uidvalidity;
	else {
		if (old < list_uidvalidity)
			old = list_uidvalidity;
		merge->uidvalidity = box_meta_uidvalidity(old, clock_now());
	}
	for (; first < match->arrival_count &&
	    match->arrivals[first].uid != 0; first++) {
		struct maildir_arrival *a = &match->arrivals[first];

		a->record.uid = a->uid;
		if (next <= a->uid)
			next = (uint64_t)a->uid + 1;
	}
	if (next + (match->arrival_count - first) >= UID_END)
		return false;
	arrivals_order(merge, match, first);
	for (size_t i = first; i < match->arrival_count; i++)
		match->arrivals[i].record.uid = (uint32_t)next++;
	merge->next = (uint32_t)next;
	return true;
}

static struct keywords
name_read(struct maildir *m, struct span name, uint16_t *flags)
{
	struct maildir_name parts;
	uint32_t letters;
	bool passed;

	maildir_name_parse(name, &parts);
	*flags = maildir_name_flags(parts.letters, &letters, &passed);
	if (letters == 0 && !passed)
		return (struct keywords){ { 0 } };
	return maildir_keywords_bits(m->box, &m->keywords, letters, passed);
}

bool
maildir_merge_name(struct maildir *m, struct record *r, struct span name)
{
	uint16_t flags;
	struct keywords now = name_read(m, name, &flags);
	bool seen;

	if (record_merge_flags(r, flags, &now, &seen))
		r->modseq = box_modseq(m->box);
	return seen;
}

static void
records_update(struct maildir *m, const struct maildir_merge *merge,
    const struct maildir_match *match)
{
	struct box *box = m->box;
	size_t *gone = memory_grow_array(NULL, match->count + 1,
	    sizeof *gone);
	size_t n_gone = 0;

	for (size_t i = 0; i < match->count; i++) {
		struct record *r = &box->records[i];
		const struct maildir_file *f;
		bool changed;

		if (match->file_of[i] == MAILDIR_NO_FILE) {
			gone[n_gone++] = i;
			continue;
		}
		f = &merge->files->p[match->file_of[i]];
		changed = maildir_merge_name(m, r, (struct span){
		    maildir_files_name(merge->files, f), f->name_n });
		if (memcmp(r->digest, f->digest, sizeof r->digest) != 0) {
			memcpy(r->digest, f->digest, sizeof r->digest);
			changed = true;
		}
		if (changed)
			box_touch(box, i);
	}
	box_remove_many(box, gone, n_gone);
	free(gone);
}

static void
arrivals_add(struct maildir *m, const struct maildir_merge *merge,
    const struct maildir_match *match)
{
	struct box *box = m->box;
	int64_t now = clock_now();

	for (size_t i = 0; i < match->arrival_count; i++) {
		const struct maildir_file *f =
		    &merge->files->p[match->arrivals[i].file];
		struct record r = match->arrivals[i].record;

		r.keywords = r.keywords_seen = name_read(m, (struct span){
		    maildir_files_name(merge->files, f), f->name_n },
		    &r.flags);
		r.flags_seen = r.flags;
		r.saved = merge->fresh ? r.date : now;
		r.uid_seen = r.uid;
		box_add(box, &r);
		/* What was in cur has been shown by some program. */
		if (merge->fresh && !f->was_new && !f->is_new)
			box->meta.first_recent = r.uid + 1;
	}
}

void
maildir_merge(struct maildir *m, const struct maildir_merge *merge,
    const struct maildir_match *match)
{
	struct box *box = m->box;

	if (merge->fresh) {
		box_remove_all(box, true);
		box->meta.uidvalidity = merge->uidvalidity;
		box->meta.first_recent = 1;
	} else
		records_update(m, merge, match);
	arrivals_add(m, merge, match);
	box->meta.uidnext = merge->next;
	box_touch_meta(box);
}
