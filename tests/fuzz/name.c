/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mailbox names: what is accepted is a path that stays below the root, is seen
 * by LIST, and comes back as itself when it is written and read again; so do
 * the names of index files.  Input: one octet (is the root ~/mail?), the name.
 */
#include <limits.h>
#include <string.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/store/account.h"
#include "c-client/store/index.h"
#include "c-client/store/index_path.h"
#include "c-client/store/list.h"
#include "c-client/store/name.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_levels(const char *path)
{
	char level[NAME_MAX + 1];

	must(strlen(path) <= BOUND_MAILBOX_NAME);
	for (;;) {
		size_t n = strcspn(path, "/");

		must(n > 0 && n <= NAME_MAX);
		memcpy(level, path, n);
		level[n] = '\0';
		must(name_is_visible(level));
		if (path[n] == '\0')
			return;
		path += n + 1;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct account account = { .root_is_mail = size > 0 && data[0] & 1 };
	struct account plain = { .root_is_mail = false };
	struct arena *arena = arena_new(0);
	struct name name, again;
	struct buf b;

	buf_init(&b, 0);
	if (size > 0 && name_parse(&account, (struct span){
	    (const char *)data + 1, size - 1 }, arena, &name, NULL) == 0) {
		check_levels(name.path);
		name_write(&b, name.path);
		must(name_parse(&plain, buf_span(&b), arena, &again, NULL) ==
		    0);
		must(strcmp(again.path, name.path) == 0);
		must(again.inbox == name.inbox && !again.directory);
		must(list_match(SPAN("*"), span_of(name.path), false));
		must(strchr(name.path, '*') != NULL ||
		    strchr(name.path, '%') != NULL ||
		    list_match(span_of(name.path), span_of(name.path),
		    false));
		buf_reset(&b);
		index_file_name(&b, name.path);
		must(b.n > 0 && b.n <= NAME_MAX - 8 && b.p[0] != '.' &&
		    memchr(b.p, '/', b.n) == NULL);
		if (b.n < 2 || memcmp(b.p, "%%", 2) != 0) {
			struct buf path;

			buf_init(&path, 0);
			must(index_path_unescape(&path, buf_span(&b)));
			must(span_eq(buf_span(&path), span_of(name.path)));
			buf_clear(&path);
		}
	}
	buf_clear(&b);
	arena_free(arena);
	return 0;
}
