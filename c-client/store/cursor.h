/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of a view's messages one after the other, without a search for
 * each: for what goes over whole mailboxes.
 */
#ifndef STORE_CURSOR_H
#define STORE_CURSOR_H

#include <stddef.h>
#include <stdint.h>

struct record;
struct view;

/* Zero it to begin.  It may be used on after the box has changed. */
struct cursor {
	size_t at;		/* where the next record is likely to be */
};

/*
 * As view_record(): the record of message `number` (1 to view->count), NULL if
 * it is gone; the pointer is valid until the box is synced, begun or changed.
 * Ascending numbers are the fast way.
 */
const struct record *cursor_record(struct cursor *, const struct view *,
    uint32_t number);

#endif
