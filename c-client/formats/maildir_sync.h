/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing the index and the list of UIDs up to date with the files: decides
 * by the stamp which directories have to be read, gives UIDs to what is new,
 * and writes them down before anybody is told.
 */
#ifndef FORMATS_MAILDIR_SYNC_H
#define FORMATS_MAILDIR_SYNC_H

#include <stdbool.h>
#include <stdint.h>

struct box;
struct fault;
struct maildir;

/* driver->sync.  In a session that may write, what is in new goes to cur. */
int maildir_sync(struct box *, struct fault *);

/*
 * The same with the lock held, and the list of UIDs nobody else's until it is
 * given back.  `settle` false leaves the doubt about a stamp for the next
 * time.
 */
int maildir_sync_locked(struct maildir *, bool settle, struct fault *);

/* Take the lock (with `file`, Dovecot's too) on the directory that has the
 * mailbox's name now. */
int maildir_sync_lock(struct maildir *, bool file, struct fault *);

/*
 * Inside a transaction, after names in cur were changed by this session under
 * the lock: the stamp of what there is now, which stays in doubt, since others
 * may have changed names meanwhile.  `lines` are those that were added to the
 * list of UIDs.
 */
int maildir_sync_stamp(struct maildir *, uint32_t lines, struct fault *);

#endif
