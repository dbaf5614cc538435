/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The "maildir" format: one message a file, as Dovecot, Courier, mutt and
 * mbsync know it.  What maildir_*.c share about an open mailbox; nobody else
 * includes this but drivers.c and tests.
 *
 * A message is known by the base of its file's name, whose digest is in its
 * record: any program may rename it to change its flags, and move it from new
 * to cur.
 */
#ifndef FORMATS_MAILDIR_H
#define FORMATS_MAILDIR_H

#include <stdbool.h>
#include <stdint.h>

#include "c-client/formats/maildir_files.h"
#include "c-client/formats/maildir_keywords.h"
#include "c-client/formats/maildir_lock.h"
#include "c-client/formats/maildir_read.h"
#include "c-client/store/driver.h"

struct box;
struct fault;

struct maildir {
	struct box *box;
	int dir, cur, new, tmp;	/* the directories, open; -1 */
	char *path;		/* for inotify and the log */
	bool writable;		/* names in cur can be changed */
	struct maildir_lock lock;
	struct maildir_files files;	/* names, as they were last read */
	bool listed;		/* `files` has all of cur */
	struct maildir_keywords keywords;
	uint32_t suspect;	/* UID of a message whose file has other sizes
				 * than its record says; 0: none */
	struct maildir_reader reader;
};

extern const struct driver maildir_driver;

/* Have the directories open that have the mailbox's name now. */
int maildir_refresh(struct maildir *, struct fault *);

/* Read the names in cur and new once more. */
int maildir_list(struct maildir *, struct fault *);

/* The file of a message, NULL if its name is not known. */
struct maildir_file *maildir_find(struct maildir *, const struct record *);

/* The directory that the file is in. */
int maildir_dir_of(const struct maildir *, const struct maildir_file *);

/* Does it have that name still? */
bool maildir_is_there(const struct maildir *, const struct maildir_file *);

#endif
