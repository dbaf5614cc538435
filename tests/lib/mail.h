/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of mime/ share: messages of tests/data, and a tree as text. */
#ifndef TESTS_MAIL_H
#define TESTS_MAIL_H

#include <stdbool.h>

#include "c-client/base/buf.h"

struct mime_part;

/* The file's content added to `out`, bare LF as CRLF if `wire`.  False if it
 * can't be read. */
bool mail_read(const char *path, bool wire, struct buf *out);

/* The tree as text: kind, type, offsets and lines of each part, with its
 * parameters.  Asserts what holds for every tree: children lie inside their
 * parent, in order, and their count is right. */
void mail_tree(struct buf *out, const struct mime_part *root);

/* Parse `message` in pieces of `piece` octets, the first of `first`, and add
 * the tree as text.  `arena_max` as in arena_new(). */
void mail_tree_of(struct span message, size_t first, size_t piece,
    size_t arena_max, struct buf *out);

#endif
