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

/* MIME: beyond any of these the rest is shown as one
 * application/octet-stream leaf; nothing is refused. */
#define BOUND_MIME_DEPTH	100u
#define BOUND_MIME_PARTS	10000u
#define BOUND_MIME_PARAMS	100u
#define BOUND_MIME_HEADER	(16u * 1024 * 1024)
#define BOUND_ADDRESSES		10000u

/* A message up to this is read whole, and its size is told after that. */
#define BOUND_WHOLE		(4u * 1024 * 1024)

#endif
