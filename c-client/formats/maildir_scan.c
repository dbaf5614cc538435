/* SPDX-License-Identifier: Apache-2.0 */
/* What a record knows of a message's file. */
#include "c-client/formats/maildir_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "c-client/base/bounds.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/formats/maildir_name.h"
#include "c-client/formats/wire.h"
#include "c-client/store/record.h"

#include "c-client/base/banned.h"

#define BLOCK		(32u * 1024)

/* A file that is gone through from its beginning. */
struct scan {
	char block[1 + BLOCK + 1];	/* an octet is looked at in front and
					 * behind */
	uint64_t at;			/* octets that were looked at */
	uint64_t bare;			/* LFs without CR in them */
	bool in_header;
	unsigned line;			/* octets of the line so far, CR
					 * excepted; 1 is many */
	uint64_t header, header_bare;
};

int
maildir_scan_open(int dir, const char *name, struct fault *why)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd == -1 && (errno == ENOENT || errno == ELOOP ||
	    errno == ENXIO))
		return fault_set(why, FAULT_CHANGED, "no file %s", name);
	if (fd == -1)
		return fault_errno(why, "open %s", name);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return fault_set(why, FAULT_CHANGED, "%s is no regular file", name);
}

static uint64_t
bare_count(const char *p, size_t n)
{
	uint64_t bare = 0;
	size_t done = 0, used;

	while (done < n) {
		wire_count(p + done, n - done, &used, &bare);
		done += used;
	}
	return bare;
}

/* Octets of p that are of the header; the line that ends it is empty. */
static size_t
header_part(struct scan *s, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n' && s->line == 0) {
			s->in_header = false;
			return i + 1;
		}
		if (p[i] == '\n')
			s->line = 0;
		else if (p[i] != '\r' || (i + 1 < n && p[i + 1] != '\n'))
			s->line = 1;
	}
	return n;
}

static void
block_count(struct scan *s, size_t n)
{
	const char *p = s->block + 1;
	size_t head = s->in_header ? header_part(s, p, n) : 0;
	uint64_t bare = bare_count(p, head);

	s->header += head;
	s->header_bare += bare;
	s->bare += bare + bare_count(p + head, n - head);
	s->at += n;
	s->block[0] = p[n - 1];
}

static int16_t
zone_of(time_t when)
{
	struct tm tm;

	if (localtime_r(&when, &tm) == NULL)
		return 0;
	return (int16_t)(tm.tm_gmtoff / 60);
}

/* W= is believed where S= is true and there could be such a number. */
static uint64_t
wire_known(const char *name, uint64_t size)
{
	struct maildir_name parts;
	uint64_t said, wire;

	maildir_name_parse(span_of(name), &parts);
	maildir_name_sizes(parts.base, &said, &wire);
	return said == size && wire >= size && wire / 2 <= size ? wire : 0;
}

int
maildir_scan(int dir, const char *name, bool exact, struct record *r,
    struct fault *why)
{
	int fd = maildir_scan_open(dir, name, why), status = 0;
	struct scan s;
	struct stat st;
	uint64_t wire, size;

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1) {
		fault_errno(why, "stat %s", name);
		close(fd);
		return -1;
	}
	size = (uint64_t)st.st_size;
	wire = exact ? 0 : wire_known(name, size);
	s.at = s.bare = s.header = s.header_bare = 0;
	s.in_header = true;
	s.line = 0;
	s.block[0] = '\0';
	while (s.at < size && (wire == 0 || (s.in_header &&
	    s.at < BOUND_MIME_HEADER))) {
		size_t want = size - s.at < BLOCK ? (size_t)(size - s.at) :
		    BLOCK;
		ssize_t got = file_pread_full(fd, s.block + 1, want,
		    (off_t)s.at);

		if (got == -1)
			status = fault_errno(why, "read %s", name);
		else if ((size_t)got != want)
			status = fault_set(why, FAULT_CHANGED,
			    "%s became shorter", name);
		if (status == -1)
			break;
		s.block[1 + want] = '\0';
		block_count(&s, want);
	}
	close(fd);
	if (status == -1)
		return -1;
	r->disk_size = size;
	r->wire_size = wire != 0 ? wire : size + s.bare;
	if (s.header + s.header_bare > UINT32_MAX)
		s.header = s.header_bare = 0;
	r->disk_header = (uint32_t)s.header;
	r->wire_header = (uint32_t)(s.header + s.header_bare);
	r->date = st.st_mtim.tv_sec;
	r->zone = zone_of(st.st_mtim.tv_sec);
	return 0;
}
