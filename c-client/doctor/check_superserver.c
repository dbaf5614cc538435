/* SPDX-License-Identifier: Apache-2.0 */
/* Who starts this program for a connection: inetd, xinetd or systemd. */
#include "c-client/doctor/check.h"

#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/doctor/doctor.h"
#include "c-client/doctor/entry.h"
#include "c-client/doctor/entry_mend.h"
#include "c-client/doctor/listener.h"
#include "c-client/doctor/report.h"
#include "c-client/doctor/superserver.h"
#include "c-client/server/arguments.h"
#include "c-client/server/service.h"

#include "c-client/base/banned.h"

/* What is less than this is too little: starts a minute; processes at a time,
 * of all and of one address.  A client that looks at ten mailboxes has ten
 * connections, and an office leaves from one address. */
#define LEAST_LIMIT	1000
#define LEAST_XINETD	(100 * 60)
#define LEAST_TOGETHER	100
#define LEAST_SOURCE	20

/* systemd's MaxConnections= where nothing is said. */
#define SYSTEMD_TOGETHER	64

struct look {
	const struct doctor *d;
	struct report *r;
	struct superservers all;
	struct listeners listeners;
	char exe[1024];		/* this program's file, "" if not known */
	size_t wrong;		/* findings about the entry at hand */
	bool told[3];		/* that this super-server does not run */
};

/* What a line is mended with: everything that this program needs, so that one
 * command mends all that is wrong in it. */
static struct entry_mend
right(const struct look *k, const struct entry *e)
{
	const char *program = k->d->service->program;
	bool odd = e->argc == 0 || e->argv[0][0] == '-' ||
	    superserver_is_wrapped(e);

	return (struct entry_mend){
		.user = k->d->config->auth == CONFIG_AUTH_USERS &&
		    e->user[0] != '\0' && getpwnam(e->user) != NULL ? e->user :
		    "root",
		.path = strcmp(entry_name(e->path), program) == 0 &&
		    access(e->path, X_OK) == 0 ? e->path : k->exe,
		.program = odd ? program : NULL,
	};
}

/* The finding was added: the command for it. */
static void
mended(struct look *k, const struct entry *e, struct entry_mend m)
{
	k->wrong++;
	if (e->kind != ENTRY_INETD || k->exe[0] != '\0')
		entry_mend(k->r, &k->all, e, &m);
}

/* For kinds that are mended by parts, only that part. */
static struct entry_mend
part(const struct entry *e, struct entry_mend whole, struct entry_mend one)
{
	return e->kind == ENTRY_INETD ? whole : one;
}

static void
mend_part(struct look *k, const struct entry *e, struct entry_mend one)
{
	mended(k, e, part(e, right(k, e), one));
}

/* --- One entry, one way of being wrong each ------------------------------ */

static bool
is_whole(struct look *k, const struct entry *e)
{
	const char *name = k->all.of[e->kind].name;

	if (e->missing[0] == '\0')
		return true;
	if (e->kind == ENTRY_SYSTEMD && e->wait) {
		report_failed(k->r, "%s:%u: with Accept=no there has to be a "
		    "%s.service, and there is none", e->file, e->line,
		    e->unit);
		mended(k, e, (struct entry_mend){ .accept = true });
	} else if (e->kind == ENTRY_SYSTEMD) {
		report_failed(k->r, "%s:%u: there is no %s@.service that could "
		    "be started, and share/imapd has one", e->file, e->line,
		    e->unit);
		k->wrong++;
	} else {
		report_failed(k->r, "%s:%u: the %s is missing, so %s passes "
		    "over this entry or takes one word for another", e->file,
		    e->line, e->missing, name);
		mend_part(k, e, (struct entry_mend){ .user = "root" });
	}
	return false;
}

static void
judge_socket(struct look *k, const struct entry *e)
{
	if (e->kind == ENTRY_SYSTEMD)
		return;
	if (e->stream && (strncmp(e->protocol, "tcp", 3) == 0))
		return;
	report_failed(k->r, "%s:%u: %s gives no stream of TCP here, and mail "
	    "has no other", e->file, e->line, k->all.of[e->kind].name);
	if (e->kind == ENTRY_INETD)
		mended(k, e, right(k, e));
	else
		k->wrong++;
}

static void
judge_path(struct look *k, const struct entry *e)
{
	struct stat st, ours;

	if (superserver_is_wrapped(e))
		return;
	if (stat(e->path, &st) == -1) {
		report_failed(k->r, "%s:%u: it is to start %s, which is not "
		    "there", e->file, e->line, e->path);
		mend_part(k, e, (struct entry_mend){ .path = k->exe });
	} else if (!S_ISREG(st.st_mode) || access(e->path, X_OK) == -1) {
		report_failed(k->r, "%s:%u: it is to start %s, which can't be "
		    "executed", e->file, e->line, e->path);
		mend_part(k, e, (struct entry_mend){ .path = k->exe });
	} else if (k->exe[0] != '\0' && stat("/proc/self/exe", &ours) == 0 &&
	    (st.st_dev != ours.st_dev || st.st_ino != ours.st_ino)) {
		struct entry_mend m = right(k, e);

		report_warning(k->r, "%s:%u: it starts %s, and this here is "
		    "%s: what is found may not be so there", e->file, e->line,
		    e->path, k->exe);
		m.path = k->exe;
		mended(k, e, part(e, m, (struct entry_mend){
		    .path = k->exe }));
	}
}

/* tcpd(8) is a program of its own, which not every machine has. */
static void
judge_wrapper(struct look *k, const struct entry *e)
{
	if (!superserver_is_wrapped(e))
		return;
	if (access(e->path, X_OK) == -1)
		report_failed(k->r, "%s:%u: it is to start %s, which is not "
		    "there", e->file, e->line, e->path);
	else if (e->argc == 0 || access(e->argv[0], X_OK) == -1)
		report_failed(k->r, "%s:%u: tcpd is to start %s, which is not "
		    "there", e->file, e->line, e->argc == 0 ? "nothing" :
		    e->argv[0]);
	else
		report_warning(k->r, "%s:%u: tcpd stands between, and asks the "
		    "name service about each client before it is greeted",
		    e->file, e->line);
	mend_part(k, e, (struct entry_mend){ .path = k->exe,
	    .no_arguments = true, .protocol = "" });
}

static void
judge_name(struct look *k, const struct entry *e)
{
	if (e->kind != ENTRY_INETD || superserver_is_wrapped(e))
		return;
	if (e->argc == 0)
		report_failed(k->r, "%s:%u: behind the program its name is "
		    "missing", e->file, e->line);
	else if (e->argv[0][0] == '-')
		report_failed(k->r, "%s:%u: behind the program its name is "
		    "missing, so %s becomes the name and is no option",
		    e->file, e->line, e->argv[0]);
	else
		return;
	mended(k, e, right(k, e));
}

/* The options as the program itself reads them. */
static void
judge_arguments(struct look *k, const struct entry *e)
{
	char *argv[ENTRY_WORDS + 1] = { NULL };
	struct entry_mend m = right(k, e);
	struct arguments parsed;
	struct fault why;
	int argc = (int)e->argc;

	if (argc < 2 || superserver_is_wrapped(e) || e->argv[0][0] == '-')
		return;
	for (size_t i = 0; i < e->argc; i++)
		argv[i] = (char *)(uintptr_t)e->argv[i];
	if (arguments_parse(&parsed, argc, argv, &why) == 0)
		return;
	report_failed(k->r, "%s:%u: %s ends at once for its arguments: %s",
	    e->file, e->line, k->d->service->program, why.text);
	m.no_arguments = true;
	mended(k, e, part(e, m, (struct entry_mend){ .no_arguments = true }));
}

static void
judge_user(struct look *k, const struct entry *e)
{
	const struct passwd *pw = getpwnam(e->user);

	if (pw == NULL) {
		report_failed(k->r, "%s:%u: there is no user %s", e->file,
		    e->line, e->user);
		mend_part(k, e, (struct entry_mend){ .user = "root" });
	} else if (pw->pw_uid != 0 &&
	    k->d->config->auth != CONFIG_AUTH_USERS) {
		report_failed(k->r, "%s:%u: it is started as %s, and only root "
		    "can ask for passwords and become the user who logs in",
		    e->file, e->line, e->user);
		mend_part(k, e, (struct entry_mend){ .user = "root" });
	}
}

static void
judge_limit(struct look *k, const struct entry *e)
{
	const struct superserver *s = &k->all.of[e->kind];
	uint32_t limit = e->limit != 0 ? e->limit : s->limit;
	uint32_t least = e->kind == ENTRY_INETD ? LEAST_LIMIT : LEAST_XINETD;
	uint32_t together = e->together != 0 || e->kind != ENTRY_SYSTEMD ?
	    e->together : SYSTEMD_TOGETHER;

	if (e->wait)
		return;
	if (e->kind != ENTRY_SYSTEMD && limit < least)
		report_warning(k->r, "%s:%u: beyond %u connections a minute %s "
		    "closes them without a word, for a while; clients make "
		    "many at once", e->file, e->line, limit, s->name);
	else if (together != 0 && together < LEAST_TOGETHER)
		report_warning(k->r, "%s:%u: %s serves no more than %u "
		    "connections at a time, and a phone keeps some all day",
		    e->file, e->line, s->name, together);
	else if (e->per_source != 0 && e->per_source < LEAST_SOURCE)
		report_warning(k->r, "%s:%u: %s serves no more than %u "
		    "connections from one address, and one may be a house "
		    "full of clients", e->file, e->line, s->name,
		    e->per_source);
	else
		return;
	mend_part(k, e, (struct entry_mend){ .limits = true });
}

static void
judge_input(struct look *k, const struct entry *e)
{
	if (e->kind != ENTRY_SYSTEMD || e->wait || e->input)
		return;
	report_failed(k->r, "%s@.service: without StandardInput=socket %s is "
	    "started without the connection", e->unit,
	    k->d->service->program);
	mended(k, e, (struct entry_mend){ .input = true });
}

/* Protocols that are none to this inetd. */
static void
judge_protocol(struct look *k, const struct entry *e)
{
	const char *last = e->protocol + strcspn(e->protocol, "46");
	bool gnu = k->all.of[ENTRY_INETD].gnu;

	if (e->kind != ENTRY_INETD || strncmp(e->protocol, "tcp", 3) != 0 ||
	    last[0] == '\0' || last[1] == '\0' ||
	    (gnu && strcmp(last, "6only") == 0))
		return;
	report_failed(k->r, "%s:%u: the protocol %s is not known to this "
	    "inetd", e->file, e->line, e->protocol);
	mended(k, e, right(k, e));
}

/* A name that no list of services has; those of mail are looked at by the
 * check of /etc/services. */
static void
judge_service(struct look *k, const struct entry *e)
{
	static const char *const ours[] = { "imap", "imap2", "imaps", "pop3",
	    "pop-3", "pop3s" };
	struct entry_mend m = right(k, e);

	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		if (strcmp(e->service, ours[i]) == 0)
			return;
	if (superserver_port(e) != 0)
		return;
	report_failed(k->r, "%s:%u: no service has the name \"%s\", so %s "
	    "listens nowhere for it", e->file, e->line, e->service,
	    k->all.of[e->kind].name);
	m.service = k->d->service->tls_port == 993 ? "993" : "995";
	mended(k, e, part(e, m, (struct entry_mend){
	    .service = m.service }));
}

/* --- Several entries ----------------------------------------------------- */

static bool
is_for_us(const struct look *k, const struct entry *e)
{
	return superserver_starts(e, k->d->service->program);
}

static bool
is_our_port(const struct look *k, uint16_t port)
{
	return port != 0 && (port == k->d->service->port ||
	    port == k->d->service->tls_port);
}

/* Both want the same socket.  Of units that nobody enabled one was started,
 * and nothing says which. */
static bool
collide(const struct entry *a, const struct entry *b)
{
	if (a->kind == ENTRY_SYSTEMD && b->kind == ENTRY_SYSTEMD &&
	    !a->wanted && !b->wanted)
		return false;
	return superserver_port(a) == superserver_port(b) &&
	    (a->address[0] == '\0' || b->address[0] == '\0' ||
	    strcmp(a->address, b->address) == 0) &&
	    ((a->ipv4 && b->ipv4) || (a->ipv6 && b->ipv6));
}

/* Which of the two is to go: the one that isn't ours, or whose super-server
 * doesn't run, or the second. */
static const struct entry *
worse(const struct look *k, const struct entry *a, const struct entry *b)
{
	if (is_for_us(k, a) != is_for_us(k, b))
		return is_for_us(k, a) ? b : a;
	if (a->kind != b->kind && k->all.of[a->kind].pid == 0)
		return a;
	return b;
}

static void
judge_pairs(struct look *k)
{
	for (size_t i = 0; i < k->all.entries.n; i++)
		for (size_t j = i + 1; j < k->all.entries.n; j++) {
			const struct entry *a = &k->all.entries.of[i];
			const struct entry *b = &k->all.entries.of[j];

			if (a->disabled || b->disabled ||
			    !is_our_port(k, superserver_port(a)) ||
			    (!is_for_us(k, a) && !is_for_us(k, b)) ||
			    !collide(a, b))
				continue;
			report_failed(k->r, "%s:%u and %s:%u are for the same "
			    "port %u, which only one of them can get", a->file,
			    a->line, b->file, b->line, superserver_port(a));
			entry_mend_off(k->r, &k->all, worse(k, a, b));
		}
}

static bool
serves(const struct look *k, uint16_t port, bool ipv6)
{
	for (size_t i = 0; i < k->all.entries.n; i++) {
		const struct entry *e = &k->all.entries.of[i];

		if (!e->disabled && superserver_port(e) == port &&
		    (ipv6 ? e->ipv6 : e->ipv4))
			return true;
	}
	return false;
}

/* Does this machine have an address of IPv6 that others can reach? */
static bool
has_ipv6(void)
{
	FILE *f = fopen("/proc/net/if_inet6", "re");
	char line[128];
	unsigned scope;
	bool found = false;

	/* ADDRESS INDEX LENGTH SCOPE FLAGS NAME */
	while (f != NULL && !found && fgets(line, sizeof line, f) != NULL)
		found = sscanf(line, "%*s %*x %*x %x", &scope) == 1 &&
		    scope == 0;
	if (f != NULL)
		fclose(f);
	return found;
}

static void
judge_family(struct look *k, const struct entry *e)
{
	bool gnu = k->all.of[ENTRY_INETD].gnu;
	struct entry_mend m = right(k, e);
	uint16_t port = superserver_port(e);

	if (e->kind == ENTRY_SYSTEMD || e->address[0] != '\0' || port == 0)
		return;
	m.protocol = gnu ? "tcp6" : "tcp";
	if (!serves(k, port, false))
		report_failed(k->r, "%s:%u: port %u is served over IPv6 only",
		    e->file, e->line, port);
	else if (!serves(k, port, true) && has_ipv6())
		report_warning(k->r, "%s:%u: port %u is served over IPv4 only, "
		    "and this machine has addresses of IPv6", e->file, e->line,
		    port);
	else
		return;
	mended(k, e, part(e, m, (struct entry_mend){ .protocol = "" }));
}

/* --- What runs ----------------------------------------------------------- */

/* The entry is as it should be: does anybody act by it? */
static void
judge_running(struct look *k, const struct entry *e)
{
	const struct superserver *s = &k->all.of[e->kind];
	uint16_t port = superserver_port(e);
	const char *tell = entry_mend_tell(k->r, s);

	if (port == 0 || listener_on(&k->listeners, port) != NULL)
		return;
	if (e->kind == ENTRY_SYSTEMD) {
		if (s->pid == 0)
			return;
		report_failed(k->r, "%s:%u: %s.socket does not listen on port "
		    "%u", e->file, e->line, e->unit, port);
		report_mend(k->r, "systemctl restart %s.socket",
		    report_quote(k->r, e->unit));
	} else if (s->pid == 0) {
		if (!k->told[e->kind])
			report_failed(k->r, "%s:%u: %s does not run, so nobody "
			    "listens on port %u", e->file, e->line, s->name,
			    port);
		if (!k->told[e->kind] && tell[0] != '\0')
			report_mend(k->r, "%s", tell);
		k->told[e->kind] = true;
	} else {
		report_failed(k->r, "%s:%u: %s (pid %ld) does not listen on "
		    "port %u: it has not read this entry yet, or could not "
		    "use it, and then the log says why", e->file, e->line,
		    s->name, (long)s->pid, port);
		report_mend(k->r, "%s", tell);
	}
	k->wrong++;
}

static void
judge(struct look *k, const struct entry *e)
{
	k->wrong = 0;
	if (is_whole(k, e)) {
		judge_socket(k, e);
		judge_protocol(k, e);
		judge_service(k, e);
		judge_path(k, e);
		judge_wrapper(k, e);
		judge_name(k, e);
		judge_arguments(k, e);
		judge_user(k, e);
		judge_input(k, e);
		if (k->wrong == 0) {
			judge_limit(k, e);
			judge_family(k, e);
		}
	}
	if (k->wrong == 0)
		judge_running(k, e);
	if (k->wrong == 0)
		report_ok(k->r, "%s:%u: %s starts %s for port %u", e->file,
		    e->line, k->all.of[e->kind].name, e->path,
		    superserver_port(e));
}

/* An entry for the super-server that is there: on Debian each of them takes the
 * others away when it is installed. */
static void
mend_none(struct look *k)
{
	const struct service *service = k->d->service;
	const struct superserver *inetd = &k->all.of[ENTRY_INETD];
	const struct superserver *xinetd = &k->all.of[ENTRY_XINETD];
	bool x = inetd->pid == 0 && !inetd->installed && xinetd->installed;
	const char *tell = entry_mend_tell(k->r, x ? xinetd : inetd);
	const char *exe = report_quote(k->r, k->exe);

	if (k->exe[0] == '\0' || tell[0] == '\0')
		return;
	if (x)
		report_mend(k->r, "printf 'service %s\\n{\\n\\ttype = UNLISTED"
		    "\\n\\tport = %u\\n\\tsocket_type = stream\\n\\twait = no"
		    "\\n\\tuser = root\\n\\tserver = %%s\\n\\tflags = IPv6\\n"
		    "\\tcps = 1000 1\\n}\\n' %s >>/etc/xinetd.d/%s && %s",
		    service->tls_port_name, service->tls_port, exe,
		    service->program, tell);
	else
		report_mend(k->r, "printf '%u\\tstream\\t%s\\tnowait.1000\\t"
		    "root\\t%%s\\t%s\\n' %s >>%s && %s", service->tls_port,
		    inetd->gnu ? "tcp6" : "tcp", service->program, exe,
		    report_quote(k->r, inetd->files[0]), tell);
}

/* What is switched off for that port: a process for each client rather than
 * one that waits for all. */
static const struct entry *
switched_off(const struct look *k, uint16_t port)
{
	const struct entry *found = NULL;

	for (size_t i = 0; i < k->all.entries.n; i++) {
		const struct entry *e = &k->all.entries.of[i];

		if (e->disabled && is_for_us(k, e) &&
		    superserver_port(e) == port &&
		    (found == NULL || (found->wait && !e->wait)))
			found = e;
	}
	return found;
}

/* Nothing starts this program.  What is switched off is nearest to what is
 * wanted; else there is a line to add. */
static void
judge_none(struct look *k)
{
	const struct service *service = k->d->service;
	const struct listener *l = listener_on(&k->listeners,
	    service->tls_port);
	const struct entry *off = switched_off(k, service->tls_port);

	if (l != NULL && strcmp(l->name, service->program) == 0) {
		report_ok(k->r, "%s (pid %ld) listens by itself",
		    service->program, (long)l->pid);
		return;
	}
	if (off != NULL) {
		struct entry_mend m = right(k, off);

		report_failed(k->r, "%s:%u: the entry for %s is switched off, "
		    "so nothing starts it", off->file, off->line,
		    service->program);
		m.enabled = true;
		mended(k, off, part(off, m, (struct entry_mend){
		    .enabled = true }));
		return;
	}
	report_failed(k->r, "nothing starts %s: no file of inetd, xinetd or "
	    "systemd has an entry for it", service->program);
	mend_none(k);
}

/* Clients that begin with TLS find nothing, though others are served. */
static void
judge_tls(struct look *k)
{
	const struct service *service = k->d->service;
	const struct entry *off = switched_off(k, service->tls_port);

	for (size_t i = 0; i < k->all.entries.n; i++)
		if (superserver_port(&k->all.entries.of[i]) ==
		    service->tls_port && !k->all.entries.of[i].disabled)
			return;
	if (off == NULL)
		return;
	report_warning(k->r, "%s:%u: the entry for port %u is switched off, "
	    "which is where clients begin with TLS", off->file, off->line,
	    service->tls_port);
	mended(k, off, part(off, right(k, off), (struct entry_mend){
	    .enabled = true }));
}

static void
find_ourselves(struct look *k)
{
	ssize_t n = readlink("/proc/self/exe", k->exe, sizeof k->exe - 1);

	k->exe[n > 0 ? n : 0] = '\0';
	/* Of one that was replaced since it was started. */
	if (access(k->exe, X_OK) == -1)
		k->exe[0] = '\0';
}

/* A unit that will be started at boot has that port. */
static bool
is_spoken_for(const struct look *k, uint16_t port)
{
	for (size_t i = 0; i < k->all.entries.n; i++) {
		const struct entry *e = &k->all.entries.of[i];

		if (e->kind == ENTRY_SYSTEMD && e->wanted &&
		    superserver_port(e) == port)
			return true;
	}
	return false;
}

/* What systemd has on that port may be this unit, though not enabled. */
static bool
may_run(const struct look *k, const struct entry *e)
{
	uint16_t port = superserver_port(e);

	return k->all.of[ENTRY_SYSTEMD].pid != 0 &&
	    listener_is_held(&k->listeners, port, 1) &&
	    !is_spoken_for(k, port);
}

/*
 * Units that neither run nor will are no entries: a package may bring them.
 * Files of a super-server that isn't there are none either, if another one
 * has entries; else they show what somebody wants.
 */
static void
switch_off(struct look *k)
{
	size_t live = 0;

	for (size_t i = 0; i < k->all.entries.n; i++) {
		struct entry *e = &k->all.entries.of[i];
		const struct superserver *s = &k->all.of[e->kind];

		if (e->kind == ENTRY_SYSTEMD && !e->wanted && !may_run(k, e))
			e->disabled = true;
		if (!e->disabled && is_for_us(k, e) &&
		    (s->pid != 0 || s->installed))
			live++;
	}
	for (size_t i = 0; live != 0 && i < k->all.entries.n; i++) {
		struct entry *e = &k->all.entries.of[i];
		const struct superserver *s = &k->all.of[e->kind];

		e->disabled = e->disabled || (s->pid == 0 && !s->installed);
	}
}

void
check_superserver(const struct doctor *d, struct report *r)
{
	struct look *k = memory_zalloc(sizeof *k);
	size_t found = 0;

	k->d = d;
	k->r = r;
	find_ourselves(k);
	superserver_read(&k->all, r->arena);
	listener_read(&k->listeners);
	for (size_t i = 0; i < k->all.unread_n; i++)
		report_unknown(r, "%s can't be read; as root more can be seen",
		    k->all.unread[i]);
	switch_off(k);
	for (size_t i = 0; i < k->all.entries.n; i++) {
		const struct entry *e = &k->all.entries.of[i];

		if (e->disabled || !is_for_us(k, e))
			continue;
		judge(k, e);
		found++;
	}
	judge_pairs(k);
	if (found == 0)
		judge_none(k);
	else
		judge_tls(k);
	free(k);
}
