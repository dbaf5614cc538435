/* SPDX-License-Identifier: Apache-2.0 */
/* The scribe: starting it, and hearing from it. */
#include "c-client/formats/mbox_scribe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/single_threaded.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "c-client/base/clock.h"
#include "c-client/base/fault.h"
#include "c-client/base/span.h"
#include "c-client/base/trip.h"
#include "c-client/formats/mbox.h"
#include "c-client/store/box.h"
#include "c-client/store/progress.h"

#include "c-client/base/banned.h"

/* How often the child tells of itself, seconds. */
#define TELL_SECS	1.0

/* What comes through the pipe; in one write, as it is below PIPE_BUF. */
struct report {
	bool is_end;
	int status;
	uint64_t done, total;
	struct fault why;
};

struct mbox_scribe {
	int fd;		/* of the pipe; -1: there is no child */
	double told;
};

void
mbox_scribe_tell(struct mbox_scribe *s, uint64_t done, uint64_t total)
{
	struct report r = { .done = done, .total = total };
	double now = clock_steady();

	if (s->fd == -1 || now < s->told + TELL_SECS)
		return;
	s->told = now;
	if (write(s->fd, &r, sizeof r) == -1)
		return;		/* nobody listens any more */
}

/* Is it a way to the client?  He shall see the connection's end when the
 * session ends, not when the child does. */
static bool
is_stream(int fd)
{
	struct stat st;
	int type = 0;
	socklen_t n = sizeof type;

	if (fstat(fd, &st) == -1)
		return false;
	if (S_ISFIFO(st.st_mode))
		return true;
	return S_ISSOCK(st.st_mode) && getsockopt(fd, SOL_SOCKET, SO_TYPE,
	    &type, &n) == 0 && type == SOCK_STREAM;
}

static void
streams_close(int except)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	while (d != NULL && (e = readdir(d)) != NULL) {
		uint64_t fd;

		if (!span_number(span_of(e->d_name), INT32_MAX, &fd) ||
		    (int)fd == except || !is_stream((int)fd))
			continue;
		/* The first three never become another file's. */
		if (fd > 2)
			close((int)fd);
		else if (null != -1)
			dup2(null, (int)fd);
	}
	if (d != NULL)
		closedir(d);
	if (null > 2)
		close(null);
}

/* Until the session has read the report, or is gone: then nobody has the other
 * end of the pipe any more. */
static void
report_wait(int fd)
{
	struct pollfd p = { .fd = fd };

	while (poll(&p, 1, -1) == -1 && errno == EINTR)
		;
}

static void
child_main(struct mbox *m, int fd, pid_t parent, int (*work)(void *,
    struct mbox_scribe *, struct fault *), void *arg)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE,
	    SIGALRM };
	struct mbox_scribe s = { .fd = fd, .told = clock_steady() };
	struct report end = { .is_end = true };

	for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
		signal(ignored[i], SIG_IGN);
	setsid();
	streams_close(fd);
	mbox_lock_hand(&m->lock, (long)getpid());
	end.status = work(arg, &s, &end.why);
	if (getppid() == parent) {
		mbox_lock_hand(&m->lock, (long)parent);
		if (write(fd, &end, sizeof end) == (ssize_t)sizeof end)
			report_wait(fd);
		if (getppid() == parent)
			_exit(0);
	}
	/* The session is gone: nobody else gives the locks back. */
	mbox_lock_drop(&m->lock);
	_exit(0);
}

/* Hear the child out; false if it ended without a last word. */
static bool
listen_to(struct mbox *m, int fd, struct report *end)
{
	struct progress_pace pace = progress_begin(m->box->progress);
	struct report r;

	for (;;) {
		ssize_t n = read(fd, &r, sizeof r);

		if (n == -1 && errno == EINTR)
			continue;
		if (n != (ssize_t)sizeof r)
			return false;
		if (r.is_end) {
			*end = r;
			return true;
		}
		progress_step(&pace, r.done, r.total);
	}
}

static void
reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
}

int
mbox_scribe_run(struct mbox *m, int (*work)(void *, struct mbox_scribe *,
    struct fault *), void *arg, struct fault *why)
{
	struct mbox_scribe none = { .fd = -1 };
	struct report end;
	pid_t pid = -1, parent = getpid();
	int fds[2] = { -1, -1 };
	bool heard;

	/* What another thread holds at a fork, malloc's locks for one, the
	 * child would wait for. */
	if (__libc_single_threaded && !TRIP("mbox_scribe.fork") &&
	    pipe2(fds, O_CLOEXEC) == 0)
		pid = fork();
	/* No process to be had: it is as safe here, but for a kill. */
	if (pid == -1) {
		if (fds[0] != -1) {
			close(fds[0]);
			close(fds[1]);
		}
		return work(arg, &none, why);
	}
	if (pid == 0) {
		close(fds[0]);
		child_main(m, fds[1], parent, work, arg);
	}
	close(fds[1]);
	heard = listen_to(m, fds[0], &end);
	close(fds[0]);
	reap(pid);
	if (!heard) {
		mbox_lock_hand(&m->lock, (long)parent);
		return fault_set(why, FAULT_IO,
		    "%s: the process that rewrites it was killed", m->path);
	}
	if (end.status == -1)
		*why = end.why;
	return end.status;
}
