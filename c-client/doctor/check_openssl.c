/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's own configuration, and what it leaves of the policy `tls = ...`:
 * the more severe of both counts. */
#include "c-client/doctor/check.h"

#include <stdio.h>
#include <string.h>

#include "c-client/base/build.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/doctor/doctor.h"
#include "c-client/doctor/report.h"
#include "c-client/server/service.h"
#include "ssl/tls.h"
#include "ssl/tls_exam.h"

#include "c-client/base/banned.h"

#if WITH_TLS

/* Debian's level; above it keys of RSA 2048 are refused. */
#define USUAL_LEVEL	2

/* The line goes where it is, and so the limit. */
static void
mend_line(struct report *r, const struct tls_exam_policy *p, const char *script)
{
	report_mend(r, "sed -i --follow-symlinks '%s' %s", script,
	    report_quote(r, p->file));
}

/* Would the server's own certificate be served?  The check of certificates
 * says what is wrong with the file itself. */
static bool
is_served(const struct doctor *d, struct fault *why)
{
	const struct config *c = d->config;
	const char *const programs[] = { d->service->program, c->called,
	    d->service->certificate, NULL };
	struct tls_config *t = tls_config_load(&(struct tls_options){
	    .cert_dir = c->cert_dir, .key_dir = c->key_dir,
	    .programs = programs, .address = "127.0.0.1",
	    .alpn = d->service->alpn, .policy = c->tls, .state_file = "" },
	    why);

	tls_config_free(t);
	return t != NULL;
}

/* The certificate at the level that is in force, where that is not the usual
 * one. */
static bool
judge_level(const struct doctor *d, struct report *r,
    const struct tls_exam_policy *p)
{
	struct fault why;

	if (p->level <= USUAL_LEVEL)
		return true;
	if (is_served(d, &why) || why.code == FAULT_PERM)
		report_warning(r, "%s asks for SECLEVEL=%d, above the usual "
		    "%d: older clients have nothing in common with us",
		    p->file, p->level, USUAL_LEVEL);
	else
		report_failed(r, "%s asks for SECLEVEL=%d, at which the "
		    "certificate is refused: %s", p->file, p->level, why.text);
	mend_line(r, p, "s/@SECLEVEL=[3-9]/@SECLEVEL=2/g");
	return false;
}

void
check_openssl(const struct doctor *d, struct report *r)
{
	const char *policy = d->config->tls;
	struct tls_exam_policy p;
	struct fault why;

	if (tls_exam_policy(policy, &p, &why) == -1) {
		report_failed(r, "%s; what OpenSSL is told is in %s",
		    why.text, p.file);
		return;
	}
	if (p.versions == 0 || p.ciphers == 0) {
		report_failed(r, "%s leaves nothing of tls = %s: no version of "
		    "TLS is in both, so no client gets in", p.file, policy);
		mend_line(r, &p, "s/^[[:space:]]*\\(MaxProtocol\\|Protocol\\)"
		    "[[:space:]]*=/#&/");
		return;
	}
	if (strcmp(p.most, "TLSv1.3") != 0) {
		report_warning(r, "%s allows no more than %s; clients of today "
		    "speak TLSv1.3", p.file, p.most);
		mend_line(r, &p, "s/^[[:space:]]*\\(MaxProtocol\\|Protocol\\)"
		    "[[:space:]]*=/#&/");
		return;
	}
	if (judge_level(d, r, &p))
		report_ok(r, "tls = %s: %s to %s, %zu ciphers, security level "
		    "%d (%s says nothing against it)", policy, p.least, p.most,
		    p.ciphers, p.level, p.file);
}

#else

void
check_openssl(const struct doctor *d, struct report *r)
{
	(void)d;
	report_ok(r, "this build has no TLS, and so no policy");
}

#endif
