/* SPDX-License-Identifier: Apache-2.0 */
/* Mailbox files by their names. */
#include "c-client/formats/mbox_names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/clock.h"
#include "c-client/base/digest.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/log.h"
#include "c-client/base/trip.h"
#include "c-client/formats/mbox.h"
#include "c-client/formats/mbox_format.h"
#include "c-client/formats/mbox_meta.h"
#include "c-client/formats/mbox_room.h"
#include "c-client/formats/mbox_separator.h"
#include "c-client/mime/date.h"
#include "c-client/store/account.h"
#include "c-client/store/box.h"
#include "c-client/store/place.h"

#include "c-client/base/banned.h"

/* So much of a file tells what it is. */
#define HEAD_SIZE	4096u

/* Columns for names of keywords to come, in the internal data. */
#define NAMES_ROOM	480u

/* The first octets of a mailbox file: FAULT_CANNOT where they are not those
 * of one. */
static int
head_read(int fd, const struct stat *st, const struct name *name,
    char head[HEAD_SIZE], size_t *n, struct fault *why)
{
	ssize_t got = file_pread_full(fd, head, HEAD_SIZE, 0);
	ptrdiff_t at;

	if (got == -1)
		return fault_errno(why, "read %s", name->path);
	*n = (size_t)got;
	at = mbox_separator_first((struct span){ head, *n });
	if (at == -1 || ((size_t)at == *n && (uint64_t)st->st_size > *n))
		return fault_set(why, FAULT_CANNOT, "%s is no mailbox",
		    name->path);
	return 0;
}

/*
 * The same, where it may be that the file is just being rewritten: nobody does
 * that without the lock.
 */
static int
head_read_again(struct account *account, int fd, const struct name *name,
    struct fault *why)
{
	char head[HEAD_SIZE], *path = mbox_path(account, name);
	struct mbox_lock lock;
	struct stat st;
	size_t n;
	int status = -1;

	mbox_lock_init(&lock, path, account->lock_timeout, false);
	if (mbox_lock_take(&lock, fd, MBOX_LOCK_READ, why) == 0 &&
	    fstat(fd, &st) == 0)
		status = head_read(fd, &st, name, head, &n, why);
	mbox_lock_drop(&lock);
	free(path);
	return status;
}

enum driver_kind
mbox_probe(struct account *account, const struct name *name,
    struct fault *why)
{
	char head[HEAD_SIZE];
	struct stat st;
	size_t n;
	int fd = mbox_open_file(account, name, O_RDONLY, &st, why);
	int status;

	if (fd == -1)
		return DRIVER_NOT_OURS;
	status = head_read(fd, &st, name, head, &n, why);
	if (status == -1 && why->code == FAULT_CANNOT && name->inbox)
		status = head_read_again(account, fd, name, why);
	close(fd);
	return status == 0 ? DRIVER_MAILBOX : DRIVER_NOT_OURS;
}

/* What it means that a name can't be made, removed or changed. */
static int
name_fault(const struct name *name, struct fault *why)
{
	int e = errno;

	switch (e) {
	case EEXIST:
		return fault_set(why, FAULT_EXISTS, "%s exists", name->path);
	case ENOENT:
	case ENOTDIR:
		return fault_set(why, FAULT_NOTFOUND, "%s: %s", name->path,
		    strerror(e));
	case EACCES:
	case EPERM:
	case EROFS:
	case EXDEV:
	case ELOOP:
		return fault_set(why, FAULT_PERM, "%s: %s", name->path,
		    strerror(e));
	default:
		return fault_errno(why, "%s", name->path);
	}
}

void
mbox_names_internal(struct buf *out, const struct box_meta *meta,
    uint32_t last, size_t pad, int64_t now)
{
	struct buf date;
	char host[256] = "localhost";

	if (gethostname(host, sizeof host - 1) == -1 || host[0] == '\0')
		memcpy(host, "localhost", sizeof "localhost");
	for (char *p = host; *p != '\0'; p++)
		if (!ascii_is_alnum((unsigned char)*p) &&
		    strchr(".-_", *p) == NULL)
			*p = '_';
	buf_init(&date, 0);
	mbox_format_date(&date, now, 0);
	buf_addf(out, "From MAILER-DAEMON %s\n", buf_string(&date));
	buf_reset(&date);
	date_write_rfc5322(&date, &(struct date){ .secs = now });
	buf_addf(out, "Date: %s\n", buf_string(&date));
	buf_addf(out, "From: Mail System Internal Data <MAILER-DAEMON@%s>\n",
	    host);
	buf_adds(out, "Subject: DON'T DELETE THIS MESSAGE -- "
	    "FOLDER INTERNAL DATA\n");
	buf_addf(out, "Message-ID: <%u.%ld@%s>\nX-IMAP: ",
	    meta->uidvalidity, (long)getpid(), host);
	mbox_room_base(out, meta, meta->uidvalidity, last);
	pad += NAMES_ROOM;
	memset(buf_room(out, pad), ' ', pad);
	out->n += pad;
	buf_adds(out, "\nStatus: RO\n\n");
	buf_adds(out,
	    "Mail programs keep facts about this folder here.  They hide "
	    "this message, and\nmake a new one if it is removed; messages "
	    "get new numbers then.\n\n");
	buf_clear(&date);
}

/* Write a new file, and make it and its name durable. */
static int
file_fill(int fd, int dir, struct span text, const struct name *name,
    struct fault *why)
{
	if (TRIP("mbox_names.write") ||
	    file_write_full(fd, text.p, text.n) == -1 ||
	    TRIP("mbox_names.sync") || fsync(fd) == -1 ||
	    file_sync_directory(dir) == -1)
		return fault_errno(why, "write %s", name->path);
	return 0;
}

int
mbox_create(struct account *account, const struct name *name,
    struct fault *why)
{
	const char *last;
	struct buf text;
	int64_t now = clock_now();
	struct box_meta meta = { .uidvalidity = box_meta_uidvalidity(0,
	    now) };
	int dir, fd, status;

	if (name->inbox)
		return mbox_inbox_make(account, why);
	dir = place_parent(account, name, &last);
	if (dir == -1)
		return name_fault(name, why);
	fd = TRIP("mbox_names.create") ? -1 : openat(dir, last, O_WRONLY |
	    O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1) {
		name_fault(name, why);
		close(dir);
		return -1;
	}
	buf_init(&text, 0);
	mbox_names_internal(&text, &meta, 0, 0, now);
	status = place_give_mode(account, name, dir, fd) == -1 ?
	    name_fault(name, why) :
	    file_fill(fd, dir, buf_span(&text), name, why);
	TRIP_KILL("mbox_names.created");
	if (status == -1)
		unlinkat(dir, last, 0);
	buf_clear(&text);
	close(fd);
	close(dir);
	return status;
}

int
mbox_inbox_make(const struct account *account, struct fault *why)
{
	struct name name = { .path = "INBOX", .inbox = true };
	int fd = TRIP("mbox_names.inbox_make") ? -1 : open(account->spool,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd == -1)
		return name_fault(&name, why);
	close(fd);
	return 0;
}

/*
 * A mailbox that is to lose its name, locked for writing: no delivery is cut
 * off in its middle, and only a mailbox is removed.
 */
struct hold {
	struct mbox_lock lock;
	char *path;
	int fd;
	int dir;		/* that its name is in */
	const char *last;
	bool young;		/* its UIDVALIDITY may be that of this very
				 * second */
};

static void
hold_drop(struct hold *h)
{
	mbox_lock_drop(&h->lock);
	if (h->fd != -1)
		close(h->fd);
	if (h->dir != -1)
		close(h->dir);
	free(h->path);
}

/* Might a mailbox that is made now get the same UIDVALIDITY? */
static bool
is_young(struct span head, const struct stat *st)
{
	struct digest *digest = digest_new();
	ptrdiff_t at = mbox_separator_first(head);
	const char *lf;
	struct mbox_meta meta = { .base = false };
	int64_t now = clock_now();

	head = span_slice(head, (size_t)at, head.n);
	lf = memchr(head.p, '\n', head.n);
	if (lf != NULL)
		mbox_meta_parse(span_slice(head,
		    (size_t)(lf - head.p) + 1, head.n), digest, &meta);
	digest_free(digest);
	return st->st_ctim.tv_sec >= now ||
	    (meta.base && meta.uidvalidity >= now);
}

static int
hold_take(struct account *account, const struct name *name, struct hold *h,
    struct fault *why)
{
	char head[HEAD_SIZE];
	struct stat st, by_name;
	size_t n;

	*h = (struct hold){ .fd = -1, .dir = -1 };
	h->lock.fd = -1;
	if (name->inbox)
		return fault_set(why, FAULT_CANNOT,
		    "the INBOX keeps its name");
	h->fd = mbox_open_file(account, name, O_RDWR, &st, why);
	if (h->fd == -1)
		return -1;
	h->path = mbox_path(account, name);
	mbox_lock_init(&h->lock, h->path, account->lock_timeout,
	    account->dot_lock);
	if (mbox_lock_take(&h->lock, h->fd, MBOX_LOCK_WRITE, why) == -1 ||
	    head_read(h->fd, &st, name, head, &n, why) == -1)
		goto fail;
	h->young = is_young((struct span){ head, n }, &st);
	h->dir = place_parent(account, name, &h->last);
	if (h->dir == -1 || fstatat(h->dir, h->last, &by_name, 0) == -1) {
		name_fault(name, why);
		goto fail;
	}
	if (by_name.st_ino == st.st_ino && by_name.st_dev == st.st_dev)
		return 0;
	fault_set(why, FAULT_INUSE, "%s was replaced", name->path);
fail:
	hold_drop(h);
	return -1;
}

/*
 * A mailbox that is made under the same name later must get another
 * UIDVALIDITY (RFC 3501 2.3.1.1), which is the time in seconds: the second in
 * which this one was made has to be over.
 */
static void
second_end(const struct hold *h)
{
	if (h->young)
		clock_second_end(clock_now());
}

/* The name has changed, whether or not a loss of power would undo it. */
static void
name_sync(int dir, const struct name *name)
{
	if (file_sync_directory(dir) == -1)
		log_line(LOG_WARNING, "sync the directory of %s: %s",
		    name->path, strerror(errno));
}

int
mbox_remove(struct account *account, const struct name *name,
    struct fault *why)
{
	struct hold h;
	int status = 0;

	if (hold_take(account, name, &h, why) == -1)
		return -1;
	second_end(&h);
	if (TRIP("mbox_names.unlink") || unlinkat(h.dir, h.last, 0) == -1)
		status = name_fault(name, why);
	else
		name_sync(h.dir, name);
	hold_drop(&h);
	return status;
}

int
mbox_rename(struct account *account, const struct name *from,
    const struct name *to, struct fault *why)
{
	struct hold h;
	const char *last;
	int dir, status = -1;

	if (to->inbox)
		return fault_set(why, FAULT_EXISTS, "the INBOX is there");
	if (hold_take(account, from, &h, why) == -1)
		return -1;
	dir = place_parent(account, to, &last);
	if (dir == -1) {
		name_fault(to, why);
		hold_drop(&h);
		return -1;
	}
	second_end(&h);
	if (file_rename_new(h.dir, h.last, dir, last) == -1)
		name_fault(to, why);
	else if (place_give_mode(account, to, dir, h.fd) == -1)
		fault_errno(why, "rename %s", from->path);
	else {
		name_sync(dir, to);
		name_sync(h.dir, from);
		status = 0;
	}
	close(dir);
	hold_drop(&h);
	return status;
}
