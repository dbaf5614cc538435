/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of commands, and what is computed from tables: the capability
 * line.
 */
#ifndef IMAPD_COMMAND_H
#define IMAPD_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct args;
struct buf;
struct session;
struct wire;

/* States in which a command is legal (RFC 3501 3). */
enum {
	STATE_NOT_AUTH	= 1 << 0,
	STATE_AUTH	= 1 << 1,	/* no mailbox is selected */
	STATE_SELECTED	= 1 << 2,
	STATE_USER	= STATE_AUTH | STATE_SELECTED,
	STATE_ANY	= STATE_NOT_AUTH | STATE_USER
};

/* What else a row says. */
enum {
	CMD_UID		= 1 << 0,	/* also as UID NAME */
	CMD_UID_ONLY	= 1 << 1,	/* only as UID NAME */
	CMD_NOEXPUNGE	= 1 << 2,	/* without UID no EXPUNGE may be sent
					 * with it (RFC 3501 7.4.1) */
	CMD_NOSYNC	= 1 << 3,	/* no untagged updates before its
					 * tagged answer */
	CMD_BYE		= 1 << 4,	/* answered even behind BYE */
	CMD_ADDS	= 1 << 5	/* the mailbox it adds to stays
					 * open for the next one */
};

/* What to do with a literal that was announced. */
enum command_literal {
	LITERAL_KEEP,		/* it is an argument: collect it */
	LITERAL_STREAM,		/* hand it to piece() as it comes */
	LITERAL_REFUSE		/* the answer is set: skip it */
};

struct command {
	const char *name;
	unsigned states, flags;
	/*
	 * Runs the command: `args` begin behind its name (with the blank).
	 * It sets the tagged answer by reply_ok() and so on.  NULL in rows
	 * that are here only so that a state can be refused.
	 */
	void (*run)(struct session *, struct args *);

	/* For commands whose literal is a message; else NULL.  `args` end in
	 * the announcement, of `size` octets. */
	enum command_literal (*literal)(struct session *, struct args *,
	    uint64_t size);
	void (*piece)(struct session *, struct span);
	/* After a refusal or the end of the connection: undo. */
	void (*abandon)(struct session *);
};

/* The row for a name (ASCII case ignored), NULL if there is none.  `uid`: it
 * followed the word UID. */
const struct command *command_find(struct span name, bool uid);

/* Run it: refuses unknown ones, and wrong states.  */
void command_run(struct session *, const struct command *, struct args *);

/* The words of a capability list, separated by blanks, for before login
 * (plain facts of the connection) and for after it. */
struct command_facts {
	bool login;		/* after login; the others don't count then */
	bool starttls;		/* STARTTLS is possible */
	bool plaintext;		/* passwords may be sent */
};
void command_capabilities(struct buf *, const struct command_facts *);

/* The commands, one in each cmd_*.c. */
void cmd_append(struct session *, struct args *);
enum command_literal cmd_append_literal(struct session *, struct args *,
    uint64_t size);
void cmd_append_piece(struct session *, struct span);
void cmd_append_abandon(struct session *);
void cmd_capability(struct session *, struct args *);
void cmd_check(struct session *, struct args *);
void cmd_close(struct session *, struct args *);
void cmd_copy(struct session *, struct args *);
void cmd_create(struct session *, struct args *);
void cmd_delete(struct session *, struct args *);
void cmd_enable(struct session *, struct args *);
void cmd_examine(struct session *, struct args *);
void cmd_expunge(struct session *, struct args *);
void cmd_fetch(struct session *, struct args *);
void cmd_id(struct session *, struct args *);
void cmd_idle(struct session *, struct args *);
void cmd_list(struct session *, struct args *);
void cmd_logout(struct session *, struct args *);
void cmd_lsub(struct session *, struct args *);
void cmd_move(struct session *, struct args *);
void cmd_namespace(struct session *, struct args *);
void cmd_noop(struct session *, struct args *);
void cmd_rename(struct session *, struct args *);
void cmd_search(struct session *, struct args *);
void cmd_select(struct session *, struct args *);
void cmd_status(struct session *, struct args *);
void cmd_store(struct session *, struct args *);
void cmd_subscribe(struct session *, struct args *);
void cmd_unselect(struct session *, struct args *);
void cmd_unsubscribe(struct session *, struct args *);

#endif
