/* SPDX-License-Identifier: Apache-2.0 */
/* Where maildirs are. */
#include "c-client/formats/maildir_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/memory.h"
#include "c-client/formats/maildir_name.h"
#include "c-client/mime/utf7.h"
#include "c-client/store/account.h"
#include "c-client/store/name.h"
#include "c-client/store/place.h"

#include "c-client/base/banned.h"

static const char *const parts[] = { "cur", "new", "tmp" };
#define PARTS		(sizeof parts / sizeof parts[0])

#define OPEN_FLAGS	(O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC)

bool
maildir_place_is_maildir(int dir)
{
	struct stat st;

	for (size_t i = 0; i < PARTS; i++)
		if (fstatat(dir, parts[i], &st, AT_SYMLINK_NOFOLLOW) == -1 ||
		    !S_ISDIR(st.st_mode))
			return false;
	return true;
}

/* ~/Maildir may be a link: it is the user's own, and he is who follows it. */
int
maildir_place_home(const struct account *account)
{
	struct buf path;
	int fd;

	buf_init(&path, 0);
	buf_addf(&path, "%s/" MAILDIR_HOME, account->home);
	fd = open(buf_string(&path), OPEN_FLAGS);
	buf_clear(&path);
	return fd;
}

bool
maildir_place_inbox(const struct account *account)
{
	struct stat st;
	bool found;
	int fd;

	if (account->spool != NULL && (stat(account->spool, &st) == -1 ?
	    errno != ENOENT : st.st_size != 0 || !S_ISREG(st.st_mode)))
		return false;
	if ((fd = maildir_place_home(account)) == -1)
		return false;
	found = maildir_place_is_maildir(fd);
	close(fd);
	return found;
}

/* Is the place's path, of which the first `n` octets count, a maildir?  No
 * octets are the place's own directory. */
static bool
is_maildir_in(const struct place *place, size_t n)
{
	char *prefix = memory_alloc(n + 2);
	bool found;
	int fd;

	memcpy(prefix, place->path, n);
	prefix[n] = '\0';
	fd = file_open_beneath(place->fd, n == 0 ? "." : prefix,
	    O_PATH | O_DIRECTORY, 0);
	free(prefix);
	if (fd == -1)
		return false;
	found = maildir_place_is_maildir(fd);
	close(fd);
	return found;
}

/* Maildirs of other namespaces are not served: their lists of UIDs would have
 * to be everybody's to write. */
static bool
is_foreign(const struct name *name)
{
	const char *rest;

	return name_space(name->path, &rest) != NAME_OWN;
}

bool
maildir_place_is_part(const struct account *account, const struct name *name)
{
	size_t at = 0, above = 0;
	struct place place;
	struct stat st;

	if (name->inbox || place_of(account, name->path, &place) == -1)
		return false;
	/* INBOX has one name. */
	if (strcmp(name->path, MAILDIR_HOME) == 0 &&
	    strcmp(account->root, account->home) == 0 &&
	    maildir_place_inbox(account))
		return true;
	for (;; at++) {
		size_t n = strcspn(place.path + at, "/");
		struct span level = { place.path + at, n };

		above = at > 0 ? at - 1 : 0;
		for (size_t i = 0; i < PARTS; i++)
			if (span_eq(level, span_of(parts[i])) &&
			    is_maildir_in(&place, above))
				return true;
		at += n;
		if (place.path[at] == '\0')
			break;
	}
	/* The list of UIDs, and whatever other programs keep there. */
	return place_stat(account, name, &st) == 0 && !S_ISDIR(st.st_mode) &&
	    is_maildir_in(&place, above);
}

bool
maildir_place_folder(const struct account *account, const struct name *name,
    struct buf *out)
{
	size_t first = strcspn(name->path, "/"), was = out->n;
	struct stat st;
	char *level;
	bool below;

	if (name->inbox || is_foreign(name) ||
	    strchr(name->path, '.') != NULL || !maildir_place_inbox(account))
		return false;
	level = memory_string(name->path);
	level[first] = '\0';
	below = account->root_fd != -1 &&
	    file_stat_beneath(account->root_fd, level, &st) == 0;
	free(level);
	if (below)
		return false;
	for (const char *p = name->path;; p++) {
		size_t n = strcspn(p, "/");

		buf_addc(out, '.');
		utf7_encode((struct span){ p, n }, out);
		p += n;
		if (*p == '\0')
			break;
	}
	if (out->n - was <= MAILDIR_NAME_MAX)
		return true;
	out->n = was;
	return false;
}

bool
maildir_place_name(struct span folder, struct buf *out)
{
	size_t was = out->n;
	struct span rest = folder;

	if (folder.n < 2)
		return false;
	while (rest.n > 0) {
		struct span level = span_slice(rest, 1, rest.n);
		ptrdiff_t dot = span_find_char(level, '.');
		size_t from;

		if (dot != -1)
			level.n = (size_t)dot;
		rest = span_slice(rest, level.n + 1, rest.n);
		if (out->n > was)
			buf_addc(out, '/');
		from = out->n;
		if (!utf7_decode(level, out))
			goto fail;
		buf_addc(out, '\0');
		if (!name_is_visible(out->p + from) ||
		    strchr(out->p + from, '/') != NULL)
			goto fail;
		out->n--;
	}
	return true;
fail:
	out->n = was;
	return false;
}

int
maildir_place_give_mode(int dir, const char *name, bool directory)
{
	struct stat st;

	if (fstat(dir, &st) == -1)
		return -1;
	return fchmodat(dir, name, st.st_mode & (directory ?
	    S_ISGID | 0777 : 0666), 0);
}

int
maildir_place_fault(const struct name *name, struct fault *why)
{
	int e = errno;

	switch (e) {
	case EEXIST:
	case ENOTEMPTY:
		return fault_set(why, FAULT_EXISTS, "%s exists", name->path);
	case ENOENT:
	case ENOTDIR:
		return fault_set(why, FAULT_NOTFOUND, "no mailbox %s",
		    name->path);
	case EACCES:
	case EPERM:
	case EROFS:
	case EXDEV:
	case ELOOP:
		return fault_set(why, FAULT_PERM, "%s: %s", name->path,
		    strerror(e));
	default:
		return fault_errno(why, "%s", name->path);
	}
}

int
maildir_place_parent(const struct account *account, const struct name *name,
    struct buf *out, struct fault *why)
{
	const char *last = name->path;
	int dir;

	if (is_foreign(name))
		return fault_set(why, FAULT_CANNOT, "%s can't be a maildir",
		    name->path);
	if (maildir_place_folder(account, name, out))
		dir = maildir_place_home(account);
	else {
		dir = place_parent(account, name, &last);
		buf_adds(out, last);
	}
	return dir != -1 ? dir : maildir_place_fault(name, why);
}

int
maildir_place_open(const struct account *account, const struct name *name,
    struct fault *why)
{
	struct buf folder;
	int dir, home;

	if (is_foreign(name))
		return fault_set(why, FAULT_NOTFOUND, "%s is no maildir",
		    name->path);
	buf_init(&folder, 0);
	if (name->inbox)
		dir = maildir_place_inbox(account) ?
		    maildir_place_home(account) : -1;
	else if (maildir_place_folder(account, name, &folder)) {
		home = maildir_place_home(account);
		dir = home == -1 ? -1 : file_open_beneath(home,
		    buf_string(&folder), OPEN_FLAGS, 0);
		if (home != -1)
			close(home);
	} else
		dir = place_open(account, name, OPEN_FLAGS, 0);
	buf_clear(&folder);
	if (dir == -1)
		return maildir_place_fault(name, why);
	if (maildir_place_is_maildir(dir))
		return dir;
	close(dir);
	return fault_set(why, FAULT_NOTFOUND, "%s is no maildir",
	    name->path);
}

char *
maildir_place_path(const struct account *account, const struct name *name)
{
	struct buf path;

	buf_init(&path, 0);
	buf_addf(&path, "%s/" MAILDIR_HOME, account->home);
	if (!name->inbox) {
		buf_addc(&path, '/');
		if (!maildir_place_folder(account, name, &path)) {
			buf_reset(&path);
			place_path(account, name, &path);
		}
	}
	buf_addc(&path, '\0');
	return path.p;
}
