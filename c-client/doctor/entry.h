/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has a program started for each connection, whoever it is written down
 * for: inetd, xinetd or systemd.  One form for all, so that one check judges
 * them.
 */
#ifndef DOCTOR_ENTRY_H
#define DOCTOR_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct arena;

enum entry_kind { ENTRY_INETD, ENTRY_XINETD, ENTRY_SYSTEMD };

/* Words of a command line; openbsd-inetd takes 20, the rest are dropped. */
#define ENTRY_WORDS	20

/*
 * Strings are NUL-terminated, hold no control characters, live as long as
 * the arena of the list, and are "" for what is not said.
 */
struct entry {
	enum entry_kind kind;
	const char *file;	/* where it stands */
	unsigned line, last;	/* its lines */
	const char *unit;	/* systemd: NAME of NAME.socket */
	const char *service;	/* name or number of the port, as written */
	const char *address;	/* that it is to listen on, "" for all */
	const char *protocol;	/* as written: "tcp", "tcp4", "tcp6", ... */
	bool stream;
	bool ipv4, ipv6;	/* that they are asked for */
	bool wait;		/* the program gets the listening socket */
	bool input;		/* ... or the connection as descriptor 0 */
	uint32_t limit;		/* starts a minute, 0 for what is usual */
	uint32_t together;	/* processes at a time, 0 for what is usual */
	uint32_t per_source;	/* of those, for one address; 0 likewise */
	const char *user;
	const char *path;
	const char *argv[ENTRY_WORDS];
	size_t argc;
	bool named;		/* argv[0] stands among the arguments */
	bool disabled;		/* a comment, or switched off */
	bool wanted;		/* systemd: started at boot */
	const char *missing;	/* the first field that is not there */
};

#define ENTRY_MAX	512

struct entries {
	struct arena *arena;	/* the caller's */
	size_t n;
	bool more;		/* there were more than ENTRY_MAX */
	struct entry of[ENTRY_MAX];
};

/* A new one, with all its strings ""; NULL if there are too many. */
struct entry *entry_add(struct entries *);

/* A copy for a member; "" if it holds control characters or is too long. */
const char *entry_text(struct entries *, struct span);

/* The words of a line, which are separated by blanks, become argv[]. */
void entry_words(struct entries *, struct entry *, struct span);

/* Where argv[0] isn't written down it is the path. */
void entry_name_first(struct entry *);

/* The next word of a line, cut off its front; empty at its end. */
struct span entry_word(struct span *line);

/* The next line of a text, cut off its front, without its end. */
struct span entry_line(struct span *text);

/* A number up to a million, or 0. */
uint32_t entry_number(struct span);

/* The last level of a path. */
const char *entry_name(const char *path);

#endif
