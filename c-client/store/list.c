/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LIST: a walk through the mail root along the pattern, or where the pattern
 * names another namespace, through that.  It opens no mailbox; whether a file
 * is one the formats say, from its first bytes.
 */
#include "c-client/store/list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/memory.h"
#include "c-client/store/account.h"
#include "c-client/store/driver.h"
#include "c-client/store/list_entries.h"
#include "c-client/store/list_pattern.h"
#include "c-client/store/name.h"
#include "c-client/store/place.h"

#include "c-client/base/banned.h"

struct walk {
	struct driver_names names;	/* first: found_name() gets it */
	struct account *account;
	struct arena *arena;
	struct list_entries entries;
	struct list_pattern pattern;
	struct buf path;	/* of the directory, with "/" at its end */
	bool links;		/* those to directories may be shown */
};

static bool
is_directory(int dir, const struct dirent *d, struct stat *st)
{
	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	return fstatat(dir, d->d_name, st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st->st_mode);
}

/* New since it was last read, as far as the times of the file tell. */
static unsigned
mark_of(const struct stat *st)
{
	bool newer = st->st_mtim.tv_sec > st->st_atim.tv_sec ||
	    (st->st_mtim.tv_sec == st->st_atim.tv_sec &&
	    st->st_mtim.tv_nsec > st->st_atim.tv_nsec);

	return st->st_size > 0 && newer ? LIST_MARKED : LIST_UNMARKED;
}

static void
visit_file(struct walk *w, const char *level)
{
	size_t before = w->path.n;
	struct name name = { .inbox = false };
	enum driver_kind kind;
	struct stat st;

	buf_adds(&w->path, level);
	name.path = buf_string(&w->path);
	if (!w->path.full && driver_of(w->account, &name, &kind, NULL) !=
	    NULL && kind == DRIVER_MAILBOX)
		list_entries_add(&w->entries, name.path, LIST_NOINFERIORS |
		    (place_stat(w->account, &name, &st) == 0 ? mark_of(&st) :
		    0), w->arena);
	buf_reset(&w->path);
	w->path.n = before;
}

/* What the formats say of an entry of the walk's directory.  What a mailbox
 * that is a directory is made of is not below it. */
static enum driver_kind
kind_of(struct walk *w, const char *level)
{
	size_t before = w->path.n;
	struct name name = { .inbox = false };
	enum driver_kind kind = DRIVER_PART;

	buf_adds(&w->path, level);
	name.path = buf_string(&w->path);
	if (!w->path.full)
		driver_of(w->account, &name, &kind, NULL);
	buf_reset(&w->path);
	w->path.n = before;
	return kind;
}

/* Is there a name in it that may be shown? */
static bool
has_children(struct walk *w, int dir, const char *level, bool mailbox)
{
	size_t before = w->path.n;
	int fd = openat(dir, level, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *e;
	bool found = false;

	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return false;
	}
	buf_adds(&w->path, level);
	buf_addc(&w->path, '/');
	while (!found && (e = readdir(d)) != NULL)
		found = name_is_visible(e->d_name) && (!mailbox ||
		    kind_of(w, e->d_name) != DRIVER_PART);
	w->path.n = before;
	closedir(d);
	return found;
}

static void visit_directory(struct walk *, int fd, struct list_places,
    unsigned depth, bool first);

static void
visit_below(struct walk *w, int dir, const char *level,
    struct list_places places, unsigned depth)
{
	size_t before = w->path.n;
	struct list_places at = list_pattern_walk(&w->pattern, places,
	    span_of(level));
	enum driver_kind kind;
	int fd;

	if (at.count == 0)
		return;
	kind = kind_of(w, level);
	if (kind == DRIVER_PART)
		return;
	if (list_pattern_done(&w->pattern, at)) {
		unsigned attributes = (kind == DRIVER_MAILBOX ? 0 :
		    LIST_NOSELECT) | (has_children(w, dir, level,
		    kind == DRIVER_MAILBOX) ? LIST_HASCHILDREN :
		    LIST_HASNOCHILDREN);

		buf_adds(&w->path, level);
		if (!w->path.full)
			list_entries_add(&w->entries, buf_string(&w->path),
			    attributes, w->arena);
		w->path.n = before;
	}
	at = list_pattern_walk(&w->pattern, at, SPAN("/"));
	if (at.count > 0 && depth < BOUND_LIST_DEPTH) {
		at = list_pattern_keep(at);
		fd = openat(dir, level, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
		    O_CLOEXEC);
		buf_adds(&w->path, level);
		buf_addc(&w->path, '/');
		if (fd != -1 && !w->path.full)
			visit_directory(w, fd, at, depth + 1, false);
		else if (fd != -1)
			close(fd);
		list_pattern_drop(at);
	}
	buf_reset(&w->path);
	w->path.n = before;
}

/* A link to a directory that may be anywhere is shown; who names it sees what
 * is in it. */
static void
visit_link(struct walk *w, const char *level)
{
	size_t before = w->path.n;

	buf_adds(&w->path, level);
	if (!w->path.full)
		list_entries_add(&w->entries, buf_string(&w->path),
		    LIST_NOSELECT, w->arena);
	buf_reset(&w->path);
	w->path.n = before;
}

static bool
leads_to_directory(const struct walk *w, int dir, const char *level)
{
	struct stat st;

	return w->links && fstatat(dir, level, &st, 0) == 0 &&
	    S_ISDIR(st.st_mode);
}

/*
 * All entries of the directory `fd`, which is closed; `first` says that it is
 * a user's root.  Links to directories are not entered: there is no loop, and
 * no tree is walked twice.  Recursion ends at BOUND_LIST_DEPTH.
 */
static void
visit_directory(struct walk *w, int fd, struct list_places places,
    unsigned depth, bool first)
{
	DIR *d = fdopendir(fd);
	const struct dirent *e;
	struct stat st;

	if (d == NULL) {
		close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		if (!(first ? name_is_visible_first(e->d_name) :
		    name_is_visible(e->d_name)))
			continue;
		if (is_directory(dirfd(d), e, &st))
			visit_below(w, dirfd(d), e->d_name, places, depth);
		else if (!list_pattern_done(&w->pattern, list_pattern_walk(
		    &w->pattern, places, span_of(e->d_name))))
			continue;
		else if (leads_to_directory(w, dirfd(d), e->d_name))
			visit_link(w, e->d_name);
		else
			visit_file(w, e->d_name);
	}
	closedir(d);
}

/* Could these levels, each with its delimiter, be those of a mailbox? */
static bool
levels_are_visible(const char *levels, bool first)
{
	char level[NAME_MAX + 1];

	for (size_t n; *levels != '\0'; levels += n + 1) {
		n = strcspn(levels, "/");
		if (n > NAME_MAX)
			return false;
		memcpy(level, levels, n);
		level[n] = '\0';
		if (!(first ? name_is_visible_first(level) :
		    name_is_visible(level)))
			return false;
		first = false;
	}
	return true;
}

/*
 * Begin the walk in the directory `head`, which is the beginning of all names
 * that can match, with "/" at its end, or nothing for the root.
 */
static void
visit_from(struct walk *w, struct span head)
{
	struct list_places at = list_pattern_walk(&w->pattern,
	    list_pattern_begin(&w->pattern), head);
	struct name name = { .inbox = false };
	enum name_space space;
	const char *rest;
	struct place place;
	bool in_root;
	int fd;

	buf_addspan(&w->path, head);
	name.path = buf_string(&w->path);
	space = name_space(name.path, &rest);
	in_root = space == NAME_OWN || space == NAME_USER;
	if (w->path.full || at.count == 0 ||
	    !name_space_is_served(w->account, space) ||
	    !levels_are_visible(rest, in_root) ||
	    place_of(w->account, name.path, &place) == -1)
		return;
	w->links = place.anywhere;
	fd = place_open(w->account, &name, O_RDONLY | O_DIRECTORY, 0);
	if (fd == -1)
		return;
	at = list_pattern_keep(at);
	visit_directory(w, fd, at, 0, in_root && *rest == '\0');
	list_pattern_drop(at);
}

/* What is common to all users, by name or by a wildcard in its name. */
static void
visit_common(struct walk *w, enum name_space space, struct span head)
{
	struct span prefix = span_of(name_space_prefix(space));
	struct span level = span_slice(prefix, 0, prefix.n - 1);

	if (!name_space_is_served(w->account, space))
		return;
	if (list_pattern_done(&w->pattern, list_pattern_walk(&w->pattern,
	    list_pattern_begin(&w->pattern), level)))
		list_entries_add(&w->entries, arena_string(w->arena, level.p,
		    level.n), LIST_NOSELECT, w->arena);
	if (head.n < prefix.n)
		visit_from(w, prefix);
	else if (memcmp(head.p, prefix.p, prefix.n) == 0)
		visit_from(w, head);
	buf_reset(&w->path);
}

static void
visit_inbox(struct walk *w)
{
	struct list_pattern pattern = w->pattern;
	struct stat st;
	unsigned attributes = LIST_NOINFERIORS;

	pattern.nocase = true;
	if (!list_pattern_done(&pattern, list_pattern_walk(&pattern,
	    list_pattern_begin(&pattern), SPAN("INBOX"))))
		return;
	if (w->account->spool != NULL && stat(w->account->spool, &st) == 0)
		attributes |= mark_of(&st);
	list_entries_add(&w->entries, "INBOX", attributes, w->arena);
}

/* A mailbox that is elsewhere than below the root, and the levels above it. */
static void
found_name(struct driver_names *names, const char *path)
{
	struct walk *w = (struct walk *)names;
	struct span whole = span_of(path);

	for (size_t n = 1; n <= whole.n; n++) {
		struct span name = span_slice(whole, 0, n);

		if ((n == whole.n || path[n] == '/') &&
		    list_pattern_done(&w->pattern, list_pattern_walk(
		    &w->pattern, list_pattern_begin(&w->pattern), name)))
			list_entries_add(&w->entries, arena_string(w->arena,
			    name.p, name.n), n < whole.n ? LIST_NOSELECT |
			    LIST_HASCHILDREN : LIST_HASNOCHILDREN, w->arena);
	}
}

/*
 * The namespace is what the pattern begins with: a wildcard there means the
 * user's own mailboxes.  Users are never searched for, and no more is the top
 * of the file system.
 */
static void
visit_all(struct walk *w)
{
	struct span head = { w->pattern.p, list_pattern_head(&w->pattern) };

	switch (w->pattern.p[0]) {
	case '#':
		visit_common(w, NAME_SHARED, head);
		visit_common(w, NAME_PUBLIC, head);
		break;
	case '~':
		if (head.n > 0)
			visit_from(w, head);
		break;
	case '/':
		if (head.n > 1)
			visit_from(w, head);
		break;
	default:
		visit_inbox(w);
		visit_from(w, head);
	}
}

int
list_all(struct account *account, struct span reference, struct span pattern,
    struct arena *arena, struct list_entry **entries, size_t *count,
    struct fault *why)
{
	struct walk w = { .account = account, .arena = arena };

	(void)why;
	*entries = NULL;
	*count = 0;
	if (!list_whole_pattern(account, reference, pattern, arena,
	    &w.pattern))
		return 0;
	buf_init(&w.path, BOUND_MAILBOX_NAME + 1);
	visit_all(&w);
	w.names.found = found_name;
	for (size_t i = 0; drivers[i] != NULL; i++)
		drivers[i]->list(account, &w.names);
	buf_clear(&w.path);
	list_entries_finish(&w.entries, arena, entries, count);
	return 0;
}

bool
list_match(struct span pattern, struct span text, bool inbox)
{
	struct arena *arena = arena_new(0);
	struct list_pattern p;
	bool match = false;

	if (list_pattern_init(&p, pattern, arena)) {
		p.nocase = inbox;
		match = list_pattern_done(&p, list_pattern_walk(&p,
		    list_pattern_begin(&p), text));
	}
	arena_free(arena);
	return match;
}
