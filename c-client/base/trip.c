/* SPDX-License-Identifier: Apache-2.0 */
/* Fault points.  The Makefile takes this file with TRIPS=1 alone. */
#include "c-client/base/trip.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c-client/base/banned.h"

#define POINTS_MAX	256
#define FIELD		80	/* with NUL, as the format of sscanf() says */

/* A write is cut where a block of the disk ends. */
#define BLOCK		512

enum act { ACT_KILL, ACT_KILL_PARENT, ACT_KILL_BOTH, ACT_STOP, ACT_FAIL };

static const struct action {
	const char *name;
	enum act act;
	int error;
} actions[] = {
	{ "kill", ACT_KILL, 0 },
	{ "kill-parent", ACT_KILL_PARENT, 0 },
	{ "kill-both", ACT_KILL_BOTH, 0 },
	{ "stop", ACT_STOP, 0 },
	{ "enospc", ACT_FAIL, ENOSPC },
	{ "edquot", ACT_FAIL, EDQUOT },
	{ "eio", ACT_FAIL, EIO },
	{ "einval", ACT_FAIL, EINVAL },
	{ "eopnotsupp", ACT_FAIL, EOPNOTSUPP },
};
#define ACTIONS	(sizeof actions / sizeof actions[0])

static char dir[PATH_MAX - 16];
static pid_t session;		/* the first process that hit a point */
static pid_t counting;		/* whose counts these are */
static struct { const char *name; unsigned count; } points[POINTS_MAX];

/* A session that a login began has cleared its environment. */
__attribute__((constructor)) static void
remember(void)
{
	const char *text = getenv("TRIPS");

	if (text != NULL && strlen(text) < sizeof dir)
		memcpy(dir, text, strlen(text) + 1);
}

static unsigned
count_hit(const char *name)
{
	size_t i = 0;

	if (session == 0)
		session = getpid();
	if (counting != getpid())
		memset(points, 0, sizeof points);
	counting = getpid();
	while (points[i].name != NULL && strcmp(points[i].name, name) != 0)
		if (++i == POINTS_MAX)
			abort();
	points[i].name = name;
	return ++points[i].count;
}

static void
record(const char *who, const char *name, unsigned count)
{
	char path[PATH_MAX], line[2 * FIELD];
	int fd, n;

	snprintf(path, sizeof path, "%s/hits", dir);
	n = snprintf(line, sizeof line, "%ld %s %s %u\n", (long)getpid(), who,
	    name, count);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1 || write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}

/* What the test wants to happen here and now, or NULL. */
static const struct action *
armed(const char *who, const char *name, unsigned count)
{
	char text[4096], point[FIELD], when[FIELD], what[FIELD], whose[FIELD];
	char path[PATH_MAX], *line, *end;
	unsigned at;
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "%s/arm", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return NULL;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	for (line = text; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		if (sscanf(line, "%79s %u %79s %79s %79s", point, &at, when,
		    what, whose) != 5 || strcmp(point, name) != 0 ||
		    (strcmp(whose, who) != 0 && strcmp(whose, "any") != 0) ||
		    count < at || (count > at && strcmp(when, "on") != 0))
			continue;
		for (size_t i = 0; i < ACTIONS; i++)
			if (strcmp(actions[i].name, what) == 0)
				return &actions[i];
		abort();
	}
	return NULL;
}

bool
trip_hit(const char *name)
{
	const struct action *a;
	const char *who;
	unsigned count;
	int e = errno;

	if (dir[0] == '\0')
		return false;
	count = count_hit(name);
	who = getpid() == session ? "session" : "scribe";
	record(who, name, count);
	a = armed(who, name, count);
	errno = e;
	if (a == NULL)
		return false;
	if (a->act == ACT_FAIL) {
		errno = a->error;
		return true;
	}
	/* Its place may have been taken by another process already. */
	if ((a->act == ACT_KILL_PARENT || a->act == ACT_KILL_BOTH) &&
	    getppid() == session)
		kill(session, SIGKILL);
	if (a->act != ACT_KILL_PARENT)
		kill(getpid(), a->act == ACT_STOP ? SIGSTOP : SIGKILL);
	errno = e;
	return false;
}

size_t
trip_piece(size_t n, off_t at)
{
	off_t cut = (at + (off_t)(n / 2)) / BLOCK * BLOCK;

	return dir[0] != '\0' && cut > at ? (size_t)(cut - at) : n;
}
