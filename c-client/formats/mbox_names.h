/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mailbox files by their names: looking at them from outside, making,
 * removing and renaming them.  Nothing is read but the first few octets.
 */
#ifndef FORMATS_MBOX_NAMES_H
#define FORMATS_MBOX_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "c-client/store/driver.h"

struct account;
struct box_meta;
struct buf;
struct fault;
struct name;

/* driver->probe, create, remove, rename. */
enum driver_kind mbox_probe(struct account *, const struct name *,
    struct fault *);
int mbox_create(struct account *, const struct name *, struct fault *);
int mbox_remove(struct account *, const struct name *, struct fault *);
int mbox_rename(struct account *, const struct name *from,
    const struct name *to, struct fault *);

/*
 * The message that keeps UIDVALIDITY, the last UID and the names of keywords of
 * a mailbox where other mail programs look for them, and which none of them
 * shows; added to `out`.  It has room for names to come, and `pad` blanks more.
 */
void mbox_names_internal(struct buf *out, const struct box_meta *,
    uint32_t last, size_t pad, int64_t now);

/* Make the missing INBOX, empty.  FAULT_EXISTS; FAULT_PERM where the spool
 * is not the user's to make files in. */
int mbox_inbox_make(const struct account *, struct fault *);

#endif
