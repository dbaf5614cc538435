/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: who can write it, each line that is wrong, and
 * values that are right and do harm. */
#include "c-client/doctor/check.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/doctor/doctor.h"
#include "c-client/doctor/report.h"
#include "c-client/server/service.h"

#include "c-client/base/banned.h"

/* Letters in which a key may differ from the one that was meant, and how many
 * of its letters must be right for each. */
#define LETTERS_MAX	3
#define LETTERS_RIGHT	3

/* While the file is read again. */
struct reading {
	const struct doctor *d;
	struct report *r;
};

/* Make line `number` a comment: what the servers do with it anyway. */
static void
mend_by_comment(struct reading *x, unsigned number)
{
	report_mend(x->r, "sed -i '%us/^/#/' %s", number,
	    report_quote(x->r, x->d->config_path));
}

static void
tell(void *arg, const struct config_line *l)
{
	struct reading *x = arg;
	char shown[LOG_FIELD_MAX];

	switch (l->trouble) {
	case CONFIG_BAD_LINE:
		report_failed(x->r, "%s line %u: %s; the line is left out",
		    x->d->config_path, l->number, l->text);
		mend_by_comment(x, l->number);
		break;
	case CONFIG_BAD_VALUE:
		report_failed(x->r, "%s line %u: %s %s; the default holds",
		    x->d->config_path, l->number, l->nearest, l->text);
		mend_by_comment(x, l->number);
		break;
	case CONFIG_BAD_KEY:
		report_failed(x->r, "%s line %u: there is no key %s; the "
		    "nearest is %s", x->d->config_path, l->number,
		    log_field(l->name.p, l->name.n, shown), l->nearest);
		if (l->distance > LETTERS_MAX ||
		    l->distance * LETTERS_RIGHT > l->name.n)
			mend_by_comment(x, l->number);
		else
			report_mend(x->r, "sed -i '%us/^[^=]*/%s /' %s",
			    l->number, l->nearest,
			    report_quote(x->r, x->d->config_path));
		break;
	case CONFIG_TWICE:
		report_warning(x->r, "%s line %u: %s", x->d->config_path,
		    l->number, l->text);
		mend_by_comment(x, l->before);
		break;
	}
}

/* Who could write it could read every file as root, by its paths. */
static void
check_file(const struct doctor *d, struct report *r)
{
	const char *path = report_quote(r, d->config_path);
	struct stat st;

	if (stat(d->config_path, &st) == -1) {
		if (errno != ENOENT || d->config_named) {
			report_failed(r, "%s: %s; the defaults hold",
			    d->config_path, strerror(errno));
			if (errno == ENOENT)
				report_mend(r, "install -m 644 /dev/null %s",
				    path);
		} else
			report_ok(r, "there is no %s, and none is needed",
			    d->config_path);
		return;
	}
	if (!S_ISREG(st.st_mode)) {
		report_failed(r, "%s is no regular file; the defaults hold",
		    d->config_path);
		report_mend(r, "mv %s %s && install -m 644 /dev/null %s",
		    path, report_quote(r, report_format(r, "%s.was",
		    d->config_path)), path);
		return;
	}
	if (st.st_uid != 0 && st.st_uid != d->euid) {
		report_failed(r, "%s belongs to uid %lu, who can become "
		    "anybody by it", d->config_path,
		    (unsigned long)st.st_uid);
		report_mend(r, "chown root %s", path);
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		report_failed(r, "%s can be written by others (mode %04o), "
		    "who can become anybody by it", d->config_path,
		    (unsigned)st.st_mode & 07777);
		report_mend(r, "chmod go-w %s", path);
	}
}

/* A directory that all users share because nothing in it says who. */
static void
check_shared(const struct doctor *d, struct report *r, const char *key,
    const char *value, const char *follows)
{
	const char *fit;

	if (value[0] != '/' || strstr(value, "%u") != NULL)
		return;
	fit = report_format(r, "%s/%%u", strcmp(value, "/") == 0 ? "" :
	    value);
	report_failed(r, "%s = %s has no %%u in it: %s", key, value, follows);
	doctor_mend_key(d, r, key, fit);
}

/* The directory that `path` is in must be there. */
static void
check_parent(const struct doctor *d, struct report *r, const char *key,
    const char *path, const char *follows)
{
	const char *slash = strrchr(path, '/'), *dir;
	struct stat st;

	if (path[0] != '/' || slash == path)
		return;
	dir = report_format(r, "%.*s", (int)(slash - path), path);
	if (stat(dir, &st) == 0 || errno != ENOENT)
		return;
	report_warning(r, "%s = %s: there is no directory %s, so %s", key,
	    path, dir, follows);
	if (strcmp(key, "tls_state") == 0)
		doctor_mend_key(d, r, key, "/run/imapd.state");
	else
		report_mend(r, "install -d -m 755 %s", report_quote(r, dir));
}

static void
check_common(struct report *r, const char *key, const char *dir)
{
	struct stat st;

	if (dir[0] == '\0' || (stat(dir, &st) == 0 && S_ISDIR(st.st_mode)))
		return;
	report_warning(r, "%s = %s: there is no such directory, and so there "
	    "are no such mailboxes", key, dir);
	report_mend(r, "install -d -m 755 %s", report_quote(r, dir));
}

static void
check_values(const struct doctor *d, struct report *r)
{
	const struct config *c = d->config;

	if (c->plaintext == CONFIG_PLAINTEXT_ALWAYS) {
		report_warning(r, "plaintext = always: passwords may go over "
		    "the network in clear");
		doctor_mend_key(d, r, "plaintext", "tls");
	}
	check_shared(d, r, "index_dir", c->index_dir, "the first user who "
	    "logs in has it, all others have no index");
	check_shared(d, r, "mail_root", c->mail_root, "all users have the "
	    "same mailboxes there");
	check_common(r, "shared_dir", c->shared_dir);
	check_common(r, "public_dir", c->public_dir);
	check_parent(d, r, "tls_state", c->tls_state, "each connection begins "
	    "with a whole handshake");
	check_parent(d, r, "log", c->log, "the log goes to syslog");
	if (c->log[0] != '/' && strcmp(c->log, "syslog") != 0 &&
	    strcmp(c->log, "stderr") != 0) {
		report_failed(r, "log = %s is neither syslog nor stderr nor "
		    "a path from / on: where that is depends on who starts "
		    "the server", c->log);
		doctor_mend_key(d, r, "log", "syslog");
	}
}

/* What the protocol has in the configuration it complains of in the log. */
static void
keep_line(void *arg, int level, const char *line)
{
	struct reading *x = arg;

	(void)level;
	report_failed(x->r, "%s", line);
	doctor_mend_key(x->d, x->r, "workarounds", "all");
}

static void
check_words(struct reading *x)
{
	if (x->d->service->configure == NULL)
		return;
	log_to_sink(keep_line, x);
	x->d->service->configure(x->d->config);
	log_to_sink(doctor_drop_line, NULL);
}

void
check_config(const struct doctor *d, struct report *r)
{
	struct reading x = { d, r };
	size_t before = r->count[REPORT_FAILED] + r->count[REPORT_WARNING];
	struct config again;
	struct fault why = { .code = FAULT_NONE };

	check_file(d, r);
	config_defaults(&again);
	if (config_read_telling(&again, d->config_path, false, tell, &x,
	    &why) == -1 && why.code == FAULT_PERM)
		report_unknown(r, "%s", why.text);
	else if (why.code == FAULT_LIMIT)
		report_failed(r, "%s", why.text);
	check_values(d, r);
	check_words(&x);
	if (r->count[REPORT_FAILED] + r->count[REPORT_WARNING] == before &&
	    access(d->config_path, F_OK) == 0)
		report_ok(r, "every line of it is right; --check --dump shows "
		    "what is in effect");
}
