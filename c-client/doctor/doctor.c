/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor: which checks there are, in which order, and what is printed. */
#include "c-client/doctor/doctor.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "c-client/auth/auth.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/config.h"
#include "c-client/base/config_keys.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/doctor/check.h"
#include "c-client/doctor/report.h"
#include "c-client/server/arguments.h"
#include "c-client/server/service.h"

#include "c-client/base/banned.h"

/* What is further down needs what is further up. */
static const struct {
	const char *name;
	void (*run)(const struct doctor *, struct report *);
} checks[] = {
	{ "build",		check_build },
	{ "services",		check_services },
	{ "superserver",	check_superserver },
	{ "ports",		check_ports },
	{ "certificate",	check_certificate },
	{ "openssl",		check_openssl },
	{ "pam",		check_pam },
	{ "users",		check_users },
	{ "account",		check_account },
	{ "spool",		check_spool },
	{ "home",		check_home },
	{ "locking",		check_locking },
	{ "limits",		check_limits },
	{ "sandbox",		check_sandbox },
	{ "configuration",	check_config },
	{ "login",		check_login },
};

static int
print(const struct buf *out)
{
	return fwrite(out->p, 1, out->n, stdout) == out->n &&
	    fflush(stdout) == 0 ? 0 : -1;
}

static int
dump(const struct doctor *d)
{
	struct buf out;
	int status;

	buf_init(&out, 0);
	config_dump(d->config, d->config_path, &out);
	status = print(&out) == -1 ? 2 : 0;
	buf_clear(&out);
	return status;
}

void
doctor_drop_line(void *arg, int level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

void
doctor_mend_key(const struct doctor *d, struct report *r, const char *key,
    const char *value)
{
	const char *path = report_quote(r, d->config_path);
	uint32_t from;
	size_t row;

	config_keys_find(span_of(key), &row);
	from = d->config->from[row];
	if (from == CONFIG_DEFAULT || from == CONFIG_BUILT)
		report_mend(r, "printf '\\n%%s\\n' %s >>%s", report_quote(r,
		    report_format(r, "%s = %s", key, value)), path);
	else
		report_mend(r, "sed -i %s %s", report_quote(r,
		    report_format(r, "%us/=.*/= %s/", from,
		    report_regex(r, span_of(value)))), path);
}

/* A line of standard input without its end; on a terminal it is asked for,
 * and not shown.  False if there is none. */
static bool
read_password(const char *user, char password[BOUND_PASSWORD + 1])
{
	struct termios was, silent;
	bool terminal = tcgetattr(STDIN_FILENO, &was) == 0;
	size_t n = 0;
	char c;

	/* Silent before it is asked: who answers at once is heard, too. */
	if (terminal) {
		silent = was;
		silent.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
		fprintf(stderr, "Password of %s: ", user);
	}
	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		if (n < BOUND_PASSWORD)
			password[n++] = c;
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSADRAIN, &was);
		fputc('\n', stderr);
	}
	if (n != 0 && password[n - 1] == '\r')
		n--;
	password[n] = '\0';
	return n != 0;
}

static void
find_user(struct doctor *d, struct auth_user *user, struct fault *why)
{
	fault_set(why, FAULT_NONE, "no user was named");
	if (d->login != NULL && auth_find(d->config, d->login, user, why) ==
	    AUTH_YES)
		d->user = user;
	d->user_trouble = why->text;
}

static void
run_checks(const struct doctor *d, struct report *report)
{
	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
		report_begin(report, checks[i].name);
		checks[i].run(d, report);
	}
}

int
doctor_main(const struct service *service, const char *version,
    const struct arguments *args)
{
	char password[BOUND_PASSWORD + 1];
	struct auth_user user;
	struct config config;
	struct fault why;
	struct doctor d = {
		.service = service,
		.config = &config,
		.config_path = arguments_config(args),
		.config_named = args->config != NULL,
		.version = version,
		.euid = geteuid(),
		.login = args->login,
	};
	struct report report;
	struct buf out;
	int status;

	log_to_sink(doctor_drop_line, NULL);
	config_defaults(&config);
	config_read(&config, d.config_path, d.config_named, NULL);
	if (args->dump)
		return dump(&d);
	report_init(&report);
	find_user(&d, &user, &why);
	if (d.login != NULL && read_password(d.login, password))
		d.password = password;
	run_checks(&d, &report);
	explicit_bzero(password, sizeof password);
	buf_init(&out, 0);
	if (args->json)
		report_json(&report, service->program, version, &out);
	else
		report_text(&report, &out);
	status = report_status(&report);
	if (print(&out) == -1)
		status = 2;
	buf_clear(&out);
	report_clear(&report);
	return status;
}
