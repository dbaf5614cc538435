/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A users file: `name:crypt:uid:gid:home` lines, `#` comments.  For servers
 * that serve mail users who are no users of the system, or without root.
 */
#include "c-client/auth/auth_users.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/auth/auth_crypt.h"
#include "c-client/auth/auth_kind.h"
#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/base/span.h"

#include "c-client/base/banned.h"

/* Whoever could write the file could be anybody. */
static int
check_file(int fd, const char *file, struct fault *why)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return fault_errno(why, "users file %s", file);
	if (!S_ISREG(st.st_mode))
		return fault_set(why, FAULT_PERM,
		    "users file %s: not a regular file", file);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return fault_set(why, FAULT_PERM, "users file %s: belongs to "
		    "uid %lu; chown it to root", file,
		    (unsigned long)st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return fault_set(why, FAULT_PERM, "users file %s: others can "
		    "write it; chmod go-w it", file);
	if (st.st_size > BOUND_USERS_FILE)
		return fault_set(why, FAULT_LIMIT, "users file %s: too long",
		    file);
	return 0;
}

/* The file's text, in a buffer that is wiped after use. */
static int
read_users(const char *file, struct buf *text, struct fault *why)
{
	ssize_t got = 1;
	char *room;
	int fd;

	buf_init(text, BOUND_USERS_FILE + 8192);
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1)
		return fault_errno(why, "users file %s", file);
	if (check_file(fd, file, why) == -1) {
		close(fd);
		return -1;
	}
	while (got > 0 && (room = buf_room(text, 4096)) != NULL) {
		got = read(fd, room, 4096);
		if (got > 0)
			text->n += (size_t)got;
		else if (got == -1 && errno == EINTR)
			got = 1;
	}
	if (got == -1)
		fault_errno(why, "users file %s", file);
	else if (got > 0)
		fault_set(why, FAULT_LIMIT, "users file %s: too long", file);
	close(fd);
	return got == 0 ? 0 : -1;
}

/* Up to the next colon; the colon is dropped from *left. */
static bool
field(struct span *left, struct span *out)
{
	ptrdiff_t colon = span_find_char(*left, ':');

	if (colon == -1)
		return false;
	*out = span_slice(*left, 0, (size_t)colon);
	*left = span_slice(*left, (size_t)colon + 1, left->n);
	return true;
}

static bool
parse_line(struct span text, struct auth_users_line *line)
{
	struct span uid, gid;
	uint64_t u, g;

	/* (uid_t)-1 and (gid_t)-1 mean "leave it" to the system's calls. */
	if (!field(&text, &line->name) || !field(&text, &line->hash) ||
	    !field(&text, &uid) || !field(&text, &gid) ||
	    !span_number(uid, UINT32_MAX - 1, &u) ||
	    !span_number(gid, UINT32_MAX - 1, &g))
		return false;
	line->home = text;
	line->uid = (uid_t)u;
	line->gid = (gid_t)g;
	return line->name.n != 0 && text.n != 0 && text.p[0] == '/' &&
	    span_find_char(text, ':') == -1 &&
	    memchr(text.p, '\0', text.n) == NULL;
}

/* The next line that is no comment; false at the end. */
static bool
next_line(struct span *text, struct auth_users_line *line)
{
	while (text->n != 0) {
		ptrdiff_t end = span_find_char(*text, '\n');
		size_t n = end == -1 ? text->n : (size_t)end;
		struct span one = span_trim(span_slice(*text, 0, n));

		line->number++;
		*text = span_slice(*text, n + 1, text->n);
		if (one.n == 0 || one.p[0] == '#')
			continue;
		line->good = parse_line(one, line);
		return true;
	}
	return false;
}

/* The first line for `name`.  Returns false if there is none. */
static bool
find_line(struct span text, const char *file, const char *name,
    struct auth_users_line *line)
{
	struct span wanted = span_of(name);
	bool told = false;

	while (next_line(&text, line)) {
		if (line->good && span_eq(line->name, wanted))
			return true;
		if (!line->good && !told) {
			told = true;
			log_line(LOG_ERR, "users file %s line %u: not "
			    "name:crypt:uid:gid:home; it is left out", file,
			    line->number);
		}
	}
	return false;
}

/* A NUL-terminated copy; false if it doesn't fit or hides a NUL. */
static bool
copy(char *to, size_t room, struct span s)
{
	if (s.n >= room || memchr(s.p, '\0', s.n) != NULL)
		return false;
	memcpy(to, s.p, s.n);
	to[s.n] = '\0';
	return true;
}

static void
forget(struct buf *text)
{
	if (text->p != NULL)
		explicit_bzero(text->p, text->cap);
	buf_clear(text);
}

enum auth_result
auth_users_check(const char *file, const char *name, const char *password,
    struct auth_user *user, struct fault *why)
{
	enum auth_result result = AUTH_NO;
	struct auth_users_line line = { .number = 0 };
	struct buf text;
	char hash[512];
	bool known;

	if (file[0] == '\0') {
		fault_set(why, FAULT_CANNOT,
		    "no users file: set auth = users:FILE");
		return AUTH_TEMPORARY;
	}
	if (read_users(file, &text, why) == -1)
		result = AUTH_TEMPORARY;
	else {
		known = find_line(buf_span(&text), file, name, &line) &&
		    copy(hash, sizeof hash, line.hash);
		if (auth_crypt_matches(password, known ? hash : NULL) &&
		    copy(user->name, sizeof user->name, line.name) &&
		    copy(user->home, sizeof user->home, line.home)) {
			user->uid = line.uid;
			user->gid = line.gid;
			result = AUTH_YES;
		}
	}
	explicit_bzero(hash, sizeof hash);
	forget(&text);
	return result;
}

enum auth_result
auth_users_find(const char *file, const char *name, struct auth_user *user,
    struct fault *why)
{
	struct auth_users_line line = { .number = 0 };
	enum auth_result result = AUTH_NO;
	struct buf text;

	if (read_users(file, &text, why) == -1)
		result = AUTH_TEMPORARY;
	else if (find_line(buf_span(&text), file, name, &line) &&
	    copy(user->name, sizeof user->name, line.name) &&
	    copy(user->home, sizeof user->home, line.home)) {
		user->uid = line.uid;
		user->gid = line.gid;
		result = AUTH_YES;
	} else
		fault_set(why, FAULT_NOTFOUND, "no such name in %s", file);
	forget(&text);
	return result;
}

int
auth_users_each(const char *file,
    void (*tell)(void *arg, const struct auth_users_line *), void *arg,
    struct fault *why)
{
	struct auth_users_line line = { .number = 0 };
	struct buf text;
	struct span left;
	int rc = read_users(file, &text, why);

	for (left = buf_span(&text); rc == 0 && next_line(&left, &line);)
		tell(arg, &line);
	forget(&text);
	return rc;
}
