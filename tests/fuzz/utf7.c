/* SPDX-License-Identifier: Apache-2.0 */
/* Modified UTF-7: what decodes has just this encoding, and any octets encode
 * to something that decodes. */

#include "c-client/base/buf.h"
#include "c-client/mime/charset.h"
#include "c-client/mime/utf7.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { (const char *)data, size };
	struct buf out, again;
	bool has_nul = span_find_char(in, '\0') >= 0;

	buf_init(&out, 0);
	buf_init(&again, 0);
	if (utf7_decode(in, &out)) {
		must(charset_is_utf8(buf_span(&out)));
		utf7_encode(buf_span(&out), &again);
		must(span_eq(buf_span(&again), in));
	} else
		must(out.n == 0);
	buf_reset(&out);
	buf_reset(&again);
	utf7_encode(in, &out);
	must(utf7_decode(buf_span(&out), &again) == !has_nul);
	if (!has_nul && charset_is_utf8(in))
		must(span_eq(buf_span(&again), in));
	buf_clear(&out);
	buf_clear(&again);
	return 0;
}
