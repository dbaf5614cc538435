/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about certificates. */
#include "c-client/doctor/certificate_mend.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/span.h"
#include "c-client/doctor/doctor.h"
#include "c-client/doctor/entry.h"
#include "c-client/doctor/report.h"
#include "c-client/server/service.h"
#include "ssl/tls.h"

#include "c-client/base/banned.h"

/* Files that are opened in the search of a part. */
#define MAX_FILES	1024

#define LIVE	"/etc/letsencrypt/live"

/* "imapd-tls VERB" with what it needs to find the same directory and file. */
static const char *
tool(const struct certificate_mend *m, const char *path, const char *verb)
{
	const char *name = strrchr(path, '/');
	const char *dash = strchr(name == NULL ? path : name, '-');
	const char *whom = "";
	const char *config = !m->d->config_named ? "" : report_format(m->r,
	    " --config %s", report_quote(m->r, m->d->config_path));

	if (dash != NULL && strlen(dash) > 5)
		whom = report_format(m->r, " --for %s", report_quote(m->r,
		    report_format(m->r, "%.*s", (int)strlen(dash + 1) - 4,
		    dash + 1)));
	return report_format(m->r, "imapd-tls %s%s%s", verb, config, whom);
}

/* Words behind a command, each quoted. */
static const char *
words(const struct certificate_mend *m, const struct tls_exam *e,
    const char *host)
{
	struct span left = span_of(e->names[0] != '\0' ? e->names : e->common);
	struct span word;
	const char *out = host[0] == '\0' ? "" : report_format(m->r, " %s",
	    report_quote(m->r, host));

	while ((word = entry_word(&left)).n != 0)
		if (!span_eq(word, span_of(host)))
			out = report_format(m->r, "%s %s", out,
			    report_quote(m->r, report_format(m->r, "%.*s",
			    (int)word.n, word.p)));
	return out;
}

void
certificate_mend_install(const struct certificate_mend *m,
    const struct tls_exam *e, const char *other)
{
	report_mend(m->r, "%s %s%s%s", tool(m, e->path, "install"),
	    report_quote(m->r, e->path), other == NULL ? "" : " ",
	    other == NULL ? "" : report_quote(m->r, other));
}

void
certificate_mend_new(const struct certificate_mend *m,
    const struct tls_exam *e, const char *host)
{
	/* Clients know an authority, so it isn't made anew for one name. */
	bool self = e->matches && (e->end == TLS_EXAM_SELF || e->foreign);

	report_mend(m->r, "%s --replace%s", tool(m, e->path, self ? "self" :
	    "ca"), words(m, e, host[0] != '\0' || e->names[0] != '\0' ? host :
	    m->host));
}

void
certificate_mend_authority(const struct certificate_mend *m,
    const struct tls_exam *e, const char *host)
{
	const char *dir = report_quote(m->r, m->authority);

	/* The old one is kept: somebody may still trust it. */
	report_mend(m->r, "mv %s %s.$(date +%%s) && %s --replace%s", dir, dir,
	    tool(m, e->path, "ca"), words(m, e, host));
}

/* Is what an ACME client has for this name any better? */
static bool
is_renewed(const struct certificate_mend *m, const char *name)
{
	struct tls_exam e;
	struct fault why;
	bool good;

	good = strchr(name, '/') == NULL && tls_exam_file(&e,
	    report_format(m->r, LIVE "/%s/fullchain.pem", name),
	    report_format(m->r, LIVE "/%s/privkey.pem", name), "", &why) == 0;
	good = good && e.matches && !e.late && !e.early &&
	    e.days >= TLS_WARN_DAYS;
	if (strchr(name, '/') == NULL)
		tls_exam_clear(&e);
	return good;
}

/* The directory of an ACME client with a good one for a name of it, or NULL. */
static const char *
live(const struct certificate_mend *m, const struct tls_exam *e)
{
	struct span left = span_of(e->names), word;

	while ((word = entry_word(&left)).n != 0) {
		const char *name = report_format(m->r, "%.*s", (int)word.n,
		    word.p);

		if (is_renewed(m, name))
			return report_format(m->r, LIVE "/%s", name);
	}
	return NULL;
}

bool
certificate_mend_renew(const struct certificate_mend *m,
    const struct tls_exam *e)
{
	const char *dir = live(m, e);

	if (dir != NULL)
		report_mend(m->r, "%s %s", tool(m, e->path, "install"),
		    report_quote(m->r, dir));
	else if (e->end == TLS_EXAM_OWN || e->end == TLS_EXAM_SELF || e->late)
		certificate_mend_new(m, e, "");
	else
		return false;
	return true;
}

void
certificate_mend_back(const struct certificate_mend *m,
    const struct tls_exam *e)
{
	const char *last = report_format(m->r, "%s.last", e->path);
	struct tls_exam before;
	struct fault why;
	bool good = tls_exam_file(&before, last, last, "", &why) == 0 &&
	    before.matches && !before.late && !before.early;

	if (good)
		report_mend(m->r, "%s %s", tool(m, e->path, "install"),
		    report_quote(m->r, last));
	else
		certificate_mend_new(m, e, "");
	tls_exam_clear(&before);
}

static bool
is_candidate(const char *name)
{
	static const char *const ends[] = { ".pem", ".crt", ".cer", ".key",
	    ".cert" };
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
		if (n > strlen(ends[i]) && strcmp(name + n - strlen(ends[i]),
		    ends[i]) == 0)
			return true;
	return false;
}

static const char *
search(const struct certificate_mend *m, const char *dir,
    const struct tls_exam *e, enum tls_exam_part part, size_t *left)
{
	DIR *d = opendir(dir);
	const char *found = NULL;
	struct dirent *entry;

	while (d != NULL && found == NULL && *left > 0 &&
	    (entry = readdir(d)) != NULL) {
		const char *path;

		if (!is_candidate(entry->d_name))
			continue;
		--*left;
		path = report_format(m->r, "%s/%s", dir, entry->d_name);
		if (strcmp(path, e->path) != 0 && tls_exam_has(e, path, part))
			found = path;
	}
	if (d != NULL)
		closedir(d);
	return found;
}

const char *
certificate_mend_find(const struct certificate_mend *m,
    const struct tls_exam *e, enum tls_exam_part part)
{
	const struct config *c = m->d->config;
	const char *slash = strrchr(c->cert_dir, '/');
	const char *above = slash == NULL || slash == c->cert_dir ? "/" :
	    report_format(m->r, "%.*s", (int)(slash - c->cert_dir),
	    c->cert_dir);
	const char *const dirs[] = { c->key_dir, c->cert_dir, above };
	const char *found = NULL;
	size_t left = MAX_FILES;

	for (size_t i = 0; i < 3 && found == NULL; i++)
		found = search(m, dirs[i], e, part, &left);
	return found;
}
