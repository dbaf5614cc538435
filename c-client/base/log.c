/* SPDX-License-Identifier: Apache-2.0 */
/* The log, and what keeps a peer from forging lines in it. */
#include "c-client/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "c-client/base/fault.h"

#include "c-client/base/banned.h"

#define LINE_MAX_OCTETS	1000

/* Where lines go is a property of the process, like its standard error. */
static struct {
	const char *program;
	int fd;			/* -1: syslog */
	void (*sink)(void *, int, const char *);
	void *arg;
} target = { .program = "imapd", .fd = STDERR_FILENO };

int
log_open(const char *program, const char *where, struct fault *why)
{
	target.program = program;
	target.sink = NULL;
	target.fd = -1;
	if (strcmp(where, "stderr") == 0) {
		target.fd = STDERR_FILENO;
		return 0;
	}
	openlog(program, LOG_PID | LOG_NDELAY, LOG_MAIL);
	if (strcmp(where, "syslog") == 0)
		return 0;
	target.fd = open(where,
	    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (target.fd == -1)
		return fault_errno(why, "log file %s", where);
	return 0;
}

void
log_to_sink(void (*sink)(void *, int, const char *), void *arg)
{
	target.sink = sink;
	target.arg = arg;
}

/* The length of the UTF-8 sequence at p, 0 if there is none of 2 to 4. */
static size_t
utf8_length(const unsigned char *p, size_t n)
{
	size_t want = p[0] >= 0xc2 && p[0] <= 0xdf ? 2 :
	    (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : 0;

	if (want == 0 || want > n)
		return 0;
	for (size_t i = 1; i < want; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* C1 controls end a line in some terminals, so they count as such. */
	if (p[0] == 0xc2 && p[1] < 0xa0)
		return 0;
	return want;
}

/* Escape into out; `also` are further characters to escape. */
static void
escape(const char *text, size_t n, const char *also, char *out, size_t room)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *p = (const unsigned char *)text;
	size_t to = 0;

	for (size_t i = 0; i < n && to + 4 < room;) {
		size_t wide = p[i] >= 0x80 ? utf8_length(p + i, n - i) : 0;

		if (wide == 0 && (p[i] < ' ' || p[i] >= 0x7f ||
		    strchr(also, p[i]) != NULL)) {
			out[to++] = '\\';
			out[to++] = 'x';
			out[to++] = hex[p[i] >> 4];
			out[to++] = hex[p[i] & 15];
			i++;
			continue;
		}
		if (wide == 0)
			wide = 1;
		memcpy(out + to, p + i, wide);
		to += wide;
		i += wide;
	}
	out[to] = '\0';
}

static void
write_fd(const char *line)
{
	char stamp[32], whole[LINE_MAX_OCTETS + 200];
	struct tm tm;
	time_t now = time(NULL);
	ssize_t wrote;
	int n;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &tm);
	n = snprintf(whole, sizeof whole, "%s %s[%ld]: %s\n", stamp,
	    target.program, (long)getpid(), line);
	if (n >= (int)sizeof whole)
		n = (int)sizeof whole - 1;
	/* One write: lines of several processes don't mix.  There is nobody
	 * to tell that the log can't be written. */
	wrote = write(target.fd, whole, (size_t)n);
	(void)wrote;
}

void
log_raw(int level, const char *line)
{
	int saved = errno;

	if (target.sink != NULL)
		target.sink(target.arg, level, line);
	else if (target.fd != -1)
		write_fd(line);
	else {
		syslog(LOG_MAIL | LOG_PRI(level), "%s", line);
		if ((level & LOG_FACMASK) == LOG_AUTH)
			syslog(LOG_AUTH | LOG_PRI(level), "%s", line);
	}
	errno = saved;
}

void
log_line(int level, const char *format, ...)
{
	char text[LINE_MAX_OCTETS], line[LINE_MAX_OCTETS];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (n < 0)
		return;
	escape(text, strlen(text), "", line, sizeof line);
	log_raw(level, line);
}

const char *
log_field(const char *text, size_t n, char out[LOG_FIELD_MAX])
{
	escape(text, n < 80 ? n : 80, " []", out, LOG_FIELD_MAX);
	return out;
}
