/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong, as a value that travels up.
 *
 * The code chooses the answer on the wire (imapd/reply.c and ipopd/reply.c
 * have the tables).  The text is for the log; it may hold paths and must not
 * be sent to a client.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

enum fault_code {
	FAULT_NONE,
	FAULT_SYNTAX,		/* malformed input */
	FAULT_LIMIT,		/* over a limit of bounds.h */
	FAULT_NOTFOUND,		/* no such mailbox */
	FAULT_EXISTS,		/* such a mailbox exists already */
	FAULT_PERM,		/* permissions forbid it */
	FAULT_READONLY,		/* the mailbox can be read only */
	FAULT_INUSE,		/* a lock could not be had in time */
	FAULT_QUOTA,		/* disk full or quota */
	FAULT_IO,		/* the system failed (EIO, ENFILE, ...) */
	FAULT_CORRUPT,		/* the store is damaged */
	FAULT_CANNOT,		/* the format or this release can't do it */
	FAULT_BADNAME,		/* not a mailbox name that may be used */
	FAULT_EXPUNGED,		/* the message is gone */
	FAULT_CHANGED,		/* another program changed the file: sync */
	FAULT_CHARSET,		/* unknown character set */
	FAULT_AUTH,		/* wrong user or password */
	FAULT_UNAVAILABLE,	/* try again later */
	FAULT_CLOSED,		/* the peer went away */
	FAULT_TIMEOUT		/* nothing happened in time */
};

struct fault {
	enum fault_code code;
	char text[200];
};

/*
 * Set code and text (printf form; cut at the size of the text).  `why` may
 * be NULL.  Both return -1 always, so that `return fault_set(...)` reads well.
 * fault_errno() chooses the code from errno and adds strerror(errno).
 */
int fault_set(struct fault *why, enum fault_code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int fault_errno(struct fault *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
