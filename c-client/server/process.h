/* SPDX-License-Identifier: Apache-2.0 */
/* What a process inherits from whoever started it, put in order. */
#ifndef SERVER_PROCESS_H
#define SERVER_PROCESS_H

/* What descriptor 0 is (architecture, decision 5). */
enum process_input {
	PROCESS_CLIENT,		/* a connected internet stream socket */
	PROCESS_LISTENER,	/* a listening socket */
	PROCESS_DATAGRAM,	/* another internet socket */
	PROCESS_LOCAL		/* pipe, terminal, Unix socket, file */
};

/*
 * Default signals (SIGPIPE ignored), nothing blocked, no alarm, descriptors 0
 * to 2 open and all others closed, no core files, not dumpable, umask 077.
 * Returns 0, or -1 with errno.
 */
int process_prepare(void);

/* Default signals only, for a child of ours. */
void process_reset_signals(void);

enum process_input process_input(void);

/* Descriptors 1 and 2 to /dev/null, if they are internet sockets: what is
 * written there would reach the client. */
void process_silence(void);

#endif
