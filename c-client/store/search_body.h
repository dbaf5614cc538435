/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for texts in the body of one message; see search_text.h. */
#ifndef STORE_SEARCH_BODY_H
#define STORE_SEARCH_BODY_H

#include <stddef.h>

struct fault;
struct message;
struct search_probe;
struct search_work;

/*
 * Answer the rest from the body: all text parts with their own headers, the
 * headers of messages inside, and names of attachments.  Memory does not grow
 * with the message.  -1 where it could not be read to the end; what was found
 * till then counts.
 */
int search_body(struct search_work *, struct message *, struct search_probe *,
    size_t count, struct fault *);

#endif
