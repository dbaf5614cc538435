/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor: which checks there are, in which order, and what is printed. */
#include "c-client/doctor/doctor.h"

#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "c-client/base/buf.h"
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

int
doctor_main(const struct service *service, const struct config *config,
    const char *path, const char *version, const struct arguments *args)
{
	const struct doctor d = {
		.service = service,
		.config = config,
		.config_path = path,
		.config_named = args->config != NULL,
		.version = version,
		.euid = geteuid(),
		.login = args->login,
	};
	struct report report;
	struct buf out;
	int status;

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
