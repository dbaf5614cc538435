/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ascending UIDs, kept as runs of those that follow each other: a mailbox of
 * any size that nothing was taken out of is one.
 */
#ifndef STORE_UIDRUNS_H
#define STORE_UIDRUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uidruns {
	size_t count;		/* of UIDs */
	struct uidrun *runs;	/* owned */
	size_t n, cap;
};

/* Zero one before its first use. */
void uidruns_clear(struct uidruns *);

/* Add `n` UIDs from this one on, which is above all that are there. */
void uidruns_add(struct uidruns *, uint32_t uid, size_t n);

/* The i-th; *left (may be NULL) is how many there are from it on that follow
 * each other. */
uint32_t uidruns_at(const struct uidruns *, size_t i, size_t *left);

/* Index of the first one that is not below this; count if there is none. */
size_t uidruns_find(const struct uidruns *, uint32_t uid);
bool uidruns_has(const struct uidruns *, uint32_t uid);

/* Those from the i-th on go into *tail, which is overwritten. */
void uidruns_split(struct uidruns *, size_t i, struct uidruns *tail);

#endif
