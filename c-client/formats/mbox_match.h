/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which messages of a file that was scanned anew are those that the index
 * knows: pure arithmetic over two lists.
 */
#ifndef FORMATS_MBOX_MATCH_H
#define FORMATS_MBOX_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mbox_message;
struct record;

/*
 * For each of the `count` messages, in file order: old_of[i] is the index of
 * the record that it is, or -1.  Both must have the same digest and the same
 * size of the body; where that is so of several, those with the same UID
 * (X-UID; only if `uids` says that it is to be looked at) belong together, the
 * rest in their order.  n log n, whatever the messages are.
 */
void mbox_match(const struct record *records, size_t old_count,
    const struct mbox_message *messages, size_t count, bool uids,
    ptrdiff_t *old_of);

#endif
