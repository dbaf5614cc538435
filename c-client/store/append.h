/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adding messages to a mailbox: collected first (from a client that may be
 * slow, without any lock), written in one go, all or none.
 */
#ifndef STORE_APPEND_H
#define STORE_APPEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"
#include "c-client/store/name.h"
#include "c-client/store/record.h"

struct account;
struct append;
struct box;
struct fault;

/* One collected message, as a format's append() gets it. */
struct append_item {
	uint16_t flags;
	const struct span *keywords;
	size_t keyword_count;
	int64_t date;			/* INTERNALDATE */
	int16_t zone;
	uint64_t size;			/* octets collected, as the client
					 * sent them (CRLF), but see formed */
	uint32_t uid;			/* out: what it became */
	struct append *from;		/* for append_read() */
	uint64_t at;			/* where its bytes are in there */
	bool formed;			/* they are what driver->form() made */
	const char *kept;		/* NULL; or, instead of octets, what
					 * driver->link() kept */
};

/* Bits of its keywords that the mailbox has. */
struct keywords append_keywords(const struct box *,
    const struct append_item *);

/*
 * Begin.  The mailbox must exist (FAULT_NOTFOUND: [TRYCREATE]) and be
 * writable.  `selected` is the open box where it is the same mailbox, or NULL.
 */
struct append *append_new(struct account *, const struct name *,
    struct box *selected, struct fault *);
void append_free(struct append *);	/* NULL is allowed */

/* The mailbox that was added to last stays open for the next append, if it is
 * not the selected one; this closes it. */
void append_rest(struct account *);

/* Begin a message; `date` is used where has_date, else now. */
int append_message(struct append *, uint16_t flags,
    const struct span *keywords, size_t count, bool has_date, int64_t date,
    int16_t zone, struct fault *);

/* Its bytes, in as many pieces as they come.  Up to BOUND_WHOLE are kept in
 * memory, more go to an unnamed temporary file.  FAULT_LIMIT over
 * BOUND_APPEND, FAULT_QUOTA where there is no room. */
int append_data(struct append *, struct span, struct fault *);

/* The same for a message whose octets are all here, CRLF and no others. */
int append_whole(struct append *, struct span, struct fault *);

/* The same for the message of an open mailbox with this record, without its
 * octets where both formats can do that.  False: they are to be given. */
bool append_link(struct append *, struct box *from, const struct record *);

/*
 * Write all.  On 0 the messages are on disk with UIDs (ascending; in the
 * order of append_message()); the uidvalidity and the items' UIDs can be asked
 * for.  On -1 there is none of them in the mailbox.
 * append_uidvalidity() is 0 where the UIDs will not last (RFC 4315 3: they are
 * not told).
 */
int append_commit(struct append *, struct fault *);
uint32_t append_uidvalidity(const struct append *);
size_t append_count(const struct append *);
uint32_t append_uid(const struct append *, size_t i);

/* The mailbox, open. */
struct box *append_box(const struct append *);

/* It is a part of the move with this number (transit.h); append_transit() of
 * its items, for formats, 0 if it is none. */
void append_in_transit(struct append *, uint64_t id);
uint64_t append_transit(const struct append_item *);
/* For formats, inside the transaction that adds the records, when the items
 * have their UIDs: where it is a move this is noted (transit_arrive()). */
void append_arrive(const struct append_item *, size_t count);

/* Take messages out again that append_commit() put in: UIDs of append_uid(),
 * ascending.  Faults as of box_expunge(). */
int append_undo(struct append *, const uint32_t *uids, size_t count,
    struct fault *);

/* For formats: read `len` octets of the item from `off` into p; all or -1. */
int append_read(const struct append_item *, uint64_t off, void *p,
    size_t len, struct fault *);

#endif
