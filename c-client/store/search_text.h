/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking for texts in one message: header fields (here) and bodies
 * (search_body.h) are decoded and folded as search_text() folded what is
 * looked for.  search.c knows which messages and what the answers mean.
 */
#ifndef STORE_SEARCH_TEXT_H
#define STORE_SEARCH_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/buf.h"
#include "c-client/base/span.h"
#include "c-client/store/search.h"

struct arena;
struct header_field;

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
 * For search_body.c too: is `needle` in `hay`?  Fold UTF-8 into w->folded,
 * behind what is there, with blanks squeezed (w->utf8 is used).  Make w->folded
 * the comparable "name: body" of a field; returns where the body begins.
 */
bool search_text_contains(struct span hay, struct span needle);
void search_text_fold(struct search_work *, struct span utf8);
size_t search_text_field(struct search_work *, const struct header_field *);

#endif
