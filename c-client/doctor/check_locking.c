/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks, tried for real: on INBOX as its user takes them, and on a file of the
 * home.  Where files are on a network file system, that is said.
 */
#include "c-client/doctor/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/auth/auth.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/doctor/doctor.h"
#include "c-client/doctor/report.h"
#include "c-client/doctor/trial.h"
#include "c-client/formats/mbox_lock.h"

#include "c-client/base/banned.h"

/* Seconds to wait for a mailbox that is in use. */
#define WAIT_SECS	5u

struct target {
	const char *path;
	bool dot;
};

/* Both locks on a mailbox that is there, and away again. */
static int
lock_mailbox(void *arg, struct fault *why)
{
	const struct target *t = arg;
	struct mbox_lock lock;
	int fd, rc;

	fd = open(t->path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return fault_errno(why, "%s", t->path);
	mbox_lock_init(&lock, t->path, WAIT_SECS, t->dot);
	rc = mbox_lock_take(&lock, fd, MBOX_LOCK_WRITE, why);
	if (rc == 0 && t->dot && !lock.has_dot)
		rc = fault_set(why, FAULT_CANNOT, "no dot-lock");
	mbox_lock_drop(&lock);
	close(fd);
	return rc;
}

/* fcntl(2) on a file that has no name, in a directory. */
static int
lock_unnamed(void *arg, struct fault *why)
{
	const struct target *t = arg;
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = file_unnamed(t->path), rc = 0;

	if (fd == -1)
		return fault_errno(why, "a file in %s", t->path);
	if (fcntl(fd, F_OFD_SETLK, &fl) == -1)
		rc = fault_errno(why, "fcntl");
	close(fd);
	return rc;
}

static void
check_network(struct report *r, const char *what, const char *dir)
{
	if (file_is_on_network(dir))
		report_warning(r, "%s %s is on a network file system: locks "
		    "hold as far as its server has them, and IDLE sees what "
		    "this machine changes", what, dir);
}

/* In the directory of the mail, as we are. */
static void
try_spool(const struct doctor *d, struct report *r)
{
	struct target t = { .path = d->config->mail_spool };
	struct fault why;

	if (d->euid != 0 && access(t.path, W_OK) == -1)
		report_unknown(r, "locks in %s are tried by root, or with "
		    "--login USER", t.path);
	else if (trial_run(NULL, lock_unnamed, &t, &why) == 0)
		report_ok(r, "fcntl locks files in %s; --login USER tries "
		    "dot-locks too", t.path);
	else
		report_failed(r, "files in %s can't be locked: %s", t.path,
		    why.text);
}

static void
try_inbox(const struct doctor *d, struct report *r)
{
	struct target t = { .dot = d->config->dot_lock };
	struct fault why;
	struct stat st;

	t.path = report_format(r, "%s/%s", d->config->mail_spool,
	    d->user->name);
	if (lstat(t.path, &st) == -1 && errno == ENOENT) {
		report_ok(r, "there is no %s yet to be locked", t.path);
		return;
	}
	if (trial_run(d->user, lock_mailbox, &t, &why) == 0)
		report_ok(r, "%s takes the locks of %s: fcntl%s",
		    d->user->name, t.path, t.dot ? " and dot-lock" : "");
	else if (why.code == FAULT_INUSE)
		report_warning(r, "%s is locked by another program for over "
		    "%u seconds: %s", t.path, WAIT_SECS, why.text);
	else if (why.code == FAULT_CANNOT)
		report_warning(r, "%s can't make %s.lock; the fcntl lock "
		    "alone is used", d->user->name, t.path);
	else if (why.code == FAULT_PERM && d->euid != 0)
		report_unknown(r, "%s", why.text);
	else
		report_failed(r, "%s can't lock %s: %s", d->user->name,
		    t.path, why.text);
}

static void
try_home(const struct doctor *d, struct report *r)
{
	struct target t = { .path = d->user->home };
	struct fault why;

	check_network(r, "the home", t.path);
	if (trial_run(d->user, lock_unnamed, &t, &why) == 0)
		report_ok(r, "fcntl locks files in %s", t.path);
	else if (why.code == FAULT_PERM && d->euid != 0)
		report_unknown(r, "%s", why.text);
	else
		report_failed(r, "files in the home can't be locked: %s",
		    why.text);
}

void
check_locking(const struct doctor *d, struct report *r)
{
	check_network(r, "the spool", d->config->mail_spool);
	if (report_has_failed(r, "spool") || report_has_failed(r, "home"))
		report_unknown(r, "locks are not tried before what FAILED "
		    "above is mended");
	else if (d->user == NULL || d->user->uid == 0)
		try_spool(d, r);
	else {
		try_inbox(d, r);
		try_home(d, r);
	}
}
