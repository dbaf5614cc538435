/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where maildirs are: a mailbox a/b is the directory a/b below the mail root.
 * INBOX is ~/Maildir where there is no mail in the spool; then mailboxes whose
 * first level is not below the mail root are its Maildir++ folders, a/b being
 * ~/Maildir/.a.b, with levels in modified UTF-7.
 */
#ifndef FORMATS_MAILDIR_PLACE_H
#define FORMATS_MAILDIR_PLACE_H

#include <stdbool.h>

#include "c-client/base/span.h"

struct account;
struct buf;
struct fault;
struct name;

#define MAILDIR_HOME	"Maildir"

/* Has the directory a cur, a new and a tmp? */
bool maildir_place_is_maildir(int dir);

/* Is INBOX ~/Maildir? */
bool maildir_place_inbox(const struct account *);

/*
 * Is the name one of the files or directories of which a maildir is made?
 * Such a name is none of a mailbox.
 */
bool maildir_place_is_part(const struct account *, const struct name *);

/*
 * The Maildir++ folder for this name, ".a.b", added to `out`.  False if the
 * name is not for one: INBOX, one below the mail root, no Maildir++ here, or
 * one with a dot in it.
 */
bool maildir_place_folder(const struct account *, const struct name *,
    struct buf *out);

/* The name a/b of a folder ".a.b", added to `out`; false where clients could
 * not use it. */
bool maildir_place_name(struct span folder, struct buf *out);

/*
 * Open the directory that is or would be above the mailbox's (O_PATH);
 * *last, added to `out`, is its own name in there.  -1 with FAULT_NOTFOUND,
 * FAULT_PERM, FAULT_IO.
 */
int maildir_place_parent(const struct account *, const struct name *,
    struct buf *out, struct fault *);

/* Open ~/Maildir, or the maildir of this name: FAULT_NOTFOUND (also where the
 * directory is no maildir), FAULT_PERM, FAULT_IO. */
int maildir_place_home(const struct account *);
int maildir_place_open(const struct account *, const struct name *,
    struct fault *);

/* Its full name, for inotify and the log; to be freed. */
char *maildir_place_path(const struct account *, const struct name *);

/*
 * Give `name`, which was made in the directory `dir`, the rights of that
 * directory: others who have theirs there, have them in all of a maildir.  A
 * file gets no right to be run.  0, or -1 with errno.
 */
int maildir_place_give_mode(int dir, const char *name, bool directory);

/* What errno means where a mailbox of this name was to be found or made. */
int maildir_place_fault(const struct name *, struct fault *);

#endif
