/* SPDX-License-Identifier: Apache-2.0 */
/* Appends that were cut short. */
#include "c-client/formats/mbox_note.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "c-client/base/trip.h"
#include "c-client/formats/mbox.h"
#include "c-client/formats/mbox_redo.h"
#include "c-client/formats/mbox_rewrite.h"
#include "c-client/formats/mbox_separator.h"
#include "c-client/formats/mbox_window.h"
#include "c-client/store/account.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

_Static_assert(sizeof(struct mbox_note) <= BOX_STAMP_MAX, "room for a note");

#define BLOCK	(64u * 1024)

bool
mbox_note_load(const struct box *box, struct mbox_note *n)
{
	if (box->meta.note_size != sizeof *n)
		return false;
	memcpy(n, box->meta.note, sizeof *n);
	return n->format == MBOX_NOTE_FORMAT && n->end <= n->offset &&
	    n->offset <= INT64_MAX && n->length <= INT64_MAX - n->offset;
}

void
mbox_note_store(struct box *box, const struct mbox_note *n)
{
	if (n != NULL)
		memcpy(box->meta.note, n, sizeof *n);
	box->meta.note_size = n != NULL ? sizeof *n : 0;
	box_touch_meta(box);
}

uint64_t
mbox_note_boot(void)
{
	char id[64];
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return 0;
	n = file_read_full(fd, id, sizeof id);
	close(fd);
	return n < 16 ? 0 : XXH3_64bits(id, (size_t)n);
}

/* Only what can't be taken for anything else in a separator. */
static void
plain_add(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++)
		buf_addc(out, ascii_is_alnum((unsigned char)*s) ||
		    strchr("._-+", *s) != NULL ? *s : '_');
}

void
mbox_note_sender(const struct account *account, struct buf *out)
{
	char host[256];

	if (gethostname(host, sizeof host) == -1)
		host[0] = '\0';
	host[sizeof host - 1] = '\0';
	if (host[0] == '\0')
		memcpy(host, "localhost", sizeof "localhost");
	buf_adds(out, "From ");
	plain_add(out, account->user != NULL && account->user[0] != '\0' ?
	    account->user : "MAILER-DAEMON");
	buf_addc(out, '@');
	plain_add(out, host);
	buf_addc(out, ' ');
}

/* Are the octets that the note speaks of there, all of them? */
static int
is_whole(int fd, uint64_t size, const struct mbox_note *n, bool *whole,
    struct fault *why)
{
	XXH3_state_t *state;
	XXH128_hash_t hash;
	uint64_t off = n->offset, end = n->offset + n->length;
	char *block;
	ssize_t got = 0;

	*whole = false;
	if (size < end)
		return 0;
	state = XXH3_createState();
	if (state == NULL)
		memory_exhausted(sizeof *state);
	XXH3_128bits_reset(state);
	block = memory_alloc(BLOCK);
	while (off < end && got >= 0) {
		size_t k = end - off < BLOCK ? (size_t)(end - off) : BLOCK;

		got = file_pread_full(fd, block, k, (off_t)off);
		if (got == 0)
			break;
		if (got > 0)
			XXH3_128bits_update(state, block, (size_t)got);
		off += got > 0 ? (uint64_t)got : 0;
	}
	hash = XXH3_128bits_digest(state);
	XXH3_freeState(state);
	free(block);
	if (got == -1)
		return fault_errno(why, "read mailbox");
	*whole = off == end && hash.low64 == n->hash[0] &&
	    hash.high64 == n->hash[1];
	return 0;
}

/* Is the line a separator of ours, or the beginning of one where the file
 * ends? */
static bool
is_ours(struct span line, const struct buf *sender, bool at_end)
{
	size_t n = line.n < sender->n ? line.n : sender->n;

	return (n == sender->n || (at_end && line.p[n - 1] != '\n')) &&
	    memcmp(line.p, sender->p, n) == 0;
}

/* Is it a line of a message, as we have written it? */
static bool
is_quoted(struct span line, const char *from)
{
	const char *p = line.p;

	while (p < from && *p == '>')
		p++;
	return p == from && from > line.p;
}

/*
 * Where could mail of others begin in [n->end, size)?  Somebody who adds a
 * message writes a separator: at the beginning of a line, or, behind what was
 * cut short, in the middle of one.  Each one that is not ours counts, and so do
 * more of ours than there should be.  `size` if there is none.
 */
static int
others_find(struct mbox *m, const struct mbox_note *n, uint64_t size,
    uint64_t *others, struct fault *why)
{
	struct mbox_window w;
	struct mbox_separator sep;
	struct buf sender;
	uint64_t off = n->end;
	uint32_t count = 0;
	int status = 0;

	buf_init(&sender, 0);
	mbox_note_sender(m->box->account, &sender);
	mbox_window_init(&w, m->fd, off, size);
	*others = size;
	while (status == 0 && *others == size && off < size) {
		struct span line;
		const char *from;
		size_t at;

		w.keep = off;
		if (w.n == 0 && (status = mbox_window_read(&w, why)) == -1)
			break;
		if (mbox_window_line(&w, off, BLOCK, &line, why) == -1) {
			status = -1;
			break;
		}
		off += line.n;
		for (at = 0; (from = memmem(line.p + at, line.n - at,
		    "From ", 5)) != NULL; at = (size_t)(from - line.p) + 1) {
			struct span rest = { from, (size_t)(line.p + line.n -
			    from) };

			if (is_quoted(line, from) ||
			    (!mbox_separator_parse(rest, true, &sep) &&
			    rest.n < MBOX_SEPARATOR_MAX))
				continue;
			if (from == line.p && is_ours(rest, &sender,
			    off == size) && ++count <= n->count)
				continue;
			*others = off - rest.n;
			break;
		}
		/* A separator that the cut between two pieces hides. */
		if (line.n == BLOCK && line.p[line.n - 1] != '\n')
			off -= MBOX_SEPARATOR_MAX;
	}
	mbox_window_clear(&w);
	buf_clear(&sender);
	return status;
}

int
mbox_note_cut(struct mbox *m, uint64_t from, uint64_t to, uint64_t size,
    struct fault *why)
{
	struct mbox_plan plan = { .start = from, .old_end = size,
	    .new_end = size - (to - from) };
	struct mbox_redo redo;
	int status;

	if (mbox_redo_open(m, size - to, &redo, why) == -1 &&
	    why->code == FAULT_IO)
		return -1;
	mbox_plan_copy(&plan, to, size - to);
	status = mbox_rewrite(m->fd, &redo, &plan, why);
	mbox_plan_clear(&plan);
	if (status == 0)
		mbox_redo_remove(&redo);
	else
		mbox_redo_close(&redo);
	return status;
}

int
mbox_note_settle(struct mbox *m, const struct mbox_note *n, bool *whole,
    struct fault *why)
{
	struct stat st;
	uint64_t size, others;
	int status;

	*whole = false;
	if (fstat(m->fd, &st) == -1)
		return fault_errno(why, "stat %s", m->path);
	size = (uint64_t)st.st_size;
	if (size <= n->offset)
		return 0;
	if (is_whole(m->fd, size, n, whole, why) == -1)
		return -1;
	if (*whole)
		return 0;
	/* A note that was not synced says nothing of what came behind it,
	 * where the power was lost: not even that this is the append. */
	if (n->boot != 0 && n->boot != mbox_note_boot()) {
		log_line(LOG_WARNING, "%s: an append at %llu may have been "
		    "cut short; it is left there", m->path,
		    (unsigned long long)n->offset);
		return 0;
	}
	if (others_find(m, n, size, &others, why) == -1)
		return -1;
	if (others == size && size > n->offset + n->length) {
		log_line(LOG_WARNING, "%s: an append at %llu was cut short "
		    "and something stands behind it; it is left there",
		    m->path, (unsigned long long)n->offset);
		return 0;
	}
	if (others < size)
		status = others > n->offset ?
		    mbox_note_cut(m, n->offset, others, size, why) : 0;
	else if (TRIP("mbox_note.truncate") ||
	    ftruncate(m->fd, (off_t)n->end) == -1 ||
	    TRIP("mbox_note.sync") || fdatasync(m->fd) == -1)
		status = fault_errno(why, "truncate %s", m->path);
	else
		status = 0;
	if (status == 0)
		log_line(LOG_NOTICE, "%s: an append at %llu that was cut "
		    "short was undone", m->path,
		    (unsigned long long)n->offset);
	return status;
}
