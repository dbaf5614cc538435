/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index's files: opening and making anew databases that other processes may
 * have open (moving and removing: index_move.c).
 *
 * SQLite opens its log by name, after the database.  So that nobody gets the
 * database of one life and the log of another, the directory has a lock file:
 * shared while a database is opened or closed, exclusive while one is made,
 * moved or removed.  It is never waited for inside a transaction.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/clock.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/log.h"
#include "c-client/base/trip.h"
#include "c-client/store/index_path.h"
#include "c-client/store/index_private.h"

#include "c-client/base/banned.h"

#define GUARD	".lock"

/* Seconds to wait for being the only one. */
#define ALONE_TIMEOUT	2

/* The directory's lock: a descriptor to close, or -1 with *why set. */
int
index_file_guard(const char *dir, short type, uint32_t timeout,
    struct fault *why)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };
	struct timespec nap = { .tv_nsec = 2000000 };
	double deadline = clock_steady() + timeout;
	struct buf path;
	int fd;

	buf_init(&path, 0);
	buf_addf(&path, "%s/%s", dir, GUARD);
	for (int i = 0; i < 2; i++) {
		fd = open(buf_string(&path), O_RDWR | O_CREAT | O_NOFOLLOW |
		    O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
		/* Somebody removed the whole directory. */
		if (fd != -1 || errno != ENOENT || mkdir(dir, 0700) == -1)
			break;
	}
	if (fd == -1)
		fault_errno(why, "open %s", path.p);
	while (fd != -1 && (TRIP("index_file.guard") ||
	    fcntl(fd, F_OFD_SETLK, &lock) == -1)) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			fault_errno(why, "lock %s", path.p);
		else if (clock_steady() >= deadline)
			fault_set(why, FAULT_INUSE, "lock %s: not in %u s",
			    path.p, timeout);
		else {
			nanosleep(&nap, NULL);
			continue;
		}
		close(fd);
		fd = -1;
	}
	buf_clear(&path);
	return fd;
}

/* Is a file of the database there that SQLite should not meet? */
bool
index_file_is_odd(const char *file, const char *ending)
{
	struct buf b;
	struct stat st;
	bool odd;

	buf_init(&b, 0);
	buf_addf(&b, "%s%s", file, ending);
	odd = lstat(buf_string(&b), &st) == 0 &&
	    (!S_ISREG(st.st_mode) || st.st_uid != geteuid());
	buf_clear(&b);
	return odd;
}

void
index_file_unlink(const char *file)
{
	struct buf b;

	/* The name of the database goes first: what follows belongs to
	 * nobody then, and making one removes it too. */
	TRIP_KILL("index_file.unlink");
	unlink(file);
	buf_init(&b, 0);
	for (size_t i = 0; i < INDEX_PATH_ENDINGS; i++) {
		buf_reset(&b);
		buf_addf(&b, "%s%s", file, index_path_endings[i]);
		TRIP_KILL("index_file.unlink_rest");
		unlink(buf_string(&b));
	}
	buf_clear(&b);
}

static void
disconnect(struct index *ix, bool checkpoint)
{
	for (size_t i = 0; i < INDEX_STATEMENTS; i++) {
		sqlite3_finalize(ix->statements[i]);
		ix->statements[i] = NULL;
	}
	if (ix->db != NULL && !checkpoint)
		sqlite3_db_config(ix->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
		    (int *)NULL);
	TRIP_KILL("index_file.disconnect");
	sqlite3_close(ix->db);
	ix->db = NULL;
	ix->loaded = ix->damaged = false;
}

/*
 * Open the database that is there; the guard is held.  SQLITE_NOTFOUND: there
 * is none.
 */
static int
connect_existing(struct index *ix)
{
	struct stat st;
	int rc;

	if (lstat(ix->file, &st) == -1)
		return errno == ENOENT ? SQLITE_NOTFOUND : SQLITE_CANTOPEN;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_size == 0)
		return SQLITE_CORRUPT;
	for (size_t i = 0; i < INDEX_PATH_ENDINGS; i++)
		if (index_file_is_odd(ix->file, index_path_endings[i]))
			return SQLITE_CORRUPT;
	rc = sqlite3_open_v2(ix->file, &ix->db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
	    SQLITE_OPEN_NOFOLLOW, NULL);
	if (rc == SQLITE_OK)
		rc = index_schema_settings(ix);
	if (rc == SQLITE_OK)
		rc = index_schema_check(ix);
	/* The header may say that nobody can write this version. */
	if (rc == SQLITE_OK && sqlite3_db_readonly(ix->db, "main") != 0)
		rc = access(ix->file, W_OK) == 0 ? SQLITE_CORRUPT :
		    SQLITE_READONLY;
	ix->device = st.st_dev;
	ix->inode = st.st_ino;
	ix->durable = true;
	return rc;
}

/* Make a new one; the guard is held exclusively, and no file has the name. */
static int
make_new(struct index *ix)
{
	int fd, dir, rc;
	struct stat st;

	index_file_unlink(ix->file);
	fd = TRIP("index_file.create") ? -1 : open(ix->file, O_RDWR |
	    O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return errno == ENOSPC || errno == EDQUOT ? SQLITE_FULL :
		    SQLITE_CANTOPEN;
	fstat(fd, &st);
	close(fd);
	TRIP_KILL("index_file.created");
	rc = sqlite3_open_v2(ix->file, &ix->db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
	    SQLITE_OPEN_NOFOLLOW, NULL);
	if (rc == SQLITE_OK)
		rc = index_schema_settings(ix);
	if (rc == SQLITE_OK)
		rc = index_schema_make(ix);
	if (rc == SQLITE_OK)
		rc = index_schema_check(ix);
	if (rc != SQLITE_OK) {
		disconnect(ix, false);
		index_file_unlink(ix->file);
		return rc;
	}
	dir = open(ix->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir != -1) {
		file_sync_directory(dir);
		close(dir);
	}
	ix->device = st.st_dev;
	ix->inode = st.st_ino;
	ix->durable = true;
	return SQLITE_OK;
}

static bool
is_useless(int rc)
{
	/* An unknown file format is SQLITE_ERROR while the schema is read. */
	return index_is_damage(rc) || (rc & 0xff) == SQLITE_ERROR;
}

/*
 * Open or make under the exclusive guard.  `damaged` is the inode that was
 * found to be bad inside, 0 if none was.
 */
static int
remake(struct index *ix, ino_t damaged, struct fault *why)
{
	struct stat st;
	int guard, rc;

	guard = index_file_guard(ix->dir, F_WRLCK, ix->lock_timeout, why);
	if (guard == -1)
		return -1;
	if (damaged != 0 && lstat(ix->file, &st) == 0 &&
	    st.st_ino == damaged) {
		log_line(LOG_NOTICE, "Index %s is damaged, made anew",
		    ix->file);
		rc = SQLITE_NOTFOUND;
	} else {
		rc = connect_existing(ix);
		if (is_useless(rc))
			log_line(LOG_NOTICE, "Index %s can't be used (%s), "
			    "made anew", ix->file, sqlite3_errstr(rc));
	}
	if (rc == SQLITE_NOTFOUND || is_useless(rc)) {
		disconnect(ix, false);
		rc = make_new(ix);
	}
	close(guard);
	if (rc != SQLITE_OK) {
		index_fault(ix, rc, "open", why);
		disconnect(ix, false);
		return -1;
	}
	return 0;
}

int
index_file_open(struct index *ix, struct fault *why)
{
	int guard, rc;

	guard = index_file_guard(ix->dir, F_RDLCK, ix->lock_timeout, why);
	if (guard == -1)
		return -1;
	index_start_clock(ix);
	rc = connect_existing(ix);
	close(guard);
	if (rc == SQLITE_OK)
		return 0;
	if (rc != SQLITE_NOTFOUND && !is_useless(rc)) {
		index_fault(ix, rc, "open", why);
		disconnect(ix, false);
		return -1;
	}
	disconnect(ix, false);
	return remake(ix, 0, why);
}

int
index_file_replace(struct index *ix, struct fault *why)
{
	ino_t damaged = ix->inode;

	disconnect(ix, false);
	if (ix->file == NULL)
		return index_file_memory(ix) == SQLITE_OK ? 0 :
		    fault_set(why, FAULT_IO, "no index in memory");
	index_start_clock(ix);
	return remake(ix, damaged, why);
}

void
index_file_close(struct index *ix, bool checkpoint)
{
	int guard = -1;

	/* The last one to close removes the log by its name. */
	if (ix->db != NULL && ix->file != NULL)
		guard = index_file_guard(ix->dir, F_RDLCK, 1, NULL);
	disconnect(ix, checkpoint && guard != -1);
	if (guard != -1)
		close(guard);
}

/* A file name as a URI that SQLite takes for a database nobody changes. */
static void
immutable_uri(struct buf *out, const char *file)
{
	static const char hex[] = "0123456789ABCDEF";

	buf_adds(out, "file:");
	for (; *file != '\0'; file++) {
		unsigned char c = (unsigned char)*file;

		if (ascii_is_alnum(c) || strchr("/._-", c) != NULL) {
			buf_addc(out, (char)c);
		} else {
			buf_addc(out, '%');
			buf_addc(out, hex[c >> 4]);
			buf_addc(out, hex[c & 15]);
		}
	}
	buf_adds(out, "?immutable=1");
}

/* Is there something in the log that an immutable database would not have? */
static bool
has_log(const struct index *ix)
{
	struct stat st;

	return lstat(ix->wal, &st) == 0 && st.st_size > 0;
}

static int
open_alone(struct index *ix)
{
	struct buf uri;
	int rc;

	if (index_file_is_odd(ix->file, "") || index_file_is_odd(ix->wal, ""))
		return SQLITE_CANTOPEN;
	/* Without others no memory is shared, and no file needed for it.  As
	 * long as there are others, this one can't be alone. */
	index_start_clock(ix);
	if (ix->lock_timeout > ALONE_TIMEOUT)
		ix->deadline = clock_steady() + ALONE_TIMEOUT;
	rc = sqlite3_open_v2(ix->file, &ix->db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
	    SQLITE_OPEN_NOFOLLOW, NULL);
	if (rc == SQLITE_OK)
		rc = index_schema_settings(ix);
	if (rc == SQLITE_OK)
		rc = index_schema_check(ix);
	if (rc == SQLITE_OK || is_useless(rc) || has_log(ix))
		return rc;
	disconnect(ix, false);
	buf_init(&uri, 0);
	immutable_uri(&uri, ix->file);
	rc = sqlite3_open_v2(buf_string(&uri), &ix->db,
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
	    SQLITE_OPEN_PRIVATECACHE, NULL);
	buf_clear(&uri);
	if (rc == SQLITE_OK)
		rc = index_schema_settings(ix);
	if (rc == SQLITE_OK)
		rc = index_schema_check(ix);
	return rc;
}

int
index_file_open_alone(struct index *ix)
{
	int rc;

	ix->alone = true;
	rc = open_alone(ix);
	ix->alone = false;
	return rc;
}

bool
index_file_moved(struct index *ix)
{
	int moved = 0;

	if (ix->file == NULL)
		return false;
	if (ix->db == NULL)
		return true;
	return sqlite3_file_control(ix->db, "main", SQLITE_FCNTL_HAS_MOVED,
	    &moved) == SQLITE_OK && moved != 0;
}

int
index_file_memory(struct index *ix)
{
	int rc;

	rc = sqlite3_open_v2(":memory:", &ix->db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = index_schema_settings(ix);
	if (rc == SQLITE_OK)
		rc = index_schema_make(ix);
	ix->durable = false;
	return rc;
}
