/* SPDX-License-Identifier: Apache-2.0 */
/* The users database: the users file with each of its lines, or
 * /etc/shadow. */
#include "c-client/doctor/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "c-client/auth/auth_users.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "c-client/doctor/doctor.h"
#include "c-client/doctor/report.h"

#include "c-client/base/banned.h"

#define SHADOW	"/etc/shadow"

/* The names of a file that are compared with each other; a file of more
 * lines than that is read by a program, and made by one. */
#define NAMES_MAX	10000u

struct look {
	const struct doctor *d;
	struct report *r;
	const char *file;	/* its name, quoted */
	const char **names;
	size_t n;
	unsigned users;		/* lines that let somebody in */
};

static void
mend_by_comment(struct look *l, unsigned number)
{
	report_mend(l->r, "sed -i '%us/^/#/' %s", number, l->file);
}

/* Is this what crypt(3) gives, or a lock?  What else stands there may be a
 * password in clear and is shown to nobody. */
static bool
is_hash(struct span hash)
{
	return hash.n == 0 || hash.p[0] == '$' || hash.p[0] == '_' ||
	    hash.p[0] == '!' || hash.p[0] == '*' || hash.n == 13;
}

/* True if it is in the list, else it is put there. */
static bool
is_twice(struct look *l, struct span name)
{
	for (size_t i = 0; i < l->n; i++)
		if (span_eq(name, span_of(l->names[i])))
			return true;
	if (l->n < NAMES_MAX) {
		l->names = memory_grow_array(l->names, l->n + 1,
		    sizeof l->names[0]);
		l->names[l->n++] = report_format(l->r, "%.*s", (int)name.n,
		    name.p);
	}
	return false;
}

static void
look_at_home(struct look *l, const struct auth_users_line *line,
    const char *name)
{
	const char *home = report_format(l->r, "%.*s", (int)line->home.n,
	    line->home.p);
	struct stat st;

	if (stat(home, &st) == 0 || errno == EACCES)
		return;
	report_warning(l->r, "%s line %u: the home %s of %s: %s",
	    l->d->config->users_file, line->number, home, name,
	    strerror(errno));
	report_mend(l->r, "mkdir -m 700 %s && chown -h %lu:%lu %s",
	    report_quote(l->r, home), (unsigned long)line->uid,
	    (unsigned long)line->gid, report_quote(l->r, home));
}

static void
look_at_line(void *arg, const struct auth_users_line *line)
{
	struct look *l = arg;
	const char *file = l->d->config->users_file;
	char name[LOG_FIELD_MAX];

	if (!line->good) {
		report_failed(l->r, "%s line %u is not "
		    "name:crypt:uid:gid:home; it is left out", file,
		    line->number);
		mend_by_comment(l, line->number);
		return;
	}
	log_field(line->name.p, line->name.n, name);
	if (line->uid == 0) {
		report_failed(l->r, "%s line %u: %s has uid 0, which never "
		    "logs in", file, line->number, name);
		mend_by_comment(l, line->number);
	} else if (l->d->euid != 0 && line->uid != l->d->euid) {
		report_unknown(l->r, "%s line %u: %s has uid %lu, whom a "
		    "server of root's can serve", file, line->number, name,
		    (unsigned long)line->uid);
	} else if (is_twice(l, line->name)) {
		report_failed(l->r, "%s line %u: %s is there already; this "
		    "line does nothing", file, line->number, name);
		mend_by_comment(l, line->number);
	} else if (!is_hash(line->hash)) {
		report_failed(l->r, "%s line %u: %s has no hash of crypt(3), "
		    "so no password is right; \"openssl passwd -6\" makes one",
		    file, line->number, name);
	} else {
		l->users++;
		look_at_home(l, line, name);
	}
}

/* What logins would be refused for, with what mends it. */
static bool
is_usable(struct look *l, const struct stat *st)
{
	const char *file = l->d->config->users_file;
	bool usable = true;

	if (S_ISLNK(st->st_mode)) {
		report_failed(l->r, "%s is a symbolic link, which is not "
		    "followed, so nobody can log in", file);
		report_mend(l->r, "cp --remove-destination \"$(readlink -f "
		    "%s)\" %s && chmod 600 %s", l->file, l->file, l->file);
		return false;
	}
	if (!S_ISREG(st->st_mode)) {
		report_failed(l->r, "%s is no regular file, so nobody can log "
		    "in", file);
		return false;
	}
	if (st->st_uid != 0 && st->st_uid != l->d->euid) {
		report_failed(l->r, "%s belongs to uid %lu and not to root, "
		    "so nobody can log in", file, (unsigned long)st->st_uid);
		report_mend(l->r, "chown root %s", l->file);
		usable = false;
	}
	if (st->st_mode & (S_IWGRP | S_IWOTH)) {
		report_failed(l->r, "%s can be written by others (mode %04o), "
		    "so nobody can log in", file,
		    (unsigned)st->st_mode & 07777);
		report_mend(l->r, "chmod go-w %s", l->file);
		usable = false;
	}
	if (st->st_mode & S_IROTH) {
		report_warning(l->r, "%s can be read by everybody (mode "
		    "%04o): hashes can be guessed at", file,
		    (unsigned)st->st_mode & 07777);
		report_mend(l->r, "chmod o-r %s", l->file);
	}
	return usable;
}

static void
check_users_file(const struct doctor *d, struct report *r)
{
	const char *file = d->config->users_file;
	struct look l = { .d = d, .r = r, .file = report_quote(r, file) };
	struct fault why;
	struct stat st;

	if (file[0] == '\0') {
		report_failed(r, "auth = users, and no file is named, so "
		    "nobody can log in");
		doctor_mend_key(d, r, "auth", "users:/etc/imapd.users");
		return;
	}
	if (lstat(file, &st) == -1) {
		report_failed(r, "%s: %s, so nobody can log in", file,
		    strerror(errno));
		if (errno == ENOENT)
			report_mend(r, "install -m 600 /dev/null %s", l.file);
		return;
	}
	if (!is_usable(&l, &st))
		return;
	if (auth_users_each(file, look_at_line, &l, &why) == -1)
		report_unknown(r, "%s", why.text);
	else if (l.users == 0)
		report_warning(r, "%s has no line that lets anybody in; a line "
		    "is name:crypt:uid:gid:home", file);
	else
		report_ok(r, "%s: %u users", file, l.users);
	free(l.names);
}

static void
check_shadow(const struct doctor *d, struct report *r)
{
	struct stat st;

	if (stat(SHADOW, &st) == -1) {
		report_failed(r, "there is no " SHADOW ", so nobody can log "
		    "in");
		report_mend(r, "pwconv");
		return;
	}
	if (st.st_mode & (S_IROTH | S_IWOTH)) {
		report_failed(r, SHADOW " is open to everybody (mode %04o)",
		    (unsigned)st.st_mode & 07777);
		report_mend(r, "chmod o-rw " SHADOW);
	} else if (d->euid != 0 && d->config->auth == CONFIG_AUTH_SHADOW)
		report_unknown(r, SHADOW " is read by root only");
	else
		report_ok(r, "users of the system; " SHADOW " is root's");
}

void
check_users(const struct doctor *d, struct report *r)
{
	switch (d->config->auth) {
	case CONFIG_AUTH_USERS:
		check_users_file(d, r);
		break;
	case CONFIG_AUTH_NONE:
		report_failed(r, "auth = none, so nobody can log in");
		doctor_mend_key(d, r, "auth", "pam");
		break;
	default:
		check_shadow(d, r);
	}
}
