/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a user's mail is.  Runs as the user, once a session; makes nothing
 * but the index directory.
 */
#include "c-client/store/account.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/config.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/log.h"
#include "c-client/base/trip.h"
#include "c-client/store/append.h"
#include "c-client/store/place.h"

#include "c-client/base/banned.h"

#define INDEX_DEFAULT	".imapindex"
#define INDEX_LOCAL	"/var/cache/imapd"
#define POP_LOCK	".pop3.lock"

static const char *
join(struct arena *keep, const char *dir, const char *name)
{
	struct buf b;
	const char *s;

	buf_init(&b, 0);
	buf_addf(&b, "%s/%s", dir, name);
	s = arena_string(keep, b.p, b.n);
	buf_clear(&b);
	return s;
}

void
account_expand(struct buf *out, const char *text, const char *user,
    const char *home)
{
	if (text[0] != '/')
		buf_addf(out, "%s/", home);
	for (; *text != '\0'; text++) {
		if (text[0] == '%' && text[1] == 'u') {
			buf_adds(out, user);
			text++;
		} else {
			buf_addc(out, *text);
		}
	}
}

static const char *
expand(const struct account *a, const char *text)
{
	struct buf b;
	const char *s;

	buf_init(&b, 0);
	account_expand(&b, text, a->user, a->home);
	s = arena_string(a->keep, b.p, b.n);
	buf_clear(&b);
	return s;
}

/*
 * A directory for indexes: there or to be made, ours, and nobody else's to
 * write to.  Its canonical name, or NULL with *reason.
 */
static const char *
private_directory(struct arena *keep, const char *path, bool make,
    const char **reason)
{
	char real[PATH_MAX];
	struct stat st;
	int fd;

	if (make && (TRIP("account.mkdir") ||
	    (mkdir(path, 0700) == -1 && errno != EEXIST))) {
		*reason = strerror(errno);
		return NULL;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1) {
		*reason = strerror(errno);
		if (fd != -1)
			close(fd);
		return NULL;
	}
	*reason = NULL;
	if (st.st_uid != geteuid())
		*reason = "it belongs to another user";
	else if ((st.st_mode & 077) != 0 && fchmod(fd, 0700) == -1)
		*reason = "others can get into it";
	else if (file_is_on_network(path))
		*reason = "it is on a network file system";
	else if (faccessat(fd, ".", R_OK | W_OK | X_OK, AT_EACCESS) == -1 ||
	    realpath(path, real) == NULL)
		*reason = strerror(errno);
	close(fd);
	return *reason != NULL ? NULL : arena_string(keep, real, strlen(real));
}

/* Architecture, decision 1: in the home, or where that is on the network in
 * a directory that the monitor made. */
static void
find_index_dir(struct account *a, const struct config *config)
{
	const char *path, *reason = NULL;
	char local[sizeof INDEX_LOCAL + 24];

	if (config->index_dir != NULL && config->index_dir[0] != '\0') {
		path = expand(a, config->index_dir);
		a->index_dir = private_directory(a->keep, path, true, &reason);
	} else if (path = join(a->keep, a->home, INDEX_DEFAULT),
	    file_is_on_network(a->home)) {
		reason = "the home is on a network file system";
	} else {
		a->index_dir = private_directory(a->keep, path, true, &reason);
	}
	if (a->index_dir == NULL) {
		const char *other;

		snprintf(local, sizeof local, "%s/%lu", INDEX_LOCAL,
		    (unsigned long)geteuid());
		a->index_dir = private_directory(a->keep, local, false,
		    &other);
	}
	if (a->index_dir == NULL) {
		char user[LOG_FIELD_MAX];

		log_line(LOG_WARNING, "No index directory for user=%s, "
		    "indexes are kept in memory: %s: %s (make it, or %s)",
		    log_field(a->user, strlen(a->user), user), path, reason,
		    local);
	}
}

static bool
is_directory(int at, const char *path)
{
	struct stat st;

	return fstatat(at, path, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static void
find_root(struct account *a, const struct config *config)
{
	const char *mail = join(a->keep, a->home, "mail");
	char real[PATH_MAX], real_mail[PATH_MAX];

	if (config->mail_root != NULL && config->mail_root[0] != '\0') {
		a->root = expand(a, config->mail_root);
		/* It was asked for, so it is made as CREATE would. */
		if (TRIP("account.mkdir_root") ||
		    (mkdir(a->root, 0700) == -1 && errno != EEXIST))
			log_line(LOG_WARNING, "mail_root %s: %s", a->root,
			    strerror(errno));
	} else {
		a->root = is_directory(AT_FDCWD, mail) ? mail : a->home;
	}
	a->root_fd = open(a->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (a->root_fd == -1) {
		log_line(LOG_WARNING, "No mailboxes but INBOX: %s: %s",
		    a->root, strerror(errno));
		a->root = NULL;
		return;
	}
	a->root_is_mail = realpath(a->root, real) != NULL &&
	    realpath(mail, real_mail) != NULL && strcmp(real, real_mail) == 0;
	/* Where ~/mail/mail is a directory the prefix is ambiguous, and what
	 * LIST says must be what SELECT takes. */
	if (a->root_is_mail && is_directory(a->root_fd, "mail"))
		a->root_is_mail = false;
}

/* A directory that all users share.  NULL where there is none. */
static const char *
find_shared(struct account *a, const char *key, const char *dir, int *fd)
{
	if (dir[0] == '\0')
		return NULL;
	*fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*fd != -1)
		return arena_string(a->keep, dir, strlen(dir));
	log_line(LOG_WARNING, "%s %s: %s", key, dir, strerror(errno));
	return NULL;
}

/* Mailboxes that are not below the user's own root, as far as the
 * configuration has them. */
static void
find_others(struct account *a, const struct config *config)
{
	a->mail_root = config->mail_root == NULL ? "" : config->mail_root;
	a->shared_dir = find_shared(a, "shared_dir", config->shared_dir,
	    &a->shared_fd);
	a->public_dir = find_shared(a, "public_dir", config->public_dir,
	    &a->public_fd);
	a->other_users = config->other_users;
	if (a->other_users)
		a->users = place_users_new();
	if (config->outside)
		a->outside_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	a->outside = a->outside_fd != -1;
}

int
account_open(struct account *a, struct arena *keep,
    const struct config *config, const char *user, const char *home,
    bool spool_writable, struct fault *why)
{
	memset(a, 0, sizeof *a);
	a->keep = keep;
	a->root_fd = a->pop_fd = -1;
	a->shared_fd = a->public_fd = a->outside_fd = -1;
	a->lock_timeout = config->lock_timeout;
	a->format = config->format[0] == '\0' ? NULL : config->format;
	a->mbox_inbox = config->mbox_inbox;
	a->dot_lock = config->dot_lock;
	a->relaxed = config->relaxed;
	if (home == NULL || home[0] != '/')
		return fault_set(why, FAULT_NOTFOUND, "no home directory");
	if (user == NULL || user[0] == '\0' || user[0] == '.' ||
	    strchr(user, '/') != NULL || strlen(user) > NAME_MAX)
		return fault_set(why, FAULT_BADNAME,
		    "a user name that is no file name");
	a->user = arena_string(keep, user, strlen(user));
	a->home = arena_string(keep, home, strlen(home));
	a->spool = join(keep, config->mail_spool, a->user);
	a->spool_writable = spool_writable || faccessat(AT_FDCWD,
	    config->mail_spool, W_OK | X_OK, AT_EACCESS) == 0;
	find_root(a, config);
	find_others(a, config);
	find_index_dir(a, config);
	return 0;
}

static void
close_fd(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

int
account_sync(const struct account *a, int fd)
{
	return a->relaxed ? 0 : fdatasync(fd);
}

void
account_sync_ahead(const struct account *a, int fd, uint64_t at, uint64_t n)
{
	if (!a->relaxed)
		file_sync_ahead(fd, at, n);
}

void
account_close(struct account *a)
{
	append_rest(a);
	close_fd(&a->root_fd);
	close_fd(&a->shared_fd);
	close_fd(&a->public_fd);
	close_fd(&a->outside_fd);
	close_fd(&a->pop_fd);
	place_users_free(a->users);
	a->users = NULL;
}

int
account_lock_pop(struct account *a, struct fault *why)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	const char *path;

	if (a->index_dir == NULL || a->pop_fd != -1)
		return 0;
	path = join(a->keep, a->index_dir, POP_LOCK);
	a->pop_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC, 0600);
	if (a->pop_fd == -1) {
		/* A full disk, say: the mail can be read nevertheless. */
		log_line(LOG_WARNING, "%s: %s", path, strerror(errno));
		return 0;
	}
	if (!TRIP("account.pop_lock") &&
	    fcntl(a->pop_fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		fault_set(why, FAULT_INUSE, "another POP3 session has %s",
		    path);
	else
		fault_errno(why, "lock %s", path);
	close(a->pop_fd);
	a->pop_fd = -1;
	return -1;
}
