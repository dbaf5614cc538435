/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of the kernel that many sessions run into. */
#include "c-client/doctor/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/file.h"
#include "c-client/base/span.h"
#include "c-client/doctor/doctor.h"
#include "c-client/doctor/report.h"

#include "c-client/base/banned.h"

/*
 * What is enough, of what stands in /proc/sys, and what it is to be set to.
 * A session in IDLE has one instance of inotify and some watches, and a user
 * has a session for each mailbox that each of his clients has open.
 */
static const struct {
	const char *key;
	uint64_t enough, better;
	const char *follows;
} limits[] = {
	{ "fs.inotify.max_user_instances", 64, 1024,
	    "in IDLE, more sessions of one user than that look every two "
	    "seconds" },
	{ "fs.inotify.max_user_watches", 512, 65536,
	    "in IDLE, more sessions of one user than a fifth of that look "
	    "every two seconds" },
	{ "fs.file-max", 8192, 100000,
	    "a session has twenty files open" },
	{ "kernel.pid_max", 4096, 32768,
	    "a connection is two processes" },
};

/* Files that a server's process must be able to open. */
#define FILES_ENOUGH	256u

/* The file that has it; sysctl(8) isn't on every machine. */
static const char *
path_of(struct report *r, const char *key)
{
	struct buf path;
	const char *s;

	buf_init(&path, 0);
	buf_adds(&path, "/proc/sys/");
	for (; *key != '\0'; key++)
		buf_addc(&path, *key == '.' ? '/' : *key);
	s = report_format(r, "%s", buf_string(&path));
	buf_clear(&path);
	return s;
}

static bool
read_number(struct report *r, const char *path, uint64_t *number)
{
	struct buf text;
	bool good;

	buf_init(&text, 0);
	good = file_read_text(path, 64, &text, NULL) == 0 &&
	    span_number(span_trim(buf_span(&text)), UINT64_MAX, number);
	if (!good)
		report_unknown(r, "%s can't be read", path);
	buf_clear(&text);
	return good;
}

static void
check_files(struct report *r)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == -1 ||
	    files.rlim_cur >= FILES_ENOUGH)
		return;
	report_warning(r, "%" PRIuMAX " files may be open in a process "
	    "(ulimit -n); a session may want %u", (uintmax_t)files.rlim_cur,
	    FILES_ENOUGH);
	report_mend(r, "printf '%%s\\n' '* soft nofile 1024' "
	    "'root soft nofile 1024' >/etc/security/limits.d/imapd.conf");
}

static void
check_inotify(struct report *r)
{
	int fd = inotify_init1(IN_CLOEXEC);

	if (fd == -1 && errno == ENOSYS)
		report_warning(r, "this kernel has no inotify: sessions in "
		    "IDLE look every two seconds");
	else if (fd == -1)
		report_warning(r, "inotify: %s: sessions in IDLE of the same "
		    "user look every two seconds", strerror(errno));
	else
		close(fd);
}

void
check_limits(const struct doctor *d, struct report *r)
{
	size_t before = r->n;
	uint64_t has;

	(void)d;
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		const char *key = limits[i].key, *path = path_of(r, key);

		if (!read_number(r, path, &has) || has >= limits[i].enough)
			continue;
		report_warning(r, "%s is %" PRIu64 ": %s", key, has,
		    limits[i].follows);
		report_mend(r, "echo %" PRIu64 " >%s && mkdir -p /etc/sysctl.d "
		    "&& echo '%s = %" PRIu64 "' >>/etc/sysctl.d/90-imapd.conf",
		    limits[i].better, path, key, limits[i].better);
	}
	check_files(r);
	check_inotify(r);
	if (r->n == before)
		report_ok(r, "inotify, open files and processes: enough for "
		    "many sessions");
}
