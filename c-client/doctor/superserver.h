/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The super-servers of this machine: which of them run, by what files, and
 * what these have them start.
 */
#ifndef DOCTOR_SUPERSERVER_H
#define DOCTOR_SUPERSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "c-client/doctor/entry.h"

/* Names of files on a command line; more are left out. */
#define SUPERSERVER_FILES	8

/* One of each kind. */
struct superserver {
	enum entry_kind kind;
	const char *name;	/* for people: "inetd" */
	pid_t pid;		/* 0: none runs that can be seen */
	bool gnu;		/* it is inetutils-inetd */
	bool installed;
	uint32_t limit;		/* starts a minute of what says no limit */
	const char *files[SUPERSERVER_FILES];
	size_t files_n;
};

struct superservers {
	struct superserver of[3];	/* by enum entry_kind */
	struct entries entries;
	/* Files that are there and can't be read; more are left out. */
	const char *unread[SUPERSERVER_FILES];
	size_t unread_n;
};

/*
 * Look at processes and files.  Strings live as long as the arena.  Nothing is
 * asked of the network, and no file or number of files is too big.
 */
void superserver_read(struct superservers *, struct arena *);

/* The port that an entry is for; 0 if its name is in no list of services. */
uint16_t superserver_port(const struct entry *);

/*
 * Is it an entry that starts this program, by the name of the file or, for
 * tcpd(8), of what it starts?
 */
bool superserver_starts(const struct entry *, const char *program);

/* tcpd(8) starts what argv[0] names. */
bool superserver_is_wrapped(const struct entry *);

#endif
