/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records on disk: field by field, each as a base and differences in as many
 * octets as they need.  That is less than half of what they take in memory.
 *
 * There are two parts, each a row of its own: flags, and what is said of the
 * message, so that who changes the flags of all messages writes a tenth.  The
 * base of their places is in neither: so an expunge leaves the rows behind it
 * as they are.
 */
#ifndef STORE_INDEX_PACK_H
#define STORE_INDEX_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct buf;
struct record;

enum index_part { INDEX_PART_MAIL, INDEX_PART_FLAGS };
#define INDEX_PARTS	2

/* The base of these records' places; 0 for none. */
uint64_t index_pack_place(const struct record *, size_t count);

/* Add the packed form of one part of the records to `out`. */
void index_pack_write(struct buf *out, enum index_part,
    const struct record *, size_t count, uint64_t place);

/*
 * How many records there are in the packed form; false if it is none, or of
 * more than `max`.  What index_pack_read() then makes is this part of `count`
 * records, with any values at all.
 */
bool index_pack_count(struct span packed, enum index_part, size_t max,
    size_t *count);
void index_pack_read(struct span packed, enum index_part, uint64_t place,
    struct record *out);

#endif
