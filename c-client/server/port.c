/* SPDX-License-Identifier: Apache-2.0 */
/* What is known about a TCP port on this machine. */
#include "c-client/server/port.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c-client/base/span.h"

#include "c-client/base/banned.h"

/* The next word of a line; empty at its end or at a comment. */
static struct span
word(struct span *left)
{
	size_t n = 0;

	while (left->n != 0 && (left->p[0] == ' ' || left->p[0] == '\t'))
		*left = span_slice(*left, 1, left->n);
	while (n < left->n && strchr(" \t\r\n#", left->p[n]) == NULL)
		n++;
	struct span found = span_slice(*left, 0, n);
	*left = span_slice(*left, n, left->n);
	return found;
}

/* NAME PORT/tcp ALIAS ...  # comment */
static bool
line_says(struct span line, uint16_t port, const char *name)
{
	struct span first = word(&line), number = word(&line), next;
	ptrdiff_t slash = span_find_char(number, '/');
	bool named = span_is(first, name);
	uint64_t value;

	if (slash == -1 ||
	    !span_is(span_slice(number, (size_t)slash + 1, number.n),
	    "tcp") ||
	    !span_number(span_slice(number, 0, (size_t)slash), UINT16_MAX,
	    &value) || value != port)
		return false;
	while (!named && (next = word(&line)).n != 0)
		named = span_is(next, name);
	return named;
}

bool
port_is_called_in(const char *file, uint16_t port, const char *name)
{
	FILE *f = fopen(file, "re");
	char line[1024];
	bool found = false;

	if (f == NULL)
		return false;
	while (!found && fgets(line, sizeof line, f) != NULL)
		found = line_says(span_of(line), port, name);
	fclose(f);
	return found;
}

bool
port_is_called(uint16_t port, const char *name)
{
	return port_is_called_in("/etc/services", port, name);
}

/* The inode of the listening socket on `port`, 0 if there is none. */
static unsigned long
listener_inode(const char *table, uint16_t port)
{
	FILE *f = fopen(table, "re");
	char line[512];
	unsigned long inode, found = 0;
	unsigned local, state;

	if (f == NULL)
		return 0;
	while (found == 0 && fgets(line, sizeof line, f) != NULL)
		/* sl local_address:PORT rem:PORT st queues tr retr uid
		 * timeout inode; state 0A listens. */
		if (sscanf(line, " %*[^:]: %*[0-9A-F]:%x %*s %x %*s %*s %*s "
		    "%*s %*s %lu", &local, &state, &inode) == 3 &&
		    local == port && state == 0x0a)
			found = inode;
	fclose(f);
	return found;
}

static bool
holds(const char *pid, const char *socket_name)
{
	char path[300], link[64];
	struct dirent *e;
	bool found = false;
	DIR *d;

	snprintf(path, sizeof path, "/proc/%s/fd", pid);
	if ((d = opendir(path)) == NULL)
		return false;
	while (!found && (e = readdir(d)) != NULL) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, link,
		    sizeof link - 1);

		if (n > 0) {
			link[n] = '\0';
			found = strcmp(link, socket_name) == 0;
		}
	}
	closedir(d);
	return found;
}

static void
describe(const char *pid, char out[PORT_HOLDER])
{
	char path[300], name[32] = "";
	FILE *f;

	snprintf(path, sizeof path, "/proc/%s/comm", pid);
	if ((f = fopen(path, "re")) != NULL) {
		if (fgets(name, sizeof name, f) != NULL)
			name[strcspn(name, "\n")] = '\0';
		fclose(f);
	}
	snprintf(out, PORT_HOLDER, "%.20s (pid %.20s)", name, pid);
}

bool
port_holder(uint16_t port, char out[PORT_HOLDER])
{
	unsigned long inode = listener_inode("/proc/net/tcp", port);
	char name[64];
	struct dirent *e;
	DIR *d;

	out[0] = '\0';
	if (inode == 0)
		inode = listener_inode("/proc/net/tcp6", port);
	if (inode == 0 || (d = opendir("/proc")) == NULL)
		return false;
	snprintf(name, sizeof name, "socket:[%lu]", inode);
	while (out[0] == '\0' && (e = readdir(d)) != NULL)
		if (ascii_is_digit(e->d_name[0]) && holds(e->d_name, name))
			describe(e->d_name, out);
	closedir(d);
	return out[0] != '\0';
}
