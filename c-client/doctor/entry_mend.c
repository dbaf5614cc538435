/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that put entries right. */
#include "c-client/doctor/entry_mend.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/doctor/entry.h"
#include "c-client/doctor/report.h"
#include "c-client/doctor/superserver.h"

#include "c-client/base/banned.h"

/* Starts a minute (decisions.md 8), and processes at a time. */
#define LIMIT		"1000"

static const char *
start(struct report *r, const struct superserver *s)
{
	const char *name = s->kind == ENTRY_XINETD ? "xinetd" :
	    s->gnu ? "inetutils-inetd" : "openbsd-inetd";
	const char *script = report_format(r, "/etc/init.d/%s", name);

	if (!s->installed)
		return access("/usr/bin/apt-get", X_OK) == 0 ?
		    report_format(r, "apt-get install -y %s", name) : "";
	if (access(script, X_OK) == 0)
		return report_format(r, "service %s start", name);
	return report_format(r, "/usr/sbin/%s", s->gnu ||
	    s->kind == ENTRY_XINETD ? name : "inetd");
}

const char *
entry_mend_tell(struct report *r, const struct superserver *s)
{
	if (s->kind == ENTRY_SYSTEMD)
		return s->pid == 0 ? "" : "systemctl daemon-reload";
	if (s->pid != 0)
		return report_format(r, "kill -HUP %ld", (long)s->pid);
	return start(r, s);
}

/* `first`, and behind it what tells the super-server. */
static void
mend(struct report *r, const struct superserver *s, const char *first)
{
	const char *then = entry_mend_tell(r, s);

	report_mend(r, "%s%s%s", first, then[0] == '\0' ? "" : " && ", then);
}

/* --- inetd --------------------------------------------------------------- */

static bool
is_protocol(const struct superservers *all, const char *word)
{
	static const char *const names[] = { "tcp", "tcp4", "tcp6" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(names[i], word) == 0)
			return true;
	return all->of[ENTRY_INETD].gnu && strcmp(word, "tcp6only") == 0;
}

/* The whole line as it is to be. */
static void
add_line(struct buf *out, const struct superservers *all,
    const struct entry *e, const struct entry_mend *m)
{
	const char *protocol = m->protocol != NULL ? m->protocol :
	    is_protocol(all, e->protocol) ? e->protocol :
	    all->of[ENTRY_INETD].gnu ? "tcp6" : "tcp";
	size_t first;

	/* A line further up may have said an address for those below. */
	if (e->address[0] != '\0')
		buf_addf(out, "%s:", m->everywhere ? "*" : e->address);
	buf_addf(out, "%s\tstream\t%s\t%s.%u\t%s\t%s\t%s",
	    m->service != NULL ? m->service : e->service, protocol,
	    e->wait && e->stream ? "wait" : "nowait",
	    e->limit > 1000 ? e->limit : 1000,
	    m->user != NULL ? m->user : e->user,
	    m->path != NULL ? m->path : e->path,
	    m->program != NULL ? m->program : e->argv[0]);
	/* What stands in the place of the name may be an option. */
	first = e->argc > 0 && e->argv[0][0] == '-' ? 0 : 1;
	for (size_t i = first; i < e->argc && !m->no_arguments; i++)
		buf_addf(out, " %s", e->argv[i]);
}

/*
 * An inetd that is told of another address binds that before it gives up the
 * one that it has, and can't.  So the line goes first, until nobody listens.
 */
static const char *
give_up(struct report *r, const struct superservers *all,
    const struct entry *e)
{
	const struct superserver *s = &all->of[ENTRY_INETD];

	if (s->pid == 0)
		return "";
	return report_format(r, "sed -i --follow-symlinks '%u,%us/^/#/' %s && "
	    "kill -HUP %ld && timeout 20 sh -c 'while grep -q \":%04X "
	    "[0-9A-F]*:0000 0A\" /proc/net/tcp /proc/net/tcp6; do sleep 0.1; "
	    "done' && ", e->line, e->last, report_quote(r, e->file),
	    (long)s->pid, superserver_port(e));
}

static void
mend_inetd(struct report *r, const struct superservers *all,
    const struct entry *e, const struct entry_mend *m)
{
	struct buf line, script;

	buf_init(&line, 0);
	buf_init(&script, 0);
	add_line(&line, all, e, m);
	buf_addf(&script, "%u,%uc", e->line, e->last);
	/* sed takes a backslash for itself. */
	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] == '\\')
			buf_addc(&script, '\\');
		buf_addc(&script, line.p[i]);
	}
	mend(r, &all->of[ENTRY_INETD], report_format(r,
	    "%ssed -i --follow-symlinks %s %s", m->everywhere ||
	    (all->of[ENTRY_INETD].gnu && m->protocol != NULL) ?
	    give_up(r, all, e) : "", report_quote(r, buf_string(&script)),
	    report_quote(r, e->file)));
	buf_clear(&line);
	buf_clear(&script);
}

/* --- xinetd -------------------------------------------------------------- */

/* An attribute goes, wherever in the block it is, and comes back in front of
 * its end; NULL: it just goes. */
static void
set_attribute(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, "/^[[:space:]]*%s[[:space:]]*[-+]*=/d;", name);
	if (value != NULL)
		buf_addf(out, "s|}|\\t%s = %s\\n}|;", name, value);
}

static void
mend_xinetd(struct report *r, const struct superservers *all,
    const struct entry *e, const struct entry_mend *m)
{
	struct buf script;

	buf_init(&script, 0);
	buf_addf(&script, "%u,/}/{", e->line);
	if (m->service != NULL) {
		set_attribute(&script, "port", m->service);
		set_attribute(&script, "type", "UNLISTED");
	}
	if (m->user != NULL)
		set_attribute(&script, "user", m->user);
	if (m->path != NULL)
		set_attribute(&script, "server", m->path);
	if (m->no_arguments)
		set_attribute(&script, "server_args", NULL);
	if (m->everywhere) {
		set_attribute(&script, "bind", NULL);
		set_attribute(&script, "interface", NULL);
	}
	if (m->enabled)
		set_attribute(&script, "disable", "no");
	if (m->limits) {
		set_attribute(&script, "cps", LIMIT " 1");
		set_attribute(&script, "instances", LIMIT);
		set_attribute(&script, "per_source", "UNLIMITED");
	}
	if (m->protocol != NULL)
		set_attribute(&script, "flags", "IPv6");
	buf_addc(&script, '}');
	mend(r, &all->of[ENTRY_XINETD], report_format(r,
	    "sed -i --follow-symlinks %s %s", report_quote(r,
	    buf_string(&script)), report_quote(r, e->file)));
	buf_clear(&script);
}

/* --- systemd ------------------------------------------------------------- */

/* A file of one key beside the unit; zz, since the last one counts, and what
 * `systemctl edit` makes is override.conf. */
static const char *
drop_in(struct report *r, const char *unit, const char *section,
    const char *key, const char *value)
{
	const char *dir = report_quote(r, report_format(r,
	    "/etc/systemd/system/%s.d", unit));

	/* ExecStart= would be a second command if the first didn't go. */
	return report_format(r, "mkdir -p %s && printf '%%s\\n' '[%s]' %s%s "
	    ">%s/zz-imapd-%s.conf", dir, section,
	    strcmp(key, "ExecStart") == 0 ? "ExecStart= " : "",
	    report_quote(r, report_format(r, "%s=%s", key, value)), dir, key);
}

static void
mend_systemd(struct report *r, const struct superservers *all,
    const struct entry *e, const struct entry_mend *m)
{
	bool running = all->of[ENTRY_SYSTEMD].pid != 0;
	const char *socket = report_format(r, "%s.socket", e->unit);
	const char *service = report_format(r, "%s%s.service", e->unit,
	    e->wait && !m->accept ? "" : "@");
	const char *first = NULL;

	if (m->enabled) {
		report_mend(r, "%ssystemctl enable %s%s", running ?
		    "systemctl daemon-reload && " : "", running ? "--now " :
		    "", report_quote(r, socket));
		return;
	}
	if (m->accept)
		first = drop_in(r, socket, "Socket", "Accept", "yes");
	else if (m->input)
		first = drop_in(r, service, "Service", "StandardInput",
		    "socket");
	else if (m->limits)
		first = drop_in(r, socket, "Socket", "MaxConnections", LIMIT);
	else if (m->user != NULL)
		first = drop_in(r, service, "Service", "User", m->user);
	else if (m->path != NULL || m->no_arguments)
		first = drop_in(r, service, "Service", "ExecStart",
		    report_format(r, "%s%s", e->wait ? "" : "-", m->path !=
		    NULL ? m->path : e->path));
	if (first == NULL)
		return;
	if (!running)
		report_mend(r, "%s", first);
	else if (!e->wait || m->accept)
		report_mend(r, "%s && systemctl daemon-reload && systemctl "
		    "restart %s", first, report_quote(r, socket));
	else
		/* Not the socket alone, whose service has it. */
		report_mend(r, "%s && systemctl daemon-reload && systemctl "
		    "stop %s %s.service && systemctl start %s", first,
		    report_quote(r, socket), report_quote(r, e->unit),
		    report_quote(r, socket));
}

/* --- All of them --------------------------------------------------------- */

void
entry_mend(struct report *r, const struct superservers *all,
    const struct entry *e, const struct entry_mend *m)
{
	switch (e->kind) {
	case ENTRY_INETD:
		mend_inetd(r, all, e, m);
		break;
	case ENTRY_XINETD:
		mend_xinetd(r, all, e, m);
		break;
	case ENTRY_SYSTEMD:
		mend_systemd(r, all, e, m);
		break;
	}
}

void
entry_mend_off(struct report *r, const struct superservers *all,
    const struct entry *e)
{
	struct buf script;
	const char *first;

	if (e->kind == ENTRY_SYSTEMD) {
		report_mend(r, "systemctl disable %s%s.socket",
		    all->of[ENTRY_SYSTEMD].pid != 0 ? "--now " : "",
		    report_quote(r, e->unit));
		return;
	}
	buf_init(&script, 0);
	if (e->kind == ENTRY_INETD)
		buf_addf(&script, "%u,%us/^/#/", e->line, e->last);
	else {
		buf_addf(&script, "%u,/}/{", e->line);
		set_attribute(&script, "disable", "yes");
		buf_addc(&script, '}');
	}
	first = report_format(r, "sed -i --follow-symlinks %s %s",
	    report_quote(r, buf_string(&script)), report_quote(r, e->file));
	buf_clear(&script);
	/* What does not run is not started for it. */
	if (all->of[e->kind].pid == 0)
		report_mend(r, "%s", first);
	else
		mend(r, &all->of[e->kind], first);
}
