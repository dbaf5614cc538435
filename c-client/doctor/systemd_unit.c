/* SPDX-License-Identifier: Apache-2.0 */
/* Units of systemd: a socket, and the service that it starts. */
#include "c-client/doctor/systemd_unit.h"

#include <string.h>

#include "c-client/doctor/entry.h"

#include "c-client/base/banned.h"

struct place {
	const char *file;
	unsigned line;
};

typedef void taker(void *unit, struct span section, struct span key,
    struct span value, const struct place *);

/* A backslash at the end of a line goes on with the next one. */
static struct span
logical_line(struct span *text, unsigned *number)
{
	struct span line = entry_line(text);

	++*number;
	while (line.n != 0 && line.p[line.n - 1] == '\\' && text->n != 0) {
		struct span more = entry_line(text);

		++*number;
		line.n = (size_t)(more.p + more.n - line.p);
	}
	return line;
}

/* KEY=VALUE lines below [SECTION]. */
static void
walk(struct span text, const char *file, taker *take, void *unit)
{
	struct span section = { "", 0 };
	unsigned number = 0;

	while (text.n != 0) {
		struct place at = { file, number + 1 };
		struct span line = span_trim(logical_line(&text, &number));
		ptrdiff_t equals = span_find_char(line, '=');

		if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';')
			continue;
		if (line.p[0] == '[' && line.p[line.n - 1] == ']')
			section = span_slice(line, 1, line.n - 2);
		else if (equals != -1)
			take(unit, section, span_trim(span_slice(line, 0,
			    (size_t)equals)), span_trim(span_slice(line,
			    (size_t)equals + 1, line.n)), &at);
	}
}

static bool
is_yes(struct span value)
{
	static const char *const words[] = { "yes", "true", "on", "1", "y",
	    "t" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (span_is(value, words[i]))
			return true;
	return false;
}

/* An empty value takes back what was said before, as in drop-ins. */
static void
add_listen(struct systemd_socket *s, struct span value,
    const struct place *at)
{
	if (value.n == 0)
		s->listens = 0;
	else if (s->listens < SYSTEMD_LISTENS) {
		s->file[s->listens] = at->file;
		s->line[s->listens] = at->line;
		s->listen[s->listens++] = value;
	}
}

static void
take_socket(void *unit, struct span section, struct span key,
    struct span value, const struct place *at)
{
	struct systemd_socket *s = unit;

	if (span_is(section, "Install") && span_is(key, "WantedBy"))
		s->wanted_by = value;
	if (!span_is(section, "Socket"))
		return;
	if (span_is(key, "ListenStream"))
		add_listen(s, value, at);
	else if (span_is(key, "Accept"))
		s->accept = is_yes(value);
	else if (span_is(key, "Service"))
		s->service = value;
	else if (span_is(key, "BindIPv6Only"))
		s->family = value;
	else if (span_is(key, "MaxConnections"))
		s->together = entry_number(value);
	else if (span_is(key, "MaxConnectionsPerSource"))
		s->per_source = entry_number(value);
	else if (span_is(key, "TriggerLimitBurst"))
		s->burst = entry_number(value);
}

static void
take_service(void *unit, struct span section, struct span key,
    struct span value, const struct place *at)
{
	struct systemd_service *s = unit;

	if (!span_is(section, "Service"))
		return;
	if (span_is(key, "ExecStart")) {
		s->exec = value;
		s->file = at->file;
		s->line = at->line;
	} else if (span_is(key, "StandardInput"))
		s->input = value;
	else if (span_is(key, "User"))
		s->user = value;
}

void
systemd_unit_socket(struct systemd_socket *s, const char *file,
    struct span text)
{
	walk(text, file, take_socket, s);
}

void
systemd_unit_service(struct systemd_service *s, const char *file,
    struct span text)
{
	walk(text, file, take_service, s);
}

/* 993, 127.0.0.1:993, [::1]:993, or something that is no port. */
static bool
set_listen(struct entries *list, struct entry *e, struct span value,
    struct span family)
{
	size_t colon = value.n;
	struct span address;

	while (colon > 0 && value.p[colon - 1] != ':')
		colon--;
	e->service = entry_text(list, span_slice(value, colon, value.n));
	if (entry_number(span_of(e->service)) == 0)
		return false;
	address = span_slice(value, 0, colon == 0 ? 0 : colon - 1);
	if (address.n >= 2 && address.p[0] == '[')
		address = span_slice(address, 1, address.n - 2);
	e->ipv6 = address.n == 0 || span_find_char(address, ':') != -1;
	e->ipv4 = span_is(address, "::") || address.n == 0 || !e->ipv6;
	if (span_is(family, "ipv6-only") && e->ipv6)
		e->ipv4 = false;
	if (!span_is(address, "::") && !span_is(address, "0.0.0.0"))
		e->address = entry_text(list, address);
	return true;
}

/* ExecStart=: marks before the path say how it is run ("-": failures are no
 * failures), "@" that argv[0] follows the path. */
static void
set_exec(struct entries *list, struct entry *e, struct span exec)
{
	bool argv0 = false;
	struct span path;
	size_t marks = 0;

	while (marks < exec.n && memchr("-@:+!", exec.p[marks], 5) != NULL)
		if (exec.p[marks++] == '@')
			argv0 = true;
	exec = span_slice(exec, marks, exec.n);
	path = entry_word(&exec);
	e->path = entry_text(list, path);
	entry_words(list, e, exec);
	if (!argv0)
		entry_name_first(e);
}

void
systemd_unit_entries(struct entries *list, const struct systemd_socket *s,
    const struct systemd_service *service, const char *unit, bool wanted)
{
	for (size_t i = 0; i < s->listens; i++) {
		struct entry *e = entry_add(list);

		if (e == NULL)
			return;
		e->kind = ENTRY_SYSTEMD;
		e->file = s->file[i];
		e->line = s->line[i];
		e->unit = unit;
		e->protocol = "tcp";
		e->stream = set_listen(list, e, s->listen[i], s->family);
		e->wait = !s->accept;
		e->input = span_is(service->input, "socket");
		e->limit = s->burst * 30;	/* it is for two seconds */
		e->together = s->together;
		e->per_source = s->per_source;
		e->user = service->user.n == 0 ? "root" :
		    entry_text(list, service->user);
		set_exec(list, e, service->exec);
		e->wanted = wanted;
		if (service->exec.n == 0)
			e->missing = "ExecStart";
	}
}
