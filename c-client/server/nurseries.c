/* SPDX-License-Identifier: Apache-2.0 */
/* Nurseries as their parent sees them. */
#include "c-client/server/nurseries.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "c-client/base/bounds.h"
#include "c-client/base/clock.h"
#include "c-client/base/log.h"
#include "c-client/server/errand.h"
#include "c-client/server/nursery.h"
#include "c-client/server/process.h"
#include "ssl/tls_watch.h"

#include "c-client/base/banned.h"

/* So old a nursery is replaced by one that reads everything anew: it makes the
 * next ticket key when that is due, and warns of what will expire. */
#define LIFE_SECS	3600

/* So long an errand may be on its way. */
#define LOST_MSECS	60000

/* A system that could not make a process is asked again after this. */
#define BREATH_MSECS	1000

static struct nursery_place *
free_place(struct nurseries *n)
{
	for (size_t i = 0; i < NURSERIES; i++)
		if (!n->of[i].used)
			return &n->of[i];
	return NULL;
}

/* Nothing is left of it. */
static void
free_if_over(struct nursery_place *p)
{
	if (p->pid == 0 && p->fd == -1)
		p->used = false;
}

static void be_nursery(struct nurseries *, int control)
    __attribute__((noreturn));

static void
be_nursery(struct nurseries *n, int control)
{
	process_reset_signals();
	/* So it is for the fronts that it makes. */
	process_end_last();
	n->shed(n->arg);
	nursery_run(n->service, n->config, control);
}

static bool
not_started(struct nurseries *n)
{
	log_line(LOG_ERR, "no process for the certificates: %s",
	    strerror(errno));
	n->start_breath = clock_msecs() + BREATH_MSECS;
	return false;
}

static bool
start(struct nurseries *n)
{
	struct nursery_place *p = free_place(n);
	int pair[2];

	errno = EAGAIN;
	if (p == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    pair) == -1)
		return not_started(n);
	*p = (struct nursery_place){ .used = true, .fd = pair[0],
	    .number = ++n->last_number, .since = clock_msecs() };
	if ((p->pid = fork()) == 0)
		be_nursery(n, pair[1]);
	close(pair[1]);
	if (p->pid == -1) {
		close(p->fd);
		p->used = false;
		return not_started(n);
	}
	n->due = clock_msecs() + (int64_t)LIFE_SECS * 1000;
	n->next = p;
	n->renew = false;
	return true;
}

/* It still makes the fronts that it was asked for. */
static void
retire(struct nurseries *n, struct nursery_place *p)
{
	if (p == NULL)
		return;
	shutdown(p->fd, SHUT_WR);
	if (n->current == p)
		n->current = NULL;
	if (n->next == p)
		n->next = NULL;
}

static bool
has(const struct tls_files *f, uint64_t file)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (f->of[i] == file)
			return true;
	return false;
}

/* Is something broken that works now? */
static bool
is_worse(const struct nursery_place *p, const struct nursery_place *than)
{
	if (than->tls && !p->tls)
		return true;
	for (uint32_t i = 0; i < p->files.n; i++)
		if ((p->files.of[i] & TLS_FILE_USED) == 0 &&
		    has(&than->files, p->files.of[i] | TLS_FILE_USED))
			return true;
	return false;
}

static void
take_ready(struct nurseries *n, struct nursery_place *p,
    const struct report *r)
{
	if (p != n->next)
		return;
	p->tls = r->tls;
	p->files = r->files;
	if (n->current != NULL && is_worse(p, n->current)) {
		log_line(LOG_WARNING, "certificates: what was loaded before "
		    "stays in use until that is mended");
		retire(n, p);
		return;
	}
	retire(n, n->current);
	n->current = p;
	n->next = NULL;
}

static void
take_report(struct nurseries *n, struct nursery_place *p,
    const struct report *r)
{
	struct crowd_member *m;

	if (r->kind == REPORT_READY) {
		take_ready(n, p, r);
		return;
	}
	m = crowd_find(n->crowd, r->id);
	if (m == NULL || m->state != CROWD_SENT || m->nursery != p->number)
		return;
	if (r->kind == REPORT_TAKEN) {
		crowd_taken(n->crowd, m, r->pid);
		return;
	}
	n->send_breath = clock_msecs() + BREATH_MSECS;
	if (m->tries < BOUND_ERRAND_TRIES) {
		m->state = CROWD_WAITING;
		return;
	}
	log_line(LOG_ERR, "no process for a client: %s", strerror(r->error));
	crowd_drop(n->crowd, m);
}

/* A nursery could not be: the log says why.  Those who wait for it have it
 * tried again, but not for ever. */
static void
drop_tried(struct nurseries *n)
{
	for (size_t i = n->crowd->n; i-- > 0;) {
		struct crowd_member *m = &n->crowd->of[i];

		if (m->state == CROWD_WAITING &&
		    ++m->tries >= BOUND_ERRAND_TRIES)
			crowd_drop(n->crowd, m);
	}
}

/* Nobody can report any more, so what was not taken never will be. */
static void
hear_end(struct nurseries *n, struct nursery_place *p)
{
	close(p->fd);
	p->fd = -1;
	crowd_requeue(n->crowd, p->number);
	if (n->current == p)
		n->current = NULL;
	if (n->next == p) {
		n->next = NULL;
		if (n->current == NULL)
			drop_tried(n);
	}
	free_if_over(p);
}

void
nurseries_hear(struct nurseries *n)
{
	for (size_t i = 0; i < NURSERIES; i++) {
		struct nursery_place *p = &n->of[i];
		struct report r;
		int rc = 0;

		if (!p->used || p->fd == -1)
			continue;
		while ((rc = report_receive(p->fd, &r)) == 1)
			take_report(n, p, &r);
		if (rc == 0 || errno != EAGAIN)
			hear_end(n, p);
	}
}

void
nurseries_open(struct nurseries *n)
{
	certificates_find(&n->files, n->service, n->config);
	n->watch = tls_watch_new(&n->files.options);
	start(n);
}

void
nurseries_look(struct nurseries *n)
{
	if (tls_watch_changed(n->watch))
		n->renew = true;
}

/* A front that was killed before it said a word will not take it. */
static void
drop_lost(struct nurseries *n, int64_t now)
{
	for (size_t i = n->crowd->n; i-- > 0;)
		if (n->crowd->of[i].state == CROWD_SENT &&
		    now - n->crowd->of[i].since > LOST_MSECS)
			crowd_drop(n->crowd, &n->crowd->of[i]);
}

/* Whoever came first: else those who come after would be served, and he be
 * given up, by nurseries that end early. */
static struct crowd_member *
first_waiting(const struct crowd *c)
{
	struct crowd_member *first = NULL;

	for (size_t i = 0; i < c->n; i++)
		if (c->of[i].state == CROWD_WAITING && (first == NULL ||
		    (int32_t)(c->of[i].errand.id - first->errand.id) < 0))
			first = &c->of[i];
	return first;
}

static void
send_waiting(struct nurseries *n)
{
	struct crowd_member *m;

	while ((m = first_waiting(n->crowd)) != NULL) {
		if (m->tries >= BOUND_ERRAND_TRIES) {
			log_line(LOG_ERR, "no process for a client: the "
			    "nursery ended %u times, host=[%s]",
			    BOUND_ERRAND_TRIES, m->errand.host);
			crowd_drop(n->crowd, m);
			continue;
		}
		/* It will be heard of if the nursery has ended. */
		if (errand_send(n->current->fd, &m->errand) == -1)
			return;
		crowd_sent(m, n->current->number, clock_msecs());
	}
}

void
nurseries_tend(struct nurseries *n)
{
	int64_t now = clock_msecs();
	bool alone = n->current == NULL && n->next == NULL;

	drop_lost(n, now);
	if (n->next != NULL) {
		/* One that was reaped and not heard yet has no number. */
		if (n->next->pid != 0 && now - n->next->since >
		    (int64_t)BOUND_NURSERY_SECS * 1000)
			kill(n->next->pid, SIGKILL);
	} else if (now >= n->start_breath && (n->renew || now >= n->due ||
	    (alone && n->crowd->open > 0)) && !start(n) && alone)
		drop_tried(n);
	/* Whoever comes after a change gets the new certificate. */
	if (n->next == NULL && n->current != NULL && now >= n->send_breath)
		send_waiting(n);
}

int64_t
nurseries_due(const struct nurseries *n)
{
	int64_t start = n->renew ? 0 : n->due;

	/* It is not often that one waits for long. */
	if (n->crowd->open > 0 || n->next != NULL)
		return clock_msecs() + 1000;
	return start < n->start_breath ? n->start_breath : start;
}

size_t
nurseries_poll(const struct nurseries *n, struct pollfd *fds)
{
	size_t count = 0;

	for (size_t i = 0; i < NURSERIES; i++)
		if (n->of[i].used && n->of[i].fd != -1)
			fds[count++] = (struct pollfd){ .fd = n->of[i].fd,
			    .events = POLLIN };
	return count;
}

bool
nurseries_ended(struct nurseries *n, pid_t pid, int status)
{
	for (size_t i = 0; i < NURSERIES; i++) {
		struct nursery_place *p = &n->of[i];

		if (!p->used || p->pid != pid)
			continue;
		p->pid = 0;
		/* Its last fronts may have to be heard, but it makes none. */
		if (n->current == p)
			n->current = NULL;
		if (WIFSIGNALED(status))
			log_line(LOG_CRIT, "the nursery was ended by signal "
			    "%d (%s)", WTERMSIG(status),
			    WTERMSIG(status) == SIGSYS ? "a forbidden system "
			    "call" : WTERMSIG(status) == SIGKILL ?
			    "from outside, or it took too long" : "a crash");
		free_if_over(p);
		return true;
	}
	return false;
}

/* Whose it was nobody can say.  By the end of its nursery, and of all fronts
 * that may still speak up, it is known what was not taken. */
void
nurseries_front_lost(struct nurseries *n)
{
	if (n->current == NULL || n->next != NULL)
		return;
	for (size_t i = 0; i < n->crowd->n; i++)
		if (n->crowd->of[i].state == CROWD_SENT &&
		    n->crowd->of[i].nursery == n->current->number)
			n->renew = true;
}

void
nurseries_shed(const struct nurseries *n)
{
	for (size_t i = 0; i < NURSERIES; i++)
		if (n->of[i].used && n->of[i].fd != -1)
			close(n->of[i].fd);
}
