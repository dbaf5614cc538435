/* SPDX-License-Identifier: Apache-2.0 */
/* What a process inherits from whoever started it, put in order. */
#ifndef SERVER_PROCESS_H
#define SERVER_PROCESS_H

#include <stddef.h>

/* What descriptor 0 is (architecture, decision 5). */
enum process_input {
	PROCESS_CLIENT,		/* a connected internet stream socket */
	PROCESS_LISTENER,	/* a listening socket, or systemd gave some */
	PROCESS_DATAGRAM,	/* another internet socket */
	PROCESS_LOCAL		/* pipe, terminal, Unix socket, file */
};

/* systemd's sockets are there from this descriptor on (sd_listen_fds(3)). */
#define PROCESS_FIRST_FD	3

/*
 * Default signals (SIGPIPE ignored), nothing blocked, no alarm, descriptors 0
 * to 2 open and all others closed but for those that systemd gave, no core
 * files, not dumpable, umask 077.  A connection that systemd gave becomes
 * descriptor 0; *listeners says how many listening sockets it gave.  Returns
 * 0, or -1 with errno.
 */
int process_prepare(size_t *listeners);

/* Default signals only, for a child of ours. */
void process_reset_signals(void);

/* For who ends when another process of ours does, and passes its last words on:
 * whoever asks all processes to end (systemd, init) does not ask this one. */
void process_end_last(void);

/* `listeners` as it was told above.  What is not an internet stream socket
 * among them makes it PROCESS_DATAGRAM. */
enum process_input process_input(size_t listeners);

/* Descriptors 1 and 2 to /dev/null, if they are internet sockets: what is
 * written there would reach the client. */
void process_silence(void);

#endif
