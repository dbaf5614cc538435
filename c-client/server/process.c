/* SPDX-License-Identifier: Apache-2.0 */
/* What a process inherits, put in order before anything else is done. */
#include "c-client/server/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/bounds.h"
#include "c-client/base/netaddr.h"

#include "c-client/base/banned.h"

void
process_reset_signals(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;

	sigemptyset(&sa.sa_mask);
	alarm(0);
	for (int i = 1; i < NSIG; i++)
		sigaction(i, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void
process_end_last(void)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

static bool
option_is(int fd, int option, int value)
{
	int is;
	socklen_t n = sizeof is;

	return getsockopt(fd, SOL_SOCKET, option, &is, &n) == 0 &&
	    is == value;
}

static bool
is_internet(int fd)
{
	struct netaddr a;

	return netaddr_local(fd, &a) && netaddr_is_internet(&a);
}

/* A number of the environment that systemd sets; it is for this process and
 * not for those that it makes. */
static uint64_t
take_number(const char *name, uint64_t max)
{
	const char *text = getenv(name);
	uint64_t number = 0;

	if (text != NULL && !span_number(span_of(text), max, &number))
		number = 0;
	unsetenv(name);
	return number;
}

/* How many descriptors systemd gave. */
static size_t
given_descriptors(void)
{
	uint64_t pid = take_number("LISTEN_PID", INT32_MAX),
	    n = take_number("LISTEN_FDS", BOUND_LISTENERS);

	unsetenv("LISTEN_FDNAMES");
	return pid == (uint64_t)getpid() ? (size_t)n : 0;
}

int
process_prepare(size_t *listeners)
{
	const struct rlimit none = { 0, 0 };
	size_t given = given_descriptors();
	int fd;

#ifndef SANITIZED
	/* A sanitizer has handlers of its own. */
	process_reset_signals();
#else
	signal(SIGPIPE, SIG_IGN);
#endif
	umask(077);
	/* A file opened later must not become somebody's standard error. */
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd == -1 ||
	    close_range(PROCESS_FIRST_FD + (unsigned)given, ~0u, 0) == -1)
		return -1;
	if (given == 1 && !option_is(PROCESS_FIRST_FD, SO_ACCEPTCONN, 1)) {
		if (dup2(PROCESS_FIRST_FD, STDIN_FILENO) == -1)
			return -1;
		close(PROCESS_FIRST_FD);
		given = 0;
	}
	*listeners = given;
	if (setrlimit(RLIMIT_CORE, &none) == -1 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return -1;
	return 0;
}

/* Is it a listening socket that could be ours? */
static bool
is_listener(int fd)
{
	return option_is(fd, SO_ACCEPTCONN, 1) && is_internet(fd) &&
	    option_is(fd, SO_TYPE, SOCK_STREAM);
}

enum process_input
process_input(size_t listeners)
{
	for (size_t i = 0; i < listeners; i++)
		if (!is_listener(PROCESS_FIRST_FD + (int)i))
			return PROCESS_DATAGRAM;
	if (listeners != 0 || is_listener(STDIN_FILENO))
		return PROCESS_LISTENER;
	if (!is_internet(STDIN_FILENO))
		return PROCESS_LOCAL;
	return option_is(STDIN_FILENO, SO_TYPE, SOCK_STREAM) ?
	    PROCESS_CLIENT : PROCESS_DATAGRAM;
}

void
process_silence(void)
{
	int null;

	if (!is_internet(STDOUT_FILENO) && !is_internet(STDERR_FILENO))
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if (is_internet(fd) && (null == -1 || dup2(null, fd) == -1))
			close(fd);
	if (null != -1)
		close(null);
}
