/* SPDX-License-Identifier: Apache-2.0 */
/* Accept, fork, count, leave. */
#include "c-client/server/acceptor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "c-client/auth/auth.h"
#include "c-client/base/bounds.h"
#include "c-client/base/clock.h"
#include "c-client/base/config.h"
#include "c-client/base/log.h"
#include "c-client/server/connection.h"
#include "c-client/server/crowd.h"
#include "c-client/server/listen.h"
#include "c-client/server/nurseries.h"
#include "c-client/server/process.h"
#include "c-client/server/service.h"

#include "c-client/base/banned.h"

/* Clients who were turned away are logged so often at most. */
#define COMPLAINT_MSECS	60000

/* Open at a time: what waits for its front, and room. */
#define FILES_WANTED	(16 * BOUND_ERRANDS)

/* How long nothing is accepted by a system that is short of descriptors. */
#define BREATH_MSECS	100

/* Why somebody is turned away: the key that says how many may be here. */
enum limit { LIMIT_ALL, LIMIT_ADDRESS, LIMITS };

struct acceptor {
	const struct service *service;
	const struct config *config;
	struct listen *sockets;
	struct crowd crowd;
	struct nurseries nurseries;
	bool refused;		/* nobody can log in */
	bool leaves;
	bool outdated;		/* the program's file has been replaced */
	int64_t idle_since;	/* clock_msecs() of the last that happened */
	int64_t breath;		/* nothing is accepted before this */
	struct {
		int64_t next;	/* when the next line may be written */
		unsigned count;	/* turned away since the last one */
	} complaints[LIMITS];
	bool is_child;		/* a connection's process, which is done */
	int status;		/* its exit status */
};

static volatile sig_atomic_t asked_to_end, asked_to_renew, child_ended;

static void
on_signal(int number)
{
	if (number == SIGCHLD)
		child_ended = 1;
	else if (number == SIGHUP)
		asked_to_renew = 1;
	else
		asked_to_end = 1;
}

/* The signals are only let in while we sleep, so that none is missed. */
static void
block_signals(sigset_t *while_waiting)
{
	static const int numbers[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t set;

	sigemptyset(&sa.sa_mask);
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		sigaddset(&set, numbers[i]);
		sigaction(numbers[i], &sa, NULL);
	}
	sigprocmask(SIG_BLOCK, &set, while_waiting);
}

/* In a child: close what is not its own. */
static void
shed(void *arg)
{
	struct acceptor *a = arg;

	listen_close(a->sockets);
	nurseries_shed(&a->nurseries);
	crowd_shed(&a->crowd);
}

static void
log_end(const struct crowd_member *m, pid_t pid, int status)
{
	int number = WTERMSIG(status);

	if (!WIFSIGNALED(status) || number == SIGTERM)
		return;
	if (pid == m->front && number != SIGKILL)
		log_line(LOG_CRIT, "the front was ended by signal %d (%s) "
		    "host=[%s]", number, number == SIGSYS ?
		    "a forbidden system call" : "a crash", m->errand.host);
	else if (pid == m->monitor)
		log_line(LOG_CRIT, "process %ld of a connection was ended by "
		    "signal %d", (long)pid, number);
}

static void
reap(struct acceptor *a)
{
	struct crowd_member *m;
	int status;
	pid_t pid;

	child_ended = 0;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (nurseries_ended(&a->nurseries, pid, status))
			continue;
		/* A front may be over before it was heard of. */
		if ((m = crowd_of(&a->crowd, pid)) == NULL) {
			nurseries_hear(&a->nurseries);
			m = crowd_of(&a->crowd, pid);
		}
		if (m == NULL) {
			nurseries_front_lost(&a->nurseries);
			continue;
		}
		log_end(m, pid, status);
		crowd_ended(&a->crowd, m, pid);
		a->idle_since = clock_msecs();
	}
}

/* One line a minute, whoever knocks how often. */
static void
complain(struct acceptor *a, enum limit limit, const char *host)
{
	int64_t now = clock_msecs();

	a->complaints[limit].count++;
	if (now < a->complaints[limit].next)
		return;
	if (limit == LIMIT_ALL)
		log_line(LOG_WARNING, "%zu connections are open, and "
		    "max_sessions is %u: %u turned away, host=[%s]",
		    a->crowd.sessions, a->config->max_sessions,
		    a->complaints[limit].count, host);
	else
		log_line(LOG_WARNING, "max_per_address is %u, and as many "
		    "connections are open: %u turned away, host=[%s]",
		    a->config->max_per_address, a->complaints[limit].count,
		    host);
	a->complaints[limit].count = 0;
	a->complaints[limit].next = now + COMPLAINT_MSECS;
}

/*
 * Tell a client that there is no room.  In clear that is a line in his socket,
 * which takes no time; over TLS it is a front's work, and some may have one.
 */
static void
turn_away(struct acceptor *a, struct errand *e, const struct netaddr *peer)
{
	if (e->tls && a->crowd.n - a->crowd.sessions < BOUND_FAREWELLS) {
		e->kind = ERRAND_TURN_AWAY;
		crowd_add(&a->crowd, e, peer);
		return;
	}
	if (!e->tls)
		send(e->client, a->service->crowded,
		    strlen(a->service->crowded), MSG_NOSIGNAL | MSG_DONTWAIT);
	close(e->client);
}

/* In the child: the monitor, as inetd's mode nowait would have it but for the
 * front, which the nursery makes. */
static int
be_monitor(struct acceptor *a, const struct errand *e, uint16_t port,
    int messages, int bytes)
{
	static struct connection c;

	process_reset_signals();
	c = (struct connection){ .service = a->service, .config = a->config,
	    .tls = e->tls, .refused = e->refused, .monitor_fd = messages,
	    .session_fd = bytes };
	memcpy(c.host, e->host, sizeof c.host);
	memcpy(c.local, e->local, sizeof c.local);
	shed(a);
	if (dup2(e->client, STDIN_FILENO) == -1)
		return 1;
	close(e->client);
	close(e->monitor);
	close(e->session);
	return connection_monitor(&c, port);
}

static void
no_process(const struct errand *e)
{
	log_line(LOG_ERR, "no process for a client: %s", strerror(errno));
	close(e->client);
}

/* The monitor now; the front when a nursery has time. */
static void
serve(struct acceptor *a, struct errand *e, const struct netaddr *peer,
    uint16_t port)
{
	int messages[2], bytes[2];
	pid_t pid;

	if (connection_pairs(messages, bytes) == -1) {
		no_process(e);
		return;
	}
	e->monitor = messages[1];
	e->session = bytes[1];
	if ((pid = fork()) == 0) {
		a->is_child = true;
		a->status = be_monitor(a, e, port, messages[0], bytes[0]);
		return;
	}
	close(messages[0]);
	close(bytes[0]);
	if (pid == -1) {
		no_process(e);
		close(e->monitor);
		close(e->session);
		return;
	}
	crowd_add(&a->crowd, e, peer)->monitor = pid;
}

static void
take_client(struct acceptor *a, size_t i, int fd, const struct netaddr *peer)
{
	struct errand e = { .kind = ERRAND_SERVE, .client = fd, .monitor = -1,
	    .session = -1, .tls = a->sockets->of[i].tls,
	    .refused = a->refused };
	struct netaddr local;

	netaddr_local(fd, &local);
	netaddr_text(peer, e.host);
	netaddr_text(&local, e.local);
	if (a->crowd.sessions >= a->config->max_sessions) {
		complain(a, LIMIT_ALL, e.host);
		turn_away(a, &e, peer);
	} else if (a->config->max_per_address != 0 &&
	    crowd_from(&a->crowd, peer) >= a->config->max_per_address) {
		complain(a, LIMIT_ADDRESS, e.host);
		turn_away(a, &e, peer);
	} else
		serve(a, &e, peer, a->sockets->of[i].port);
}

/* One connection of that socket, if there is one. */
static bool
accept_one(struct acceptor *a, size_t i)
{
	struct netaddr peer = { .n = sizeof peer.u };
	int fd = accept4(a->sockets->of[i].fd, &peer.u.any, &peer.n,
	    SOCK_CLOEXEC);

	if (fd == -1) {
		/* What is short will not be there at once. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM)
			a->breath = clock_msecs() + BREATH_MSECS;
		return false;
	}
	a->idle_since = clock_msecs();
	nurseries_look(&a->nurseries);
	take_client(a, i, fd, &peer);
	return true;
}

/* The file that we were started from has no name any more: a newer one, or
 * none, has its place. */
static bool
is_replaced(void)
{
	struct stat st;

	return stat("/proc/self/exe", &st) == 0 && st.st_nlink == 0;
}

static bool
accept_all(struct acceptor *a)
{
	bool any = false;

	if (a->leaves && !a->outdated && is_replaced()) {
		log_line(LOG_INFO, "the program was replaced: leaving, and %zu "
		    "sessions go on", a->crowd.sessions);
		a->outdated = true;
	}
	for (size_t i = 0; i < a->sockets->n && !a->is_child && !a->outdated;
	    i++)
		if (a->crowd.open < BOUND_ERRANDS)
			any |= accept_one(a, i);
	return any;
}

static int64_t
idle_end(const struct acceptor *a)
{
	return a->idle_since + (int64_t)a->config->idle_exit * 1000;
}

/* Sleep until something happens. */
static void
wait_for_events(struct acceptor *a, const sigset_t *open_mask)
{
	struct pollfd fds[NURSERIES + BOUND_LISTENERS];
	size_t n = nurseries_poll(&a->nurseries, fds);
	int64_t now = clock_msecs(), end = nurseries_due(&a->nurseries);
	struct timespec left = { 0, 0 };

	if (a->breath > now)
		end = a->breath < end ? a->breath : end;
	else if (a->crowd.open < BOUND_ERRANDS && !a->outdated)
		for (size_t i = 0; i < a->sockets->n; i++)
			fds[n++] = (struct pollfd){ .fd = a->sockets->of[i].fd,
			    .events = POLLIN };
	if (a->leaves && a->crowd.n == 0 && idle_end(a) < end)
		end = idle_end(a);
	if (end > now) {
		left.tv_sec = (end - now) / 1000;
		left.tv_nsec = (end - now) % 1000 * 1000000;
	}
	ppoll(fds, n, &left, open_mask);
}

/* Nobody is here, nobody was for long, and nobody is at the door: who knocks
 * from now on is found by whoever gets the socket back.  Or it shall be a newer
 * program that opens; those who are in don't need us. */
static bool
may_leave(struct acceptor *a)
{
	if (a->outdated)
		return a->crowd.open == 0;
	return a->leaves && a->crowd.n == 0 && clock_msecs() >= idle_end(a) &&
	    !accept_all(a) && !a->is_child;
}

static void
loop(struct acceptor *a)
{
	sigset_t open_mask;

	block_signals(&open_mask);
	nurseries_open(&a->nurseries);
	while (!asked_to_end) {
		wait_for_events(a, &open_mask);
		if (asked_to_renew) {
			asked_to_renew = 0;
			a->nurseries.renew = true;
		}
		nurseries_hear(&a->nurseries);
		if (child_ended)
			reap(a);
		if (clock_msecs() >= a->breath)
			accept_all(a);
		if (a->is_child || may_leave(a) || a->is_child)
			return;
		nurseries_tend(&a->nurseries);
	}
}

/* Some descriptors for each connection, until its front has them. */
static void
raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == -1 ||
	    files.rlim_cur >= FILES_WANTED)
		return;
	files.rlim_cur = files.rlim_max < FILES_WANTED ? files.rlim_max :
	    FILES_WANTED;
	setrlimit(RLIMIT_NOFILE, &files);
}

int
acceptor_run(const struct service *service, const struct config *config,
    struct listen *sockets, bool leaves)
{
	static struct acceptor a;

	raise_limits();
	a = (struct acceptor){ .service = service, .config = config,
	    .sockets = sockets, .leaves = leaves,
	    .refused = !connection_can_ask(service, config),
	    .idle_since = clock_msecs() };
	a.nurseries = (struct nurseries){ .service = service,
	    .config = config, .crowd = &a.crowd, .shed = shed, .arg = &a };
	/* All that can be loaded is loaded once. */
	tls_wake();
	auth_prepare(config, service->pam_name);
	loop(&a);
	if (a.is_child)
		return a.status;
	for (size_t i = 0; asked_to_end && i < a.crowd.n; i++)
		if (a.crowd.of[i].monitor != 0)
			kill(a.crowd.of[i].monitor, SIGTERM);
	if (asked_to_end)
		log_line(LOG_INFO, "no longer listening; %zu sessions were "
		    "asked to end", a.crowd.sessions);
	else if (!a.outdated)
		log_line(LOG_DEBUG, "nobody for %u s: leaving",
		    config->idle_exit);
	return 0;
}
