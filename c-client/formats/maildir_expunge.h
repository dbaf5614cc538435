/* SPDX-License-Identifier: Apache-2.0 */
/* Removing messages from a maildir. */
#ifndef FORMATS_MAILDIR_EXPUNGE_H
#define FORMATS_MAILDIR_EXPUNGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct box;
struct fault;

/* driver->expunge. */
int maildir_expunge(struct box *, const uint32_t *uids, size_t count,
    bool deleted_only, struct fault *);

#endif
