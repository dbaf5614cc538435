/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for changes with inotify.  What the events were doesn't matter: any
 * of them makes a view_sync() worth it, which looks for itself.
 */
#include "c-client/store/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "c-client/store/box.h"
#include "c-client/store/driver.h"
#include "c-client/store/index.h"

#include "c-client/base/banned.h"

/* A look in any case; and how often where there is no inotify. */
#define SAFETY_MSECS	60000
#define POLL_MSECS	2000

/* What a format names: its mailbox, two directories, and our index. */
#define ITEMS_MAX	8

/* Not IN_CLOSE_WRITE: who opened it for writing and wrote nothing, as we do to
 * lock it, would wake everybody. */
#define FILE_EVENTS	(IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)
#define DIRECTORY_EVENTS (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)

struct item {
	char *path;
	bool directory;
	int wd;			/* -1: not watched at present */
	int parent;		/* watch of its directory while it is missing,
				 * or -1 */
};

struct watch {
	int fd;
	bool polled;		/* something can't be watched */
	bool logged;		/* that was said */
	size_t count;
	struct item items[ITEMS_MAX];
};

static void
no_inotify(struct watch *w, const char *what)
{
	const char *reason = strerror(errno);
	const char *cure = errno == EMFILE ?
	    " (cure: raise sysctl fs.inotify.max_user_instances)" :
	    errno == ENOSPC ?
	    " (cure: raise sysctl fs.inotify.max_user_watches)" : "";

	w->polled = true;
	if (!w->logged)
		log_line(LOG_WARNING, "inotify: %s: %s; looking every 2 s "
		    "instead%s", what, reason, cure);
	w->logged = true;
}

/* The directory of a path, in memory of its own. */
static char *
parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;

	if (slash == NULL || slash == path)
		return memory_string(slash == NULL ? "." : "/");
	dir = memory_string(path);
	dir[slash - path] = '\0';
	return dir;
}

static void
forget_parent(struct watch *w, struct item *item)
{
	if (item->parent != -1)
		inotify_rm_watch(w->fd, item->parent);
	item->parent = -1;
}

/*
 * Watch what the path names now.  A file that is missing is waited for in its
 * directory, which is left again when it has come: a spool is a busy place.
 */
static void
watch_item(struct watch *w, struct item *item)
{
	char *dir;

	item->wd = inotify_add_watch(w->fd, item->path,
	    item->directory ? DIRECTORY_EVENTS : FILE_EVENTS);
	if (item->wd != -1) {
		forget_parent(w, item);
		return;
	}
	if (errno != ENOENT || item->directory) {
		no_inotify(w, item->path);
		return;
	}
	if (item->parent != -1)
		return;
	dir = parent_of(item->path);
	item->parent = inotify_add_watch(w->fd, dir, IN_CREATE | IN_MOVED_TO |
	    IN_ONLYDIR);
	free(dir);
	if (item->parent == -1)
		no_inotify(w, item->path);
	/* It may have come between the two calls. */
	item->wd = inotify_add_watch(w->fd, item->path, FILE_EVENTS);
	if (item->wd != -1)
		forget_parent(w, item);
}

static void
add(struct watch *w, const char *path, bool directory)
{
	struct item *item;

	if (w->fd == -1 || w->count == ITEMS_MAX)
		return;
	item = &w->items[w->count++];
	*item = (struct item){ .path = memory_string(path),
	    .directory = directory, .wd = -1, .parent = -1 };
	watch_item(w, item);
}

void
watch_file(struct watch *w, const char *path)
{
	add(w, path, false);
}

void
watch_directory(struct watch *w, const char *path)
{
	add(w, path, true);
}

struct watch *
watch_new(struct box *box)
{
	struct watch *w = memory_zalloc(sizeof *w);
	const char *index = index_watch_path(box->index);

	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd == -1)
		no_inotify(w, "no instance left");
	box->driver->watch(box, w);
	if (index != NULL)
		watch_file(w, index);
	return w;
}

void
watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->count; i++)
		free(w->items[i].path);
	if (w->fd != -1)
		close(w->fd);
	free(w);
}

int
watch_fd(const struct watch *w)
{
	return w->fd;
}

int
watch_msecs(const struct watch *w)
{
	return w->polled ? POLL_MSECS : SAFETY_MSECS;
}

/* The watch of a replaced or removed file tells of the old one only. */
static void
note_event(struct watch *w, const struct inotify_event *e)
{
	for (size_t i = 0; i < w->count; i++) {
		struct item *item = &w->items[i];

		if (e->wd == item->parent && e->mask & IN_IGNORED)
			item->parent = -1;
		if (e->wd != item->wd || !(e->mask & (IN_ATTRIB |
		    IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)))
			continue;
		if (!(e->mask & IN_IGNORED))
			inotify_rm_watch(w->fd, item->wd);
		item->wd = -1;
	}
}

bool
watch_take(struct watch *w)
{
	_Alignas(struct inotify_event) char events[4096];
	bool any = w->fd == -1;
	ssize_t n;

	while (w->fd != -1 && (n = read(w->fd, events, sizeof events)) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const void *)
			    (events + at);

			/* That a watch was given up is no news. */
			any = any || e->mask != IN_IGNORED;
			note_event(w, e);
			at += (ssize_t)(sizeof *e + e->len);
		}
	}
	/* What could not be watched may be there again. */
	w->polled = w->fd == -1;
	for (size_t i = 0; i < w->count; i++)
		if (w->items[i].wd == -1)
			watch_item(w, &w->items[i]);
	return any;
}
