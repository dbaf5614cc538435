/* SPDX-License-Identifier: Apache-2.0 */
/* A datagram of a hostile front; what is accepted encodes to itself. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "c-client/server/privsep.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n };
	struct privsep_message m;
	struct buf again;

	if (privsep_decode(in, &m) == -1)
		return 0;
	buf_init(&again, 0);
	privsep_encode(&again, &m);
	if (!span_eq(buf_span(&again), in))
		abort();
	buf_clear(&again);
	return 0;
}
