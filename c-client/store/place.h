/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the mailbox of a store name is: the directory in which the rest of
 * the name is looked up, and which no name leads out of.  Formats that keep
 * mailboxes as files and directories find them by this.  INBOX is somewhere
 * else, and no place's.
 */
#ifndef STORE_PLACE_H
#define STORE_PLACE_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

struct account;
struct buf;
struct fault;
struct name;
struct place_users;

struct place {
	int fd;			/* the directory (O_PATH); the account's own,
				 * not to be closed */
	const char *dir;	/* its full name */
	const char *path;	/* of the mailbox, below it */
	bool foreign;		/* it is not the user's mail root */
	bool anywhere;		/* symbolic links may lead out of it */
};

/*
 * The place of a name.  -1 with errno: ENOENT where the name's directory is
 * not configured or there is no such user, EACCES and others where it can't be
 * had.  Valid until the next call.
 */
int place_of(const struct account *, const char *path, struct place *);

/*
 * open(2), stat(2) of a mailbox by its name; its parent directory (O_PATH),
 * for unlinkat(2) and the like, with the last level in *last.  Nothing out of
 * the place, but for links of a user's own root where the configuration
 * permits it.  -1 with errno.
 */
int place_open(const struct account *, const struct name *, int flags,
    mode_t mode);
int place_stat(const struct account *, const struct name *, struct stat *);
int place_parent(const struct account *, const struct name *,
    const char **last);

/* Make what is missing of the name's directories (`parent`: but for the last
 * level).  0, or -1 with errno; ENOTDIR where a level is a file. */
int place_make_dirs(const struct account *, const struct name *,
    bool parent);

/* The full name, for locks, inotify and the log, added to `out`. */
void place_path(const struct account *, const struct name *, struct buf *out);

/*
 * A mailbox that was made, or moved, in the directory `dir`, and is open as
 * `fd`: where others have theirs it gets the rights of the directory, in the
 * user's own root it stays his alone.  0, or -1 with errno.
 */
int place_give_mode(const struct account *, const struct name *, int dir,
    int fd);

/* Do others have indexes of it too, so that the mailbox itself must say what
 * its UIDs are (docs/ARCHITECTURE, decision 1)? */
bool place_is_shared(const struct account *, const struct name *);

/* For account.c. */
struct place_users *place_users_new(void);
void place_users_free(struct place_users *);	/* NULL is allowed */

#endif
