/* SPDX-License-Identifier: Apache-2.0 */
/* systemd.socket(5) and systemd.service(5), as far as they start a program
 * for a connection. */
#ifndef DOCTOR_SYSTEMD_UNIT_H
#define DOCTOR_SYSTEMD_UNIT_H

#include <stdbool.h>
#include <stdint.h>

#include "c-client/base/span.h"

struct entries;

/* Ports and addresses that one socket names; more are left out. */
#define SYSTEMD_LISTENS	16

struct systemd_socket {
	struct span listen[SYSTEMD_LISTENS];
	unsigned line[SYSTEMD_LISTENS];
	const char *file[SYSTEMD_LISTENS];
	size_t listens;
	struct span service;		/* Service=, if it is not the usual */
	struct span family;		/* BindIPv6Only= */
	struct span wanted_by;
	bool accept;
	uint32_t together, per_source;	/* MaxConnections=, ...PerSource= */
	uint32_t burst;			/* TriggerLimitBurst= */
};

struct systemd_service {
	struct span exec;		/* ExecStart= */
	struct span input;		/* StandardInput= */
	struct span user;
	const char *file;		/* where ExecStart= stands */
	unsigned line;
};

/*
 * Add what `text` says, the contents of `file`.  Both must live as long as the
 * structure, which begins as zeros; drop-ins are added behind the unit itself.
 */
void systemd_unit_socket(struct systemd_socket *, const char *file,
    struct span text);
void systemd_unit_service(struct systemd_service *, const char *file,
    struct span text);

/*
 * The entries that a socket and its service make, one for each ListenStream=.
 * `unit` is their name without .socket; `wanted` is whether it is started at
 * boot.
 */
void systemd_unit_entries(struct entries *, const struct systemd_socket *,
    const struct systemd_service *, const char *unit, bool wanted);

#endif
