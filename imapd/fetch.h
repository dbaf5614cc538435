/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers to FETCH (RFC 3501 7.4.2), one message at a time, into the
 * session's output.  Which messages, and what is said at the end, is the
 * command's affair (cmd_fetch.c).
 */
#ifndef IMAPD_FETCH_H
#define IMAPD_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/buf.h"
#include "c-client/store/record.h"

struct fault;
struct fetch_item;
struct fetch_items;
struct session;

/* Flags as they are sent: few combinations are many messages. */
#define FETCH_FLAG_TEXTS	64
struct fetch_flag_text {
	bool used, recent;
	uint16_t flags;
	struct keywords keywords;
	struct buf text;
};

struct fetch {
	struct session *session;
	const struct fetch_items *items;
	struct buf *out;
	struct record record;	/* of the message that is answered: a copy,
				 * since reading may sync the box */
	bool recent;
	bool sent;		/* a part of the running answer was sent: it
				 * can't be taken back any more */
	uint64_t generation;	/* of the box, when `texts` were made */
	struct fetch_flag_text texts[FETCH_FLAG_TEXTS];
	struct buf header;	/* for selected header fields */
};

void fetch_begin(struct fetch *, struct session *,
    const struct fetch_items *);
void fetch_end(struct fetch *);

/*
 * Answer for the message `number` with this record; with FLAGS in any case if
 * `flags`.  Returns 0 with one whole response in the output (the caller ends
 * it with reply_end()).  Returns -1 with nothing of it in the output, so that
 * other messages can be answered: FAULT_EXPUNGED, FAULT_CHANGED (the record is
 * not true any more: take it anew) and what else reading gives; or, with
 * f->sent, with the connection closed in the middle of a literal.
 */
int fetch_message(struct fetch *, uint32_t number, const struct record *,
    bool recent, bool flags, struct fault *);

/* Send what has gathered in the output if it is much.  Only where the rest of
 * the answer can't fail, or may end the connection. */
void fetch_pump(struct fetch *);

#endif
