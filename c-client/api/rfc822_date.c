/* SPDX-License-Identifier: Apache-2.0 */
/* Now, as a header says it. */
#include "c-client/rfc822.h"

#include <string.h>
#include <time.h>

#include "c-client/base/buf.h"
#include "c-client/base/clock.h"
#include "c-client/mime/date.h"

#include "c-client/base/banned.h"

void
rfc822_date(char *date)
{
	time_t now = (time_t)clock_now();
	struct date d = { .secs = now };
	struct tm local;
	struct buf out;

	tzset();
	if (localtime_r(&now, &local) != NULL)
		d.zone_minutes = (int16_t)(local.tm_gmtoff / 60);
	buf_init(&out, 39);
	date_write_rfc5322(&out, &d);
	memcpy(date, out.p, out.n);
	date[out.n] = '\0';
	buf_clear(&out);
}
