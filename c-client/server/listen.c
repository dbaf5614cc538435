/* SPDX-License-Identifier: Apache-2.0 */
/* --listen: accept, fork, count. */
#include "c-client/server/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "c-client/base/bounds.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/server/arguments.h"
#include "c-client/server/connection.h"
#include "c-client/server/port.h"
#include "c-client/server/process.h"
#include "c-client/server/service.h"

#include "c-client/base/banned.h"

#define BACKLOG		128

struct listener {
	const struct service *service;
	const struct config *config;
	size_t n;
	struct pollfd fds[BOUND_LISTENERS];
	bool tls[BOUND_LISTENERS];
	size_t children;
	pid_t pids[BOUND_CHILDREN];
};

static volatile sig_atomic_t asked_to_end, child_ended;

static void
on_signal(int number)
{
	if (number == SIGCHLD)
		child_ended = 1;
	else
		asked_to_end = 1;
}

/* Address and port as they are written on the command line. */
static void
describe(const struct netaddr *a, char out[NETADDR_TEXT + 10])
{
	char text[NETADDR_TEXT];
	struct buf b;

	netaddr_text(a, text);
	buf_init(&b, NETADDR_TEXT + 9);
	buf_addf(&b, a->u.any.sa_family == AF_INET6 &&
	    strchr(text, ':') != NULL ? "[%s]:%u" : "%s:%u", text,
	    netaddr_port(a));
	memcpy(out, buf_string(&b), b.n + 1);
	buf_clear(&b);
}

/* One line: address, reason, and who has the port if that is known. */
static int
bind_fault(const struct netaddr *a, int error, struct fault *why)
{
	char text[NETADDR_TEXT + 10], holder[PORT_HOLDER] = "";

	describe(a, text);
	if (error == EADDRINUSE)
		port_holder(netaddr_port(a), holder);
	return fault_set(why, FAULT_UNAVAILABLE, "can't listen on %s: %s%s%s",
	    text, strerror(error), holder[0] == '\0' ? "" : ", held by ",
	    holder);
}

static int
open_one(const struct netaddr *a, struct fault *why)
{
	int on = 1, fd = socket(a->u.any.sa_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), saved;

	if (fd == -1)
		return bind_fault(a, errno, why);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, &a->u.any, a->n) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	return bind_fault(a, saved, why);
}

static int
open_all(struct listener *l, const struct arguments *args,
    struct fault *why)
{
	for (; l->n < args->listeners; l->n++) {
		char text[NETADDR_TEXT + 10];
		struct netaddr bound;
		int fd = open_one(&args->listen[l->n].address, why);

		if (fd == -1)
			return -1;
		netaddr_local(fd, &bound);
		l->fds[l->n] = (struct pollfd){ .fd = fd, .events = POLLIN };
		l->tls[l->n] = args->listen[l->n].tls == CONNECTION_TLS ||
		    (args->listen[l->n].tls == CONNECTION_BY_PORT &&
		    connection_is_tls_port(l->service,
		    netaddr_port(&bound)));
		describe(&bound, text);
		log_line(LOG_INFO, "listening on %s (%s)", text,
		    l->tls[l->n] ? "tls" : "plain");
	}
	return 0;
}

static void
reap(struct listener *l)
{
	int status;
	pid_t pid;

	child_ended = 0;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM)
			log_line(LOG_CRIT, "process %ld of a connection was "
			    "ended by signal %d", (long)pid,
			    WTERMSIG(status));
		for (size_t i = 0; i < l->children; i++)
			if (l->pids[i] == pid) {
				l->pids[i] = l->pids[--l->children];
				break;
			}
	}
}

/* Tell a client that there is no room; over TLS there is no way to. */
static void
turn_away(const struct listener *l, int fd, bool tls)
{
	if (!tls)
		send(fd, l->service->busy, strlen(l->service->busy),
		    MSG_NOSIGNAL | MSG_DONTWAIT);
	log_line(LOG_WARNING, "%u connections are open: a client was turned "
	    "away", BOUND_CHILDREN);
	close(fd);
}

/* The child: descriptor 0 is the client, as inetd would have it. */
static int
serve(const struct listener *l, int fd, bool tls)
{
	process_reset_signals();
	for (size_t i = 0; i < l->n; i++)
		close(l->fds[i].fd);
	if (dup2(fd, STDIN_FILENO) == -1)
		return -1;
	close(fd);
	return connection_serve(l->service, l->config,
	    tls ? CONNECTION_TLS : CONNECTION_PLAIN);
}

/* Returns true in the child, which is then done; *status is its status. */
static bool
accept_one(struct listener *l, size_t i, int *status)
{
	int fd = accept4(l->fds[i].fd, NULL, NULL, SOCK_CLOEXEC);
	pid_t pid;

	if (fd == -1)
		return false;
	if (l->children == BOUND_CHILDREN) {
		turn_away(l, fd, l->tls[i]);
		return false;
	}
	if ((pid = fork()) == 0) {
		*status = serve(l, fd, l->tls[i]);
		return true;
	}
	if (pid == -1)
		turn_away(l, fd, l->tls[i]);
	else {
		l->pids[l->children++] = pid;
		close(fd);
	}
	return false;
}

/* The signals are only let in while we sleep, so that none is missed. */
static void
block_signals(sigset_t *while_waiting)
{
	static const int numbers[] = { SIGCHLD, SIGTERM, SIGINT };
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t set;

	sigemptyset(&sa.sa_mask);
	sigemptyset(&set);
	for (size_t i = 0; i < 3; i++) {
		sigaddset(&set, numbers[i]);
		sigaction(numbers[i], &sa, NULL);
	}
	sigprocmask(SIG_BLOCK, &set, while_waiting);
}

static bool
loop(struct listener *l, int *status)
{
	sigset_t open_mask;

	block_signals(&open_mask);
	while (!asked_to_end) {
		int ready = ppoll(l->fds, l->n, NULL, &open_mask);

		if (child_ended)
			reap(l);
		for (size_t i = 0; ready > 0 && i < l->n; i++)
			if (l->fds[i].revents != 0 &&
			    accept_one(l, i, status))
				return true;
	}
	return false;
}

int
listen_run(const struct service *service, const struct config *config,
    const struct arguments *args, struct fault *why)
{
	static struct listener l;
	int status = 0;

	l = (struct listener){ .service = service, .config = config };
	if (open_all(&l, args, why) == -1)
		return -1;
	if (loop(&l, &status))
		return status;
	for (size_t i = 0; i < l.n; i++)
		close(l.fds[i].fd);
	reap(&l);
	for (size_t i = 0; i < l.children; i++)
		kill(l.pids[i], SIGTERM);
	log_line(LOG_INFO, "no longer listening; %zu sessions were asked to "
	    "end", l.children);
	return 0;
}
