/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every limit, in one place: the value, its unit, where it is from, and what
 * happens beyond it.
 */
#ifndef BASE_BOUNDS_H
#define BASE_BOUNDS_H

/* One command line without its literals, octets; beyond: BAD, and before
 * login the connection ends.  RFC 2683 3.2.1.5 asks for 8,000 at least. */
#define BOUND_LINE		(64u * 1024)

/* The same before login; and what all of a command may take there, with its
 * literals: beyond, the connection ends. */
#define BOUND_LINE_PRELOGIN	8192u
#define BOUND_TEXT_PRELOGIN	(32u * 1024)

/* A literal before login, octets; beyond: BAD (RFC 7888 4 names 4,096). */
#define BOUND_LITERAL_PRELOGIN	4096u

/* What one command's parsed form may take, octets; beyond: BAD. */
#define BOUND_COMMAND_ARENA	(1024u * 1024)

/* Literals in one command; beyond: BAD. */
#define BOUND_LITERALS		20u

/* A literal that is no message (mailbox names, search strings), octets. */
#define BOUND_LITERAL		(512u * 1024)

/* One appended message, octets; beyond: NO [TOOBIG]. */
#define BOUND_APPEND		(1024u * 1024 * 1024)

/* Nesting of parentheses in a command; beyond: BAD. */
#define BOUND_NESTING		100u

/* Pieces of a sequence-set; beyond: BAD. */
#define BOUND_SEQSET		20000u

/* A tag, octets; beyond: BAD. */
#define BOUND_TAG		50u

/* A mailbox name on disk, octets of UTF-8; beyond: NO [CANNOT].  POSIX
 * NAME_MAX bounds each of its levels by itself. */
#define BOUND_MAILBOX_NAME	1000u

/* What the dialogue before login may leave unread, octets: one line with a
 * literal and something pipelined behind; beyond: the connection ends. */
#define BOUND_PRELOGIN_IN	(80u * 1024)

/* What it may have to say at once, octets; beyond: the connection ends. */
#define BOUND_PRELOGIN_OUT	(16u * 1024)

/* Bad commands before login; the last one ends the connection. */
#define BOUND_BAD_COMMANDS	3u

/* Log lines that one connection may write before login; more are dropped. */
#define BOUND_PRELOGIN_LOGS	40u

/* A TLS handshake, seconds (login_timeout bounds it too); beyond: closed. */
#define BOUND_HANDSHAKE_SECS	60u

/* How long the user data base may take, seconds; beyond: logged, and the
 * connection ends (PAM modules wait for networks). */
#define BOUND_AUTH_SECS		60u

/* How long a peer may refuse to read, seconds; beyond: the session ends. */
#define BOUND_WRITE_SECS	300u

/* Connections that one process accepts and the nursery has not made fronts
 * for yet; beyond: they wait in the kernel's queue. */
#define BOUND_ERRANDS		64u

/* How often a connection is given to a nursery that ends before it has made a
 * front; beyond: it is closed, for it may be the reason. */
#define BOUND_ERRAND_TRIES	8u

/* How long a nursery may take to load certificates, seconds; beyond: it is
 * ended, and the one before goes on. */
#define BOUND_NURSERY_SECS	30u

/* Clients at a time that are told over TLS that there is no room, and for how
 * long, seconds; beyond: closed without a word. */
#define BOUND_FAREWELLS		16u
#define BOUND_FAREWELL_SECS	10u

/* Octets in a TLS record while the workaround tls-records is on. */
#define BOUND_RECORD		8192u

/* --listen options in one command line, and sockets that systemd gives;
 * beyond: refused. */
#define BOUND_LISTENERS		16u

/* Configuration, users and certificate files, octets; beyond: a fault. */
#define BOUND_CONFIG_FILE	(1024u * 1024)
#define BOUND_USERS_FILE	(16u * 1024 * 1024)
#define BOUND_PEM_FILE		(1024u * 1024)

/* User names and passwords, octets; beyond: the login fails. */
#define BOUND_USER		255u
#define BOUND_PASSWORD		1024u

/* A POP3 command line, octets with CRLF (RFC 2449 4 says 255; AUTH's
 * responses are longer, RFC 5034 4 says 12,288). */
#define BOUND_POP_LINE		12288u

/* Keywords in one mailbox, and the length of one in octets; beyond:
 * NO [LIMIT].  A record has one bit for each. */
#define BOUND_KEYWORDS		128u
#define BOUND_KEYWORD		255u

/* Messages in one mailbox file; beyond: the mailbox can't be opened. */
#define BOUND_MESSAGES		10000000u

/* A maildir's list of UIDs, octets (BOUND_MESSAGES short lines); beyond: the
 * mailbox can't be opened.  Its list of keywords; beyond: they have no
 * names. */
#define BOUND_UIDLIST		(1024u * 1024 * 1024)
#define BOUND_KEYWORDLIST	(64u * 1024)

/* MIME: beyond any of these the rest is shown as one
 * application/octet-stream leaf; nothing is refused. */
#define BOUND_MIME_DEPTH	100u
#define BOUND_MIME_PARTS	10000u
#define BOUND_MIME_PARAMS	100u
#define BOUND_MIME_HEADER	(16u * 1024 * 1024)
#define BOUND_ADDRESSES		10000u

/* A message up to this is read whole, and its size is told after that. */
#define BOUND_WHOLE		(4u * 1024 * 1024)

/* Memory for the structure of one message, octets: headers, parts and
 * parameters within the limits above fit; beyond: as beyond those. */
#define BOUND_MIME_ARENA	(64u * 1024 * 1024)

/* SEARCH: keys that need a message's text, in one command; beyond: NO. */
#define BOUND_SEARCH_TEXTS	500u

/* FETCH: data items in one command; beyond: BAD. */
#define BOUND_FETCH_ITEMS	200u

/* Levels of directories that LIST enters; what is deeper isn't shown. */
#define BOUND_LIST_DEPTH	100u

/* Mailboxes Recovered-DATE of one second; beyond: the mailbox of which one more
 * piece is to be rescued is not opened until a second later. */
#define BOUND_RECOVERED		100u

/* ~/.mailboxlist, octets; beyond: it counts as empty and isn't changed. */
#define BOUND_MAILBOXLIST	(4u * 1024 * 1024)

#endif
