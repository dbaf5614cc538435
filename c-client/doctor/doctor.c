/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor: which checks there are, in which order, and what is printed. */
#include "c-client/doctor/doctor.h"

#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/config.h"
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

/* Lines of the log are for the log; checks say what matters of them. */
static void
drop_line(void *arg, int level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

int
doctor_main(const struct service *service, const char *version,
    const struct arguments *args)
{
	struct config config;
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

	log_to_sink(drop_line, NULL);
	config_defaults(&config);
	config_read(&config, d.config_path, d.config_named, NULL);
	if (args->dump)
		return dump(&d);
	report_init(&report);
	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
		report_begin(&report, checks[i].name);
		checks[i].run(&d, &report);
	}
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
