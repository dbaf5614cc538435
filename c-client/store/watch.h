/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for changes of a mailbox (IDLE) without polling: inotify on what the
 * format names and on the index.  Where inotify fails, a look every 2 s.
 */
#ifndef STORE_WATCH_H
#define STORE_WATCH_H

#include <stdbool.h>

struct box;
struct watch;

/* Never NULL; where inotify is not to be had watch_fd() is -1 and one log line
 * names the sysctl. */
struct watch *watch_new(struct box *);
void watch_free(struct watch *);	/* NULL is allowed */

int watch_fd(const struct watch *);	/* readable: something happened */
int watch_msecs(const struct watch *);	/* call view_sync() at the latest after
					 * this: 60,000, or 2,000 */

/*
 * Take the events; true if a view_sync() is worth it.  Watches again what was
 * replaced.
 */
bool watch_take(struct watch *);

/* For formats: look at this file (may be missing: its directory is watched
 * until it comes), or at the entries of this directory. */
void watch_file(struct watch *, const char *path);
void watch_directory(struct watch *, const char *path);

#endif
