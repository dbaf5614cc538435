/* SPDX-License-Identifier: Apache-2.0 */
/* xinetd.conf(5). */
#include "c-client/doctor/xinetd_conf.h"

#include <string.h>

#include "c-client/doctor/entry.h"

#include "c-client/base/banned.h"

/* What an attribute is to an entry; it may be given more than once. */
typedef void setter(struct entries *, struct entry *, struct span value);

static void
set_socket_type(struct entries *list, struct entry *e, struct span value)
{
	(void)list;
	e->stream = span_is(value, "stream");
}

static void
set_protocol(struct entries *list, struct entry *e, struct span value)
{
	e->protocol = entry_text(list, value);
}

static void
set_wait(struct entries *list, struct entry *e, struct span value)
{
	(void)list;
	e->wait = span_is(value, "yes");
}

static void
set_user(struct entries *list, struct entry *e, struct span value)
{
	e->user = entry_text(list, value);
}

static void
set_server(struct entries *list, struct entry *e, struct span value)
{
	e->path = entry_text(list, value);
}

/* argv[0] is the server's path unless NAMEINARGS says otherwise. */
static void
set_args(struct entries *list, struct entry *e, struct span value)
{
	entry_words(list, e, value);
}

static void
set_port(struct entries *list, struct entry *e, struct span value)
{
	if (entry_number(value) != 0)
		e->service = entry_text(list, value);
}

static void
set_bind(struct entries *list, struct entry *e, struct span value)
{
	e->address = entry_text(list, value);
}

static void
set_disable(struct entries *list, struct entry *e, struct span value)
{
	(void)list;
	e->disabled = span_is(value, "yes");
}

static void
set_instances(struct entries *list, struct entry *e, struct span value)
{
	(void)list;
	e->together = entry_number(value);
}

static void
set_per_source(struct entries *list, struct entry *e, struct span value)
{
	(void)list;
	e->per_source = entry_number(value);
}

/* Connections a second, and the seconds of rest when there are more. */
static void
set_cps(struct entries *list, struct entry *e, struct span value)
{
	(void)list;
	e->limit = entry_number(entry_word(&value)) * 60;
}

/* IPv6 is both; xinetd's usual is IPv4. */
static void
set_flags(struct entries *list, struct entry *e, struct span value)
{
	struct span word;

	(void)list;
	while ((word = entry_word(&value)).n != 0) {
		if (span_is(word, "IPv6"))
			e->ipv6 = true;
		else if (span_is(word, "NAMEINARGS"))
			e->named = true;
	}
}

static const struct attribute {
	const char *name;
	setter *set;
} attributes[] = {
	{ "socket_type", set_socket_type },
	{ "protocol", set_protocol },
	{ "wait", set_wait },
	{ "user", set_user },
	{ "server", set_server },
	{ "server_args", set_args },
	{ "port", set_port },
	{ "bind", set_bind },
	{ "interface", set_bind },
	{ "disable", set_disable },
	{ "instances", set_instances },
	{ "per_source", set_per_source },
	{ "cps", set_cps },
	{ "flags", set_flags },
};

/* NAME = VALUES, also with += and -=; values may be none. */
static bool
is_assignment(struct span line, struct span *name, struct span *value)
{
	ptrdiff_t equals = span_find_char(line, '=');
	size_t end = (size_t)equals;

	if (equals == -1)
		return false;
	*value = span_trim(span_slice(line, end + 1, line.n));
	if (end > 0 && (line.p[end - 1] == '+' || line.p[end - 1] == '-'))
		end--;
	*name = span_trim(span_slice(line, 0, end));
	return true;
}

static void
set(struct xinetd_conf *x, struct entry *e, struct span line)
{
	struct span name, value;

	if (!is_assignment(line, &name, &value))
		return;
	for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
		if (span_is(name, attributes[i].name))
			attributes[i].set(x->list, e, value);
}

static void
set_default(struct xinetd_conf *x, struct span line)
{
	struct span name, value, word;

	if (!is_assignment(line, &name, &value))
		return;
	if (span_is(name, "instances"))
		x->together = entry_number(value);
	else if (span_is(name, "per_source"))
		x->per_source = entry_number(value);
	else if (span_is(name, "disabled"))
		while (x->disabled_n < XINETD_INCLUDES &&
		    (word = entry_word(&value)).n != 0)
			x->disabled[x->disabled_n++] = word;
}

static void
add_include(struct xinetd_conf *x, struct span path, bool directory)
{
	const char *name = entry_text(x->list, span_trim(path));

	if (x->includes == XINETD_INCLUDES || name[0] == '\0')
		return;
	for (size_t i = 0; i < x->includes; i++)
		if (strcmp(x->include[i].path, name) == 0)
			return;
	x->include[x->includes].path = name;
	x->include[x->includes++].directory = directory;
}

/* Everything up to the closing brace; to `e`, to the defaults, or to nobody
 * where there were too many services. */
static void
block(struct xinetd_conf *x, struct span *text, unsigned *number,
    struct entry *e, bool defaults)
{
	while (text->n != 0) {
		struct span line = span_trim(entry_line(text));

		++*number;
		if (line.n != 0 && line.p[0] == '}')
			return;
		if (line.n == 0 || line.p[0] == '#' || line.p[0] == '{')
			continue;
		if (defaults)
			set_default(x, line);
		else if (e != NULL)
			set(x, e, line);
	}
}

static struct entry *
new_entry(struct xinetd_conf *x, const char *file, unsigned number,
    struct span name)
{
	struct entry *e = entry_add(x->list);

	if (e == NULL)
		return NULL;
	e->kind = ENTRY_XINETD;
	e->file = file;
	e->line = number;
	e->service = entry_text(x->list, name);
	e->protocol = "tcp";
	e->stream = e->ipv4 = e->input = true;
	return e;
}

void
xinetd_conf_init(struct xinetd_conf *x, struct entries *list)
{
	*x = (struct xinetd_conf){ .list = list };
}

void
xinetd_conf_parse(struct xinetd_conf *x, const char *file, struct span text)
{
	unsigned number = 0;

	while (text.n != 0) {
		struct span line = span_trim(entry_line(&text)), word;
		unsigned first = ++number;

		if (line.n == 0 || line.p[0] == '#')
			continue;
		word = entry_word(&line);
		if (span_is(word, "service"))
			block(x, &text, &number, new_entry(x, file, first,
			    entry_word(&line)), false);
		else if (span_is(word, "defaults"))
			block(x, &text, &number, NULL, true);
		else if (span_is(word, "include"))
			add_include(x, line, false);
		else if (span_is(word, "includedir"))
			add_include(x, line, true);
	}
}

void
xinetd_conf_finish(struct xinetd_conf *x)
{
	for (size_t i = 0; i < x->list->n; i++) {
		struct entry *e = &x->list->of[i];

		if (e->kind != ENTRY_XINETD)
			continue;
		if (e->together == 0)
			e->together = x->together;
		if (e->per_source == 0)
			e->per_source = x->per_source;
		if (e->user[0] == '\0')
			e->missing = "user";
		if (!e->named)
			entry_name_first(e);
		for (size_t k = 0; k < x->disabled_n; k++)
			if (span_is(x->disabled[k], e->service))
				e->disabled = true;
	}
}
