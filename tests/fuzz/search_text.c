/* SPDX-License-Identifier: Apache-2.0 */
/* Searching a message, headers, bodies, charsets and all; the input is the
 * message. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "c-client/store/message.h"
#include "c-client/store/search_body.h"
#include "c-client/store/search_text.h"
#include "tests/lib/fakebox.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct search_probe probes[] = {
		{ .op = SEARCH_HEADER, .field = SPAN("Subject"),
		    .text = SPAN("a"), .squeezed = SPAN("a") },
		{ .op = SEARCH_ADDRESS, .field = SPAN("From"),
		    .text = SPAN("b c"), .squeezed = SPAN("b c") },
		{ .op = SEARCH_SENTON, .day = 19000 },
		{ .op = SEARCH_BODY, .text = SPAN("zzz"),
		    .squeezed = SPAN("zzz") },
		{ .op = SEARCH_TEXT, .text = SPAN("\xC3\xA4x"),
		    .squeezed = SPAN("\xC3\xA4x") },
	};
	size_t count = sizeof probes / sizeof probes[0];
	struct span text = { (const char *)data, n };
	struct search_work work;
	struct fault why = { 0 };
	struct reader *reader;
	struct message *m;
	struct span header;

	fake_reset();
	fake_add(1, text);
	reader = reader_new(&fake.box);
	search_text_begin(&work);
	m = reader_open(reader, 1, &why);
	if (m == NULL || message_header(m, &header, &why) == -1)
		abort();
	search_text_header(&work, header, probes, count);
	if (search_body(&work, m, probes, count, &why) == -1)
		abort();
	for (size_t i = 0; i < count; i++)
		if (probes[i].found == SEARCH_UNKNOWN)
			abort();
	search_text_end(&work);
	reader_free(reader);
	return 0;
}
