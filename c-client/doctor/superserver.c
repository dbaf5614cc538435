/* SPDX-License-Identifier: Apache-2.0 */
/* Super-servers: which run, and what their files say. */
#include "c-client/doctor/superserver.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/arena.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/file.h"
#include "c-client/doctor/inetd_conf.h"
#include "c-client/doctor/listener.h"
#include "c-client/doctor/systemd_unit.h"
#include "c-client/doctor/xinetd_conf.h"

#include "c-client/base/banned.h"

#define MAX_PATH	1024

/* Files in one directory of a super-server; more are left out. */
#define MAX_FILES	256

/* Starts a minute where nothing is said (inetd(8) of both). */
#define LIMIT_OPENBSD	256
#define LIMIT_GNU	40
/* xinetd.conf(5): cps = 50 10. */
#define LIMIT_XINETD	(50 * 60)

/* --- Processes ----------------------------------------------------------- */

/* Processes of other containers are somebody else's: the same network and the
 * same files are ours.  Who may not know is believed. */
static bool
is_here(pid_t pid)
{
	static const char *const spaces[] = { "net", "mnt" };
	struct stat ours, theirs;
	char path[64];

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "/proc/self/ns/%s", spaces[i]);
		if (stat(path, &ours) == -1)
			continue;
		snprintf(path, sizeof path, "/proc/%ld/ns/%s", (long)pid,
		    spaces[i]);
		if (stat(path, &theirs) == 0 && (ours.st_dev != theirs.st_dev ||
		    ours.st_ino != theirs.st_ino))
			return false;
	}
	return true;
}

static struct span
argument(struct span *left)
{
	ptrdiff_t end = span_find_char(*left, '\0');
	size_t n = end == -1 ? left->n : (size_t)end;
	struct span word = span_slice(*left, 0, n);

	*left = span_slice(*left, n + 1, left->n);
	return word;
}

/* Files and limits of a command line: openbsd-inetd has -q N and -R N,
 * inetutils-inetd -R N and --rate=N, xinetd -f FILE. */
static void
take_arguments(struct superserver *s, struct entries *list, struct span line)
{
	argument(&line);
	while (line.n != 0) {
		struct span word = argument(&line);

		if (span_eq(word, SPAN("-R")) || span_eq(word, SPAN("--rate")))
			s->limit = entry_number(argument(&line));
		else if (span_starts_nocase(word, "--rate="))
			s->limit = entry_number(span_slice(word, 7, word.n));
		else if (span_eq(word, SPAN("-q")))
			argument(&line);
		else if (word.n != 0 && word.p[0] == '/' &&
		    s->files_n < SUPERSERVER_FILES)
			s->files[s->files_n++] = entry_text(list, word);
	}
}

static void
found(struct superservers *all, enum entry_kind kind, pid_t pid)
{
	struct superserver *s = &all->of[kind];
	char path[64], exe[MAX_PATH], line[4096];
	ssize_t n;
	int fd;

	if (s->pid != 0 || !is_here(pid))
		return;
	s->pid = pid;
	snprintf(path, sizeof path, "/proc/%ld/exe", (long)pid);
	if ((n = readlink(path, exe, sizeof exe - 1)) > 0) {
		exe[n] = '\0';
		s->gnu = strstr(exe, "inetutils") != NULL;
	}
	snprintf(path, sizeof path, "/proc/%ld/cmdline", (long)pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	if ((n = file_read_full(fd, line, sizeof line)) > 0)
		take_arguments(s, &all->entries,
		    (struct span){ line, (size_t)n });
	close(fd);
}

static void
find_processes(struct superservers *all)
{
	DIR *d = opendir("/proc");
	char name[LISTENER_NAME];
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		pid_t pid = (pid_t)atol(e->d_name);

		if (pid <= 0)
			continue;
		listener_name(pid, name);
		if (strcmp(name, "inetd") == 0 ||
		    strcmp(name, "inetutils-inetd") == 0)
			found(all, ENTRY_INETD, pid);
		else if (strcmp(name, "xinetd") == 0)
			found(all, ENTRY_XINETD, pid);
	}
	if (d != NULL)
		closedir(d);
	/* sd_booted(3) */
	if (access("/run/systemd/system", F_OK) == 0)
		all->of[ENTRY_SYSTEMD].pid = 1;
}

/* What is installed, where none runs. */
static void
find_programs(struct superservers *all)
{
	struct superserver *inetd = &all->of[ENTRY_INETD];
	char *real = realpath("/usr/sbin/inetd", NULL);

	inetd->installed = real != NULL;
	if (inetd->pid == 0 && real == NULL &&
	    access("/usr/sbin/inetutils-inetd", X_OK) == 0)
		inetd->installed = inetd->gnu = true;
	else if (inetd->pid == 0 && real != NULL)
		inetd->gnu = strstr(real, "inetutils") != NULL;
	free(real);
	all->of[ENTRY_XINETD].installed =
	    access("/usr/sbin/xinetd", X_OK) == 0;
	all->of[ENTRY_SYSTEMD].installed =
	    access("/usr/bin/systemctl", X_OK) == 0;
}

/* --- Files --------------------------------------------------------------- */

/* The whole of a regular file, wherever a link leads; its text lives as long
 * as the arena.  Empty where there is none. */
static struct span
read_text(struct superservers *all, const char *path)
{
	struct span text = { "", 0 };
	struct stat st;
	ssize_t n = -1;
	char *room;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1) {
		if (errno != ENOENT && errno != ENOTDIR &&
		    all->unread_n < SUPERSERVER_FILES)
			all->unread[all->unread_n++] = path;
		return text;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    st.st_size <= BOUND_CONFIG_FILE) {
		room = arena_alloc(all->entries.arena, (size_t)st.st_size);
		if (room != NULL)
			n = file_read_full(fd, room, (size_t)st.st_size);
		if (n > 0)
			text = (struct span){ room, (size_t)n };
	}
	close(fd);
	return text;
}

static const char *
join(struct superservers *all, const char *dir, const char *name)
{
	struct buf path;
	const char *copy;

	buf_init(&path, MAX_PATH);
	buf_addf(&path, "%s/%s", dir, name);
	copy = path.full ? "" : arena_string(all->entries.arena, path.p,
	    path.n);
	buf_clear(&path);
	return copy;
}

typedef void reader(struct superservers *, const char *path, void *arg);

/* A file, or those of a directory but hidden ones and what editors and dpkg
 * leave behind. */
static void
each_file(struct superservers *all, const char *path, reader *take,
    void *arg)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort);

	if (n == -1) {
		take(all, path, arg);
		return;
	}
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		if (i < MAX_FILES && name[0] != '.' &&
		    name[strlen(name) - 1] != '~' && strstr(name, ".dpkg-") ==
		    NULL)
			take(all, join(all, path, name), arg);
		free(names[i]);
	}
	free(names);
}

static void
read_inetd_file(struct superservers *all, const char *path, void *arg)
{
	(void)arg;
	inetd_conf_parse(&all->entries, path, read_text(all, path));
}

static void
read_inetd(struct superservers *all)
{
	struct superserver *s = &all->of[ENTRY_INETD];

	if (s->files_n == 0) {
		s->files[s->files_n++] = "/etc/inetd.conf";
		if (s->gnu)
			s->files[s->files_n++] = "/etc/inetd.d";
	}
	for (size_t i = 0; i < s->files_n; i++)
		each_file(all, s->files[i], read_inetd_file, NULL);
}

static void
read_xinetd_file(struct superservers *all, const char *path, void *arg)
{
	/* Names with a dot are passed over, as xinetd does. */
	if (strchr(entry_name(path), '.') == NULL ||
	    strcmp(entry_name(path), "xinetd.conf") == 0)
		xinetd_conf_parse(arg, path, read_text(all, path));
}

static void
read_xinetd(struct superservers *all)
{
	struct superserver *s = &all->of[ENTRY_XINETD];
	struct xinetd_conf x;

	xinetd_conf_init(&x, &all->entries);
	if (s->files_n == 0)
		s->files[s->files_n++] = "/etc/xinetd.conf";
	xinetd_conf_parse(&x, s->files[0], read_text(all, s->files[0]));
	for (size_t i = 0; i < x.includes; i++)
		if (x.include[i].directory)
			each_file(all, x.include[i].path, read_xinetd_file,
			    &x);
		else
			xinetd_conf_parse(&x, x.include[i].path,
			    read_text(all, x.include[i].path));
	xinetd_conf_finish(&x);
}

/* --- Units --------------------------------------------------------------- */

/* What is earlier hides what is later (systemd.unit(5)). */
static const char *const unit_dirs[] = { "/etc/systemd/system",
    "/run/systemd/system", "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system" };

#define UNIT_DIRS	(sizeof unit_dirs / sizeof unit_dirs[0])

/* The file of a unit; "" if there is none. */
static const char *
unit_file(struct superservers *all, const char *name)
{
	for (size_t i = 0; i < UNIT_DIRS; i++) {
		const char *path = join(all, unit_dirs[i], name);

		if (access(path, F_OK) == 0)
			return path;
	}
	return "";
}

/* Drop-ins of other names are passed over, such as override.conf.off. */
static bool
is_read(const char *path)
{
	size_t n = strlen(path);

	return strstr(path, ".d/") == NULL ||
	    (n > 5 && strcmp(path + n - 5, ".conf") == 0);
}

static void
take_socket(struct superservers *all, const char *path, void *arg)
{
	if (is_read(path))
		systemd_unit_socket(arg, path, read_text(all, path));
}

static void
take_service(struct superservers *all, const char *path, void *arg)
{
	if (is_read(path))
		systemd_unit_service(arg, path, read_text(all, path));
}

/* The unit, and its drop-ins behind it. */
static void
read_unit(struct superservers *all, const char *name, reader *take,
    void *arg)
{
	const char *path = unit_file(all, name);
	char dropins[300];

	if (path[0] == '\0')
		return;
	take(all, path, arg);
	snprintf(dropins, sizeof dropins, "%.255s.d", name);
	for (size_t i = UNIT_DIRS; i-- > 0;) {
		const char *dir = join(all, unit_dirs[i], dropins);

		if (access(dir, F_OK) == 0)
			each_file(all, dir, take, arg);
	}
}

/* Is it in the wants of a target that is reached at boot? */
static bool
is_wanted(struct superservers *all, const char *name)
{
	static const char *const targets[] = { "sockets.target",
	    "multi-user.target", "default.target", "basic.target" };
	char link[400];

	for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
		for (size_t d = 0; d < UNIT_DIRS; d++) {
			struct stat st;

			snprintf(link, sizeof link, "%.30s.wants/%.255s",
			    targets[i], name);
			if (lstat(join(all, unit_dirs[d], link), &st) == 0)
				return true;
		}
	return false;
}

/* One .socket with its service: NAME@.service for a connection, NAME.service
 * for all of them, or what Service= names. */
static void
read_socket(struct superservers *all, const char *name)
{
	struct systemd_socket socket = { .listens = 0 };
	struct systemd_service service = { .line = 0 };
	size_t n = strlen(name) - strlen(".socket");
	const char *unit = arena_string(all->entries.arena, name, n);
	char file[300];

	read_unit(all, name, take_socket, &socket);
	if (socket.listens == 0)
		return;
	snprintf(file, sizeof file, "%.200s%s.service", unit,
	    socket.accept ? "@" : "");
	if (socket.service.n > 0 && socket.service.n < sizeof file)
		snprintf(file, sizeof file, "%.*s", (int)socket.service.n,
		    socket.service.p);
	read_unit(all, file, take_service, &service);
	systemd_unit_entries(&all->entries, &socket, &service, unit,
	    is_wanted(all, name));
}

static bool
is_socket(const char *name)
{
	size_t n = strlen(name);

	return n > 7 && n < 256 && strcmp(name + n - 7, ".socket") == 0;
}

static void
read_systemd(struct superservers *all)
{
	for (size_t i = 0; i < UNIT_DIRS; i++) {
		DIR *d = opendir(unit_dirs[i]);
		struct dirent *e;

		while (d != NULL && (e = readdir(d)) != NULL)
			/* Who has a name in two directories is read once. */
			if (is_socket(e->d_name) && strcmp(join(all,
			    unit_dirs[i], e->d_name), unit_file(all,
			    e->d_name)) == 0)
				read_socket(all, e->d_name);
		if (d != NULL)
			closedir(d);
	}
}

/* --- All of it ----------------------------------------------------------- */

/* Say for each entry what its super-server takes for granted. */
static void
complete(struct superservers *all)
{
	bool gnu = all->of[ENTRY_INETD].gnu;

	for (size_t i = 0; i < all->entries.n; i++) {
		struct entry *e = &all->entries.of[i];

		if (e->kind != ENTRY_INETD || !gnu)
			continue;
		/* tcp6 of GNU's is both, and tcp is IPv4. */
		e->ipv6 = e->protocol[0] != '\0' && strchr(e->protocol, '6') !=
		    NULL;
		e->ipv4 = strcmp(e->protocol, "tcp6only") != 0;
	}
	if (all->of[ENTRY_INETD].limit == 0)
		all->of[ENTRY_INETD].limit = gnu ? LIMIT_GNU : LIMIT_OPENBSD;
	all->of[ENTRY_XINETD].limit = LIMIT_XINETD;
}

void
superserver_read(struct superservers *all, struct arena *arena)
{
	static const char *const names[] = { "inetd", "xinetd", "systemd" };

	*all = (struct superservers){ .entries = { .arena = arena } };
	for (size_t i = 0; i < 3; i++) {
		all->of[i].kind = (enum entry_kind)i;
		all->of[i].name = names[i];
	}
	find_processes(all);
	find_programs(all);
	read_inetd(all);
	read_xinetd(all);
	read_systemd(all);
	complete(all);
}

uint16_t
superserver_port(const struct entry *e)
{
	uint32_t number = entry_number(span_of(e->service));
	const struct servent *s;

	if (number != 0)
		return number > UINT16_MAX ? 0 : (uint16_t)number;
	s = e->service[0] == '\0' ? NULL : getservbyname(e->service, "tcp");
	return s == NULL ? 0 : ntohs((uint16_t)s->s_port);
}

bool
superserver_is_wrapped(const struct entry *e)
{
	return strcmp(entry_name(e->path), "tcpd") == 0;
}

bool
superserver_starts(const struct entry *e, const char *program)
{
	const char *path = superserver_is_wrapped(e) && e->argc > 0 ?
	    e->argv[0] : e->path;

	/* Where the program isn't known, by the name of the unit. */
	return strcmp(entry_name(path), program) == 0 || (e->path[0] == '\0' &&
	    strcmp(e->unit, program) == 0);
}
