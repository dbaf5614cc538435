/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What parsing found, kept in the index in the form in which it is sent:
 * ENVELOPE, BODY, BODYSTRUCTURE.  A cache in front of mime/.
 */
#ifndef STORE_PARSED_H
#define STORE_PARSED_H

#include <stdint.h>

#include "c-client/base/buf.h"

struct fault;
struct parsed;
struct reader;
struct box;

enum parsed_kind { PARSED_ENVELOPE, PARSED_BODY, PARSED_BODYSTRUCTURE,
    PARSED_KINDS };

/* One for a selected mailbox.  Messages that are not known yet are read with
 * `reader`. */
struct parsed *parsed_new(struct box *, struct reader *);
void parsed_free(struct parsed *);	/* writes what is new */

/*
 * The text for this message, ready to be sent, added to `out`.  Ascending
 * UIDs are the fast way: a blob of the index serves its neighbours too.
 */
int parsed_get(struct parsed *, uint32_t uid, enum parsed_kind,
    struct buf *out, struct fault *);

/* Write what was found since the last call to the index: at the end of each
 * command.  Failure costs speed only and is not told. */
void parsed_flush(struct parsed *);

#endif
