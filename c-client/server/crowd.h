/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of a process that accepts them: where they are from, which
 * processes serve them, and what is kept for a front that is not there yet.
 */
#ifndef SERVER_CROWD_H
#define SERVER_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "c-client/server/errand.h"

enum crowd_state {
	CROWD_WAITING,		/* no nursery knows of it */
	CROWD_SENT,		/* one was asked for a front */
	CROWD_TAKEN		/* the front has it */
};

struct crowd_member {
	struct errand errand;	/* id; descriptors until it is taken */
	struct netaddr peer;
	enum crowd_state state;
	unsigned nursery;	/* SENT: whose number */
	unsigned tries;		/* how often it was sent */
	int64_t since;		/* SENT: clock_msecs() */
	pid_t monitor, front;	/* 0: none, or it has ended */
};

struct crowd {
	size_t n, room;
	struct crowd_member *of;
	size_t open;		/* not yet taken */
	size_t sessions;	/* all but those that are turned away */
	uint32_t last_id;
};

/*
 * A new member that is WAITING; it owns the errand's descriptors and gives it
 * an id.  The pointer is good until the next call that adds or removes.
 */
struct crowd_member *crowd_add(struct crowd *, const struct errand *,
    const struct netaddr *peer);

struct crowd_member *crowd_find(const struct crowd *, uint32_t id);

/*
 * How many sessions are from where this address is: the same one for IPv4, the
 * same /64 for IPv6, for that is what one customer has.
 */
size_t crowd_from(const struct crowd *, const struct netaddr *peer);

/* It was sent to a nursery; its front has it. */
void crowd_sent(struct crowd_member *, unsigned nursery, int64_t now);
void crowd_taken(struct crowd *, struct crowd_member *, pid_t front);

/* There will be no front: its descriptors are closed, by which the monitor
 * ends. */
void crowd_drop(struct crowd *, struct crowd_member *);

/* That nursery is gone, and so is each front that it made: what none of them
 * has taken is WAITING again. */
void crowd_requeue(struct crowd *, unsigned nursery);

/* Whose process is it?  NULL: nobody's. */
struct crowd_member *crowd_of(const struct crowd *, pid_t);

/* That process of its has ended. */
void crowd_ended(struct crowd *, struct crowd_member *, pid_t);

/* Close all descriptors, in a child that is to have none of them. */
void crowd_shed(const struct crowd *);

#endif
