/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking for texts in one message: header fields and bodies are decoded and
 * folded as search_text() folded what is looked for.  search.c knows which
 * messages and what the answers mean.
 */
#ifndef STORE_SEARCH_TEXT_H
#define STORE_SEARCH_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "c-client/base/buf.h"
#include "c-client/base/span.h"
#include "c-client/store/search.h"

struct arena;
struct fault;
struct message;

enum search_found { SEARCH_UNKNOWN, SEARCH_FOUND, SEARCH_ABSENT };

/* A key of the search that only the message's text can answer. */
struct search_probe {
	enum search_op op;	/* SEARCH_SENT*, HEADER, ADDRESS, BODY, TEXT */
	struct span field;	/* HEADER, ADDRESS */
	struct span text;	/* folded */
	struct span squeezed;	/* the same with each run of blanks made one:
				 * for header fields, where folding may have
				 * put any */
	int64_t day;		/* SENT* */
	enum search_found found;
};

/* Memory that is used again for each message. */
struct search_work {
	struct arena *arena;
	struct buf raw, decoded, utf8, folded;
};
void search_text_begin(struct search_work *);
void search_text_end(struct search_work *);

/* `text` with each run of blanks, tabs and line ends made one blank, added to
 * `out`. */
void search_text_squeeze(struct span text, struct buf *out);

/*
 * Answer, of the probes that are SEARCH_UNKNOWN, all that ask for fields;
 * those for TEXT only if it is found here.
 */
void search_text_header(struct search_work *, struct span header,
    struct search_probe *, size_t count);

/*
 * Answer the rest from the body: all text parts with their own headers, the
 * headers of messages inside, and names of attachments.  Memory does not grow
 * with the message.  -1 where it could not be read to the end; what was found
 * till then counts.
 */
int search_text_body(struct search_work *, struct message *,
    struct search_probe *, size_t count, struct fault *);

#endif
