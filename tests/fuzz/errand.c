/* SPDX-License-Identifier: Apache-2.0 */
/* A datagram to the nursery or from it; what is accepted encodes to itself. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "c-client/server/errand.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n };
	struct errand e;
	struct report r;
	char errand[ERRAND_OCTETS], report[REPORT_OCTETS];

	if (errand_decode(in, &e) == 0) {
		errand_encode(&e, errand);
		if (memcmp(errand, data, n) != 0)
			abort();
	}
	/* Hashes behind the last that counts are nobody's. */
	if (report_decode(in, &r) == 0) {
		report_encode(&r, report);
		if (memcmp(report, data, 24 + 8 * r.files.n) != 0)
			abort();
	}
	return 0;
}
