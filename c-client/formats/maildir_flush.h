/* SPDX-License-Identifier: Apache-2.0 */
/* Writing flags and keywords into the names of a maildir's files. */
#ifndef FORMATS_MAILDIR_FLUSH_H
#define FORMATS_MAILDIR_FLUSH_H

#include <stdbool.h>

struct box;
struct fault;

/* driver->flush. */
int maildir_flush(struct box *, bool leaving, struct fault *);

#endif
