/* SPDX-License-Identifier: Apache-2.0 */
/* The walls around the process that talks to the network, tried for real. */
#include "c-client/doctor/check.h"

#include <pwd.h>
#include <string.h>

#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/doctor/doctor.h"
#include "c-client/doctor/report.h"
#include "c-client/doctor/trial.h"
#include "c-client/server/sandbox.h"

#include "c-client/base/banned.h"

static int
enter(void *arg, struct fault *why)
{
	const struct config *c = arg;

	return sandbox_enter(SANDBOX_FRONT, c->front_user, why);
}

static void
mend_by_user(const struct doctor *d, struct report *r)
{
	const char *name = d->config->front_user;

	if (name[0] != '\0' && getpwnam("imapd") != NULL)
		doctor_mend_key(d, r, "front_user", "imapd");
	else if (name[0] != '\0' && strcmp(name, "root") == 0)
		doctor_mend_key(d, r, "front_user", "nobody");
	else
		report_mend(r, "useradd -r -M -d /nonexistent -s "
		    "/usr/sbin/nologin %s", report_quote(r,
		    name[0] == '\0' ? "imapd" : name));
}

/* Nobody's processes are those of every service that has no user of its
 * own, which could look at each other but for no_new_privs and the filter. */
static void
check_who(const struct doctor *d, struct report *r)
{
	const char *name = d->config->front_user;
	const struct passwd *pw = getpwnam(name[0] == '\0' ? "imapd" : name);

	if (pw == NULL && name[0] != '\0') {
		report_failed(r, "front_user = %s: there is no such user, so "
		    "no connection is served", name);
		mend_by_user(d, r);
	} else if (pw == NULL) {
		report_warning(r, "there is no user imapd: the process that "
		    "talks to the network is nobody, as those of other "
		    "services are");
		mend_by_user(d, r);
	} else if (pw->pw_uid == 0 || pw->pw_gid == 0) {
		report_failed(r, "%s has uid or gid 0, so no connection is "
		    "served", pw->pw_name);
		mend_by_user(d, r);
	} else
		report_ok(r, "the process that talks to the network is %s",
		    pw->pw_name);
}

void
check_sandbox(const struct doctor *d, struct report *r)
{
	struct config c = *d->config;
	struct fault why;

	check_who(d, r);
	if (report_has_failed(r, "sandbox"))
		return;
	if (trial_run(NULL, enter, &c, &why) == -1)
		report_failed(r, "the process that talks to the network can't "
		    "be shut in: %s", why.text);
	else if (d->euid != 0)
		report_ok(r, "the filter of system calls works; root also "
		    "changes the root directory and the user");
	else
		report_ok(r, "tried: another root directory, another user, "
		    "and the filter of system calls work");
}
