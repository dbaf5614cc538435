/* SPDX-License-Identifier: Apache-2.0 */
/* Names of ports: /etc/services, and what getservbyname(3) makes of it.  They
 * are needed where a super-server is told a name and not a number. */
#include "c-client/doctor/check.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c-client/base/memory.h"
#include "c-client/doctor/doctor.h"
#include "c-client/doctor/entry.h"
#include "c-client/doctor/entry_mend.h"
#include "c-client/doctor/report.h"
#include "c-client/doctor/superserver.h"
#include "c-client/server/port.h"
#include "c-client/server/service.h"

#include "c-client/base/banned.h"

#define FILE_NAME	"/etc/services"

/* Names that lines of inetd.conf have for the ports of mail. */
static const struct {
	const char *name;
	uint16_t port;
} names[] = {
	{ "imap2", 143 }, { "imap", 143 }, { "imaps", 993 }, { "pop3", 110 },
	{ "pop-3", 110 }, { "pop3s", 995 },
};

/* The super-server that was told this name, or NULL. */
static const struct superserver *
user_of(const struct superservers *all, const char *name)
{
	for (size_t i = 0; i < all->entries.n; i++)
		if (!all->entries.of[i].disabled &&
		    strcmp(all->entries.of[i].service, name) == 0)
			return &all->of[all->entries.of[i].kind];
	return NULL;
}

/* What tells it, behind what was changed for it. */
static const char *
then(struct report *r, const struct superserver *s)
{
	const char *tell = s == NULL || s->pid == 0 ? "" :
	    entry_mend_tell(r, s);

	return tell[0] == '\0' ? "" : report_format(r, " && %s", tell);
}

/* The line for it goes in front, where the first of two counts. */
static void
mend_name(struct report *r, const struct superserver *s, const char *name,
    uint16_t port, bool there)
{
	if (there)
		report_mend(r, "sed -i --follow-symlinks '1i %s\\t%u/tcp' "
		    FILE_NAME "%s", name, port, then(r, s));
	else
		report_mend(r, "printf '%s\\t%u/tcp\\n' >>" FILE_NAME "%s",
		    name, port, then(r, s));
}

/* The file has it, and the system's way of asking does not. */
static void
mend_switch(struct report *r, const struct superserver *s)
{
	report_mend(r, "sed -i --follow-symlinks '/^services:/d;$a services: "
	    "files' /etc/nsswitch.conf%s", then(r, s));
}

/* One name; false if something is wrong. */
static bool
look_up(struct report *r, const struct superservers *all, const char *name,
    uint16_t port, bool needed)
{
	const struct superserver *user = user_of(all, name);
	const struct servent *s = getservbyname(name, "tcp");
	uint16_t found = s == NULL ? 0 : ntohs((uint16_t)s->s_port);
	bool there = access(FILE_NAME, F_OK) == 0;

	if (found == port || (found == 0 && user == NULL))
		return true;
	if (found != 0) {
		if (user == NULL && !needed)
			return true;
		report_failed(r, "%s is port %u here, and clients look for it "
		    "at %u", name, found, port);
		mend_name(r, user, name, port, there);
	} else if (port_is_called(port, name)) {
		report_failed(r, "%s has %s, but services are looked up "
		    "elsewhere (/etc/nsswitch.conf), so %s does not find it",
		    FILE_NAME, name, user->name);
		mend_switch(r, user);
	} else if (!there) {
		report_failed(r, "there is no %s, so %s does not know which "
		    "port %s is", FILE_NAME, user->name, name);
		mend_name(r, user, name, port, there);
	} else {
		report_failed(r, "%s has no %s, so %s does not know which port "
		    "that is", FILE_NAME, name, user->name);
		mend_name(r, user, name, port, there);
	}
	return false;
}

void
check_services(const struct doctor *d, struct report *r)
{
	struct superservers *all = memory_zalloc(sizeof *all);
	const struct service *service = d->service;
	bool good = true;

	superserver_read(all, r->arena);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].port == service->port ||
		    names[i].port == service->tls_port)
			good = look_up(r, all, names[i].name, names[i].port,
			    names[i].port == service->tls_port) && good;
	if (good)
		report_ok(r, "%s is port %u, or nobody has to know",
		    service->tls_port_name, service->tls_port);
	free(all);
}
