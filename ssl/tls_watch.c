/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate files by their names and times. */
#include "ssl/tls_watch.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <xxhash.h>

#include "c-client/base/clock.h"
#include "c-client/base/memory.h"
#include "ssl/tls.h"

#include "c-client/base/banned.h"

#define PATH_ROOM	1024

/* Files that are looked at; more than these are not watched. */
#define MAX_FILES	512

/* A directory whose last change is younger may change again unseen: times go
 * by the kernel's tick. */
#define DOUBT_SECS	1

struct tls_watch {
	const struct tls_options *options;
	size_t n;
	char *paths[MAX_FILES];
	uint64_t files, directories;	/* what they looked like */
	bool doubt;
};

static void
forget(struct tls_watch *w)
{
	while (w->n > 0)
		free(w->paths[--w->n]);
}

/* One that isn't there looks like nothing. */
static uint64_t
look_of(const char *path)
{
	struct {
		uint64_t dev, ino, mode, size;
		int64_t secs[2], nsecs[2];
	} look;
	struct stat st;

	memset(&look, 0, sizeof look);
	if (stat(path, &st) == -1)
		return XXH3_64bits(path, strlen(path));
	look.dev = (uint64_t)st.st_dev;
	look.ino = (uint64_t)st.st_ino;
	look.mode = st.st_mode;
	look.size = (uint64_t)st.st_size;
	look.secs[0] = st.st_mtim.tv_sec;
	look.nsecs[0] = st.st_mtim.tv_nsec;
	look.secs[1] = st.st_ctim.tv_sec;
	look.nsecs[1] = st.st_ctim.tv_nsec;
	return XXH3_64bits_withSeed(&look, sizeof look,
	    XXH3_64bits(path, strlen(path)));
}

/* A sum, so that the order in which a directory lists them is no matter. */
static uint64_t
look_of_files(const struct tls_watch *w)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < w->n; i++)
		sum += look_of(w->paths[i]);
	return sum;
}

static uint64_t
look_of_directories(const struct tls_watch *w)
{
	return look_of(w->options->cert_dir) + look_of(w->options->key_dir);
}

static bool
is_ours(const struct tls_options *o, const char *name)
{
	size_t n = strlen(name);

	if (n < 4 || strcmp(name + n - 4, ".pem") != 0)
		return false;
	for (size_t i = 0; o->programs[i] != NULL; i++)
		if (o->programs[i][0] != '\0' && strncmp(name, o->programs[i],
		    strlen(o->programs[i])) == 0)
			return true;
	return false;
}

static void
list(struct tls_watch *w, const char *directory)
{
	char path[PATH_ROOM];
	const struct dirent *e;
	struct stat st;
	DIR *d = opendir(directory);

	while (d != NULL && w->n < MAX_FILES && (e = readdir(d)) != NULL)
		if (is_ours(w->options, e->d_name)) {
			snprintf(path, sizeof path, "%s/%s", directory,
			    e->d_name);
			w->paths[w->n++] = memory_string(path);
		}
	if (d != NULL)
		closedir(d);
	if (stat(directory, &st) == 0 &&
	    st.st_mtim.tv_sec + DOUBT_SECS >= clock_now())
		w->doubt = true;
}

/* Times first: what changes meanwhile is seen at the next look. */
static void
list_all(struct tls_watch *w)
{
	forget(w);
	w->doubt = false;
	w->directories = look_of_directories(w);
	list(w, w->options->cert_dir);
	if (strcmp(w->options->cert_dir, w->options->key_dir) != 0)
		list(w, w->options->key_dir);
}

struct tls_watch *
tls_watch_new(const struct tls_options *options)
{
	struct tls_watch *w = memory_zalloc(sizeof *w);

	w->options = options;
	list_all(w);
	w->files = look_of_files(w);
	return w;
}

void
tls_watch_free(struct tls_watch *w)
{
	if (w == NULL)
		return;
	forget(w);
	free(w);
}

bool
tls_watch_changed(struct tls_watch *w)
{
	uint64_t was = w->files;

	if (w->doubt || look_of_directories(w) != w->directories)
		list_all(w);
	w->files = look_of_files(w);
	return w->files != was;
}
