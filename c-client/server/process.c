/* SPDX-License-Identifier: Apache-2.0 */
/* What a process inherits, put in order before anything else is done. */
#include "c-client/server/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

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

int
process_prepare(void)
{
	const struct rlimit none = { 0, 0 };
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
	if (fd == -1 || close_range(STDERR_FILENO + 1, ~0u, 0) == -1)
		return -1;
	if (setrlimit(RLIMIT_CORE, &none) == -1 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return -1;
	return 0;
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

enum process_input
process_input(void)
{
	if (option_is(STDIN_FILENO, SO_ACCEPTCONN, 1))
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
