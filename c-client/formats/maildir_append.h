/* SPDX-License-Identifier: Apache-2.0 */
/* Adding messages to a maildir, all or none. */
#ifndef FORMATS_MAILDIR_APPEND_H
#define FORMATS_MAILDIR_APPEND_H

#include <stddef.h>

struct append_item;
struct box;
struct fault;

/* driver->append.  FAULT_READONLY, FAULT_QUOTA, FAULT_INUSE, FAULT_IO: there
 * is none of them. */
int maildir_append(struct box *, struct append_item *, size_t count,
    struct fault *);

#endif
