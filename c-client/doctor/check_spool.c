/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spool: can users read their mail there, can dot-locks be made, and are
 * the files in it theirs?
 */
#include "c-client/doctor/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/config.h"
#include "c-client/base/file.h"
#include "c-client/base/log.h"
#include "c-client/doctor/doctor.h"
#include "c-client/doctor/report.h"

#include "c-client/base/banned.h"

/* liblockfile's helper, which makes dot-locks in a spool that belongs to its
 * group. */
#define HELPER	"/usr/bin/dotlockfile"

/* Entries that are looked at, and findings about them; a spool of more is
 * wrong or right as a whole. */
#define ENTRIES_MAX	10000u
#define FINDINGS_MAX	20u

/* Seconds after which nobody holds a dot-lock any more (liblockfile). */
#define STALE_SECS	300

struct look {
	const struct doctor *d;
	struct report *r;
	const char *spool, *quoted;
	int fd;
	unsigned said;
};

static bool
has_helper(gid_t gid)
{
	struct stat st;

	return stat(HELPER, &st) == 0 && (st.st_mode & S_ISGID) != 0 &&
	    st.st_gid == gid && (st.st_mode & S_IXOTH) != 0;
}

static const char *
name_of_group(struct report *r, gid_t gid)
{
	const struct group *g = getgrgid(gid);

	return g == NULL ? report_format(r, "%lu", (unsigned long)gid) :
	    report_format(r, "%s", g->gr_name);
}

/* Who may make files there: everybody with the sticky bit, or a group of
 * which a helper is, or nobody. */
static void
check_mode(struct look *l, const struct stat *st)
{
	unsigned mode = (unsigned)st->st_mode & 07777;
	bool group = (mode & 0030) == 0030;
	struct group *mail = getgrnam("mail");

	if (st->st_uid != 0) {
		report_failed(l->r, "%s belongs to uid %lu, who can remove "
		    "everybody's mail", l->spool, (unsigned long)st->st_uid);
		report_mend(l->r, "chown root %s", l->quoted);
	}
	if ((mode & 0001) == 0) {
		report_failed(l->r, "%s has mode %04o: users can't reach "
		    "their mail", l->spool, mode);
		report_mend(l->r, "chmod a+x %s", l->quoted);
	}
	if (mode & 0002) {
		if (mode & 01000) {
			report_ok(l->r, "%s has mode %04o: everybody can make "
			    "dot-locks", l->spool, mode);
			return;
		}
		report_failed(l->r, "%s has mode %04o without the sticky bit: "
		    "everybody can remove everybody's mail", l->spool, mode);
		report_mend(l->r, "chmod 1777 %s", l->quoted);
		return;
	}
	if (group && has_helper(st->st_gid)) {
		report_ok(l->r, "%s has mode %04o: " HELPER ", setgid %s, "
		    "makes dot-locks for users", l->spool, mode,
		    name_of_group(l->r, st->st_gid));
		return;
	}
	if (!l->d->config->dot_lock) {
		report_ok(l->r, "%s has mode %04o, and lock = fcntl wants no "
		    "dot-locks", l->spool, mode);
		return;
	}
	report_failed(l->r, "%s has mode %04o and group %s: users can't make "
	    "dot-locks, so programs that use nothing else may write at the "
	    "same time", l->spool, mode, name_of_group(l->r, st->st_gid));
	if (mail != NULL && has_helper(mail->gr_gid))
		report_mend(l->r, "chgrp mail %s && chmod 2775 %s", l->quoted,
		    l->quoted);
	else
		report_mend(l->r, "chmod 1777 %s", l->quoted);
}

static void
check_room(struct look *l)
{
	struct statvfs v;

	if (fstatvfs(l->fd, &v) == -1)
		return;
	if (v.f_flag & ST_RDONLY) {
		report_failed(l->r, "%s is on a file system that is mounted "
		    "read-only", l->spool);
		report_mend(l->r, "mount -o remount,rw \"$(stat -c %%m %s)\"",
		    l->quoted);
	} else if (v.f_blocks != 0 && (v.f_bavail == 0 ||
	    (v.f_files != 0 && v.f_favail == 0)))
		report_failed(l->r, "the file system of %s is full: mail "
		    "can't be delivered or changed", l->spool);
}

/* True if there is room for one more about an entry. */
static bool
may_say(struct look *l)
{
	return l->said++ < FINDINGS_MAX;
}

static void
look_at_file(struct look *l, const char *name, const struct stat *st)
{
	const struct passwd *pw = getpwnam(name);
	const char *path = report_format(l->r, "%s/%s", l->spool, name);
	const char *quoted = report_quote(l->r, path), *owner;

	/* Mail of those who are gone, or of no user of the system's. */
	if (pw == NULL)
		return;
	/* Users may exchange files in some spools: root follows no link, and
	 * what the owner can do is done as he. */
	owner = report_as_user(l->r, pw->pw_uid, pw->pw_gid);
	if (st->st_uid != pw->pw_uid && may_say(l)) {
		report_failed(l->r, "%s belongs to uid %lu, and %s has uid "
		    "%lu: he can't read or change his mail", path,
		    (unsigned long)st->st_uid, name,
		    (unsigned long)pw->pw_uid);
		if (st->st_nlink == 1)
			report_mend(l->r, "chown -h %s %s",
			    report_quote(l->r, name), quoted);
	}
	if ((st->st_mode & 0600) != 0600 && may_say(l)) {
		report_failed(l->r, "%s has mode %04o: its owner can't read "
		    "and write it", path, (unsigned)st->st_mode & 07777);
		report_mend(l->r, "%s chmod u+rw %s", owner, quoted);
	}
	if ((st->st_mode & 0007) != 0 && may_say(l)) {
		report_warning(l->r, "%s has mode %04o: others can read "
		    "or write the mail of %s", path,
		    (unsigned)st->st_mode & 07777, name);
		report_mend(l->r, "%s chmod o-rwx %s", owner, quoted);
	}
}

/* A lock of somebody who is gone: programs that take old locks for good
 * ones wait for him. */
static void
look_at_lock(struct look *l, const char *name, const struct stat *st)
{
	const char *path = report_format(l->r, "%s/%s", l->spool, name);
	uint64_t pid = 0;
	struct buf text;

	if (time(NULL) - st->st_mtime < STALE_SECS)
		return;
	buf_init(&text, 0);
	if (file_read_small(l->fd, name, 64, &text, NULL) == 0 &&
	    span_number(span_trim(buf_span(&text)), INT32_MAX, &pid) &&
	    pid != 0 && kill((pid_t)pid, 0) == -1 && errno == ESRCH)
		pid = 0;
	buf_clear(&text);
	if (pid != 0 || !may_say(l))
		return;
	report_warning(l->r, "%s is a lock that its process has left behind",
	    path);
	report_mend(l->r, "rm -f %s", report_quote(l->r, path));
}

static void
look_at_entry(struct look *l, const char *name)
{
	size_t n = strlen(name);
	struct stat st;

	if (name[0] == '.' ||
	    fstatat(l->fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	if (n > 5 && strcmp(name + n - 5, ".lock") == 0) {
		if (S_ISREG(st.st_mode))
			look_at_lock(l, name, &st);
		return;
	}
	if (S_ISREG(st.st_mode))
		look_at_file(l, name, &st);
	else if (getpwnam(name) != NULL && may_say(l))
		report_warning(l->r, "%s/%s is no regular file: %s has no "
		    "INBOX there", l->spool, name, name);
}

static void
check_entries(struct look *l)
{
	DIR *dir = fdopendir(dup(l->fd));
	const struct dirent *e;

	if (dir == NULL) {
		report_unknown(l->r, "%s: %s", l->spool, strerror(errno));
		return;
	}
	for (unsigned i = 0; i < ENTRIES_MAX && (e = readdir(dir)) != NULL;
	    i++)
		look_at_entry(l, e->d_name);
	closedir(dir);
	if (l->said > FINDINGS_MAX)
		report_unknown(l->r, "%u more like these in %s", l->said -
		    FINDINGS_MAX, l->spool);
	else if (l->said == 0)
		report_ok(l->r, "the mailboxes in %s are their users'",
		    l->spool);
}

/* Copies of long messages are there where the home has no room. */
static void
check_tmp(struct report *r)
{
	struct stat st;

	if (stat("/tmp", &st) == 0 && (st.st_mode & 07777) == 01777)
		return;
	report_failed(r, "/tmp has not mode 1777: programs of one user can "
	    "disturb those of others there, or can't use it");
	report_mend(r, "install -d -m 1777 /tmp");
}

void
check_spool(const struct doctor *d, struct report *r)
{
	const char *spool = d->config->mail_spool;
	struct look l = { .d = d, .r = r, .spool = spool,
	    .quoted = report_quote(r, spool) };
	struct stat st;

	l.fd = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l.fd == -1 && errno == EACCES) {
		report_unknown(r, "%s: %s", spool, strerror(errno));
		return;
	}
	if (l.fd == -1) {
		report_failed(r, "the spool %s: %s", spool, strerror(errno));
		if (errno == ENOENT)
			report_mend(r, "install -d -m 1777 %s", l.quoted);
		return;
	}
	if (fstat(l.fd, &st) == 0)
		check_mode(&l, &st);
	check_room(&l);
	check_entries(&l);
	close(l.fd);
	check_tmp(r);
}
