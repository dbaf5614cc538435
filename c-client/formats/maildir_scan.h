/* SPDX-License-Identifier: Apache-2.0 */
/* What a record knows of a message's file: sizes and date. */
#ifndef FORMATS_MAILDIR_SCAN_H
#define FORMATS_MAILDIR_SCAN_H

#include <stdbool.h>

struct fault;
struct record;

/*
 * Open the regular file `name` of this directory; never waits, follows no
 * link.  The descriptor, or -1 with FAULT_CHANGED (there is none of that name,
 * or it is no regular file), FAULT_PERM or FAULT_IO.
 */
int maildir_scan_open(int dir, const char *name, struct fault *);

/*
 * Fill in disk_size, wire_size, disk_header, wire_header, date and zone from
 * the file.  Its header is read; the rest of it only where the name has no
 * sizes that agree with the file's, or if `exact`.
 */
int maildir_scan(int dir, const char *name, bool exact, struct record *,
    struct fault *);

#endif
