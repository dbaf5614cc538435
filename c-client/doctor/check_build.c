/* SPDX-License-Identifier: Apache-2.0 */
/* What this binary was built with, and which libraries it runs with. */
#include "c-client/doctor/check.h"

#include "c-client/doctor/doctor.h"
#include "c-client/doctor/report.h"
#include "c-client/server/service.h"

#include "c-client/base/banned.h"

void
check_build(const struct doctor *d, struct report *r)
{
	report_ok(r, "%s %s", d->service->program, d->version);
}
