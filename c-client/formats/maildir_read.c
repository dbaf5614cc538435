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
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

#define BLOCK		(64u * 1024)

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
	wire_reader_clear(&rd->wire);
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
	wire_reader_begin(&rd->wire, (struct wire_place){ 0, 0, '\0' });
	if (fstat(rd->fd, &st) == -1 ||
	    (uint64_t)st.st_size != r->disk_size)
		return mismatch(m, r, why);
	return 0;
}

/* Octets of a message's file. */
struct source {
	struct wire_source source;
	struct maildir *m;
	const struct record *r;
};

static int
block_get(struct wire_source *source, uint64_t disk, uint64_t want,
    struct span *out, struct fault *why)
{
	const struct source *s = (const struct source *)source;
	struct maildir_reader *rd = &s->m->reader;
	ssize_t got;

	if (disk >= s->r->disk_size)
		return mismatch(s->m, s->r, why);
	if (rd->block == NULL)
		rd->block = memory_alloc(BLOCK);
	got = file_pread_full(rd->fd, rd->block, want < BLOCK ?
	    (size_t)want : BLOCK, (off_t)disk);
	if (got == -1)
		return fault_errno(why, "read %s", s->m->path);
	if (got == 0)
		return mismatch(s->m, s->r, why);
	*out = (struct span){ rd->block, (size_t)got };
	return 0;
}

static int
octets_read(struct maildir *m, const struct record *r, uint64_t off,
    uint64_t len, struct buf *out, struct fault *why)
{
	const struct wire_place *here = &m->reader.wire.here;
	struct source s = { { block_get }, m, r };

	if (wire_reader_add(&m->reader.wire, &s.source, off, len, out,
	    why) == -1)
		return -1;
	/* At the end of the one it must be the end of the other. */
	if (here->wire >= r->wire_size && here->disk != r->disk_size)
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
