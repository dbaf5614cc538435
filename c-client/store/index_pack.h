/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records on disk: field by field, each as a base and differences in as many
 * octets as they need.  That is less than half of what they take in memory,
 * and so of what is read at SELECT and written by STORE.
 */
#ifndef STORE_INDEX_PACK_H
#define STORE_INDEX_PACK_H

#include <stdbool.h>
#include <stddef.h>

#include "c-client/base/span.h"

struct buf;
struct record;

/* Add the packed form of the records to `out`. */
void index_pack_write(struct buf *out, const struct record *, size_t count);

/*
 * How many records there are in the packed form; false if it is none, or of
 * more than `max`.  What index_pack_read() then makes is `count` records with
 * any values at all.
 */
bool index_pack_count(struct span packed, size_t max, size_t *count);
void index_pack_read(struct span packed, struct record *out);

#endif
