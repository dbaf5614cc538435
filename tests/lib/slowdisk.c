/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: a disk that takes $SLOW_MSECS for each write of 64 KB or more
 * at a place of a file, and $SLOW_READ_MSECS for each such read of 16 KB or
 * more, which adds an octet to the file $SLOW_READS.  So a rewrite, or a
 * search, takes as long as a test wants, and nothing else does.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define WRITE_LEAST	(64u * 1024)
#define READ_LEAST	(16u * 1024)

static long write_msecs, read_msecs;
static char reads[256];

static long
number(const char *name)
{
	const char *text = getenv(name);

	return text == NULL ? 0 : strtol(text, NULL, 10);
}

/* The servers clear their environment, so it is read before main(). */
__attribute__((constructor)) static void
remember(void)
{
	const char *name = getenv("SLOW_READS");

	write_msecs = number("SLOW_MSECS");
	read_msecs = number("SLOW_READ_MSECS");
	if (name != NULL)
		snprintf(reads, sizeof reads, "%s", name);
}

static void
rest(long msecs)
{
	struct timespec ts = { msecs / 1000, msecs % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

static void
count_read(void)
{
	int fd = open(reads, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd == -1)
		return;
	if (write(fd, "r", 1) != 1)
		abort();
	close(fd);
}

/* Those of programs with a 64-bit off_t. */
ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	ssize_t (*real)(int, const void *, size_t, off64_t);
	void *found = dlsym(RTLD_NEXT, "pwrite64");

	memcpy(&real, &found, sizeof real);
	if (n >= WRITE_LEAST)
		rest(write_msecs);
	return real(fd, p, n, at);
}

ssize_t
pread64(int fd, void *p, size_t n, off64_t at)
{
	ssize_t (*real)(int, void *, size_t, off64_t);
	void *found = dlsym(RTLD_NEXT, "pread64");

	memcpy(&real, &found, sizeof real);
	if (n >= READ_LEAST && read_msecs != 0) {
		rest(read_msecs);
		count_read();
	}
	return real(fd, p, n, at);
}
