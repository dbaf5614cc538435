/* SPDX-License-Identifier: Apache-2.0 */
/* A unit of any octets, as a socket, as its drop-in and as its service. */
#include <stdlib.h>
#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/doctor/entry.h"
#include "c-client/doctor/systemd_unit.h"

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

		check_text(e->service);
		check_text(e->address);
		check_text(e->user);
		check_text(e->path);
		must(e->argc <= ENTRY_WORDS && e->line > 0);
		for (size_t k = 0; k < e->argc; k++)
			check_text(e->argv[k]);
	}
	arena_free(list.arena);
	return 0;
}
