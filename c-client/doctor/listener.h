/* SPDX-License-Identifier: Apache-2.0 */
/* Who listens on which TCP port of this machine, as /proc tells. */
#ifndef DOCTOR_LISTENER_H
#define DOCTOR_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LISTENER_NAME	20

struct listener {
	uint16_t port;
	bool ipv6;
	bool loopback;		/* at 127.0.0.0/8 or ::1 only */
	unsigned long inode;
	pid_t pid;		/* of a process that holds it; 0: not known */
	char name[LISTENER_NAME]; /* of that process */
};

/* More sockets are left out. */
#define LISTENER_MAX	512

struct listeners {
	size_t n;
	struct listener of[LISTENER_MAX];
};

/*
 * All sockets that listen.  Who holds them only root may know, and of one's
 * own processes everybody.  False where /proc/net can't be read.
 */
bool listener_read(struct listeners *);

/* The first one on this port, or NULL. */
const struct listener *listener_on(const struct listeners *, uint16_t port);

/* Does this process hold one on this port? */
bool listener_is_held(const struct listeners *, uint16_t port, pid_t);

/* The last part of the name of a process's program, "" where that can't be
 * known. */
void listener_name(pid_t, char out[LISTENER_NAME]);

#endif
