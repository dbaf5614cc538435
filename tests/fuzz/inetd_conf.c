/* SPDX-License-Identifier: Apache-2.0 */
/* inetd.conf of any octets: strings without control characters, within their
 * bounds. */
#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/doctor/entry.h"
#include "c-client/doctor/inetd_conf.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct entries list;

	list = (struct entries){ .arena = arena_new(0) };
	inetd_conf_parse(&list, "f", (struct span){ (const char *)data, n });
	must(list.n <= ENTRY_MAX);
	for (size_t i = 0; i < list.n; i++) {
		const struct entry *e = &list.of[i];

		must_be_text(e->service);
		must_be_text(e->address);
		must_be_text(e->protocol);
		must_be_text(e->user);
		must_be_text(e->path);
		must(e->argc <= ENTRY_WORDS && e->line > 0);
		for (size_t k = 0; k < e->argc; k++)
			must_be_text(e->argv[k]);
		must(!e->disabled || e->missing[0] == '\0');
	}
	arena_free(list.arena);
	return 0;
}
