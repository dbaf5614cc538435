/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Being started: finds out from descriptor 0, the user id and the arguments
 * how this process is to serve (architecture, decision 5), and does.
 */
#ifndef SERVER_START_H
#define SERVER_START_H

struct service;

/* main() of a server in one call.  Returns the exit status. */
int start_main(const struct service *, int argc, char **argv);

#endif
