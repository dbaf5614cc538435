/* SPDX-License-Identifier: Apache-2.0 */
/* What this binary was built with, and which libraries it runs with. */
#include "c-client/doctor/check.h"

#include <gnu/libc-version.h>

#include "c-client/base/build.h"
#include "c-client/base/digest.h"
#include "c-client/doctor/doctor.h"
#include "c-client/doctor/report.h"
#include "c-client/server/service.h"
#include "c-client/store/index.h"

#include "c-client/base/banned.h"

void
check_build(const struct doctor *d, struct report *r)
{
	report_ok(r, "%s %s with %s; as built: auth = %s, plaintext = %s, "
	    "extra_drivers = %s", d->service->program, d->version,
	    WITH_TLS ? "TLS" : "no TLS", DEFAULT_AUTH, DEFAULT_PLAINTEXT,
	    DEFAULT_EXTRA_DRIVERS);
	report_ok(r, "libraries: %s, SQLite %s, glibc %s", digest_library(),
	    index_library(), gnu_get_libc_version());
	if (!WITH_TLS)
		report_warning(r, "built with SSLTYPE=none: passwords and "
		    "mail go over the network in clear; build without it");
}
