/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies without writing: a message of one maildir gets a second name in
 * another's tmp.  Nobody changes a message's file, so both may be the same.
 */
#ifndef FORMATS_MAILDIR_LINK_H
#define FORMATS_MAILDIR_LINK_H

#include <stdbool.h>

struct box;
struct buf;
struct record;

/* driver->link and driver->unlink.  Not where a file that append() writes would
 * have another owner or time, or other rights for those who come in there, or
 * where there can be no link. */
bool maildir_link(struct box *from, const struct record *, struct box *to,
    struct buf *name);
void maildir_unlink(struct box *, const char *name);

#endif
