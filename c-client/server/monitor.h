/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor: the process that may ask the user data base.  It reads typed
 * messages of the front and never a byte of the network; after a yes it
 * becomes the user for good and is the session.
 */
#ifndef SERVER_MONITOR_H
#define SERVER_MONITOR_H

struct connection;

/* Serve one front until it leaves or a session has ended.  Returns the exit
 * status; with PAM sessions, in another process than was called. */
int monitor_run(struct connection *);

#endif
