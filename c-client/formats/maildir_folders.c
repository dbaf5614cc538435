/* SPDX-License-Identifier: Apache-2.0 */
/* Maildirs by their names. */
#include "c-client/formats/maildir_folders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/clock.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/log.h"
#include "c-client/base/trip.h"
#include "c-client/formats/maildir_lock.h"
#include "c-client/formats/maildir_place.h"
#include "c-client/formats/maildir_uidlist.h"
#include "c-client/store/account.h"
#include "c-client/store/box.h"
#include "c-client/store/place.h"

#include "c-client/base/banned.h"

/* With the last one it is a maildir. */
static const char *const parts[] = { "tmp", "new", "cur" };
#define PARTS		(sizeof parts / sizeof parts[0])

/* What cur is called once the mailbox is removed, until it is empty. */
#define GONE		".cur.imapgone"

/* By this file Courier and Dovecot know a Maildir++ folder. */
#define FOLDER_MARK	"maildirfolder"

/* Files that mail programs keep beside the three directories, or what the
 * names of such begin with. */
static const char *const own_files[] = { "dovecot-", "dovecot.", FOLDER_MARK,
    "maildirsize", "courierimap", ".mbsyncstate", ".uidvalidity",
    ".isyncuidmap.db" };
#define OWN_FILES	(sizeof own_files / sizeof own_files[0])

enum driver_kind
maildir_folders_probe(struct account *account, const struct name *name,
    struct fault *why)
{
	int dir = maildir_place_open(account, name, why);

	if (dir != -1)
		close(dir);
	if (maildir_place_is_part(account, name)) {
		fault_set(why, FAULT_BADNAME, "%s is a part of a maildir",
		    name->path);
		return DRIVER_PART;
	}
	return dir == -1 ? DRIVER_NOT_OURS : DRIVER_MAILBOX;
}

static int gone_remove(int dir);

static int
part_make(int dir, const char *part)
{
	return TRIP("maildir_folders.part") ||
	    mkdirat(dir, part, 0700) == -1 ? -1 :
	    maildir_place_give_mode(dir, part, true);
}

/* The three directories, and a list of UIDs without any.  cur comes last: with
 * it, it is a maildir. */
static int
directory_fill(int dir, const struct name *name, bool folder,
    struct fault *why)
{
	struct buf list;
	int status, fd;

	/* Somebody was killed in the middle of a DELETE. */
	if (gone_remove(dir) == -1)
		return maildir_place_fault(name, why);
	for (size_t i = 0; i < PARTS - 1; i++)
		if (part_make(dir, parts[i]) == -1 && errno != EEXIST)
			return maildir_place_fault(name, why);
	fd = !folder || TRIP("maildir_folders.mark") ? -1 : openat(dir,
	    FOLDER_MARK, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd != -1)
		close(fd);
	buf_init(&list, 0);
	maildir_uidlist_head(&list, box_meta_uidvalidity(0, clock_now()), 1,
	    (struct span){ "", 0 });
	status = file_replace(dir, MAILDIR_UIDLIST, buf_span(&list), why);
	buf_clear(&list);
	if (status == -1)
		return -1;
	if (maildir_place_give_mode(dir, MAILDIR_UIDLIST, false) == -1 ||
	    part_make(dir, "cur") == -1)
		return maildir_place_fault(name, why);
	return file_sync_directory(dir) == -1 ?
	    fault_errno(why, "sync %s", name->path) : 0;
}

static int
create_in(int parent, const char *last, const struct name *name, bool folder,
    bool foreign, struct fault *why)
{
	int dir, status = TRIP("maildir_folders.create") ? -1 :
	    mkdirat(parent, last, 0700);

	/* A directory in which other mailboxes are may become one too. */
	if (status == 0 && foreign)
		status = maildir_place_give_mode(parent, last, true);
	if (status == -1 && errno != EEXIST)
		return maildir_place_fault(name, why);
	dir = file_open_beneath(parent, last, O_RDONLY | O_DIRECTORY, 0);
	if (dir == -1 && errno == ENOTDIR)
		return fault_set(why, FAULT_EXISTS, "%s exists", name->path);
	if (dir == -1)
		return maildir_place_fault(name, why);
	status = maildir_place_is_maildir(dir) ?
	    fault_set(why, FAULT_EXISTS, "%s exists", name->path) :
	    directory_fill(dir, name, folder, why);
	close(dir);
	if (status == 0 && file_sync_directory(parent) == -1)
		status = fault_errno(why, "sync %s", name->path);
	return status;
}

int
maildir_folders_create(struct account *account, const struct name *name,
    struct fault *why)
{
	struct place place;
	struct buf last;
	int parent, status;

	if (name->inbox)
		return fault_set(why, FAULT_EXISTS, "the INBOX is there");
	buf_init(&last, 0);
	parent = maildir_place_parent(account, name, &last, why);
	if (parent == -1) {
		buf_clear(&last);
		return -1;
	}
	status = create_in(parent, buf_string(&last), name,
	    last.p[0] == '.', place_of(account, name->path, &place) == 0 &&
	    place.foreign, why);
	close(parent);
	buf_clear(&last);
	return status;
}

/* A maildir that is to lose its name, locked. */
struct hold {
	struct maildir_lock lock;
	int dir, parent;
	struct buf last;	/* its name in there */
};

static void
hold_drop(struct hold *h)
{
	maildir_lock_drop(&h->lock);
	if (h->dir != -1)
		close(h->dir);
	if (h->parent != -1)
		close(h->parent);
	buf_clear(&h->last);
}

static int
hold_take(struct account *account, const struct name *name, struct hold *h,
    struct fault *why)
{
	*h = (struct hold){ .dir = -1, .parent = -1 };
	maildir_lock_init(&h->lock);
	if (name->inbox)
		return fault_set(why, FAULT_CANNOT,
		    "the INBOX keeps its name");
	if ((h->dir = maildir_place_open(account, name, why)) != -1 &&
	    (h->parent = maildir_place_parent(account, name, &h->last,
	    why)) != -1 && maildir_lock_take(&h->lock, h->dir, true,
	    account->lock_timeout, why) == 0)
		return 0;
	hold_drop(h);
	return -1;
}

/*
 * A mailbox that is made under the same name later must get another
 * UIDVALIDITY (RFC 3501 2.3.1.1), which is the time in seconds.
 */
static void
second_end(int dir)
{
	struct maildir_uidlist list;
	struct fault ignored = { .code = FAULT_NONE };
	int64_t begin = clock_now();

	maildir_uidlist_init(&list);
	if (maildir_uidlist_read(&list, dir, &ignored) == 0 &&
	    list.uidvalidity >= begin)
		clock_second_end(begin);
	maildir_uidlist_clear(&list);
}

/* Every entry of a directory but "." and "..", by the function; -1 with
 * errno, its own too. */
static int
entries(int dir, int (*function)(int dir, const char *name))
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *e;
	int status = 0, code;

	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	while (status == 0 && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0)
			status = function(fd, e->d_name);
	code = errno;
	closedir(d);
	errno = code;
	return status;
}

static int
must_be_file(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : -1;
	if (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode))
		return 0;
	errno = ENOTEMPTY;
	return -1;
}

static int
file_remove(int dir, const char *name)
{
	return (TRIP("maildir_folders.unlink") ||
	    unlinkat(dir, name, 0) == -1) && errno != ENOENT ? -1 : 0;
}

static int
own_remove(int dir, const char *name)
{
	for (size_t i = 0; i < OWN_FILES; i++)
		if (strncmp(name, own_files[i], strlen(own_files[i])) == 0 &&
		    must_be_file(dir, name) == 0)
			return file_remove(dir, name);
	return 0;
}

/* The same of one of the directories. */
static int
part_each(int dir, const char *part, int (*function)(int dir,
    const char *name))
{
	int fd = openat(dir, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	int status = fd == -1 ? -1 : entries(fd, function), code;

	code = errno;
	if (fd != -1)
		close(fd);
	errno = code;
	return status;
}

static int
part_remove(int dir, const char *part)
{
	if (part_each(dir, part, file_remove) == -1 ||
	    TRIP("maildir_folders.rmdir_part") ||
	    unlinkat(dir, part, AT_REMOVEDIR) == -1)
		return -1;
	return 0;
}

static int
gone_remove(int dir)
{
	return part_remove(dir, GONE) == -1 && errno != ENOENT ? -1 : 0;
}

/* From new to cur, where both are taken away in one step. */
static int
to_cur(int dir, const char *name)
{
	struct buf to;
	int status;

	buf_init(&to, 0);
	buf_addf(&to, "../cur/%s", name);
	status = renameat2(dir, name, dir, buf_string(&to), RENAME_NOREPLACE);
	buf_clear(&to);
	return status == -1 && errno != ENOENT && errno != EEXIST ? -1 : 0;
}

/* It is a mailbox with all its messages, or none. */
static int
messages_take(int dir)
{
	for (size_t i = 0; i < PARTS; i++)
		if (part_each(dir, parts[i], must_be_file) == -1)
			return -1;
	if (gone_remove(dir) == -1 || part_each(dir, "new", to_cur) == -1 ||
	    TRIP("maildir_folders.take") || renameat(dir, "cur", dir, GONE) ==
	    -1)
		return -1;
	return file_sync_directory(dir);
}

/* The maildir's own parts; a directory in which something else is stays, as
 * the place of the mailboxes below. */
static int
contents_remove(struct hold *h, const struct name *name, struct fault *why)
{
	if (messages_take(h->dir) == -1)
		return errno == ENOTEMPTY ? fault_set(why, FAULT_CANNOT,
		    "%s has more in it than messages", name->path) :
		    maildir_place_fault(name, why);
	/* From here on there is no mailbox any more, whatever is left. */
	if (gone_remove(h->dir) == -1 || part_remove(h->dir, "new") == -1 ||
	    part_remove(h->dir, "tmp") == -1 ||
	    entries(h->dir, own_remove) == -1)
		log_line(LOG_WARNING, "parts of the deleted mailbox %s are "
		    "left: %s", name->path, strerror(errno));
	h->lock.has_file = false;
	TRIP_KILL("maildir_folders.rmdir");
	unlinkat(h->parent, buf_string(&h->last), AT_REMOVEDIR);
	return file_sync_directory(h->parent) == -1 ?
	    fault_errno(why, "remove %s", name->path) : 0;
}

int
maildir_folders_remove(struct account *account, const struct name *name,
    struct fault *why)
{
	struct hold h;
	int status;

	if (hold_take(account, name, &h, why) == -1)
		return -1;
	second_end(h.dir);
	status = contents_remove(&h, name, why);
	hold_drop(&h);
	return status;
}

/* The folders below a Maildir++ folder, which are beside it: ".a.b" of
 * ".a". */
static int
folders_below_rename(int home, struct span from, struct span to)
{
	int fd = openat(home, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *e;
	struct buf target;
	int status = 0;

	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	buf_init(&target, 0);
	while (status == 0 && (e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, from.p, from.n) != 0 ||
		    e->d_name[from.n] != '.')
			continue;
		buf_reset(&target);
		buf_addspan(&target, to);
		buf_adds(&target, e->d_name + from.n);
		status = renameat2(fd, e->d_name, fd, buf_string(&target),
		    RENAME_NOREPLACE);
	}
	buf_clear(&target);
	closedir(d);
	return status;
}

int
maildir_folders_rename(struct account *account, const struct name *from,
    const struct name *to, struct fault *why)
{
	struct hold h;
	struct buf last;
	int parent, status = -1;

	if (to->inbox)
		return fault_set(why, FAULT_EXISTS, "the INBOX is there");
	if (hold_take(account, from, &h, why) == -1)
		return -1;
	buf_init(&last, 0);
	parent = maildir_place_parent(account, to, &last, why);
	if (parent == -1)
		goto out;
	second_end(h.dir);
	/* Its name changes, and the directory is the same. */
	if (TRIP("maildir_folders.rename") || renameat2(h.parent,
	    buf_string(&h.last), parent, buf_string(&last),
	    RENAME_NOREPLACE) == -1)
		status = errno == EINVAL ? fault_set(why, FAULT_CANNOT,
		    "%s is below %s", to->path, from->path) :
		    maildir_place_fault(to, why);
	else if (h.last.p[0] == '.' && folders_below_rename(h.parent,
	    buf_span(&h.last), buf_span(&last)) == -1) {
		status = maildir_place_fault(to, why);
		folders_below_rename(h.parent, buf_span(&last),
		    buf_span(&h.last));
		renameat2(parent, buf_string(&last), h.parent,
		    buf_string(&h.last), RENAME_NOREPLACE);
	} else if (file_sync_directory(parent) == -1 ||
	    file_sync_directory(h.parent) == -1)
		status = fault_errno(why, "rename %s", from->path);
	else
		status = 0;
	close(parent);
out:
	buf_clear(&last);
	hold_drop(&h);
	return status;
}

void
maildir_folders_list(struct account *account, struct driver_names *names)
{
	int fd = maildir_place_inbox(account) ? maildir_place_home(account) :
	    -1;
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *e;
	struct buf path;

	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	buf_init(&path, 0);
	while ((e = readdir(d)) != NULL) {
		struct name name = { .inbox = false };
		int dir;

		buf_reset(&path);
		if (e->d_name[0] != '.' ||
		    !maildir_place_name(span_of(e->d_name), &path))
			continue;
		/* What would be found below the mail root isn't this one. */
		name.path = buf_string(&path);
		dir = maildir_place_open(account, &name, NULL);
		if (dir == -1)
			continue;
		close(dir);
		names->found(names, name.path);
	}
	buf_clear(&path);
	closedir(d);
}
