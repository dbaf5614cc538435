/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of the files in a maildir: a unique name, fields behind commas (S= the
 * size on disk, W= the size on the wire), and flags behind ":2,".  Syntax
 * only.
 */
#ifndef FORMATS_MAILDIR_NAME_H
#define FORMATS_MAILDIR_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct buf;

/* Longest name of one file, octets (NAME_MAX). */
#define MAILDIR_NAME_MAX	255u

/* The parts of a name; spans point into it. */
struct maildir_name {
	struct span base;	/* up to the colon: what stays the same */
	struct span unique;	/* up to the first comma in it */
	struct span letters;	/* of ":2,LETTERS"; empty without any */
};

/* May this be the base of a message's file?  Not empty, no dot in front, no
 * "/" or control character, and short enough to get flags. */
bool maildir_name_is_base(struct span);

/* Take a name apart; any text will do. */
void maildir_name_parse(struct span name, struct maildir_name *out);

/* What S= and W= in a base say, 0 where there is none. */
void maildir_name_sizes(struct span base, uint64_t *size, uint64_t *wire);

/*
 * Flags as the letters D F R S T say, and the keywords' letters a to z as bits
 * (a is bit 0).  P ("passed", the keyword $Forwarded in mbsync's files) is
 * *passed.
 */
uint16_t maildir_name_flags(struct span letters, uint32_t *keywords,
    bool *passed);

/*
 * Add base and ":2," to `out`, and the letters for these flags and keywords,
 * in ascending order as all programs write them.  Of `old`, the letters of the
 * same file before, those are kept that say something else: capitals that are
 * none of the above, and keywords outside of `known`.
 */
void maildir_name_write(struct buf *out, struct span base, struct span old,
    uint16_t flags, uint32_t keywords, uint32_t known, bool passed);

/*
 * A unique name as no other process makes one, added to `out`: a beginning,
 * and what makes it whole for the n-th file of those that begin so.
 */
void maildir_name_begin(struct buf *out);
void maildir_name_end(struct buf *out, size_t n);

#endif
