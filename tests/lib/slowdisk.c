/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: a disk that takes $SLOW_MSECS for each write of 64 KB or more
 * at a place of a file.  So a rewrite takes as long as a test wants, and
 * nothing else does.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define LEAST	(64u * 1024)

static long msecs;

/* The servers clear their environment, so it is read before main(). */
__attribute__((constructor)) static void
remember(void)
{
	const char *text = getenv("SLOW_MSECS");

	msecs = text == NULL ? 0 : strtol(text, NULL, 10);
}

/* That of programs with a 64-bit off_t. */
ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	ssize_t (*real)(int, const void *, size_t, off64_t);
	void *found = dlsym(RTLD_NEXT, "pwrite64");
	struct timespec ts = { msecs / 1000, msecs % 1000 * 1000000 };

	memcpy(&real, &found, sizeof real);
	if (n >= LEAST)
		nanosleep(&ts, NULL);
	return real(fd, p, n, at);
}
