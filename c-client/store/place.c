/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where mailboxes are.  Whatever is looked up here is looked up with the
 * session's own rights, from a descriptor of the directory that the name's
 * beginning stands for.
 */
#include "c-client/store/place.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/file.h"
#include "c-client/base/memory.h"
#include "c-client/base/trip.h"
#include "c-client/store/account.h"
#include "c-client/store/name.h"

#include "c-client/base/banned.h"

/* Roots of other users that are kept open; one more takes the place of the
 * one that was opened first. */
#define USERS_MAX	8

struct user_root {
	char *user;
	char *dir;
	int fd;
};

struct place_users {
	struct user_root roots[USERS_MAX];
	size_t next;
};

struct place_users *
place_users_new(void)
{
	return memory_zalloc(sizeof(struct place_users));
}

static void
root_clear(struct user_root *r)
{
	if (r->user == NULL)
		return;
	free(r->user);
	free(r->dir);
	close(r->fd);
	r->user = NULL;
}

void
place_users_free(struct place_users *users)
{
	if (users == NULL)
		return;
	for (size_t i = 0; i < USERS_MAX; i++)
		root_clear(&users->roots[i]);
	free(users);
}

/*
 * The other user's mail root, found as his own session would find it, but that
 * a link in his home can't make it another directory than one below.
 */
static int
root_open(const struct account *a, const char *user, struct buf *dir)
{
	const struct passwd *pw;
	int home, fd;

	errno = 0;
	if ((pw = getpwnam(user)) == NULL || pw->pw_dir[0] != '/') {
		if (errno == 0)
			errno = ENOENT;
		return -1;
	}
	if (a->mail_root[0] == '/') {
		account_expand(dir, a->mail_root, user, pw->pw_dir);
		return open(buf_string(dir), O_PATH | O_DIRECTORY |
		    O_CLOEXEC);
	}
	buf_adds(dir, pw->pw_dir);
	home = open(pw->pw_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (home == -1)
		return -1;
	buf_reset(dir);
	account_expand(dir, a->mail_root[0] != '\0' ? a->mail_root : "mail",
	    user, pw->pw_dir);
	fd = file_open_beneath(home, buf_string(dir) + strlen(pw->pw_dir) + 1,
	    O_PATH | O_DIRECTORY, 0);
	if (fd != -1 || a->mail_root[0] != '\0') {
		int e = errno;

		close(home);
		errno = e;
		return fd;
	}
	buf_reset(dir);
	buf_adds(dir, pw->pw_dir);
	return home;
}

static const struct user_root *
root_of(const struct account *a, const char *user, size_t n)
{
	struct place_users *users = a->users;
	struct user_root *r;
	char name[BOUND_USER + 1];
	struct buf dir;
	int fd;

	if (users == NULL || n > BOUND_USER) {
		errno = ENOENT;
		return NULL;
	}
	memcpy(name, user, n);
	name[n] = '\0';
	for (size_t i = 0; i < USERS_MAX; i++)
		if (users->roots[i].user != NULL &&
		    strcmp(users->roots[i].user, name) == 0)
			return &users->roots[i];
	buf_init(&dir, 0);
	if ((fd = root_open(a, name, &dir)) == -1) {
		int e = errno;

		buf_clear(&dir);
		errno = e;
		return NULL;
	}
	r = &users->roots[users->next];
	users->next = (users->next + 1) % USERS_MAX;
	root_clear(r);
	*r = (struct user_root){ memory_string(name),
	    memory_string(buf_string(&dir)), fd };
	buf_clear(&dir);
	return r;
}

static bool
is_self(const struct account *a, const char *user, size_t n)
{
	return span_eq((struct span){ user, n }, span_of(a->user));
}

int
place_of(const struct account *a, const char *path, struct place *p)
{
	const struct user_root *r;

	*p = (struct place){ .fd = -1 };
	switch (name_space(path, &p->path)) {
	case NAME_OWN:
		p->fd = a->root_fd;
		p->dir = a->root;
		p->anywhere = a->outside;
		break;
	case NAME_SHARED:
		p->fd = a->shared_dir == NULL ? -1 : a->shared_fd;
		p->dir = a->shared_dir;
		p->foreign = true;
		break;
	case NAME_PUBLIC:
		p->fd = a->public_dir == NULL ? -1 : a->public_fd;
		p->dir = a->public_dir;
		p->foreign = true;
		break;
	case NAME_USER:
		if (is_self(a, path + 1, (size_t)(p->path - path) - 2)) {
			p->fd = a->root_fd;
			p->dir = a->root;
			break;
		}
		if ((r = root_of(a, path + 1, (size_t)(p->path - path) -
		    2)) == NULL)
			return -1;
		p->fd = r->fd;
		p->dir = r->dir;
		p->foreign = true;
		break;
	case NAME_OUTSIDE:
		p->fd = a->outside ? a->outside_fd : -1;
		p->dir = "";
		p->foreign = p->anywhere = true;
		break;
	case NAME_NOWHERE:
		break;
	}
	if (p->fd != -1)
		return 0;
	errno = ENOENT;
	return -1;
}

/* No path is the directory itself. */
static int
open_in(const struct place *p, const char *path, int flags, mode_t mode)
{
	if (path[0] == '\0')
		path = ".";
	return p->anywhere ? file_open_anywhere(p->fd, path, flags, mode) :
	    file_open_beneath(p->fd, path, flags, mode);
}

static int
stat_in(const struct place *p, const char *path, struct stat *st)
{
	int fd = open_in(p, path, O_PATH, 0);
	int r, e;

	if (fd == -1)
		return -1;
	r = fstat(fd, st);
	e = errno;
	close(fd);
	errno = e;
	return r;
}

static int
parent_in(const struct place *p, const char *path, const char **last)
{
	const char *slash = strrchr(path, '/');
	char *above;
	int fd;

	*last = slash == NULL ? path : slash + 1;
	if (slash == NULL)
		return open_in(p, ".", O_PATH | O_DIRECTORY, 0);
	above = memory_string(path);
	above[slash - path] = '\0';
	fd = open_in(p, above, O_PATH | O_DIRECTORY, 0);
	free(above);
	return fd;
}

int
place_open(const struct account *a, const struct name *name, int flags,
    mode_t mode)
{
	struct place p;

	return place_of(a, name->path, &p) == -1 ? -1 :
	    open_in(&p, p.path, flags, mode);
}

int
place_stat(const struct account *a, const struct name *name, struct stat *st)
{
	struct place p;

	return place_of(a, name->path, &p) == -1 ? -1 :
	    stat_in(&p, p.path, st);
}

int
place_parent(const struct account *a, const struct name *name,
    const char **last)
{
	struct place p;

	return place_of(a, name->path, &p) == -1 ? -1 :
	    parent_in(&p, p.path, last);
}

/* The rights of `dir` for what is in it, so that a directory of a group has
 * files of the group.  By descriptor: somebody else may change the names. */
static int
mode_like(int dir, int fd, mode_t mask)
{
	struct stat st;

	if (fstat(dir, &st) == -1)
		return -1;
	return fchmod(fd, st.st_mode & mask);
}

static int
dir_mode_like(int dir, const char *last)
{
	struct stat st;
	int fd = openat(dir, last, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	int r, e;

	if (fd == -1)
		return -1;
	r = fstat(fd, &st);
	/* Is it the one that was made? */
	if (r == 0 && st.st_uid == geteuid())
		r = mode_like(dir, fd, S_ISGID | S_ISVTX | 0777);
	e = errno;
	close(fd);
	errno = e;
	return r;
}

static int
make_dir(const struct place *p, const char *path)
{
	const char *last;
	struct stat st;
	int dir = parent_in(p, path, &last), r, e;

	if (dir == -1)
		return -1;
	r = TRIP("place.mkdir") ? -1 : mkdirat(dir, last, 0700);
	if (r == 0 && p->foreign)
		r = dir_mode_like(dir, last);
	/* Another session made it just now; or it is a link to nowhere. */
	else if (r == -1 && errno == EEXIST)
		r = stat_in(p, path, &st);
	e = errno;
	close(dir);
	errno = e;
	return r;
}

int
place_make_dirs(const struct account *a, const struct name *name,
    bool parent)
{
	struct place p;
	char *path, *end;
	int r = 0;

	if (place_of(a, name->path, &p) == -1)
		return -1;
	path = memory_string(p.path);
	end = path;
	while (r == 0 && *end != '\0') {
		struct stat st;
		char was;

		end += strcspn(end, "/");
		was = *end;
		if (was == '\0' && parent)
			break;
		*end = '\0';
		if (stat_in(&p, path, &st) == 0) {
			if (!S_ISDIR(st.st_mode)) {
				errno = ENOTDIR;
				r = -1;
			}
		} else {
			r = errno == ENOENT ? make_dir(&p, path) : -1;
		}
		*end = was;
		end += was != '\0';
	}
	free(path);
	return r;
}

void
place_path(const struct account *a, const struct name *name, struct buf *out)
{
	struct place p;

	if (place_of(a, name->path, &p) == 0) {
		buf_adds(out, p.dir);
		buf_addc(out, '/');
	}
	buf_adds(out, p.path);
}

int
place_give_mode(const struct account *a, const struct name *name, int dir,
    int fd)
{
	struct place p;
	struct stat st;

	if (place_of(a, name->path, &p) == -1 || fstat(fd, &st) == -1)
		return -1;
	/* What somebody else made has the rights that he gave it. */
	return p.foreign && st.st_uid == geteuid() ?
	    mode_like(dir, fd, 0666) : 0;
}

bool
place_is_shared(const struct account *a, const struct name *name)
{
	struct place p;
	struct stat st;

	if (name->inbox)
		return stat(a->spool, &st) == 0 && st.st_uid != geteuid();
	if (place_of(a, name->path, &p) == -1 || p.foreign)
		return true;
	if (stat_in(&p, p.path, &st) == -1)
		return false;
	return st.st_uid != geteuid() ||
	    (a->other_users && (st.st_mode & (S_IWGRP | S_IWOTH)) != 0);
}
