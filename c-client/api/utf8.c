/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of headers and names of mailboxes, from and to UTF-8. */
#include "c-client/rfc822.h"

#include <string.h>

#include "c-client/api/translate.h"
#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/mime/casemap.h"
#include "c-client/mime/charset.h"
#include "c-client/mime/encword.h"
#include "c-client/mime/header.h"
#include "c-client/mime/utf7.h"

#include "c-client/base/banned.h"

long
utf8_mime2text(SIZEDTEXT *src, SIZEDTEXT *dst, long flags)
{
	struct span text = { (const char *)src->data, src->size };
	struct arena *a = arena_new(0);
	struct buf plain, mapped;

	buf_init(&plain, 0);
	buf_init(&mapped, 0);
	if (text.n > 0 && memchr(text.p, '\n', text.n) != NULL)
		text = header_unfold(a, text);
	encword_decode(text, &plain);
	if ((flags & U8T_CANONICAL) != 0) {
		casemap_decompose(buf_span(&plain),
		    (flags & U8T_CANONICAL) == U8T_CANONICAL, &mapped);
		buf_clear(&plain);
		plain = mapped;
	}
	dst->data = translate_buf(&plain, &dst->size);
	arena_free(a);
	return LONGT;
}

unsigned char *
utf8_from_mutf7(unsigned char *name)
{
	struct buf out;

	buf_init(&out, 0);
	if (!utf7_decode(span_of((const char *)name), &out)) {
		buf_clear(&out);
		return NULL;
	}
	return translate_buf(&out, NULL);
}

unsigned char *
utf8_to_mutf7(unsigned char *name)
{
	struct span utf8 = span_of((const char *)name);
	struct buf out;

	if (!charset_is_utf8(utf8))
		return NULL;
	buf_init(&out, 0);
	utf7_encode(utf8, &out);
	return translate_buf(&out, NULL);
}
