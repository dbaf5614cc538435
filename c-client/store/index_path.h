/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of index files: the mailbox's store name, percent-encoded; of over-long
 * ones only "%%" and a hash.
 */
#ifndef STORE_INDEX_PATH_H
#define STORE_INDEX_PATH_H

#include <stdbool.h>

#include "c-client/base/span.h"

struct buf;

/* What SQLite adds to the name of a database for its other files. */
#define INDEX_PATH_ENDINGS	3
extern const char *const index_path_endings[INDEX_PATH_ENDINGS];

/* A store name, or the beginning of one, encoded; added to `out`. */
void index_path_escape(struct buf *out, struct span path);

/* The store name of a database's file name; false if it is none, or is a
 * hash.  `out` may have anything added then. */
bool index_path_unescape(struct buf *out, struct span file);

#endif
