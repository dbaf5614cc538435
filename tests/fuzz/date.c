/* SPDX-License-Identifier: Apache-2.0 */
/* Dates: what is read can be written, and is read as the same again. */

#include "c-client/base/buf.h"
#include "c-client/mime/date.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
round_trip(const struct date *d)
{
	struct date again;
	struct buf out;

	buf_init(&out, 0);
	date_write_internal(&out, d);
	must(out.n == 26);
	must(date_parse_internal(buf_span(&out), &again));
	/* A zone may carry the edge years over the four digits. */
	if (d->secs > -62000000000 && d->secs < 253000000000)
		must(again.secs == d->secs &&
		    again.zone_minutes == d->zone_minutes);
	buf_reset(&out);
	date_write_rfc5322(&out, d);
	must(date_parse(buf_span(&out), &again));
	buf_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { (const char *)data, size };
	struct date d;
	int64_t day;

	if (date_parse(in, &d))
		round_trip(&d);
	if (date_parse_internal(in, &d))
		round_trip(&d);
	if (date_parse_day(in, &day))
		must(day > -800000 && day < 3000000);
	return 0;
}
