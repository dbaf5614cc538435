/* SPDX-License-Identifier: Apache-2.0 */
/* What is behind a stream of the interface: the open mailbox, and what is
 * remembered of its messages. */
#ifndef API_LOCAL_H
#define API_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/buf.h"
#include "c-client/mail.h"

struct box;
struct reader;
struct user;
struct view;

/* One for each function that hands out texts. */
enum local_text { LOCAL_HEADER, LOCAL_TEXT, LOCAL_MESSAGE, LOCAL_MIME,
    LOCAL_BODY, LOCAL_TEXTS };

/* A message that the program asked for. */
struct local_message {
	MESSAGECACHE elt;	/* first: the program has its address */
	ENVELOPE *env;		/* NULL: not read */
	BODY *body;
};

struct local {
	struct user *user;
	struct box *box;	/* these three are NULL where it was lost */
	struct view *view;
	struct reader *reader;
	struct local_message **messages;	/* by number - 1, as many as
						 * the view has; NULL: not
						 * asked for */
	size_t room;
	unsigned long parsed;	/* OP_SHORTCACHE: whose envelope there is */
	struct buf texts[LOCAL_TEXTS];
	bool warned;		/* said once that the locks can't be had */
};

/* NULL for a stream of NIL, or one whose mailbox was lost. */
struct local *local_of(const MAILSTREAM *);

/*
 * Who does what the program wants: the stream's user, or for NIL one that
 * local_leave() frees.  NULL after mm_log().  What is in his scratch stays
 * until local_leave(), though the program's functions may call us meanwhile.
 */
struct user *local_enter(const MAILSTREAM *);
void local_leave(const MAILSTREAM *, struct user *);

/* A message, with what is known of it now; NULL if there is no such number. */
struct local_message *local_message(MAILSTREAM *, unsigned long number);

/* The same for a program that asks: NULL after mm_log().  The number is a UID
 * where `uid`. */
struct local_message *local_asked(MAILSTREAM *, unsigned long number,
    bool uid);

/* The UID of a number that there is. */
uint32_t local_uid(const MAILSTREAM *, unsigned long number);

/* Numbers of a sequence, ascending, each once, in scratch.  -1 after mm_log().
 */
int local_sequence(MAILSTREAM *, const char *text, bool uid,
    uint32_t **numbers, size_t *count);

/* Names of keywords have come. */
void local_keywords(MAILSTREAM *);

/* mm_flags(), unless the stream is silent; what is known is new then. */
void local_tell_flags(MAILSTREAM *, unsigned long number);

/* Look for changes, and tell them.  False where the mailbox was lost. */
bool local_sync(MAILSTREAM *);

/* Forget envelopes and bodies; those of any message but this; texts. */
void local_forget_parsed(struct local *);
void local_parse_only(struct local *, unsigned long number);
void local_forget_texts(struct local *);

/* Let go of the mailbox; of all. */
void local_release(struct local *);
void local_free(struct local *);

#endif
