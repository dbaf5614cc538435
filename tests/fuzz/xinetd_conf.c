/* SPDX-License-Identifier: Apache-2.0 */
/* xinetd.conf of any octets, read twice as what includes itself would be:
 * everything is within its bounds, and argv[0] is there. */
#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/doctor/entry.h"
#include "c-client/doctor/xinetd_conf.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span text = { (const char *)data, n };
	static struct entries list;
	static struct xinetd_conf x;

	list = (struct entries){ .arena = arena_new(0) };
	xinetd_conf_init(&x, &list);
	xinetd_conf_parse(&x, "f", text);
	xinetd_conf_parse(&x, "f", text);
	xinetd_conf_finish(&x);
	must(list.n <= ENTRY_MAX && x.includes <= XINETD_INCLUDES);
	for (size_t i = 0; i < x.includes; i++)
		must_be_text(x.include[i].path);
	for (size_t i = 0; i < list.n; i++) {
		const struct entry *e = &list.of[i];

		must_be_text(e->service);
		must_be_text(e->address);
		must_be_text(e->user);
		must_be_text(e->path);
		must(e->argc <= ENTRY_WORDS && (e->named || e->argc > 0));
		for (size_t k = 0; k < e->argc; k++)
			must_be_text(e->argv[k]);
	}
	arena_free(list.arena);
	return 0;
}
