/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maildirs by their names: looking at them from outside, making, removing and
 * renaming them, and the Maildir++ folders there are.  No message is opened.
 */
#ifndef FORMATS_MAILDIR_FOLDERS_H
#define FORMATS_MAILDIR_FOLDERS_H

#include "c-client/store/driver.h"

struct account;
struct fault;
struct name;

/* driver->probe, create, remove, rename, list. */
enum driver_kind maildir_folders_probe(struct account *, const struct name *,
    struct fault *);
int maildir_folders_create(struct account *, const struct name *,
    struct fault *);
int maildir_folders_remove(struct account *, const struct name *,
    struct fault *);
int maildir_folders_rename(struct account *, const struct name *from,
    const struct name *to, struct fault *);
void maildir_folders_list(struct account *, struct driver_names *);

#endif
