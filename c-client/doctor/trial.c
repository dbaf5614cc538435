/* SPDX-License-Identifier: Apache-2.0 */
/* A child that tries something, and what it says of it. */
#include "c-client/doctor/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "c-client/auth/auth.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"

#include "c-client/base/banned.h"

struct verdict {
	int rc;
	struct fault why;
};

static int
become(const struct auth_user *user, struct fault *why)
{
	if (geteuid() != 0)
		return geteuid() == user->uid ? 0 : fault_set(why, FAULT_PERM,
		    "only root can look as %s", user->name);
	if (user->uid == 0)
		return fault_set(why, FAULT_PERM, "root has no mail here");
	if (initgroups(user->name, user->gid) == -1 ||
	    setresgid(user->gid, user->gid, user->gid) == -1 ||
	    setresuid(user->uid, user->uid, user->uid) == -1)
		return fault_errno(why, "becoming %s", user->name);
	return 0;
}

static void
child(int to, const struct auth_user *user,
    int (*what)(void *arg, struct fault *), void *arg)
{
	struct verdict v = { .rc = 0 };

	alarm(TRIAL_SECS);
	if (user != NULL)
		v.rc = become(user, &v.why);
	if (v.rc == 0)
		v.rc = what(arg, &v.why);
	_exit(file_write_full(to, &v, sizeof v) == (ssize_t)sizeof v ? 0 : 1);
}

int
trial_run(const struct auth_user *user,
    int (*what)(void *arg, struct fault *), void *arg, struct fault *why)
{
	struct verdict v = { .rc = -1 };
	int ends[2], status = 0;
	ssize_t got;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) == -1)
		return fault_errno(why, "pipe");
	if ((pid = fork()) == -1) {
		fault_errno(why, "fork");
		close(ends[0]);
		close(ends[1]);
		return -1;
	}
	if (pid == 0)
		child(ends[1], user, what, arg);
	close(ends[1]);
	got = file_read_full(ends[0], &v, sizeof v);
	close(ends[0]);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (got != (ssize_t)sizeof v && WIFSIGNALED(status) &&
	    WTERMSIG(status) == SIGALRM)
		return fault_set(why, FAULT_TIMEOUT, "no answer in %u "
		    "seconds", TRIAL_SECS);
	if (got != (ssize_t)sizeof v)
		return fault_set(why, FAULT_IO, "the process that tried it "
		    "was ended (%d)", status);
	*why = v.why;
	return v.rc;
}
