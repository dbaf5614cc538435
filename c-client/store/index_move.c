/* SPDX-License-Identifier: Apache-2.0 */
/* What DELETE and RENAME do to indexes, which others may have open. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/base/trip.h"
#include "c-client/store/index_path.h"
#include "c-client/store/index_private.h"

#include "c-client/base/banned.h"

/* A malloc()ed path: dir, a slash, a file name for `path`, an ending. */
static char *
file_path(const char *dir, const char *path, const char *ending)
{
	struct buf b;
	char *s;

	buf_init(&b, 0);
	buf_addf(&b, "%s/", dir);
	index_file_name(&b, path);
	buf_adds(&b, ending);
	s = memory_string(buf_string(&b));
	buf_clear(&b);
	return s;
}

int
index_remove(const char *dir, const char *path, uint32_t timeout,
    struct fault *why)
{
	char *file;
	int guard;

	if (dir == NULL)
		return 0;
	guard = index_file_guard(dir, F_WRLCK, timeout, why);
	if (guard == -1)
		return -1;
	file = file_path(dir, path, "");
	index_file_unlink(file);
	free(file);
	close(guard);
	return 0;
}

/* Put what is in the log into the database, so that a crash while the files
 * are renamed one by one loses nothing. */
static void
settle(const char *file)
{
	sqlite3 *db = NULL;

	if (!index_file_is_odd(file, "") && sqlite3_open_v2(file, &db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
	    SQLITE_OPEN_NOFOLLOW, NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(db, 100);
		sqlite3_wal_checkpoint_v2(db, "main",
		    SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	}
	sqlite3_close(db);
}

int
index_move(const char *dir, const char *from, const char *to,
    uint32_t timeout, struct fault *why)
{
	char *old, *new;
	int guard, r = 0;

	if (dir == NULL)
		return 0;
	guard = index_file_guard(dir, F_WRLCK, timeout, why);
	if (guard == -1)
		return -1;
	new = file_path(dir, to, "");
	index_file_unlink(new);
	old = file_path(dir, from, "");
	settle(old);
	if (TRIP("index_move.rename") ||
	    (rename(old, new) == -1 && errno != ENOENT))
		r = fault_errno(why, "rename %s", old);
	for (size_t i = 0; r == 0 && i < INDEX_PATH_ENDINGS; i++) {
		char *a = file_path(dir, from, index_path_endings[i]);
		char *b = file_path(dir, to, index_path_endings[i]);

		if (TRIP("index_move.rename_rest") ||
		    (rename(a, b) == -1 && errno != ENOENT))
			r = fault_errno(why, "rename %s", a);
		free(a);
		free(b);
	}
	if (r == -1)
		index_file_unlink(new);
	free(old);
	free(new);
	close(guard);
	return r;
}

int
index_move_below(const char *dir, const char *from, const char *to,
    uint32_t timeout, struct fault *why)
{
	size_t n = strlen(from);
	struct dirent *e;
	struct buf old, new;
	DIR *d;
	int r = 0;

	if (dir == NULL)
		return 0;
	d = opendir(dir);
	if (d == NULL)
		return errno == ENOENT ? 0 : fault_errno(why, "open %s", dir);
	buf_init(&old, 0);
	buf_init(&new, 0);
	/* An entry that is made meanwhile has a new name and is not met as an
	 * old one: `to` is not below `from`. */
	while (r == 0 && (e = readdir(d)) != NULL) {
		buf_reset(&old);
		buf_reset(&new);
		if (e->d_name[0] == '.' ||
		    !index_path_unescape(&old, span_of(e->d_name)) ||
		    old.n <= n + 1 || memcmp(old.p, from, n) != 0 ||
		    old.p[n] != '/')
			continue;
		buf_adds(&new, to);
		buf_add(&new, old.p + n, old.n - n);
		r = index_move(dir, buf_string(&old), buf_string(&new),
		    timeout, why);
	}
	buf_clear(&old);
	buf_clear(&new);
	closedir(d);
	return r;
}
