/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subscriptions: ~/.mailboxlist, a name a line as the old toolkit wrote it.
 * Lines that can't be names here are kept as they are and never shown.
 */
#include "c-client/store/list.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/clock.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/trip.h"
#include "c-client/store/account.h"
#include "c-client/store/list_entries.h"
#include "c-client/store/list_pattern.h"
#include "c-client/store/name.h"

#include "c-client/base/banned.h"

#define LIST_FILE	".mailboxlist"

/* The next line of *rest without its end; false at the end. */
static bool
next_line(struct span *rest, struct span *line)
{
	ptrdiff_t end = span_find_char(*rest, '\n');

	if (rest->n == 0)
		return false;
	*line = span_slice(*rest, 0, end == -1 ? rest->n : (size_t)end);
	*rest = span_slice(*rest, line->n + 1, rest->n);
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

/* A missing file is an empty list. */
static int
read_list(int home, struct buf *text, struct fault *why)
{
	struct fault f = { .code = FAULT_NONE };

	buf_init(text, 0);
	if (file_read_small(home, LIST_FILE, BOUND_MAILBOXLIST, text,
	    &f) == 0 || f.code == FAULT_NOTFOUND)
		return 0;
	buf_clear(text);
	return fault_set(why, f.code, "%s", f.text);
}

static int
open_home(const struct account *account, struct fault *why)
{
	int home = open(account->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return home != -1 ? home : fault_errno(why, "home %s", account->home);
}

/* Lock out our other sessions while the list is replaced. */
static int
lock_home(const struct account *account, int home, struct fault *why)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	double deadline = clock_steady() + account->lock_timeout;

	while (TRIP("list_subscribed.lock") ||
	    flock(home, LOCK_EX | LOCK_NB) == -1) {
		if (clock_steady() > deadline)
			return fault_set(why, FAULT_INUSE,
			    "%s is locked by another session", LIST_FILE);
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* A parent of a subscribed name is shown where "%" stopped at it (RFC 3501
 * 6.3.9). */
static void
add_matching(struct list_entries *list, struct list_pattern *pattern,
    const char *path, struct arena *arena)
{
	struct list_places at = list_pattern_begin(pattern);
	struct span rest = span_of(path);

	for (;;) {
		ptrdiff_t slash = span_find_char(rest, '/');
		size_t level = slash == -1 ? rest.n : (size_t)slash;
		bool done;

		at = list_pattern_walk(pattern, at, span_slice(rest, 0,
		    level));
		done = list_pattern_done(pattern, at);
		if (slash == -1) {
			if (done)
				list_entries_add(list, path, 0, arena);
			return;
		}
		rest = span_slice(rest, level, rest.n);
		if (done && memchr(pattern->p, '%', pattern->n) != NULL)
			list_entries_add(list, arena_string(arena, path,
			    (size_t)(rest.p - path)), LIST_NOSELECT, arena);
		at = list_pattern_walk(pattern, at, SPAN("/"));
		rest = span_slice(rest, 1, rest.n);
	}
}

int
list_subscribed(struct account *account, struct span reference,
    struct span wire, struct arena *arena, struct list_entry **entries,
    size_t *count, struct fault *why)
{
	struct list_entries list = { 0 };
	struct list_pattern pattern;
	struct span rest, line;
	struct buf text;
	int home;

	*entries = NULL;
	*count = 0;
	if (!list_whole_pattern(account, reference, wire, arena, &pattern))
		return 0;
	if ((home = open_home(account, why)) == -1)
		return -1;
	if (read_list(home, &text, why) == -1) {
		close(home);
		return -1;
	}
	close(home);
	rest = buf_span(&text);
	while (next_line(&rest, &line)) {
		struct name name;

		if (name_parse(account, line, arena, &name, NULL) == -1)
			continue;
		pattern.nocase = name.inbox;
		add_matching(&list, &pattern, name.path, arena);
	}
	buf_clear(&text);
	list_entries_finish(&list, arena, entries, count);
	return 0;
}

/*
 * Copy `old` to `out` without the lines that mean `name`; true if there was
 * one.
 */
static bool
copy_without(const struct account *account, struct span old,
    const struct name *name, struct buf *out)
{
	struct arena *arena = arena_new(0);
	struct span line;
	bool found = false;

	while (next_line(&old, &line)) {
		struct name other;

		if (name_parse(account, line, arena, &other, NULL) == 0 &&
		    strcmp(other.path, name->path) == 0) {
			found = true;
			continue;
		}
		buf_addspan(out, line);
		buf_addc(out, '\n');
		arena_reset(arena);
	}
	arena_free(arena);
	return found;
}

static int
change(struct account *account, const struct name *name, bool subscribe,
    struct fault *why)
{
	struct buf old, text;
	bool found;
	int home, status = -1;

	if ((home = open_home(account, why)) == -1)
		return -1;
	if (lock_home(account, home, why) == -1 ||
	    read_list(home, &old, why) == -1) {
		close(home);
		return -1;
	}
	buf_init(&text, 0);
	found = copy_without(account, buf_span(&old), name, &text);
	if (found && subscribe) {
		status = 0;
	} else if (!found && !subscribe) {
		fault_set(why, FAULT_NOTFOUND, "not subscribed to %s",
		    name->path);
	} else {
		if (subscribe) {
			name_write(&text, name->path);
			buf_addc(&text, '\n');
		}
		status = file_replace(home, LIST_FILE, buf_span(&text), why);
	}
	buf_clear(&old);
	buf_clear(&text);
	close(home);
	return status;
}

int
list_subscribe(struct account *account, const struct name *name,
    struct fault *why)
{
	return change(account, name, true, why);
}

int
list_unsubscribe(struct account *account, const struct name *name,
    struct fault *why)
{
	return change(account, name, false, why);
}
