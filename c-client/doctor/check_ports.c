/* SPDX-License-Identifier: Apache-2.0 */
/* Who listens on the ports of mail now. */
#include "c-client/doctor/check.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/memory.h"
#include "c-client/base/span.h"
#include "c-client/doctor/doctor.h"
#include "c-client/doctor/entry.h"
#include "c-client/doctor/entry_mend.h"
#include "c-client/doctor/listener.h"
#include "c-client/doctor/report.h"
#include "c-client/doctor/superserver.h"
#include "c-client/server/service.h"

#include "c-client/base/banned.h"

struct look {
	const struct doctor *d;
	struct report *r;
	struct superservers all;
	struct listeners listeners;
};

/* Super-servers, ourselves, and what stands in for systemd in a shell; the
 * kernel's names end after 15 octets. */
static bool
is_expected(const struct look *k, const struct listener *l)
{
	static const char *const names[] = { "inetd", "inetutils-inetd",
	    "xinetd", "systemd", "systemd-socket-" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(l->name, names[i]) == 0)
			return true;
	return strcmp(l->name, k->d->service->program) == 0;
}

/* The unit of a process that systemd has started; "" for others. */
static void
unit_of(pid_t pid, char out[static 128])
{
	char path[64], line[512];
	FILE *f;

	out[0] = '\0';
	snprintf(path, sizeof path, "/proc/%ld/cgroup", (long)pid);
	if (access("/run/systemd/system", F_OK) == -1 ||
	    (f = fopen(path, "re")) == NULL)
		return;
	while (fgets(line, sizeof line, f) != NULL) {
		const char *name = strstr(line, "/system.slice/");

		if (name == NULL)
			continue;
		name += strlen("/system.slice/");
		snprintf(out, 128, "%.*s", (int)strcspn(name, "/\n"), name);
	}
	fclose(f);
}

/* Is somebody waiting for the port? */
static const struct superserver *
waiting(const struct look *k, uint16_t port)
{
	for (size_t i = 0; i < k->all.entries.n; i++) {
		const struct entry *e = &k->all.entries.of[i];

		if (!e->disabled && e->kind != ENTRY_SYSTEMD &&
		    superserver_port(e) == port &&
		    superserver_starts(e, k->d->service->program) &&
		    k->all.of[e->kind].pid != 0)
			return &k->all.of[e->kind];
	}
	return NULL;
}

/* Away with it, and when it is gone whoever waits is told. */
static void
mend_taken(struct look *k, const struct listener *l)
{
	const struct superserver *s = waiting(k, l->port);
	const char *tell = s == NULL ? "" : entry_mend_tell(k->r, s);
	const char *and = tell[0] == '\0' ? "" : " && ";
	char unit[128];

	unit_of(l->pid, unit);
	if (unit[0] != '\0')
		report_mend(k->r, "systemctl disable --now %s%s%s",
		    report_quote(k->r, unit), and, tell);
	else
		report_mend(k->r, "kill %ld && timeout 10 tail --pid=%ld -f "
		    "/dev/null%s%s", (long)l->pid, (long)l->pid, and, tell);
}

/* The entry that has a port listen at one address. */
static const struct entry *
bound(const struct look *k, uint16_t port)
{
	for (size_t i = 0; i < k->all.entries.n; i++) {
		const struct entry *e = &k->all.entries.of[i];

		if (!e->disabled && e->address[0] != '\0' &&
		    superserver_port(e) == port)
			return e;
	}
	return NULL;
}

static void
tell_loopback(struct look *k, const struct listener *l)
{
	const struct entry *e = bound(k, l->port);

	report_warning(k->r, "port %u is open to this machine itself and to "
	    "nobody else", l->port);
	if (e != NULL && e->kind != ENTRY_SYSTEMD && e->missing[0] == '\0' &&
	    e->argc > 0)
		entry_mend(k->r, &k->all, e, &(struct entry_mend){
		    .everywhere = true });
}

/* One port; false if nobody listens there. */
static bool
look_at(struct look *k, uint16_t port)
{
	const struct listener *first = listener_on(&k->listeners, port);
	bool loopback = true;

	if (first == NULL)
		return false;
	for (size_t i = 0; i < k->listeners.n; i++) {
		const struct listener *l = &k->listeners.of[i];

		if (l->port != port)
			continue;
		loopback = loopback && l->loopback;
		if (l->pid != 0 && !is_expected(k, l)) {
			report_failed(k->r, "port %u is held by %s (pid %ld), "
			    "which is another server", port, l->name,
			    (long)l->pid);
			mend_taken(k, l);
			return true;
		}
	}
	if (loopback)
		tell_loopback(k, first);
	else if (first->pid == 0)
		report_unknown(k->r, "somebody listens on port %u, and only "
		    "root may know who", port);
	else
		report_ok(k->r, "%s (pid %ld) listens on port %u",
		    first->name, (long)first->pid, port);
	return true;
}

void
check_ports(const struct doctor *d, struct report *r)
{
	struct look *k = memory_zalloc(sizeof *k);

	k->d = d;
	k->r = r;
	if (!listener_read(&k->listeners))
		report_unknown(r, "who listens on which port: /proc/net/tcp "
		    "can't be read");
	else {
		bool tls, plain;

		superserver_read(&k->all, r->arena);
		tls = look_at(k, d->service->tls_port);
		plain = look_at(k, d->service->port);
		if (!tls && !plain)
			report_unknown(r, "nobody listens on port %u or %u",
			    d->service->tls_port, d->service->port);
	}
	free(k);
}
