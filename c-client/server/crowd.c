/* SPDX-License-Identifier: Apache-2.0 */
/* The connections of a process that accepts them. */
#include "c-client/server/crowd.h"

#include <string.h>
#include <unistd.h>

#include "c-client/base/memory.h"

#include "c-client/base/banned.h"

/* The prefix of IPv6 that counts as one place, octets. */
#define PREFIX		8
#define MAPPED		12

struct crowd_member *
crowd_add(struct crowd *c, const struct errand *e, const struct netaddr *peer)
{
	struct crowd_member *m;

	if (c->n == c->room) {
		c->room = c->room == 0 ? 64 : c->room * 2;
		c->of = memory_grow_array(c->of, c->room, sizeof *c->of);
	}
	m = &c->of[c->n++];
	*m = (struct crowd_member){ .errand = *e, .peer = *peer,
	    .state = CROWD_WAITING };
	m->errand.id = ++c->last_id;
	c->open++;
	if (e->kind == ERRAND_SERVE)
		c->sessions++;
	return m;
}

struct crowd_member *
crowd_find(const struct crowd *c, uint32_t id)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->of[i].errand.id == id)
			return &c->of[i];
	return NULL;
}

/* What of an address counts, and how many octets that is. */
static size_t
place_of(const struct netaddr *a, const unsigned char **octets)
{
	const struct in6_addr *six = &a->u.v6.sin6_addr;

	if (a->u.any.sa_family != AF_INET6) {
		*octets = (const unsigned char *)&a->u.v4.sin_addr;
		return sizeof a->u.v4.sin_addr;
	}
	if (IN6_IS_ADDR_V4MAPPED(six)) {
		*octets = six->s6_addr + MAPPED;
		return sizeof six->s6_addr - MAPPED;
	}
	*octets = six->s6_addr;
	return PREFIX;
}

size_t
crowd_from(const struct crowd *c, const struct netaddr *peer)
{
	const unsigned char *here, *there;
	size_t n = place_of(peer, &here), found = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->of[i].errand.kind == ERRAND_SERVE &&
		    place_of(&c->of[i].peer, &there) == n &&
		    memcmp(here, there, n) == 0)
			found++;
	return found;
}

static void
close_all(const struct errand *e)
{
	const int fds[] = { e->client, e->monitor, e->session };

	for (size_t i = 0; i < 3; i++)
		if (fds[i] != -1)
			close(fds[i]);
}

/* The errand was run or given up. */
static void
settle(struct crowd *c, struct crowd_member *m)
{
	close_all(&m->errand);
	m->errand.client = m->errand.monitor = m->errand.session = -1;
	m->state = CROWD_TAKEN;
	c->open--;
}

static void
remove_if_over(struct crowd *c, struct crowd_member *m)
{
	if (m->state != CROWD_TAKEN || m->monitor != 0 || m->front != 0)
		return;
	if (m->errand.kind == ERRAND_SERVE)
		c->sessions--;
	*m = c->of[--c->n];
}

void
crowd_sent(struct crowd_member *m, unsigned nursery, int64_t now)
{
	m->state = CROWD_SENT;
	m->nursery = nursery;
	m->tries++;
	m->since = now;
}

void
crowd_taken(struct crowd *c, struct crowd_member *m, pid_t front)
{
	if (m->state == CROWD_TAKEN)
		return;
	settle(c, m);
	m->front = front;
}

void
crowd_drop(struct crowd *c, struct crowd_member *m)
{
	if (m->state == CROWD_TAKEN)
		return;
	settle(c, m);
	remove_if_over(c, m);
}

void
crowd_requeue(struct crowd *c, unsigned nursery)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->of[i].state == CROWD_SENT &&
		    c->of[i].nursery == nursery)
			c->of[i].state = CROWD_WAITING;
}

struct crowd_member *
crowd_of(const struct crowd *c, pid_t pid)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->of[i].monitor == pid || c->of[i].front == pid)
			return &c->of[i];
	return NULL;
}

void
crowd_ended(struct crowd *c, struct crowd_member *m, pid_t pid)
{
	if (m->monitor == pid)
		m->monitor = 0;
	if (m->front == pid)
		m->front = 0;
	remove_if_over(c, m);
}

void
crowd_shed(const struct crowd *c)
{
	for (size_t i = 0; i < c->n; i++)
		close_all(&c->of[i].errand);
}
