/* SPDX-License-Identifier: Apache-2.0 */
/* Reading messages as clients see them. */
#include "c-client/formats/maildir_read.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/memory.h"
#include "c-client/formats/maildir.h"
#include "c-client/formats/maildir_scan.h"
#include "c-client/formats/mbox_wire.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

#define BLOCK		(64u * 1024)

/* So far apart are the marks, in octets on the wire. */
#define MARK_STEP	(1024u * 1024)

void
maildir_reader_init(struct maildir_reader *rd)
{
	*rd = (struct maildir_reader){ .fd = -1 };
}

void
maildir_reader_forget(struct maildir_reader *rd)
{
	if (rd->fd != -1)
		close(rd->fd);
	rd->fd = -1;
}

void
maildir_reader_clear(struct maildir_reader *rd)
{
	maildir_reader_forget(rd);
	free(rd->marks);
	free(rd->block);
	maildir_reader_init(rd);
}

/* The file has other sizes than the record says: the next sync looks. */
static int
mismatch(struct maildir *m, const struct record *r, struct fault *why)
{
	maildir_reader_forget(&m->reader);
	m->suspect = r->uid;
	return fault_set(why, FAULT_CHANGED, "%s: UID %u has other octets",
	    m->path, r->uid);
}

static int
try_open(struct maildir *m, const struct record *r, struct fault *why)
{
	const struct maildir_file *f = maildir_find(m, r);

	if (f == NULL)
		return fault_set(why, FAULT_CHANGED, "no file of UID %u",
		    r->uid);
	return maildir_scan_open(maildir_dir_of(m, f),
	    maildir_files_name(&m->files, f), why);
}

/* A name that is not there is looked for once more: it may have got other
 * flags. */
static int
message_open(struct maildir *m, const struct record *r, struct fault *why)
{
	struct maildir_reader *rd = &m->reader;
	struct stat st;

	if (rd->fd != -1 && memcmp(rd->digest, r->digest,
	    sizeof rd->digest) == 0)
		return 0;
	maildir_reader_forget(rd);
	if (!m->listed && maildir_list(m, why) == -1)
		return -1;
	rd->fd = try_open(m, r, why);
	if (rd->fd == -1 && why->code == FAULT_CHANGED) {
		if (maildir_list(m, why) == -1)
			return -1;
		rd->fd = try_open(m, r, why);
	}
	if (rd->fd == -1)
		return -1;
	memcpy(rd->digest, r->digest, sizeof rd->digest);
	rd->here = (struct maildir_mark_at){ 0, 0, '\0' };
	rd->mark_count = 0;
	if (fstat(rd->fd, &st) == -1 ||
	    (uint64_t)st.st_size != r->disk_size)
		return mismatch(m, r, why);
	return 0;
}

static void
mark_add(struct maildir_reader *rd)
{
	uint64_t last = rd->mark_count == 0 ? 0 :
	    rd->marks[rd->mark_count - 1].wire;

	if (rd->here.wire < last + MARK_STEP)
		return;
	if (rd->mark_count == rd->mark_room) {
		rd->mark_room = rd->mark_room == 0 ? 16 : rd->mark_room * 2;
		rd->marks = memory_grow_array(rd->marks, rd->mark_room,
		    sizeof *rd->marks);
	}
	rd->marks[rd->mark_count++] = rd->here;
}

/* Go to the last place that is known and not beyond wire offset `off`. */
static void
mark_seek(struct maildir_reader *rd, uint64_t off)
{
	if (rd->here.wire > off)
		rd->here = (struct maildir_mark_at){ 0, 0, '\0' };
	for (size_t i = rd->mark_count; i-- > 0;)
		if (rd->marks[i].wire <= off) {
			if (rd->marks[i].wire > rd->here.wire)
				rd->here = rd->marks[i];
			break;
		}
}

/*
 * Add at most `room` octets from `here` on, and go on by what was added whole:
 * a CRLF whose CR fits and whose LF doesn't is begun again.
 */
static int
step(struct maildir *m, const struct record *r, uint64_t room,
    struct buf *out, struct fault *why)
{
	struct maildir_reader *rd = &m->reader;
	size_t was = out->n, want = BLOCK, used;
	ssize_t got;

	if (rd->here.disk >= r->disk_size)
		return mismatch(m, r, why);
	if (rd->block == NULL)
		rd->block = memory_alloc(BLOCK);
	if (room < want)
		want = (size_t)room;
	got = file_pread_full(rd->fd, rd->block, want, (off_t)rd->here.disk);
	if (got == -1)
		return fault_errno(why, "read %s", m->path);
	if (got == 0)
		return mismatch(m, r, why);
	used = mbox_wire_add(out, (size_t)(room < SIZE_MAX / 2 ? room :
	    SIZE_MAX / 2), rd->block, (size_t)got, rd->here.before);
	if (out->full)
		return fault_set(why, FAULT_LIMIT, "no room for a message");
	if (used > 0) {
		rd->here.wire += out->n - was;
		rd->here.disk += used;
		rd->here.before = rd->block[used - 1];
		mark_add(rd);
	}
	return 0;
}

/* Step over the message up to wire offset `off`, or to the line end that it
 * is inside of. */
static int
skip(struct maildir *m, const struct record *r, uint64_t off,
    struct fault *why)
{
	struct maildir_reader *rd = &m->reader;
	struct buf waste;
	int status = 0;

	mark_seek(rd, off);
	buf_init(&waste, 0);
	while (status == 0 && rd->here.wire < off) {
		uint64_t was = rd->here.disk;

		buf_reset(&waste);
		status = step(m, r, off - rd->here.wire, &waste, why);
		if (rd->here.disk == was)
			break;
	}
	buf_clear(&waste);
	return status;
}

static int
octets_read(struct maildir *m, const struct record *r, uint64_t off,
    uint64_t len, struct buf *out, struct fault *why)
{
	struct maildir_reader *rd = &m->reader;
	size_t end = out->n + (size_t)len;

	if (skip(m, r, off, why) == -1)
		return -1;
	if (rd->here.wire < off && len > 0) {
		buf_addc(out, '\n');
		rd->here.wire += 2;
		rd->here.disk++;
		rd->here.before = '\n';
	}
	while (out->n < end && !out->full) {
		uint64_t was = rd->here.disk;

		if (step(m, r, end - out->n, out, why) == -1)
			return -1;
		if (rd->here.disk == was) {
			buf_addc(out, '\r');
			break;
		}
	}
	if (out->full)
		return fault_set(why, FAULT_LIMIT, "no room for a message");
	/* At the end of the one it must be the end of the other. */
	if (rd->here.wire >= r->wire_size && rd->here.disk != r->disk_size)
		return mismatch(m, r, why);
	return 0;
}

int
maildir_read(struct box *box, const struct record *r, uint64_t off,
    size_t len, struct buf *out, struct fault *why)
{
	struct maildir *m = box->state;
	size_t was = out->n;

	if (m->dir == -1)
		return fault_set(why, FAULT_CHANGED, "%s is gone", m->path);
	if (off >= r->wire_size)
		return 0;
	if (len > r->wire_size - off)
		len = (size_t)(r->wire_size - off);
	if (message_open(m, r, why) == -1)
		return -1;
	if (octets_read(m, r, off, len, out, why) == 0)
		return 0;
	if (!out->full)
		out->n = was;
	return -1;
}
