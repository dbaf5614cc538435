/* SPDX-License-Identifier: Apache-2.0 */
/* --login USER: is there such a user, may he log in, and is his password
 * right?  The user data base is asked as the server asks it. */
#include "c-client/doctor/check.h"

#include <shadow.h>
#include <time.h>

#include "c-client/auth/auth.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/doctor/doctor.h"
#include "c-client/doctor/report.h"
#include "c-client/doctor/trial.h"
#include "c-client/server/service.h"

#include "c-client/base/banned.h"

#define DAY_SECS	86400

static int
ask(void *arg, struct fault *why)
{
	const struct doctor *d = arg;
	struct auth_user user;
	enum auth_result result = auth_check(d->config,
	    d->service->pam_name, d->login, d->password, "", &user, why);

	if (result == AUTH_TEMPORARY)
		fault_set(why, FAULT_UNAVAILABLE, "%s", why->text);
	return result == AUTH_YES ? 0 : -1;
}

/* An account that is closed looks like a wrong password, for modules tell
 * no more; what closes it stands in the entry. */
static void
refused(const struct doctor *d, struct report *r, const struct fault *why)
{
	const char *name = report_quote(r, d->login);
	const struct spwd *sp = d->config->auth == CONFIG_AUTH_USERS ? NULL :
	    getspnam(d->login);
	long today = (long)(time(NULL) / DAY_SECS);

	if (sp != NULL && sp->sp_expire >= 0 && today >= sp->sp_expire) {
		report_failed(r, "%s can't log in: the account has expired",
		    d->login);
		report_mend(r, "chage -E -1 %s", name);
	} else if (sp != NULL && (sp->sp_lstchg == 0 || (sp->sp_lstchg > 0 &&
	    sp->sp_max >= 0 && today - sp->sp_lstchg > sp->sp_max))) {
		report_failed(r, "%s can't log in: the password must be "
		    "changed first, and a mail client can't", d->login);
		report_mend(r, "chage -d \"$(date +%%F)\" %s", name);
	} else if (sp != NULL && sp->sp_pwdp[0] == '!' &&
	    sp->sp_pwdp[1] == '$') {
		report_failed(r, "%s can't log in: the password is locked",
		    d->login);
		report_mend(r, "usermod -U %s", name);
	} else
		report_failed(r, "%s can't log in: %s", d->login, why->text);
}

void
check_account(const struct doctor *d, struct report *r)
{
	struct doctor asking = *d;
	struct fault why;

	if (d->login == NULL) {
		report_unknown(r, "whether a user can log in is tried with "
		    "--login USER");
		return;
	}
	if (report_has_failed(r, "pam") || report_has_failed(r, "users")) {
		report_unknown(r, "%s is not tried before what FAILED above "
		    "is mended", d->login);
		return;
	}
	if (d->user == NULL) {
		report_failed(r, "%s: %s", d->login, d->user_trouble);
		return;
	}
	if (d->user->uid == 0) {
		report_failed(r, "%s has uid 0, which never logs in: make a "
		    "user for the mail, and let /etc/aliases send it to him",
		    d->login);
		return;
	}
	if (d->password == NULL) {
		report_unknown(r, "no password was given for %s", d->login);
		return;
	}
	if (d->euid != 0 && d->config->auth != CONFIG_AUTH_USERS)
		report_unknown(r, "passwords are checked by root only");
	else if (trial_run(NULL, ask, &asking, &why) == 0)
		report_ok(r, "%s can log in with this password", d->login);
	else
		refused(d, r, &why);
}
