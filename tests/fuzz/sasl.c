/* SPDX-License-Identifier: Apache-2.0 */
/* A SASL dialogue: lines of the input, the first being mechanism and initial
 * response; afterwards base64 both ways. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "c-client/base/base64.h"
#include "c-client/server/sasl.h"
#include "c-client/server/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct span
next(struct span *left, char end)
{
	ptrdiff_t at = span_find_char(*left, end);
	size_t n = at == -1 ? left->n : (size_t)at;
	struct span found = span_slice(*left, 0, n);

	*left = span_slice(*left, n + 1, left->n);
	return found;
}

static void
dialogue(struct span left)
{
	struct span first = next(&left, '\n'), name = next(&first, ' ');
	struct credentials c = { .user = "" };
	enum sasl_step step;
	struct buf challenge;
	struct sasl s;

	buf_init(&challenge, 0);
	step = sasl_begin(&s, name, first.n == 0 ? NULL : &first, &c,
	    &challenge);
	for (unsigned i = 0; step == SASL_CHALLENGE; i++) {
		if (i > 2)
			abort();
		step = sasl_input(&s, next(&left, '\n'), &challenge);
	}
	if (step == SASL_DONE && (c.user[0] == '\0' || c.password[0] == '\0'))
		abort();
	if (step != SASL_DONE && c.password[0] != '\0')
		abort();
	buf_clear(&challenge);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n };
	struct buf octets, text;

	dialogue(in);
	buf_init(&octets, 0);
	buf_init(&text, 0);
	if (base64_decode_strict(in, &octets)) {
		base64_encode(&text, buf_span(&octets));
		if (!span_eq(buf_span(&text), in))
			abort();
	}
	buf_clear(&octets);
	buf_clear(&text);
	return 0;
}
