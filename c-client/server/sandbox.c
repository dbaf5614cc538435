/* SPDX-License-Identifier: Apache-2.0 */
/* The walls around fronts and their nursery. */
#include "c-client/server/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/memory.h"
#include "c-client/server/nursery.h"

#include "c-client/base/banned.h"

/* A sanitizer reports through calls that are not on the list: there the
 * others fail instead of ending the process. */
#ifdef SANITIZED
#define OTHERWISE	SCMP_ACT_ERRNO(EPERM)
#else
#define OTHERWISE	SCMP_ACT_KILL_PROCESS
#endif

/* Bytes over descriptors that are open, memory, time, the end. */
static const int allowed[] = {
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(recvfrom),
	SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(shutdown), SCMP_SYS(close),
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(futex),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(sigreturn), SCMP_SYS(restart_syscall),
	SCMP_SYS(exit), SCMP_SYS(exit_group),
#ifdef SANITIZED
	SCMP_SYS(sigaltstack),
#endif
};

/* What a nursery needs beside: descriptors that come, and their places. */
static const int nursery_allowed[] = {
	SCMP_SYS(recvmsg), SCMP_SYS(dup2), SCMP_SYS(dup3),
	SCMP_SYS(close_range),
};

/* The filter of a front, made by its nursery, which can't make it later. */
static struct sock_fprog front_program;

static int
allow_all(scmp_filter_ctx filter, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i],
		    0);

		/* Some calls exist on some machines only. */
		if (rc < 0 && rc != -EDOM)
			return rc;
	}
	return 0;
}

/* Memory that can be run is not to be had, an address to send to neither, and
 * of fcntl(2) only what asks and sets the blocking. */
static int
allow_some(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp no_exec =
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	const struct scmp_arg_cmp no_address = SCMP_A4(SCMP_CMP_EQ, 0, 0);
	const struct scmp_arg_cmp get = SCMP_A1(SCMP_CMP_EQ, F_GETFL, 0);
	const struct scmp_arg_cmp set = SCMP_A1(SCMP_CMP_EQ, F_SETFL, 0);
	int rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
	    SCMP_SYS(mmap), 1, &no_exec);

	if (rc == 0)
		rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
		    SCMP_SYS(mprotect), 1, &no_exec);
	if (rc == 0)
		rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
		    SCMP_SYS(sendto), 1, &no_address);
	if (rc == 0)
		rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
		    SCMP_SYS(fcntl), 1, &get);
	if (rc == 0)
		rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
		    SCMP_SYS(fcntl), 1, &set);
	return rc;
}

/* A process that is a front's to be; in it, the limit and the filter of one. */
static int
allow_births(scmp_filter_ctx filter)
{
	const struct {
		int call;
		struct scmp_arg_cmp how;
	} rules[] = {
		{ SCMP_SYS(clone), SCMP_A0(SCMP_CMP_EQ, NURSERY_CLONE, 0) },
		{ SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_DUPFD_CLOEXEC, 0) },
		{ SCMP_SYS(prlimit64), SCMP_A1(SCMP_CMP_EQ, RLIMIT_NPROC, 0) },
		{ SCMP_SYS(setrlimit), SCMP_A0(SCMP_CMP_EQ, RLIMIT_NPROC, 0) },
		{ SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP, 0) },
		{ SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0) },
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof rules / sizeof rules[0]; i++)
		rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
		    rules[i].call, 1, &rules[i].how);
	return rc;
}

/* NULL where there is no memory or a call is unknown. */
static scmp_filter_ctx
new_filter(enum sandbox_who who)
{
	scmp_filter_ctx filter = seccomp_init(OTHERWISE);
	int rc = filter == NULL ? -ENOMEM : allow_all(filter, allowed,
	    sizeof allowed / sizeof allowed[0]);

	if (rc == 0)
		rc = allow_some(filter);
	if (rc == 0 && who == SANDBOX_NURSERY)
		rc = allow_all(filter, nursery_allowed,
		    sizeof nursery_allowed / sizeof nursery_allowed[0]);
	if (rc == 0 && who == SANDBOX_NURSERY)
		rc = allow_births(filter);
	if (rc == 0)
		return filter;
	if (filter != NULL)
		seccomp_release(filter);
	errno = -rc;
	return NULL;
}

/* As the kernel takes it; libseccomp would make it anew for each front. */
static int
make_front_program(void)
{
	scmp_filter_ctx filter = new_filter(SANDBOX_FRONT);
	int fd = memfd_create("filter", MFD_CLOEXEC), rc = -1;
	struct stat st;

	if (filter != NULL && fd != -1 && seccomp_export_bpf(filter, fd) == 0 &&
	    fstat(fd, &st) == 0) {
		front_program.len = (unsigned short)((size_t)st.st_size /
		    sizeof *front_program.filter);
		front_program.filter = memory_alloc((size_t)st.st_size);
		if (file_pread_full(fd, front_program.filter,
		    (size_t)st.st_size, 0) == st.st_size)
			rc = 0;
	}
	if (fd != -1)
		close(fd);
	if (filter != NULL)
		seccomp_release(filter);
	return rc;
}

static int
set_filter(enum sandbox_who who, struct fault *why)
{
	scmp_filter_ctx filter;
	int rc;

	if ((filter = new_filter(who)) == NULL)
		return fault_errno(why, "seccomp filter");
	rc = seccomp_load(filter);
	seccomp_release(filter);
	if (rc == 0)
		return 0;
	errno = -rc;
	return fault_errno(why, "seccomp filter");
}

int
sandbox_narrow(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_NPROC, &none) == -1)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &front_program);
}

/* A root directory with no name and nothing in it. */
static int
change_root(struct fault *why)
{
	char in_run[] = "/run/imapd.XXXXXX", in_tmp[] = "/tmp/imapd.XXXXXX";
	const char *name = mkdtemp(in_run);

	if (name == NULL)
		name = mkdtemp(in_tmp);
	if (name == NULL)
		return fault_errno(why, "directory for the front in /run");
	if (chdir(name) == -1 || rmdir(name) == -1 || chroot(".") == -1 ||
	    chdir("/") == -1)
		return fault_errno(why, "chroot to %s", name);
	return 0;
}

/* Who the front is to be.  Not root, and not nobody's group 0 either. */
static int
find_user(const char *user, uid_t *uid, gid_t *gid, struct fault *why)
{
	const struct passwd *pw = getpwnam(user[0] == '\0' ? "imapd" : user);

	if (pw == NULL && user[0] == '\0')
		pw = getpwnam("nobody");
	if (pw == NULL)
		return fault_set(why, FAULT_NOTFOUND, "no user %s for the "
		    "process that talks to the network: add it, or name "
		    "another as front_user",
		    user[0] == '\0' ? "imapd or nobody" : user);
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	if (*uid == 0 || *gid == 0)
		return fault_set(why, FAULT_PERM, "front_user %s has uid or "
		    "gid 0", pw->pw_name);
	return 0;
}

static int
drop_root(uid_t uid, gid_t gid, struct fault *why)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	if (setgroups(1, &gid) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1)
		return fault_errno(why, "giving up root");
	if (getresuid(&r, &e, &s) == -1 || getresgid(&rg, &eg, &sg) == -1 ||
	    r != uid || e != uid || s != uid || rg != gid || eg != gid ||
	    sg != gid || setuid(0) == 0)
		return fault_set(why, FAULT_PERM, "root was not given up");
	return 0;
}

static int
set_limits(enum sandbox_who who, struct fault *why)
{
	const struct rlimit none = { 0, 0 };

	if ((who == SANDBOX_FRONT && setrlimit(RLIMIT_NPROC, &none) == -1) ||
	    setrlimit(RLIMIT_CORE, &none) == -1)
		return fault_errno(why, "limits");
#ifndef SANITIZED
	/* A sanitizer's report may go to a file. */
	if (setrlimit(RLIMIT_FSIZE, &none) == -1)
		return fault_errno(why, "limits");
#endif
	/* A change of uid makes a process dumpable by the system's default. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return fault_errno(why, "prctl");
	return 0;
}

int
sandbox_enter(enum sandbox_who who, const char *user, struct fault *why)
{
	uid_t uid = 0;
	gid_t gid = 0;

	tzset();
	if (who == SANDBOX_NURSERY && make_front_program() == -1)
		return fault_errno(why, "seccomp filter of fronts");
	if (geteuid() == 0 && (find_user(user, &uid, &gid, why) == -1 ||
	    change_root(why) == -1 || drop_root(uid, gid, why) == -1))
		return -1;
	if (set_limits(who, why) == -1)
		return -1;
	return set_filter(who, why);
}
