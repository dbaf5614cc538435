/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One session, from the login to its end: read a command, run it, tell what
 * changed, answer, send.
 */
#ifndef IMAPD_SESSION_H
#define IMAPD_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "c-client/base/buf.h"
#include "c-client/base/span.h"
#include "c-client/server/stream.h"
#include "c-client/store/account.h"
#include "c-client/store/box.h"
#include "c-client/store/progress.h"
#include "imapd/wire.h"

struct append;
struct arena;
struct args;
struct command;
struct fault;
struct name;
struct parsed;
struct reader;
struct session_start;
struct view;
struct view_changes;

/* The tagged answer that is kept until the updates are out; see reply.h. */
struct session_answer {
	const char *status;	/* "OK", "NO", "BAD"; NULL: none was set */
	struct buf text;	/* with its code in brackets */
};

/* What the selected mailbox tells of long work; see reply_progress(). */
struct session_progress {
	struct progress progress;	/* first: tell() gets its address */
	struct session *session;
};

struct session {
	const struct session_start *start;
	struct stream *stream;
	struct account account;
	struct wire wire;

	struct arena *keep;	/* dies with the session */
	struct arena *scratch;	/* dies with the command.  No limit: what goes
				 * there is in proportion to the mailbox */
	struct arena *parse;	/* dies with the command: what its text was
				 * made into; BOUND_COMMAND_ARENA */

	/* The selected mailbox; all of them NULL if there is none. */
	struct box *box;
	struct view *view;
	struct reader *reader;
	struct parsed *parsed;
	struct session_progress progress;

	/* The command that runs. */
	const struct command *command;	/* NULL: unknown, or none */
	bool uid;			/* it was UID NAME */
	struct span tag;		/* "" where it had none */
	struct session_answer answer;
	struct append *append;		/* of APPEND, between its pieces */

	/* The session as a whole. */
	bool end;		/* leave after this command */
	const char *why;	/* "Logout", "Autologout" ...: for the log */
	bool warned_inuse;	/* said once that the locks can't be had */
	int idle_msecs;		/* without a command: the end */
};

/* service.session of imapd: the whole session.  Returns the exit status. */
int session_main(const struct session_start *);

/* A session on `start`, with its first line written to the stream but not
 * sent, and its end; for tests and session_main(). */
struct session *session_new(const struct session_start *, struct fault *);
void session_free(struct session *);

/* STATE_AUTH or STATE_SELECTED of command.h. */
unsigned session_state(const struct session *);

/* Select: `view` and all that belongs to it become the session's, or are
 * closed.  session_unselect() writes flags and UIDs into the mailbox first; a
 * failure is logged.  It does nothing if none is selected. */
int session_select(struct session *, const struct name *, bool readonly,
    struct fault *);
void session_unselect(struct session *);

/* A mailbox name of the client; false with the answer set (NO) if it can't be
 * one.  The name lives as long as the command. */
bool session_name(struct session *, struct span wire, struct name *out);

/*
 * Take a sequence-set off `args`, of UIDs in a UID command (s->uid), else of
 * message numbers, and make it message numbers: ascending, each once, in
 * scratch.  UIDs that the view does not have are left out (RFC 3501 6.4.8).
 * False with the answer set (BAD) for bad syntax and for message numbers that
 * there are not (RFC 3501 9, seq-number); a set with "*" in an empty mailbox
 * is no error and names none.  Numbers may be of messages that are gone:
 * view_record() is NULL then.
 */
bool session_messages(struct session *, struct args *, uint32_t **numbers,
    size_t *count);

/*
 * Look for changes and tell them: EXPUNGE (if `may_expunge`), EXISTS, RECENT,
 * FLAGS, FETCH of flags, in this order.  Called by the loop before each
 * tagged answer; commands need not.  Where the mailbox can't be looked at the
 * client is warned.  False where the mailbox was lost: it is not selected any
 * more and s->end is set.
 */
bool session_sync(struct session *, bool may_expunge);

/* New keyword names are told (FLAGS, PERMANENTFLAGS) before a FETCH answer
 * that has them: call it before telling flags that were just stored. */
void session_tell_keywords(struct session *);

/* Is it the selected mailbox? */
bool session_is_selected(const struct session *, const struct name *);

/* stream_wait(); at the end of the connection and on signals the session is
 * ended, with its BYE.  session_autologout() is what a time-out means. */
enum stream_event session_wait(struct session *, int other, int msecs);
void session_autologout(struct session *);

/* End it: "* BYE text", and the word for the log ("Autologout"). */
void session_bye(struct session *, const char *why, const char *text);

#endif
