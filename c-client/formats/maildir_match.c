/* SPDX-License-Identifier: Apache-2.0 */
/* Which files of a maildir are which messages. */
#include "c-client/formats/maildir_match.h"

#include <stdlib.h>
#include <string.h>

#include "c-client/base/memory.h"
#include "c-client/formats/maildir_files.h"
#include "c-client/formats/maildir_name.h"
#include "c-client/formats/maildir_uidlist.h"
#include "c-client/store/record.h"

#include "c-client/base/banned.h"

/* A file by its unique name. */
struct unique {
	uint8_t digest[16];
	size_t file;
};

/* A line of the list whose file was not found. */
struct lost {
	size_t row;
	ptrdiff_t record;	/* -1: the index doesn't know it */
};

struct work {
	struct maildir_match *m;
	struct lost *lost;
	size_t lost_count;
};

static ptrdiff_t
record_of(const struct maildir_match *m, uint32_t uid)
{
	size_t low = 0, high = m->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (m->records[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->count && m->records[low].uid == uid ? (ptrdiff_t)low :
	    -1;
}

/* The file, if it is there and nobody's. */
static struct maildir_file *
file_take(struct maildir_match *m, const uint8_t digest[16])
{
	struct maildir_file *f = maildir_files_find(m->files, digest);

	if (f == NULL || f->taken)
		return NULL;
	f->taken = true;
	return f;
}

static void
arrival_add(struct maildir_match *m, uint32_t uid, size_t file)
{
	m->arrivals[m->arrival_count++] = (struct maildir_arrival){
	    .uid = uid, .file = file };
}

static void
records_match(struct maildir_match *m)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct maildir_file *f = file_take(m,
		    m->records[i].digest);

		m->file_of[i] = f == NULL ? MAILDIR_NO_FILE :
		    (size_t)(f - m->files->p);
		m->missing += f == NULL;
	}
}

/* What a line says is news where the index has no file for its UID, or could
 * not know it yet. */
static void
rows_match(struct work *w)
{
	struct maildir_match *m = w->m;

	for (size_t i = 0; i < m->list->count; i++) {
		uint32_t uid = m->list->rows[i].uid;
		ptrdiff_t record = record_of(m, uid);
		const struct maildir_file *f;
		uint8_t digest[16];

		if (record == -1 ? uid < m->next :
		    m->file_of[record] != MAILDIR_NO_FILE)
			continue;
		maildir_files_digest(maildir_uidlist_base(m->list, i),
		    digest);
		f = file_take(m, digest);
		if (f == NULL) {
			w->lost[w->lost_count++] = (struct lost){ i, record };
			m->missing += record == -1;
		} else if (record == -1)
			arrival_add(m, uid, (size_t)(f - m->files->p));
		else {
			m->file_of[record] = (size_t)(f - m->files->p);
			m->missing--;
		}
	}
}

static int
by_digest(const void *a, const void *b)
{
	return memcmp(((const struct unique *)a)->digest,
	    ((const struct unique *)b)->digest, 16);
}

static void
unique_digest(struct span base, uint8_t digest[16])
{
	struct maildir_name parts;

	maildir_name_parse(base, &parts);
	maildir_files_digest(parts.unique, digest);
}

/* The only one with this digest; NULL where there is none, or several. */
static const struct unique *
unique_find(const struct unique *all, size_t count, const uint8_t *digest)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (memcmp(all[mid].digest, digest, 16) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == count || memcmp(all[low].digest, digest, 16) != 0 ||
	    (low + 1 < count && memcmp(all[low + 1].digest, digest, 16) == 0))
		return NULL;
	return &all[low];
}

static void
lost_match(struct work *w)
{
	struct maildir_match *m = w->m;
	struct unique *all = memory_grow_array(NULL, m->files->count + 1,
	    sizeof *all);
	size_t count = 0;

	for (size_t i = 0; i < m->files->count; i++)
		if (!m->files->p[i].taken) {
			all[count].file = i;
			unique_digest(maildir_files_base(m->files,
			    &m->files->p[i]), all[count++].digest);
		}
	qsort(all, count, sizeof *all, by_digest);
	for (size_t i = 0; i < w->lost_count && count > 0; i++) {
		const struct lost *lost = &w->lost[i];
		const struct unique *found;
		uint8_t digest[16];

		unique_digest(maildir_uidlist_base(m->list, lost->row),
		    digest);
		found = unique_find(all, count, digest);
		if (found == NULL || m->files->p[found->file].taken)
			continue;
		m->files->p[found->file].taken = true;
		m->missing--;
		m->renamed = true;
		if (lost->record == -1)
			arrival_add(m, m->list->rows[lost->row].uid,
			    found->file);
		else
			m->file_of[lost->record] = found->file;
	}
	free(all);
}

static int
by_uid(const void *a, const void *b)
{
	uint32_t x = ((const struct maildir_arrival *)a)->uid;
	uint32_t y = ((const struct maildir_arrival *)b)->uid;

	return x < y ? -1 : x > y;
}

void
maildir_match(struct maildir_match *m)
{
	struct work w = { .m = m };

	m->missing = m->arrival_count = 0;
	m->renamed = false;
	m->file_of = memory_grow_array(NULL, m->count + 1,
	    sizeof *m->file_of);
	m->arrivals = memory_grow_array(NULL, m->files->count + 1,
	    sizeof *m->arrivals);
	for (size_t i = 0; i < m->files->count; i++)
		m->files->p[i].taken = false;
	records_match(m);
	if (m->list != NULL) {
		w.lost = memory_grow_array(NULL, m->list->count + 1,
		    sizeof *w.lost);
		rows_match(&w);
		if (w.lost_count > 0)
			lost_match(&w);
		free(w.lost);
	}
	if (m->arrival_count > 0)
		qsort(m->arrivals, m->arrival_count, sizeof *m->arrivals,
		    by_uid);
	for (size_t i = 0; i < m->files->count; i++)
		if (!m->files->p[i].taken)
			arrival_add(m, 0, i);
}

void
maildir_match_clear(struct maildir_match *m)
{
	free(m->file_of);
	free(m->arrivals);
	m->file_of = NULL;
	m->arrivals = NULL;
	m->arrival_count = 0;
}
