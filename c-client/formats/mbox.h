/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The "unix" format: many messages in one file, each behind a line that begins
 * with "From ".  What mbox_*.c share about an open mailbox; nobody else
 * includes this but drivers.c and tests.
 *
 * A mailbox file is changed in one way only: by adding behind its end.
 */
#ifndef FORMATS_MBOX_H
#define FORMATS_MBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "c-client/formats/mbox_lock.h"
#include "c-client/formats/mbox_read.h"
#include "c-client/store/driver.h"

struct account;
struct box;
struct fault;
struct name;

struct mbox {
	struct box *box;
	int fd;			/* -1: there was no such file */
	dev_t dev;		/* of fd's file */
	ino_t ino;
	bool writable;		/* fd is open for writing */
	char *path;		/* for locks, inotify and the log */
	struct mbox_lock lock;
	bool distrust;		/* the file was not what the records say:
				 * scan all of it next time */
	bool no_cuts;		/* its file system can't cut blocks out of it */
	bool looked;		/* for what a rewrite that was cut short left */
	struct mbox_reader reader;
	uint64_t octets;	/* that scans have read, for tests */
};

extern const struct driver mbox_driver;

/* driver->open with the format's state in `m`, zeroed memory that may go on
 * behind it and is freed by driver->close, here too if this fails. */
int mbox_open_as(struct mbox *m, struct box *, struct fault *);

/* The full name of a mailbox's file, for locks; to be freed. */
char *mbox_path(const struct account *, const struct name *);

/* stat(2) of a mailbox's file by its name; -1 with errno. */
int mbox_stat(const struct account *, const struct name *, struct stat *);

/*
 * Open a mailbox's file, if it is a regular one; FIFOs, devices and
 * directories are not even touched.  `flags` as for open(2).  The descriptor,
 * or -1 with FAULT_NOTFOUND, FAULT_PERM, FAULT_BADNAME (no regular file) or
 * FAULT_IO.
 */
int mbox_open_file(const struct account *, const struct name *, int flags,
    struct stat *, struct fault *);

/*
 * Have the file open that has the mailbox's name now; *st is its status by
 * that name.  0; -1 with FAULT_NOTFOUND and others.
 */
int mbox_refresh(struct mbox *, struct stat *, struct fault *);

/*
 * Lock the file that has the mailbox's name now, and give its status: 0; -1
 * with FAULT_NOTFOUND, FAULT_INUSE, FAULT_READONLY (a lock for writing) and
 * others.
 */
int mbox_lock(struct mbox *, enum mbox_lock_kind, struct stat *,
    struct fault *);
void mbox_unlock(struct mbox *);

#endif
