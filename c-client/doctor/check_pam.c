/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PAM: the service's file under its right name, what it includes, the modules
 * that it names, and a login of somebody who can't exist.
 */
#include "c-client/doctor/check.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/auth/auth.h"
#include "c-client/base/buf.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/doctor/doctor.h"
#include "c-client/doctor/entry.h"
#include "c-client/doctor/report.h"
#include "c-client/doctor/trial.h"
#include "c-client/server/service.h"

#include "c-client/base/banned.h"

/* A file of PAM's, octets; and how deep they may include each other. */
#define FILE_MAX	(256u * 1024)
#define DEPTH_MAX	16u

static const char *const directories[] = { "/etc/pam.d", "/usr/lib/pam.d" };

/* Names that people give the file in vain. */
static const char *const other_names[] = { "imapd", "imap4", "imap4rev1",
    "imaps", "imap-uw", "uw-imap", "pop3", "pop3d", "ipop3d", "pop3s",
    "popd" };

struct look {
	const struct doctor *d;
	struct report *r;
	const char *service;	/* the file that is asked for */
	bool auth, account;	/* lines of these kinds were seen */
};

/* The path of NAME's file in one of the directories; NULL if there is none. */
static const char *
find_file(struct report *r, const char *name)
{
	struct stat st;

	if (name[0] == '/')
		return stat(name, &st) == 0 ? name : NULL;
	for (size_t i = 0; i < 2; i++) {
		const char *path = report_format(r, "%s/%s", directories[i],
		    name);

		if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
			return path;
	}
	return NULL;
}

/* Write the service's file as this machine would have it; what was there is
 * kept under another name. */
static void
mend_by_sample(struct report *r, const char *service)
{
	static const struct {
		const char *needs, *lines;
	} samples[] = {
		{ "/etc/pam.d/common-auth", "'@include common-auth' "
		    "'@include common-account' "
		    "'@include common-session-noninteractive'" },
		{ "/etc/pam.d/system-auth", "'auth include system-auth' "
		    "'account include system-auth' "
		    "'session include system-auth'" },
		{ "/", "'auth required pam_unix.so' "
		    "'account required pam_unix.so' "
		    "'session required pam_unix.so'" },
	};
	size_t i = 0;

	while (access(samples[i].needs, R_OK) == -1)
		i++;
	report_mend(r, "cd /etc/pam.d && { test ! -e %s || cp -p %s %s.was; } "
	    "&& printf '%%s\\n' %s >%s && chmod 644 %s", service, service,
	    service, samples[i].lines, service, service);
}

static const char *
find_module(struct report *r, struct span name)
{
	static const char *const where[] = { "/lib/security",
	    "/lib64/security", "/usr/lib/security", "/usr/lib64/security",
	    "/lib/*/security", "/usr/lib/*/security" };
	const char *found = NULL;
	glob_t g;

	if (name.n == 0 || name.p[0] == '/') {
		found = report_format(r, "%.*s", (int)name.n, name.p);
		return access(found, F_OK) == 0 ? found : NULL;
	}
	for (size_t i = 0; i < sizeof where / sizeof where[0]; i++) {
		if (glob(report_format(r, "%s/%.*s", where[i], (int)name.n,
		    name.p), GLOB_NOSORT, NULL, &g) != 0)
			continue;
		found = report_format(r, "%s", g.gl_pathv[0]);
		globfree(&g);
		return found;
	}
	return NULL;
}

static struct span
next_word(struct span *left)
{
	size_t n = 0;
	struct span word;

	*left = span_trim(*left);
	/* A control in brackets is one word, with blanks in it. */
	if (left->n != 0 && left->p[0] == '[') {
		ptrdiff_t end = span_find_char(*left, ']');

		n = end == -1 ? left->n : (size_t)end + 1;
	}
	while (n < left->n && left->p[n] != ' ' && left->p[n] != '\t')
		n++;
	word = span_slice(*left, 0, n);
	*left = span_slice(*left, n, left->n);
	return word;
}

static void look_at_file(struct look *, const char *path, unsigned depth);

static void
look_at_include(struct look *l, const char *path, unsigned number,
    struct span name, unsigned depth)
{
	const char *included = find_file(l->r, report_format(l->r, "%.*s",
	    (int)name.n, name.p));

	if (included != NULL) {
		look_at_file(l, included, depth + 1);
		return;
	}
	report_failed(l->r, "%s line %u includes %.*s, which is not there: "
	    "every login fails", path, number, (int)name.n, name.p);
	mend_by_sample(l->r, l->service);
}

/* Is it one of the words?  If not, the nearest is the one that begins like it
 * for longest. */
static bool
is_one_of(struct span word, const char *const *words, const char **nearest)
{
	size_t longest = 0;

	*nearest = words[0];
	for (; *words != NULL; words++) {
		size_t n = 0;

		if (span_is(word, *words))
			return true;
		while (n < word.n && (*words)[n] == ascii_lower(word.p[n]))
			n++;
		if (n > longest) {
			longest = n;
			*nearest = *words;
		}
	}
	return false;
}

/* What libpam takes for a line that denies, or for none. */
static bool
is_known(struct look *l, const char *path, unsigned number,
    struct span type, struct span control)
{
	static const char *const types[] = { "auth", "account", "session",
	    "password", NULL };
	static const char *const controls[] = { "required", "requisite",
	    "sufficient", "optional", "include", "substack", NULL };
	const char *nearest;
	struct span word = type;

	if (is_one_of(type, types, &nearest)) {
		word = control;
		if ((control.n != 0 && control.p[0] == '[') ||
		    is_one_of(control, controls, &nearest))
			return true;
	}
	report_failed(l->r, "%s line %u: PAM knows no \"%.*s\" there; the "
	    "nearest is %s", path, number, (int)word.n, word.p, nearest);
	report_mend(l->r, "sed -i %s %s", report_quote(l->r,
	    report_format(l->r, "%us/%s/%s/", number,
	    report_regex(l->r, word), nearest)), report_quote(l->r, path));
	return false;
}

/* type control module arguments, or @include name (pam.conf(5)). */
static void
look_at_line(struct look *l, const char *path, unsigned number,
    struct span line, unsigned depth)
{
	struct span type = next_word(&line), control = next_word(&line);
	struct span module = next_word(&line);
	bool optional = type.n != 0 && type.p[0] == '-';

	if (span_is(type, "@include")) {
		look_at_include(l, path, number, control, depth);
		return;
	}
	if (optional)
		type = span_slice(type, 1, type.n);
	if (!is_known(l, path, number, type, control))
		return;
	l->auth = l->auth || span_is(type, "auth");
	l->account = l->account || span_is(type, "account");
	if (span_is(control, "include") || span_is(control, "substack")) {
		look_at_include(l, path, number, module, depth);
		return;
	}
	/* Sessions are opened only if somebody wants that. */
	if (optional || find_module(l->r, module) != NULL ||
	    ((span_is(type, "session") || span_is(type, "password")) &&
	    !l->d->config->pam_session))
		return;
	report_failed(l->r, "%s line %u: module %.*s is not on this machine, "
	    "so every login fails; install its package, or leave it out",
	    path, number, (int)module.n, module.p);
	report_mend(l->r, "sed -i '%us/^/#/' %s", number,
	    report_quote(l->r, path));
}

static void
look_at_text(struct look *l, const char *path, struct span left,
    unsigned depth)
{
	unsigned number = 0;

	while (left.n != 0) {
		struct span line = entry_line(&left);
		ptrdiff_t comment = span_find_char(line, '#');

		if (comment != -1)
			line = span_slice(line, 0, (size_t)comment);
		number++;
		line = span_trim(line);
		if (line.n != 0 && memchr(line.p, '\0', line.n) == NULL)
			look_at_line(l, path, number, line, depth);
	}
}

static void
look_at_file(struct look *l, const char *path, unsigned depth)
{
	struct stat st;
	struct fault why;
	struct buf text;

	if (depth > DEPTH_MAX) {
		report_failed(l->r, "%s: files include each other more than "
		    "%u deep", path, DEPTH_MAX);
		mend_by_sample(l->r, l->service);
		return;
	}
	if (stat(path, &st) == 0 && (st.st_uid != 0 ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)))) {
		report_failed(l->r, "%s can be written by others than root "
		    "(uid %lu, mode %04o), who could let in anybody", path,
		    (unsigned long)st.st_uid, (unsigned)st.st_mode & 07777);
		report_mend(l->r, "chown root %s && chmod go-w %s",
		    report_quote(l->r, path), report_quote(l->r, path));
	}
	buf_init(&text, 0);
	if (file_read_text(path, FILE_MAX, &text, &why) == -1)
		report_unknown(l->r, "%s", why.text);
	else
		look_at_text(l, path, buf_span(&text), depth);
	buf_clear(&text);
}

/* PAM would go on with `other`; we don't (decisions.md 10). */
static void
miss_file(struct look *l)
{
	for (size_t i = 0; i < sizeof other_names / sizeof other_names[0];
	    i++) {
		const char *path = find_file(l->r, other_names[i]);
		bool pop = strstr(other_names[i], "pop") != NULL;

		if (path == NULL || pop != (strcmp(l->service, "pop") == 0))
			continue;
		report_failed(l->r, "there is no /etc/pam.d/%s, so nobody can "
		    "log in; there is %s, but %s asks for %s", l->service,
		    path, l->d->service->program, l->service);
		report_mend(l->r, "cp %s /etc/pam.d/%s", path, l->service);
		return;
	}
	report_failed(l->r, "there is no /etc/pam.d/%s, so nobody can log in",
	    l->service);
	mend_by_sample(l->r, l->service);
}

/* A login that must be refused, as the server would ask. */
static int
ask(void *arg, struct fault *why)
{
	const struct doctor *d = arg;
	struct auth_user user;
	enum auth_result result = auth_check(d->config,
	    d->service->pam_name, DOCTOR_NOBODY, "not a password", "", &user,
	    why);

	/* Known to PAM and not to the system: PAM took any password. */
	if (result == AUTH_YES || (result == AUTH_NO &&
	    why->code == FAULT_NOTFOUND))
		return fault_set(why, FAULT_EXISTS, "let in");
	return result == AUTH_NO ? 0 : -1;
}

static void
try_nobody(struct look *l)
{
	struct doctor d = *l->d;
	struct fault why;

	if (l->d->euid != 0) {
		report_unknown(l->r, "PAM is asked for others by root only");
		return;
	}
	if (trial_run(NULL, ask, &d, &why) == 0) {
		report_ok(l->r, "asked as service %s, PAM refuses the user %s, "
		    "who can't exist", l->service, DOCTOR_NOBODY);
		return;
	}
	if (why.code == FAULT_EXISTS)
		report_failed(l->r, "asked as service %s, PAM lets in the user "
		    "%s, who can't exist: any password is right", l->service,
		    DOCTOR_NOBODY);
	else
		report_failed(l->r, "asked as service %s, PAM fails: %s",
		    l->service, why.text);
	mend_by_sample(l->r, l->service);
}

void
check_pam(const struct doctor *d, struct report *r)
{
	struct look l = { .d = d, .r = r, .service = d->service->pam_name };
	size_t before = r->count[REPORT_FAILED];
	const char *path;

	if (d->config->auth != CONFIG_AUTH_PAM) {
		report_ok(r, "not asked: the configuration has another auth");
		return;
	}
	if ((path = find_file(r, l.service)) == NULL) {
		miss_file(&l);
		return;
	}
	look_at_file(&l, path, 0);
	if (r->count[REPORT_FAILED] == before && !(l.auth && l.account)) {
		report_failed(r, "%s has no line of type %s, so nobody can log "
		    "in", path, l.auth ? "account" : "auth");
		mend_by_sample(r, l.service);
	}
	if (r->count[REPORT_FAILED] == before)
		report_ok(r, "%s and all modules that it needs are there",
		    path);
	if (r->count[REPORT_FAILED] == before)
		try_nobody(&l);
}
