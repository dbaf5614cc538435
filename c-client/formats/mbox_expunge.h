/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing messages from a mailbox file: what is behind them moves towards the
 * beginning, and room for metadata is made on the way where the gap allows it.
 */
#ifndef FORMATS_MBOX_EXPUNGE_H
#define FORMATS_MBOX_EXPUNGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct box;
struct fault;

/* driver->expunge. */
int mbox_expunge(struct box *, const uint32_t *uids, size_t count,
    bool deleted_only, struct fault *);

#endif
