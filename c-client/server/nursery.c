/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nursery.  What is before sandbox_enter() may run as root, and no octet
 * of a client comes here: only descriptors do.
 */
#include "c-client/server/nursery.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/server/certificates.h"
#include "c-client/server/connection.h"
#include "c-client/server/errand.h"
#include "c-client/server/front.h"
#include "c-client/server/sandbox.h"
#include "c-client/server/service.h"
#include "ssl/tls_set.h"

#include "c-client/base/banned.h"

/* Where the pair to the parent is, behind the walls. */
#define CONTROL_FD	3

struct nursery {
	const struct service *service;
	const struct config *config;
	struct tls_set *set;	/* NULL: no TLS */
};

/* Behind the walls there is no log, and nothing to say that a report does
 * not. */
static void
no_log(void *arg, int level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

static void
load(struct nursery *n, struct report *ready)
{
	struct certificates files;
	struct fault why;

	certificates_find(&files, n->service, n->config);
	files.options.files = &ready->files;
	n->set = tls_set_load(&files.options, &why);
	ready->tls = tls_set_serves_all(n->set);
	/* Who speaks plain passwords on purpose and has no certificate at
	 * all isn't nagged. */
	if (!ready->tls)
		log_line(n->config->plaintext == CONFIG_PLAINTEXT_ALWAYS &&
		    why.code == FAULT_NOTFOUND ? LOG_DEBUG : LOG_ERR, "%s",
		    why.text);
}

/* Descriptors: 0 to 2 are /dev/null, 3 is the parent.  A sanitizer keeps its
 * standard error. */
static int
arrange_descriptors(int null, int control)
{
	closelog();
	if (dup2(null, STDIN_FILENO) == -1 || dup2(null, STDOUT_FILENO) == -1)
		return -1;
#ifndef SANITIZED
	if (dup2(null, STDERR_FILENO) == -1)
		return -1;
#endif
	if (control != CONTROL_FD && dup2(control, CONTROL_FD) == -1)
		return -1;
	return close_range(CONTROL_FD + 1, ~0u, 0);
}

/* As ps(1) and top(1) show it. */
static void
call_it(const char *program, const char *what)
{
	char name[16];

	snprintf(name, sizeof name, "%s%s", program, what);
	prctl(PR_SET_NAME, name, 0, 0, 0);
}

static void be_front(const struct nursery *, const struct errand *)
    __attribute__((noreturn));

static void
be_front(const struct nursery *n, const struct errand *e)
{
	static struct connection c;
	struct report taken = { .kind = REPORT_TAKEN, .id = e->id,
	    .pid = getpid() };

	call_it(n->service->program, "");
	/* The parent keeps what it sent until it hears this. */
	if (report_send(CONTROL_FD, &taken) == -1)
		_exit(1);
	c = (struct connection){ .service = n->service, .config = n->config,
	    .tls = e->tls, .refused = e->refused,
	    .crowded = e->kind == ERRAND_TURN_AWAY, .client_fd = e->client,
	    .monitor_fd = e->monitor, .session_fd = e->session };
	snprintf(c.host, sizeof c.host, "%s", e->host);
	snprintf(c.local, sizeof c.local, "%s", e->local);
	snprintf(c.client, sizeof c.client, "[%s]", e->host);
	front_born(&c, tls_set_find(n->set, e->local));
}

static void
run_errand(const struct nursery *n, const struct errand *e)
{
	const int fds[] = { e->client, e->monitor, e->session };
	/* fork(3), but for whose child it is. */
	long pid = syscall(SYS_clone, NURSERY_CLONE, NULL, NULL, NULL, NULL);

	if (pid == 0)
		be_front(n, e);
	if (pid == -1)
		report_send(CONTROL_FD, &(struct report){ .kind =
		    REPORT_FAILED, .id = e->id, .error = errno });
	for (size_t i = 0; i < 3; i++)
		if (fds[i] != -1)
			close(fds[i]);
}

void
nursery_run(const struct service *service, const struct config *config,
    int control)
{
	struct nursery n = { .service = service, .config = config };
	struct report ready = { .kind = REPORT_READY };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct errand e;
	struct fault why;

	call_it(service->program, "-nursery");
	load(&n, &ready);
	if (sandbox_enter(SANDBOX_NURSERY, config->front_user, &why) == -1) {
		log_line(LOG_ERR, "front: %s", why.text);
		_exit(1);
	}
	log_to_sink(no_log, NULL);
	if (arrange_descriptors(null, control) == -1)
		_exit(1);
	if (report_send(CONTROL_FD, &ready) == -1)
		_exit(1);
	while (errand_receive(CONTROL_FD, &e) == 1)
		run_errand(&n, &e);
	_exit(0);
}
