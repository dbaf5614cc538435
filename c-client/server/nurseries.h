/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nurseries of a process that accepts connections: the one that serves,
 * one that is to take its place when it has loaded its certificates, and those
 * that have been replaced and are leaving.
 */
#ifndef SERVER_NURSERIES_H
#define SERVER_NURSERIES_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "c-client/server/certificates.h"
#include "c-client/server/crowd.h"

struct tls_watch;

/* Of all kinds, at a time. */
#define NURSERIES	8

struct nursery_place {
	pid_t pid;		/* 0: reaped */
	int fd;			/* -1: it, and each front of its, has closed */
	unsigned number;
	bool used;
	bool tls;		/* these two by its report */
	struct tls_files files;
	int64_t since;		/* started, clock_msecs() */
};

struct nurseries {
	const struct service *service;
	const struct config *config;
	struct crowd *crowd;
	void (*shed)(void *);	/* in a child: close what is not its own */
	void *arg;
	struct certificates files;
	struct tls_watch *watch;
	struct nursery_place of[NURSERIES];
	struct nursery_place *current, *next;	/* or NULL */
	unsigned last_number;
	int64_t due;		/* when the current one is to be replaced */
	int64_t start_breath;	/* none is started before this, and */
	int64_t send_breath;	/* nothing sent: processes were short */
	bool renew;		/* it is to be replaced now */
};

/* Start the first one.  Members of the structure are set: service, config,
 * crowd, shed, arg. */
void nurseries_open(struct nurseries *);

/* A connection was accepted: have certificates changed? */
void nurseries_look(struct nurseries *);

/* Read what the nurseries report, without waiting. */
void nurseries_hear(struct nurseries *);

/* Start one where that is due, give up one that takes too long, and send
 * members of the crowd that are waiting. */
void nurseries_tend(struct nurseries *);

/* When nurseries_tend() is to be called if nothing else happens: clock_msecs()
 * of it. */
int64_t nurseries_due(const struct nurseries *);

/* Descriptors to poll for input; returns how many, at most NURSERIES. */
size_t nurseries_poll(const struct nurseries *, struct pollfd *);

/* Was it one of them that has ended so? */
bool nurseries_ended(struct nurseries *, pid_t, int status);

/* A child has ended that nobody has heard of: a front that was killed before it
 * had its client. */
void nurseries_front_lost(struct nurseries *);

/* Close all descriptors: in a child, or at the end, by which they end. */
void nurseries_shed(const struct nurseries *);

#endif
