/* SPDX-License-Identifier: Apache-2.0 */
/* xinetd.conf of any octets, read twice as what includes itself would be:
 * everything is within its bounds, and argv[0] is there. */
#include <stdlib.h>
#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/doctor/entry.h"
#include "c-client/doctor/xinetd_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool what)
{
	if (!what)
		abort();
}

static void
check_text(const char *text)
{
	for (; *text != '\0'; text++)
		must((unsigned char)*text >= ' ' && *text != 0x7f);
}

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
		check_text(x.include[i].path);
	for (size_t i = 0; i < list.n; i++) {
		const struct entry *e = &list.of[i];

		check_text(e->service);
		check_text(e->address);
		check_text(e->user);
		check_text(e->path);
		must(e->argc <= ENTRY_WORDS && (e->named || e->argc > 0));
		for (size_t k = 0; k < e->argc; k++)
			check_text(e->argv[k]);
	}
	arena_free(list.arena);
	return 0;
}
