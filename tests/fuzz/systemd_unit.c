/* SPDX-License-Identifier: Apache-2.0 */
/* A unit of any octets, as a socket, as its drop-in and as its service. */
#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/doctor/entry.h"
#include "c-client/doctor/systemd_unit.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span text = { (const char *)data, n };
	static struct entries list;
	struct systemd_socket socket = { .listens = 0 };
	struct systemd_service service = { .line = 0 };

	list = (struct entries){ .arena = arena_new(0) };
	systemd_unit_socket(&socket, "f", text);
	systemd_unit_socket(&socket, "f", text);
	systemd_unit_service(&service, "f", text);
	systemd_unit_entries(&list, &socket, &service, "u", true);
	must(list.n == socket.listens && list.n <= SYSTEMD_LISTENS);
	for (size_t i = 0; i < list.n; i++) {
		const struct entry *e = &list.of[i];

		must_be_text(e->service);
		must_be_text(e->address);
		must_be_text(e->user);
		must_be_text(e->path);
		must(e->argc <= ENTRY_WORDS && e->line > 0);
		for (size_t k = 0; k < e->argc; k++)
			must_be_text(e->argv[k]);
	}
	arena_free(list.arena);
	return 0;
}
