/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's connection as the front holds it: a non-blocking socket, with
 * or without TLS over it.
 */
#ifndef SERVER_LINK_H
#define SERVER_LINK_H

#include <stdbool.h>
#include <sys/types.h>

struct fault;
struct tls;

struct link {
	int fd;
	struct tls *tls;	/* NULL: in clear */
};

/* What the next call is to wait for, instead of a count. */
#define LINK_WANT_READ	(-2)
#define LINK_WANT_WRITE	(-3)

/* Octets moved, 0 at the end (link_read only), LINK_WANT_*, or -1. */
ssize_t link_read(struct link *, void *, size_t, struct fault *);
ssize_t link_write(struct link *, const void *, size_t, struct fault *);

/*
 * Take what there is from the socket, and not a record's head and then its
 * rest.  From then on who waits for the socket asks link_has_more() before.
 */
void link_read_ahead(struct link *);
bool link_has_more(const struct link *);

/*
 * End it in order: what was sent arrives, then the end does.  Input that
 * still comes is thrown away for a moment, because closing on unread input
 * would reset the connection and take the last words away from the client.
 */
void link_close(struct link *);

#endif
