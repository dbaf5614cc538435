/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: a table of options. */
#include "c-client/server/arguments.h"

#include <string.h>

#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/base/span.h"

#include "c-client/base/banned.h"

const char arguments_help[] =
    "  --listen ADDRESS:PORT[,tls|,plain]  serve this address (may repeat);\n"
    "                  [::1]:PORT for IPv6, *:PORT for all, port 0 for any\n"
    "  --config FILE   read FILE instead of /etc/imapd.conf\n"
    "  --tls           TLS from the first byte on descriptor 0\n"
    "  --no-tls        no TLS from the first byte, whatever the port\n"
    "  --check         look at all that the server needs, and say what is\n"
    "                  to be mended and by which command; exit 0 if nothing\n"
    "                  is, 1 for warnings, 2 where something FAILED\n"
    "  --json          --check: for programs\n"
    "  --login USER    --check: log in as USER too, with the password that\n"
    "                  is asked for, or is the first line of standard input\n"
    "  --dump          --check: print the configuration that is in effect\n"
    "  --version       print the version\n"
    "  --help          print this\n";

typedef int option_setter(struct arguments *, const char *value,
    struct fault *why);

static int
set_config(struct arguments *a, const char *value, struct fault *why)
{
	(void)why;
	a->config = value;
	return 0;
}

static int
set_listen(struct arguments *a, const char *value, struct fault *why)
{
	struct span text = span_of(value), how = { "", 0 };
	ptrdiff_t comma = span_find_char(text, ',');
	enum connection_tls tls = CONNECTION_BY_PORT;

	if (comma != -1) {
		how = span_slice(text, (size_t)comma + 1, text.n);
		text = span_slice(text, 0, (size_t)comma);
		if (span_is(how, "tls"))
			tls = CONNECTION_TLS;
		else if (span_is(how, "plain"))
			tls = CONNECTION_PLAIN;
		else
			return fault_set(why, FAULT_SYNTAX, "--listen %s: "
			    "behind the comma is tls or plain", value);
	}
	if (a->listeners == BOUND_LISTENERS)
		return fault_set(why, FAULT_LIMIT, "more than %u --listen",
		    BOUND_LISTENERS);
	if (!netaddr_parse(text, &a->listen[a->listeners].address))
		return fault_set(why, FAULT_SYNTAX, "--listen %s: want "
		    "ADDRESS:PORT such as 127.0.0.1:10993 or [::1]:10993",
		    value);
	a->listen[a->listeners++].tls = tls;
	return 0;
}

static int
set_tls(struct arguments *a, const char *value, struct fault *why)
{
	(void)value;
	(void)why;
	a->tls = CONNECTION_TLS;
	return 0;
}

static int
set_no_tls(struct arguments *a, const char *value, struct fault *why)
{
	(void)value;
	(void)why;
	a->tls = CONNECTION_PLAIN;
	return 0;
}

static int
set_check(struct arguments *a, const char *value, struct fault *why)
{
	(void)value;
	(void)why;
	a->check = true;
	return 0;
}

static int
set_json(struct arguments *a, const char *value, struct fault *why)
{
	(void)value;
	(void)why;
	a->json = true;
	return 0;
}

static int
set_dump(struct arguments *a, const char *value, struct fault *why)
{
	(void)value;
	(void)why;
	a->dump = true;
	return 0;
}

static int
set_login(struct arguments *a, const char *value, struct fault *why)
{
	(void)why;
	a->login = value;
	return 0;
}

static int
set_version(struct arguments *a, const char *value, struct fault *why)
{
	(void)value;
	(void)why;
	a->version = true;
	return 0;
}

static int
set_help(struct arguments *a, const char *value, struct fault *why)
{
	(void)value;
	(void)why;
	a->help = true;
	return 0;
}

static const struct option {
	const char *name;
	bool valued;
	option_setter *set;
} options[] = {
	{ "--listen", true, set_listen },
	{ "--config", true, set_config },
	{ "--tls", false, set_tls },
	{ "--no-tls", false, set_no_tls },
	{ "--check", false, set_check },
	{ "--json", false, set_json },
	{ "--dump", false, set_dump },
	{ "--login", true, set_login },
	{ "--version", false, set_version },
	{ "--help", false, set_help },
};

static const struct option *
find(struct span name)
{
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		if (span_eq(name, span_of(options[i].name)))
			return &options[i];
	return NULL;
}

int
arguments_parse(struct arguments *a, int argc, char **argv,
    struct fault *why)
{
	*a = (struct arguments){ .tls = CONNECTION_BY_PORT };
	for (int i = 1; i < argc; i++) {
		const char *equals = strchr(argv[i], '='), *value = NULL;
		size_t n = equals == NULL ? strlen(argv[i]) :
		    (size_t)(equals - argv[i]);
		const struct option *o = find((struct span){ argv[i], n });
		char shown[LOG_FIELD_MAX];

		if (o == NULL)
			return fault_set(why, FAULT_SYNTAX, "unknown argument "
			    "%s; --help lists them",
			    log_field(argv[i], strlen(argv[i]), shown));
		if (o->valued)
			value = equals != NULL ? equals + 1 : argv[++i];
		if (o->valued ? value == NULL : equals != NULL)
			return fault_set(why, FAULT_SYNTAX, "%s %s", o->name,
			    o->valued ? "needs a value" : "takes no value");
		if (o->set(a, value, why) == -1)
			return -1;
	}
	if (!a->check && (a->json || a->dump || a->login != NULL))
		return fault_set(why, FAULT_SYNTAX,
		    "--json, --dump and --login go with --check");
	return 0;
}

const char *
arguments_config(const struct arguments *a)
{
	return a->config == NULL ? "/etc/imapd.conf" : a->config;
}
