/* SPDX-License-Identifier: Apache-2.0 */
/* What the processes of all connections have in common. */
#include "ssl/tls_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <xxhash.h>

#include "c-client/base/bounds.h"
#include "c-client/base/clock.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/memory.h"

#include "c-client/base/banned.h"

#define MAGIC		UINT64_C(0x32657461745370aa)	/* and its version */
/* Two for each file of 64 addresses and of 64 server names. */
#define WARNINGS	256
/* A front's lines are counted, and what the monitor drops would be lost. */
#define WARNINGS_AT_ONCE	(BOUND_PRELOGIN_LOGS / 2)
#define DAY_SECS	86400

/* So long is waited for the first key, which another is making. */
#define PATIENCE_SECS	1.0

/* The file, octet for octet: it never leaves this machine. */
struct contents {
	uint64_t magic;
	struct tls_state_key keys[TLS_STATE_KEYS];	/* newest first */
	struct {
		uint64_t of;
		int64_t day;
	} warned[WARNINGS];
};

struct tls_state {
	struct contents now;
	char *path;
	unsigned given;		/* warnings, since it was opened */
};

/* Ours alone?  Whoever reads it can read what was recorded on the wire. */
static int
check_owner(int fd, const char *path, struct stat *st, struct fault *why)
{
	if (fstat(fd, st) == -1)
		return fault_errno(why, "stat %s", path);
	if (!S_ISREG(st->st_mode) || st->st_uid != geteuid() ||
	    (st->st_mode & 077) != 0)
		return fault_set(why, FAULT_PERM, "%s is not a file that "
		    "only the server's user may read; remove it", path);
	return 0;
}

/* What can't be right is as if it were not there. */
static int
contents_read(int fd, const char *path, struct contents *c,
    struct fault *why)
{
	struct stat st;

	if (check_owner(fd, path, &st, why) == -1)
		return -1;
	if (file_pread_full(fd, c, sizeof *c, 0) != sizeof *c ||
	    c->magic != MAGIC)
		*c = (struct contents){ .magic = MAGIC };
	return 0;
}

static bool
is_fresh(const struct contents *c, int64_t now)
{
	int64_t age = now - c->keys[0].made;

	/* One that is to come is of a clock that was set back since. */
	return c->keys[0].made != 0 && age < TLS_STATE_KEY_SECS && age > -60;
}

static bool
key_add(struct contents *c, int64_t now)
{
	struct tls_state_key key = { .made = now };

	if (RAND_bytes(key.name, sizeof key.name) != 1 ||
	    RAND_priv_bytes(key.cipher, sizeof key.cipher) != 1 ||
	    RAND_priv_bytes(key.mac, sizeof key.mac) != 1)
		return false;
	for (size_t i = TLS_STATE_KEYS - 1; i > 0; i--) {
		int64_t age = now - c->keys[i - 1].made;

		c->keys[i] = c->keys[i - 1];
		/* Nobody was here for long: what is too old goes. */
		if (age < -60 || age >= TLS_STATE_KEY_SECS * TLS_STATE_KEYS)
			memset(&c->keys[i], 0, sizeof c->keys[i]);
	}
	c->keys[0] = key;
	OPENSSL_cleanse(&key, sizeof key);
	return true;
}

/*
 * The file under its lock, which is that of this very file: who comes second
 * finds the new one.  -1 with FAULT_INUSE where another takes too long.
 */
static int
lock(const char *path, double patience, struct fault *why)
{
	double end = clock_steady() + patience;

	for (;;) {
		int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW |
		    O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
		struct stat mine, there;

		if (fd == -1)
			return fault_errno(why, "%s", path);
		if (check_owner(fd, path, &mine, why) == -1) {
			close(fd);
			return -1;
		}
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 &&
		    lstat(path, &there) == 0 && there.st_ino == mine.st_ino &&
		    there.st_dev == mine.st_dev)
			return fd;
		close(fd);
		if (clock_steady() >= end)
			return fault_set(why, FAULT_INUSE, "%s is in use",
			    path);
		clock_pause();
	}
}

static int
contents_write(const char *path, const struct contents *c,
    struct fault *why)
{
	const char *slash = strrchr(path, '/');
	char *above;
	int dir, status;

	if (slash == NULL)
		return fault_set(why, FAULT_CANNOT, "%s: no path", path);
	above = memory_string(path);
	above[slash == path ? 1 : slash - path] = '\0';
	dir = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(above);
	if (dir == -1)
		return fault_errno(why, "%s", path);
	status = file_replace(dir, slash + 1, (struct span){ (const char *)c,
	    sizeof *c }, why);
	close(dir);
	return status;
}

/* A new key, if nobody else has made one meanwhile. */
static int
renew(struct tls_state *s, struct fault *why)
{
	/* The key that is old still serves. */
	int fd = lock(s->path, s->now.keys[0].made == 0 ? PATIENCE_SECS : 0,
	    why);
	int status;

	if (fd == -1)
		return -1;
	status = contents_read(fd, s->path, &s->now, why);
	if (status == 0 && !is_fresh(&s->now, clock_now()))
		status = key_add(&s->now, clock_now()) ?
		    contents_write(s->path, &s->now, why) :
		    fault_set(why, FAULT_IO, "no random numbers");
	close(fd);
	return status;
}

struct tls_state *
tls_state_open(const char *path, struct fault *why)
{
	struct tls_state *s = memory_zalloc(sizeof *s);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
	    O_CLOEXEC);
	int status = 0;

	s->path = memory_string(path);
	if (fd != -1) {
		status = contents_read(fd, path, &s->now, why);
		close(fd);
	} else if (errno != ENOENT)
		status = fault_errno(why, "%s", path);
	if (status == 0 && !is_fresh(&s->now, clock_now()) &&
	    renew(s, why) == -1 && s->now.keys[0].made == 0)
		status = -1;
	if (status == 0)
		return s;
	tls_state_free(s);
	return NULL;
}

void
tls_state_free(struct tls_state *s)
{
	if (s == NULL)
		return;
	OPENSSL_cleanse(&s->now, sizeof s->now);
	free(s->path);
	free(s);
}

const struct tls_state_key *
tls_state_key(const struct tls_state *s)
{
	return &s->now.keys[0];
}

const struct tls_state_key *
tls_state_key_find(const struct tls_state *s, const unsigned char name[16])
{
	for (size_t i = 0; i < TLS_STATE_KEYS; i++)
		if (s->now.keys[i].made != 0 && CRYPTO_memcmp(name,
		    s->now.keys[i].name, sizeof s->now.keys[i].name) == 0)
			return &s->now.keys[i];
	return NULL;
}

/* Its place, or that of the warning that was given longest ago. */
static size_t
warning_find(const struct contents *c, uint64_t of)
{
	size_t oldest = 0;

	for (size_t i = 0; i < WARNINGS; i++) {
		if (c->warned[i].of == of)
			return i;
		if (c->warned[i].day < c->warned[oldest].day)
			oldest = i;
	}
	return oldest;
}

bool
tls_state_warn(struct tls_state *s, const char *warning)
{
	uint64_t hash = XXH3_64bits(warning, strlen(warning));
	int64_t today = clock_now() / DAY_SECS;
	struct fault why;
	size_t i;
	int fd;

	if (s == NULL)
		return true;
	i = warning_find(&s->now, hash);
	if (s->now.warned[i].of == hash && s->now.warned[i].day == today)
		return false;
	if (s->given == WARNINGS_AT_ONCE)
		return false;
	/* Who has the lock may be giving this very warning.  If not, the next
	 * connection does. */
	if ((fd = lock(s->path, 0, &why)) == -1)
		return why.code != FAULT_INUSE;
	if (contents_read(fd, s->path, &s->now, &why) == 0) {
		i = warning_find(&s->now, hash);
		if (s->now.warned[i].of == hash &&
		    s->now.warned[i].day == today) {
			close(fd);
			return false;
		}
		s->now.warned[i].of = hash;
		s->now.warned[i].day = today;
		contents_write(s->path, &s->now, &why);
	}
	close(fd);
	s->given++;
	return true;
}
