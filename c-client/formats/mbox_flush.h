/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing flags, keywords and UIDs into a mailbox file: in place where a
 * message has room for them, else, when a session leaves, by making room in
 * all messages that lack it, in one pass from the first of them on.
 */
#ifndef FORMATS_MBOX_FLUSH_H
#define FORMATS_MBOX_FLUSH_H

#include <stdbool.h>

struct box;
struct fault;
struct record;

/* driver->flush. */
int mbox_flush(struct box *, bool leaving, struct fault *);

/* Does the file say something else than the record?  X-UID counts where it is
 * believed: in a file that `has_base`. */
bool mbox_flush_is_due(const struct record *, bool has_base);
/* Are they its keywords? */
bool mbox_flush_has_keywords(const struct record *);

#endif
