/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files: whole reads and writes, names that stay below a directory, and
 * replacing a file in one step.  Descriptors are made close-on-exec.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "c-client/base/span.h"

struct buf;
struct fault;

/*
 * All `n` octets, over interrupted and partial calls.  The number of octets
 * done; fewer only at the end of the file (reading).  -1 with errno set.
 */
ssize_t file_read_full(int fd, void *p, size_t n);
ssize_t file_pread_full(int fd, void *p, size_t n, off_t at);
ssize_t file_write_full(int fd, const void *p, size_t n);
ssize_t file_pwrite_full(int fd, const void *p, size_t n, off_t at);

/* Have the disk begin with what was written there, and don't wait.  It promises
 * nothing; the sync that does has less to do then. */
void file_sync_ahead(int fd, uint64_t at, uint64_t n);
/* file_pwrite_full(), and that with each part of it. */
ssize_t file_pwrite_ahead(int fd, const char *p, size_t n, uint64_t at);

/*
 * open(2) of a relative path, which can't leave the directory `dir`: not by
 * "..", not by a symbolic link, not by a link of /proc.  Links that stay below
 * are followed where the system has openat2(2), else refused.
 * The descriptor, or -1 with errno.
 */
int file_open_beneath(int dir, const char *path, int flags, mode_t mode);

/* The same, but symbolic links may lead anywhere; those of /proc do not.  Where
 * the system has no openat2(2), none is followed. */
int file_open_anywhere(int dir, const char *path, int flags, mode_t mode);

/* stat(2) as file_open_beneath() (the last level's link is followed too). */
int file_stat_beneath(int dir, const char *path, struct stat *);

/*
 * Open the directory that `path` is in (O_PATH); *last is the last level, in
 * `path`.  For unlinkat(2), renameat(2), mkdirat(2).  -1 with errno.
 */
int file_open_parent(int dir, const char *path, const char **last);

/* Make the entries of a directory durable.  0, or -1 with errno; what can't
 * be synced (EINVAL) is no error. */
int file_sync_directory(int dir);

/*
 * Replace `name` (one level) in `dir` by a file of mode 0600 with these
 * contents, in one step and durable: who opens it sees the old one or the new
 * one.  0, or -1 with *why set; the old one is then as it was.
 */
int file_replace(int dir, const char *name, struct span contents,
    struct fault *);

/* The same where nothing is replaced: FAULT_EXISTS, also beside a link that
 * leads nowhere. */
int file_create(int dir, const char *name, struct span contents,
    struct fault *);

/* renameat(2), never over something that is there: -1 with EEXIST.  A kill may
 * leave both names where the file system has no renameat2(2). */
int file_rename_new(int from_dir, const char *from, int to_dir,
    const char *to);

/*
 * Read a small regular file whole, adding to `out`: never waits on a FIFO or
 * device, follows no link of the last level.  FAULT_NOTFOUND, FAULT_LIMIT
 * (over `max` octets), FAULT_CANNOT (no regular file), FAULT_PERM, FAULT_IO.
 */
int file_read_small(int dir, const char *name, size_t max, struct buf *out,
    struct fault *);

/*
 * Read a file of the system's (of /etc, /proc) whole, adding to `out`: links
 * are followed, for many of them are, and a size is not believed.  Never waits
 * on a FIFO or device.  Faults as above.
 */
int file_read_text(const char *path, size_t max, struct buf *out,
    struct fault *);

/* Is it on a file system that other machines may have too (NFS, SMB, 9p,
 * FUSE)?  False where that can't be told. */
bool file_is_on_network(const char *path);

/*
 * An unnamed file for reading and writing in the directory `dir` (NULL: only
 * /tmp); -1 with errno.
 */
int file_unnamed(const char *dir);

#endif
