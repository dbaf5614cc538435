/* SPDX-License-Identifier: Apache-2.0 */
/* The note of an append. */
#include "c-client/formats/maildir_note.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/trip.h"
#include "c-client/formats/maildir.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

#define NOTE_FORMAT	0x4d444e02u

_Static_assert(sizeof(struct maildir_note) <= BOX_STAMP_MAX,
    "room for a note");

void
maildir_note_store(struct box *box, struct span begin, size_t count,
    uint64_t transit)
{
	struct maildir_note note = { .format = NOTE_FORMAT,
	    .count = (uint32_t)count, .transit = transit };

	if (begin.n < sizeof note.begin)
		memcpy(note.begin, begin.p, begin.n);
	memcpy(box->meta.note, &note, sizeof note);
	box->meta.note_size = sizeof note;
	box_touch_meta(box);
}

int
maildir_note_settle(struct maildir *m, struct maildir_note *whole,
    struct fault *why)
{
	const struct box_meta *meta = &m->box->meta;
	struct maildir_note note;
	size_t n, found = 0;

	whole->count = 0;
	if (meta->note_size != sizeof note)
		return 0;
	memcpy(&note, meta->note, sizeof note);
	note.begin[sizeof note.begin - 1] = '\0';
	n = strlen(note.begin);
	/* Too little would be the beginning of anybody's names. */
	if (note.format != NOTE_FORMAT || n < 30)
		return 0;
	if (maildir_list(m, why) == -1)
		return -1;
	for (size_t i = 0; i < m->files.count; i++)
		found += strncmp(maildir_files_name(&m->files,
		    &m->files.p[i]), note.begin, n) == 0;
	if (found == note.count) {
		*whole = note;
		return 0;
	}
	m->listed = false;
	for (size_t i = 0; i < m->files.count; i++) {
		const struct maildir_file *f = &m->files.p[i];
		const char *name = maildir_files_name(&m->files, f);

		if (strncmp(name, note.begin, n) == 0 &&
		    (TRIP("maildir_note.unlink") ||
		    unlinkat(maildir_dir_of(m, f), name, 0) == -1) &&
		    errno != ENOENT)
			return fault_errno(why, "remove %s", name);
	}
	if (file_sync_directory(m->cur) == -1)
		return fault_errno(why, "sync %s", m->path);
	return 0;
}
