/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of keywords and their bits while a mailbox is scanned: those of the
 * mailbox as the index has them, and those that X-IMAPbase names.
 */
#ifndef FORMATS_MBOX_KEYWORDS_H
#define FORMATS_MBOX_KEYWORDS_H

#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"
#include "c-client/store/record.h"

struct mbox_keywords {
	size_t count;
	char *names[BOUND_KEYWORDS];		/* by bit */
	uint8_t slots[2 * BOUND_KEYWORDS];	/* bit + 1, by hash */
	uint64_t seed;
};

void mbox_keywords_init(struct mbox_keywords *);
void mbox_keywords_clear(struct mbox_keywords *);	/* may be used again */

/* Add one; its bit, also if it is there already (ASCII case ignored).  -1:
 * there is no room, or it is empty or longer than BOUND_KEYWORD. */
int mbox_keywords_add(struct mbox_keywords *, struct span name);

/* Add all names between the blanks, in their order, while there is room. */
void mbox_keywords_add_all(struct mbox_keywords *, struct span names);

/* The bits of an X-Keywords value; names that the mailbox does not have are
 * passed over. */
struct keywords mbox_keywords_bits(const struct mbox_keywords *,
    struct span value);

#endif
