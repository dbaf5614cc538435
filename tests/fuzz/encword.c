/* SPDX-License-Identifier: Apache-2.0 */
/* Encoded-words, parameters and folding: always valid UTF-8. */

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/mime/casemap.h"
#include "c-client/mime/charset.h"
#include "c-client/mime/encword.h"
#include "c-client/mime/param.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { (const char *)data, size };
	struct arena *a = arena_new(0);
	struct param_field f;
	struct buf out, folded;

	buf_init(&out, 0);
	buf_init(&folded, 0);
	encword_decode(in, &out);
	must(charset_is_utf8(buf_span(&out)));
	casemap_fold(buf_span(&out), &folded);
	must(charset_is_utf8(buf_span(&folded)));
	casemap_fold(in, &folded);
	must(charset_is_utf8(buf_span(&folded)));
	param_parse(a, in, &f);
	buf_reset(&out);
	param_utf8(f.params, "n", &out);
	must(charset_is_utf8(buf_span(&out)));
	buf_clear(&out);
	buf_clear(&folded);
	arena_free(a);
	return 0;
}
