/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --login USER: his home, his other mailboxes and his indexes, as he himself
 * sees them.
 */
#include "c-client/doctor/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "c-client/auth/auth.h"
#include "c-client/base/buf.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/doctor/doctor.h"
#include "c-client/doctor/report.h"
#include "c-client/doctor/trial.h"
#include "c-client/store/account.h"

#include "c-client/base/banned.h"

/* Octets that must fit into the home: an index of a small mailbox. */
#define TRIED_OCTETS	(64u * 1024)

/* Entries of a directory that are looked at. */
#define ENTRIES_MAX	1000u

struct look {
	const struct doctor *d;
	struct report *r;
	const struct auth_user *user;
};

/* Write that much into an unnamed file of the directory, and sync it. */
static int
write_there(void *arg, struct fault *why)
{
	const char *dir = *(const char *const *)arg;
	char octets[4096] = { 0 };
	int fd, rc = 0;

	if ((fd = file_unnamed(dir)) == -1)
		return fault_errno(why, "a file in %s", dir);
	for (unsigned n = 0; rc == 0 && n < TRIED_OCTETS; n += sizeof octets)
		if (file_write_full(fd, octets, sizeof octets) == -1)
			rc = fault_errno(why, "write to a file in %s", dir);
	if (rc == 0 && fsync(fd) == -1)
		rc = fault_errno(why, "sync a file in %s", dir);
	close(fd);
	return rc;
}

/*
 * What is in a home can be exchanged by its user while root reads what was
 * found and types it.  So root changes owners only, without following a link,
 * and all else is done as the user.
 */
static const char *
as_user(struct look *l)
{
	return report_as_user(l->r, l->user->uid, l->user->gid);
}

/* A file of root's may have another name, under which it is needed. */
static void
mend_owner(struct look *l, const char *path, const struct stat *st)
{
	if (S_ISDIR(st->st_mode) || st->st_nlink == 1)
		report_mend(l->r, "chown -h %lu %s",
		    (unsigned long)l->user->uid, report_quote(l->r, path));
}

/* A link may lead to a directory of the user's somewhere else. */
static bool
check_link(struct look *l, const char *dir, const char *what)
{
	struct stat st;

	if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode) &&
	    st.st_uid == l->user->uid)
		return true;
	report_failed(l->r, "%s %s is a link, and no directory of %s's is at "
	    "its end", what, dir, l->user->name);
	return false;
}

static bool
is_missing(struct look *l, const char *dir, const char *what, bool needed)
{
	if (errno == ENOENT && !needed)
		return true;
	if (errno == EACCES) {
		report_unknown(l->r, "%s %s: %s", what, dir, strerror(errno));
		return true;
	}
	report_failed(l->r, "%s %s: %s", what, dir, strerror(errno));
	if (errno == ENOENT)
		report_mend(l->r, "mkdir -m 700 %s && chown -h %lu:%lu %s",
		    report_quote(l->r, dir), (unsigned long)l->user->uid,
		    (unsigned long)l->user->gid, report_quote(l->r, dir));
	return true;
}

/* A directory that has to be the user's, or may be missing. */
static bool
check_directory(struct look *l, const char *dir, const char *what,
    bool needed)
{
	const char *quoted = report_quote(l->r, dir);
	struct stat st;

	if (lstat(dir, &st) == -1)
		return !is_missing(l, dir, what, needed);
	if (S_ISLNK(st.st_mode))
		return check_link(l, dir, what);
	if (!S_ISDIR(st.st_mode)) {
		report_failed(l->r, "%s %s is no directory", what, dir);
		report_mend(l->r, "%s mv %s %s && %s mkdir -m 700 %s",
		    as_user(l), quoted, report_quote(l->r,
		    report_format(l->r, "%s.was", dir)), as_user(l), quoted);
		return false;
	}
	if (st.st_uid != l->user->uid) {
		report_failed(l->r, "%s %s belongs to uid %lu and not to %s",
		    what, dir, (unsigned long)st.st_uid, l->user->name);
		mend_owner(l, dir, &st);
		return false;
	}
	if ((st.st_mode & 0700) != 0700) {
		report_failed(l->r, "%s %s has mode %04o: its owner can't use "
		    "it", what, dir, (unsigned)st.st_mode & 07777);
		report_mend(l->r, "%s chmod u+rwx %s", as_user(l), quoted);
		return false;
	}
	if (st.st_mode & 0022) {
		report_warning(l->r, "%s %s has mode %04o: others can change "
		    "what is in it", what, dir, (unsigned)st.st_mode & 07777);
		report_mend(l->r, "%s chmod go-w %s", as_user(l), quoted);
	}
	return true;
}

static void
judge_owner(struct look *l, const char *path, const struct stat *st)
{
	if (st->st_uid == l->user->uid)
		return;
	report_failed(l->r, "%s belongs to uid %lu and not to %s, who can't "
	    "change it", path, (unsigned long)st->st_uid, l->user->name);
	mend_owner(l, path, st);
}

/* Files that another user has left there, as root does who tried it out. */
static void
check_owners(struct look *l, const char *dir)
{
	DIR *entries = opendir(dir);
	const struct dirent *e;
	struct stat st;

	if (entries == NULL)
		return;
	for (unsigned i = 0; i < ENTRIES_MAX &&
	    (e = readdir(entries)) != NULL; i++) {
		const char *path = report_format(l->r, "%s/%s", dir,
		    e->d_name);

		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 && fstatat(dirfd(entries),
		    e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			judge_owner(l, path, &st);
	}
	closedir(entries);
}

static void
check_room(struct look *l, const char *home)
{
	struct fault why;

	if (trial_run(l->user, write_there, &home, &why) == 0) {
		report_ok(l->r, "%s can write to %s", l->user->name, home);
		return;
	}
	if (why.code == FAULT_PERM && l->d->euid != 0)
		report_unknown(l->r, "%s", why.text);
	else if (why.code == FAULT_QUOTA)
		report_warning(l->r, "%s: flags and indexes can't be kept "
		    "until there is room", why.text);
	else
		report_failed(l->r, "as %s: %s", l->user->name, why.text);
}

static const char *
expanded(struct look *l, const char *text)
{
	struct buf path;
	const char *kept;

	buf_init(&path, 0);
	account_expand(&path, text, l->user->name, l->user->home);
	kept = report_format(l->r, "%s", buf_string(&path));
	buf_clear(&path);
	return kept;
}

static void
check_file(struct look *l, const char *name)
{
	const char *path = report_format(l->r, "%s/%s", l->user->home, name);
	struct stat st;

	if (lstat(path, &st) == 0)
		judge_owner(l, path, &st);
}

void
check_home(const struct doctor *d, struct report *r)
{
	struct look l = { .d = d, .r = r, .user = d->user };
	const struct config *c = d->config;
	const char *index, *root;

	if (d->user == NULL || d->user->uid == 0) {
		report_unknown(r, "a user's home, mailboxes and indexes are "
		    "looked at with --login USER");
		return;
	}
	if (!check_directory(&l, d->user->home, "the home", true))
		return;
	index = expanded(&l, c->index_dir[0] == '\0' ? ".imapindex" :
	    c->index_dir);
	if (check_directory(&l, index, "the index directory", false))
		check_owners(&l, index);
	root = expanded(&l, c->mail_root[0] == '\0' ? "mail" : c->mail_root);
	if (check_directory(&l, root, "the mail root", false))
		check_owners(&l, root);
	check_file(&l, ".mailboxlist");
	check_room(&l, d->user->home);
}
