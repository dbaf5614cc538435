/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One POP3 session, from the login to its end: the maildrop as it was found
 * (RFC 1939 section 5), commands in the order in which they come, and what
 * QUIT writes down and removes.
 */
#ifndef IPOPD_SESSION_H
#define IPOPD_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/buf.h"
#include "c-client/store/account.h"
#include "ipopd/line.h"

struct arena;
struct box;
struct fault;
struct reader;
struct session_start;
struct stream;

/* A message of the maildrop; its number is its place in the array + 1. */
struct session_message {
	uint64_t size;		/* octets that RETR sends, before stuffing */
	uint32_t uid;
	bool retrieved;		/* RETR sent it whole: \Seen at QUIT */
	bool deleted;		/* DELE marked it: removed at QUIT */
};

struct session {
	const struct session_start *start;
	struct stream *stream;
	struct line_reader lines;
	struct arena *keep;
	struct account account;
	bool account_open;
	struct box *box;
	struct reader *reader;
	struct buf body;	/* the message that is being sent */

	struct session_message *messages;	/* without \Deleted ones */
	size_t count;
	uint64_t octets;	/* sum of the sizes */
	size_t deleted;		/* so many of them are marked */
	uint64_t deleted_octets;
	uint32_t uidvalidity;
	size_t last;		/* LAST: highest number that was read */
	size_t last_before;	/* the same when the session began */

	bool end;		/* leave after this command */
	const char *why;	/* "Logout", "Autologout" ...: for the log */
};

/* service.session of ipop3d: the whole session.  Returns the exit status. */
int session_main(const struct session_start *);

/*
 * A session on `start`, with its first line written to the stream but not
 * sent.  NULL if the mailbox can't be had: the refusal is written, and *why
 * says for the log what happened.  session_free() gives up lock and mailbox.
 */
struct session *session_new(const struct session_start *, struct fault *why);
void session_free(struct session *);

/* Run all whole lines that are in the stream's input; what they say is in its
 * output, of which whole pieces were sent. */
void session_input(struct session *);

/*
 * QUIT's work (RFC 1939 section 6): \Seen for what was retrieved, and what was
 * marked is removed.  -1 where some of that may be there still.
 */
int session_update(struct session *, struct fault *);

#endif
