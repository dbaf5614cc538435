/* SPDX-License-Identifier: Apache-2.0 */
/* Files: what every room needs of the system, and nothing about mail. */
#include "c-client/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/base/trip.h"

#include "c-client/base/banned.h"

/* A page that is to be written to once more is not given to the disk before. */
#define PAGE		4096u

/* Enough for the disk to be busy, and little of what is to be written. */
#define AHEAD		(1024u * 1024)

ssize_t
file_read_full(int fd, void *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = read(fd, (char *)p + done, n - done);

		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return -1;
		if (r == 0)
			break;
		done += (size_t)r;
	}
	return (ssize_t)done;
}

ssize_t
file_pread_full(int fd, void *p, size_t n, off_t at)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = pread(fd, (char *)p + done, n - done,
		    at + (off_t)done);

		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return -1;
		if (r == 0)
			break;
		done += (size_t)r;
	}
	return (ssize_t)done;
}

ssize_t
file_write_full(int fd, const void *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = TRIP("file.write") ? -1 : write(fd,
		    (const char *)p + done, TRIP_PIECE(n - done,
		    (off_t)done));

		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return -1;
		done += (size_t)r;
	}
	return (ssize_t)done;
}

ssize_t
file_pwrite_full(int fd, const void *p, size_t n, off_t at)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = TRIP("file.pwrite") ? -1 : pwrite(fd,
		    (const char *)p + done, TRIP_PIECE(n - done,
		    at + (off_t)done), at + (off_t)done);

		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return -1;
		done += (size_t)r;
	}
	return (ssize_t)done;
}

void
file_sync_ahead(int fd, uint64_t at, uint64_t n)
{
	uint64_t from = at / PAGE * PAGE, to = (at + n) / PAGE * PAGE;

	if (to > from)
		sync_file_range(fd, (off_t)from, (off_t)(to - from),
		    SYNC_FILE_RANGE_WRITE);
}

ssize_t
file_pwrite_ahead(int fd, const char *p, size_t n, uint64_t at)
{
	for (size_t done = 0; done < n; done += AHEAD) {
		size_t k = n - done < AHEAD ? n - done : AHEAD;

		if (file_pwrite_full(fd, p + done, k, (off_t)(at + done)) ==
		    -1)
			return -1;
		file_sync_ahead(fd, at + done, k);
	}
	return (ssize_t)n;
}

/* For kernels without openat2(2), and sandboxes that refuse it: level by
 * level, and no links at all. */
static int
open_stepwise(int dir, const char *path, int flags, mode_t mode)
{
	int at = dir, fd;

	if (*path == '/') {
		errno = EXDEV;
		return -1;
	}
	for (;;) {
		size_t n = strcspn(path, "/");
		char level[NAME_MAX + 1];
		bool last = path[n] == '\0';

		if (n > NAME_MAX || (n == 2 && memcmp(path, "..", 2) == 0)) {
			errno = n > NAME_MAX ? ENAMETOOLONG : EXDEV;
			fd = -1;
		} else {
			memcpy(level, path, n);
			level[n] = '\0';
			fd = openat(at, n == 0 ? "." : level, last ?
			    flags | O_NOFOLLOW | O_CLOEXEC :
			    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
			    mode);
		}
		if (at != dir) {
			int e = errno;

			close(at);
			errno = e;
		}
		if (last || fd == -1)
			break;
		at = fd;
		path += n + 1;
	}
	return fd;
}

static int
open_resolved(int dir, const char *path, uint64_t resolve, int flags,
    mode_t mode)
{
	struct open_how how = { 0 };
	long fd;

	how.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC);
	how.mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? mode : 0;
	how.resolve = resolve | RESOLVE_NO_MAGICLINKS;
	/* EAGAIN: a rename somewhere while ".." was resolved.  A handful of
	 * tries, then it is the caller's to know. */
	for (int i = 0; i < 16; i++) {
		fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
		if (fd != -1 || errno != EAGAIN)
			break;
	}
	if (fd == -1 && (errno == ENOSYS || errno == EPERM))
		return open_stepwise(dir, path, flags, mode);
	return (int)fd;
}

int
file_open_beneath(int dir, const char *path, int flags, mode_t mode)
{
	return open_resolved(dir, path, RESOLVE_BENEATH, flags, mode);
}

int
file_open_anywhere(int dir, const char *path, int flags, mode_t mode)
{
	return open_resolved(dir, path, 0, flags, mode);
}

int
file_stat_beneath(int dir, const char *path, struct stat *st)
{
	int fd = file_open_beneath(dir, path, O_PATH, 0);
	int r, e;

	if (fd == -1)
		return -1;
	r = fstat(fd, st);
	e = errno;
	close(fd);
	errno = e;
	return r;
}

int
file_open_parent(int dir, const char *path, const char **last)
{
	const char *slash = strrchr(path, '/');
	char *above;
	int fd;

	*last = slash == NULL ? path : slash + 1;
	if (slash == NULL)
		return file_open_beneath(dir, ".", O_PATH | O_DIRECTORY, 0);
	above = memory_alloc((size_t)(slash - path) + 1);
	memcpy(above, path, (size_t)(slash - path));
	above[slash - path] = '\0';
	fd = file_open_beneath(dir, above, O_PATH | O_DIRECTORY, 0);
	free(above);
	return fd;
}

int
file_sync_directory(int dir)
{
	int fd, r, e;

	/* The caller's descriptor may be an O_PATH one. */
	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	r = TRIP("file.sync_directory") ? -1 : fsync(fd);
	e = errno;
	close(fd);
	errno = e;
	return r == -1 && e == EINVAL ? 0 : r;
}

int
file_rename_new(int from_dir, const char *from, int to_dir, const char *to)
{
	if (!TRIP("file.rename_new") && renameat2(from_dir, from, to_dir, to,
	    RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (TRIP("file.link") ||
	    linkat(from_dir, from, to_dir, to, 0) == -1)
		return -1;
	TRIP_KILL("file.linked");
	return unlinkat(from_dir, from, 0);
}

/* A file by the name, whole; `named` gives it its name. */
static int
make(int dir, const char *name, struct span contents,
    int (*named)(int, const char *, int, const char *), struct fault *why)
{
	char temp[NAME_MAX + 1];
	int fd = -1;

	for (unsigned i = 0; fd == -1 && i < 100; i++) {
		struct timespec ts;

		clock_gettime(CLOCK_REALTIME, &ts);
		snprintf(temp, sizeof temp, ".imapnew-%ld-%lx", (long)getpid(),
		    (unsigned long)ts.tv_nsec + i);
		fd = TRIP("file.replace_create") ? -1 : openat(dir, temp,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0600);
		if (fd == -1 && errno != EEXIST)
			break;
	}
	if (fd == -1)
		return fault_errno(why, "make a file for %s", name);
	if (file_write_full(fd, contents.p, contents.n) == -1 ||
	    TRIP("file.replace_sync") || fsync(fd) == -1) {
		fault_errno(why, "write the new %s", name);
		close(fd);
		goto fail;
	}
	if (close(fd) == -1 || TRIP("file.replace_rename") ||
	    named(dir, temp, dir, name) == -1) {
		fault_errno(why, "make %s", name);
		goto fail;
	}
	TRIP_KILL("file.replaced");
	if (file_sync_directory(dir) == -1)
		return fault_errno(why, "sync the directory of %s", name);
	return 0;
fail:
	TRIP_KILL("file.replace_unlink");
	unlinkat(dir, temp, 0);
	return -1;
}

int
file_replace(int dir, const char *name, struct span contents,
    struct fault *why)
{
	return make(dir, name, contents, renameat, why);
}

int
file_create(int dir, const char *name, struct span contents,
    struct fault *why)
{
	return make(dir, name, contents, file_rename_new, why);
}

int
file_read_small(int dir, const char *name, size_t max, struct buf *out,
    struct fault *why)
{
	struct stat st;
	ssize_t r;
	char *room;
	int fd;

	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
	    O_CLOEXEC);
	if (fd == -1 && errno == ELOOP)
		return fault_set(why, FAULT_CANNOT, "%s is a symbolic link",
		    name);
	if (fd == -1)
		return fault_errno(why, "open %s", name);
	if (fstat(fd, &st) == -1) {
		fault_errno(why, "stat %s", name);
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		fault_set(why, FAULT_CANNOT, "%s is no regular file", name);
		goto fail;
	}
	if (st.st_size < 0 || (uintmax_t)st.st_size > max) {
		fault_set(why, FAULT_LIMIT, "%s has over %zu octets", name,
		    max);
		goto fail;
	}
	room = buf_room(out, (size_t)st.st_size + 1);
	if (room == NULL) {
		fault_set(why, FAULT_LIMIT, "%s is too long", name);
		goto fail;
	}
	r = file_read_full(fd, room, (size_t)st.st_size);
	if (r == -1) {
		fault_errno(why, "read %s", name);
		goto fail;
	}
	out->n += (size_t)r;
	close(fd);
	return 0;
fail:
	close(fd);
	return -1;
}

int
file_read_text(const char *path, size_t max, struct buf *out,
    struct fault *why)
{
	size_t start = out->n;
	struct stat st;
	ssize_t got = 1;
	char *room;
	int fd, rc = -1;

	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return fault_errno(why, "open %s", path);
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		fault_set(why, FAULT_CANNOT, "%s is no regular file", path);
		goto done;
	}
	while (got > 0 && out->n - start <= max &&
	    (room = buf_room(out, 4096)) != NULL) {
		got = file_read_full(fd, room, 4096);
		if (got > 0)
			out->n += (size_t)got;
	}
	if (got == -1)
		fault_errno(why, "read %s", path);
	else if (got > 0)
		fault_set(why, FAULT_LIMIT, "%s has over %zu octets", path,
		    max);
	else
		rc = 0;
done:
	close(fd);
	return rc;
}

/*
 * File systems whose locks or shared memory don't work between machines
 * (statfs(2)); SQLite's write-ahead log must not be there.
 */
static const uint32_t network_filesystems[] = {
	0x6969,			/* NFS */
	0x517b,			/* SMB */
	0xff534d42,		/* CIFS */
	0xfe534d42,		/* SMB2 */
	0x01021997,		/* 9p */
	0x65735546,		/* FUSE */
};

bool
file_is_on_network(const char *path)
{
	struct statfs fs;

	if (statfs(path, &fs) == -1)
		return false;
	for (size_t i = 0; i < sizeof network_filesystems /
	    sizeof network_filesystems[0]; i++)
		if ((uint32_t)fs.f_type == network_filesystems[i])
			return true;
	return false;
}

static int
unnamed_in(const char *dir)
{
	char path[PATH_MAX];
	int fd, e;

	fd = TRIP("file.unnamed") ? -1 : open(dir, O_TMPFILE | O_RDWR |
	    O_EXCL | O_CLOEXEC, 0600);
	if (fd != -1 || (errno != EOPNOTSUPP && errno != EISDIR &&
	    errno != EINVAL))
		return fd;
	/* A file system without O_TMPFILE. */
	if (snprintf(path, sizeof path, "%s/.imaptmp-XXXXXX", dir) >=
	    (int)sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = TRIP("file.unnamed_make") ? -1 : mkostemp(path, O_CLOEXEC);
	e = errno;
	TRIP_KILL("file.unnamed_unlink");
	if (fd != -1)
		unlink(path);
	errno = e;
	return fd;
}

int
file_unnamed(const char *dir)
{
	int fd = -1;

	if (dir != NULL)
		fd = unnamed_in(dir);
	return fd != -1 ? fd : unnamed_in("/tmp");
}
