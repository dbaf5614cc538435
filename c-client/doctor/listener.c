/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets, and the processes that hold them. */
#include "c-client/doctor/listener.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c-client/base/span.h"

#include "c-client/base/banned.h"

/* The state of a socket that listens, in /proc/net/tcp. */
#define STATE_LISTEN	0x0a

/* An address as /proc/net has it: words of 32 bits in the machine's order. */
static bool
is_loopback(const char *hex, bool ipv6)
{
	unsigned char octets[16] = { 0 };
	size_t words = ipv6 ? 4 : 1;
	static const unsigned char one[16] = { [15] = 1 };

	for (size_t i = 0; i < words; i++) {
		unsigned word;
		uint32_t value;

		if (sscanf(hex + 8 * i, "%8x", &word) != 1)
			return false;
		value = word;
		memcpy(octets + 4 * i, &value, 4);
	}
	return ipv6 ? memcmp(octets, one, 16) == 0 : octets[0] == 127;
}

static bool
read_table(struct listeners *l, const char *table, bool ipv6)
{
	FILE *f = fopen(table, "re");
	char line[512], address[33];
	unsigned long inode;
	unsigned port, state;

	if (f == NULL)
		return false;
	while (l->n < LISTENER_MAX && fgets(line, sizeof line, f) != NULL) {
		struct listener *s = &l->of[l->n];

		/* sl local_address:PORT rem:PORT st queues tr retr uid
		 * timeout inode */
		if (sscanf(line, " %*[^:]: %32[0-9A-F]:%x %*s %x %*s %*s %*s "
		    "%*s %*s %lu", address, &port, &state, &inode) != 4 ||
		    state != STATE_LISTEN || port > UINT16_MAX ||
		    strlen(address) != (ipv6 ? 32 : 8))
			continue;
		*s = (struct listener){ .port = (uint16_t)port, .ipv6 = ipv6,
		    .inode = inode, .loopback = is_loopback(address, ipv6) };
		l->n++;
	}
	fclose(f);
	return true;
}

void
listener_name(pid_t pid, char out[LISTENER_NAME])
{
	char path[64];
	FILE *f;

	out[0] = '\0';
	snprintf(path, sizeof path, "/proc/%ld/comm", (long)pid);
	if ((f = fopen(path, "re")) == NULL)
		return;
	if (fgets(out, LISTENER_NAME, f) != NULL)
		out[strcspn(out, "\n")] = '\0';
	fclose(f);
}

static void
found(struct listeners *l, unsigned long inode, pid_t pid)
{
	for (size_t i = 0; i < l->n; i++) {
		struct listener *s = &l->of[i];

		/* Children of a super-server may have it too: the first to
		 * have it has the lowest number, mostly. */
		if (s->inode != inode || (s->pid != 0 && s->pid < pid))
			continue;
		s->pid = pid;
		listener_name(pid, s->name);
	}
}

static void
look_at(struct listeners *l, pid_t pid)
{
	char path[64], link[64];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof path, "/proc/%ld/fd", (long)pid);
	if ((d = opendir(path)) == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, link,
		    sizeof link - 1);
		unsigned long inode;

		link[n > 0 ? n : 0] = '\0';
		if (sscanf(link, "socket:[%lu]", &inode) == 1)
			found(l, inode, pid);
	}
	closedir(d);
}

bool
listener_read(struct listeners *l)
{
	struct dirent *e;
	bool good;
	DIR *d;

	l->n = 0;
	good = read_table(l, "/proc/net/tcp", false);
	/* A machine without IPv6 has no such table. */
	read_table(l, "/proc/net/tcp6", true);
	if ((d = opendir("/proc")) == NULL)
		return good;
	while ((e = readdir(d)) != NULL)
		if (ascii_is_digit(e->d_name[0]))
			look_at(l, (pid_t)atol(e->d_name));
	closedir(d);
	return good;
}

const struct listener *
listener_on(const struct listeners *l, uint16_t port)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->of[i].port == port)
			return &l->of[i];
	return NULL;
}

bool
listener_is_held(const struct listeners *l, uint16_t port, pid_t pid)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->of[i].port == port && l->of[i].pid == pid)
			return true;
	return false;
}
