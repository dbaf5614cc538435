/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adding messages to a mailbox file, all or none (docs/ARCHITECTURE, decision
 * 3).  The only file that writes mail.
 */
#ifndef FORMATS_MBOX_APPEND_H
#define FORMATS_MBOX_APPEND_H

#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct append_item;
struct box;
struct buf;
struct fault;
struct mbox;

/* driver->append.  FAULT_READONLY, FAULT_QUOTA, FAULT_INUSE, FAULT_IO: the
 * file is as it was. */
int mbox_append(struct box *, struct append_item *, size_t count,
    struct fault *);

/* driver->form. */
void mbox_append_form(struct box *, const struct append_item *,
    struct span message, struct buf *out);

/* The octets that are missing at the end of a file of this size: a separator
 * stands behind an empty line. */
int mbox_append_gap(const struct mbox *, uint64_t size, const char **gap,
    struct fault *);

#endif
