/* SPDX-License-Identifier: Apache-2.0 */
/* Names that a session gives to files it found: out of new, and apart from
 * each other. */
#ifndef FORMATS_MAILDIR_MOVE_H
#define FORMATS_MAILDIR_MOVE_H

#include <stdbool.h>

struct maildir;
struct maildir_files;

/* Move what is in new to cur, as who shows messages does.  What can't be moved
 * stays as it is.  *moved is set where a name was changed. */
void maildir_move_new(struct maildir *, struct maildir_files *, bool *moved);

/*
 * Of files with the same base: a name that is not there any more is dropped,
 * and one of the same file too.  Another message gets a base of its own; in a
 * session that may not write it is dropped from the listing, and *left is set.
 */
void maildir_move_doubles(struct maildir *, struct maildir_files *,
    bool *moved, bool *left);

#endif
