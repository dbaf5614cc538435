/* SPDX-License-Identifier: Apache-2.0 */
/* The stamp of a mailbox file. */
#include "c-client/formats/mbox_stamp.h"

#include <string.h>
#include <sys/vfs.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

_Static_assert(sizeof(struct mbox_stamp) <= BOX_STAMP_MAX, "room for a stamp");

#define EDGE		2048u

/* So old a change time can't be that of a change to come. */
#define DOUBT_NSEC	(20 * 1000000)

bool
mbox_stamp_load(const struct box *box, struct mbox_stamp *s)
{
	if (box->meta.stamp_size != sizeof *s)
		return false;
	memcpy(s, box->meta.stamp, sizeof *s);
	return s->format == MBOX_STAMP_FORMAT;
}

void
mbox_stamp_store(struct box *box, const struct mbox_stamp *s)
{
	memcpy(box->meta.stamp, s, sizeof *s);
	box->meta.stamp_size = sizeof *s;
}

/* XXH3 of `n` octets (at most EDGE) at `off`; false if they are not there. */
static bool
edge_hash(int fd, uint64_t off, size_t n, uint64_t *out)
{
	char edge[EDGE];

	if (file_pread_full(fd, edge, n, (off_t)off) != (ssize_t)n)
		return false;
	*out = XXH3_64bits(edge, n);
	return true;
}

static bool
edges_hash(int fd, uint64_t size, uint64_t *front, uint64_t *tail)
{
	size_t n = size < EDGE ? (size_t)size : EDGE;

	return edge_hash(fd, 0, n, front) &&
	    edge_hash(fd, size - n, n, tail);
}

/* Do files get their times from this machine's clock, in parts of a second? */
static bool
is_local(int fd)
{
	static const uint32_t magics[] = {
		0xEF53,		/* ext2 to ext4 */
		0x58465342,	/* XFS */
		0x9123683E,	/* btrfs */
		0x01021994,	/* tmpfs */
		0xF2F52010,	/* F2FS */
		0x2FC12FC1,	/* ZFS */
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) == -1)
		return false;
	for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++)
		if ((uint32_t)fs.f_type == magics[i])
			return true;
	return false;
}

static int
time_compare(const struct timespec *a, const struct timespec *b)
{
	if (a->tv_sec != b->tv_sec)
		return a->tv_sec < b->tv_sec ? -1 : 1;
	return a->tv_nsec < b->tv_nsec ? -1 : a->tv_nsec > b->tv_nsec;
}

/* Nanoseconds since `then`, at most a minute; 0 if it is to come. */
static int64_t
age(int64_t secs, uint32_t nsec)
{
	struct timespec now;
	int64_t diff;

	clock_gettime(CLOCK_REALTIME, &now);
	diff = now.tv_sec - secs;
	if (diff > 60)
		diff = 60;
	if (diff < 0)
		return 0;
	diff = diff * 1000000000 + now.tv_nsec - (int64_t)nsec;
	return diff < 0 ? 0 : diff;
}

/*
 * Could a change that comes after this moment get the same change time?  A
 * local file system stamps with the coarse clock: once that has gone on it
 * can't; a time that is ahead of it comes from a system that stamps finely as
 * soon as somebody has looked, which fstat(2) did.  Others, and those that
 * know only whole seconds, are doubted by the plain clock.
 */
static bool
is_doubtful(int fd, const struct stat *st)
{
	struct timespec coarse;
	int64_t a = age(st->st_ctim.tv_sec, (uint32_t)st->st_ctim.tv_nsec);

	if (st->st_ctim.tv_nsec == 0 && st->st_mtim.tv_nsec == 0)
		return a < 2 * INT64_C(1000000000) + DOUBT_NSEC;
	if (a >= DOUBT_NSEC)
		return false;
	clock_gettime(CLOCK_REALTIME_COARSE, &coarse);
	return time_compare(&coarse, &st->st_ctim) == 0 || a == 0 ||
	    !is_local(fd);
}

bool
mbox_stamp_can_settle(const struct mbox_stamp *s)
{
	int64_t least = s->change_nsec == 0 && s->modify_nsec == 0 ?
	    2 * INT64_C(1000000000) + DOUBT_NSEC : DOUBT_NSEC;

	return age(s->change, s->change_nsec) >= least;
}

int
mbox_stamp_take(int fd, const struct stat *st, struct mbox_stamp *s,
    struct fault *why)
{
	memset(s, 0, sizeof *s);
	s->format = MBOX_STAMP_FORMAT;
	s->dev = (uint64_t)st->st_dev;
	s->ino = (uint64_t)st->st_ino;
	s->size = (uint64_t)st->st_size;
	s->modify = st->st_mtim.tv_sec;
	s->change = st->st_ctim.tv_sec;
	s->modify_nsec = (uint32_t)st->st_mtim.tv_nsec;
	s->change_nsec = (uint32_t)st->st_ctim.tv_nsec;
	s->doubtful = is_doubtful(fd, st);
	if (!edges_hash(fd, s->size, &s->front, &s->tail))
		return fault_set(why, FAULT_CHANGED,
		    "mailbox became shorter while it was read");
	return 0;
}

int
mbox_stamp_take_written(int fd, uint64_t size, struct mbox_stamp *s,
    struct fault *why)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return fault_errno(why, "stat mailbox");
	for (int i = 0; i < 8 && is_doubtful(fd, &st); i++) {
		struct timespec rest = { .tv_nsec = 1000000 };

		nanosleep(&rest, NULL);
	}
	if ((uint64_t)st.st_size < size)
		return fault_set(why, FAULT_CHANGED,
		    "mailbox became shorter while it was written");
	st.st_size = (off_t)size;
	return mbox_stamp_take(fd, &st, s, why);
}

bool
mbox_stamp_holds(const struct mbox_stamp *s, const struct stat *st)
{
	return s->dev == (uint64_t)st->st_dev &&
	    s->ino == (uint64_t)st->st_ino &&
	    s->size == (uint64_t)st->st_size &&
	    s->modify == st->st_mtim.tv_sec &&
	    s->change == st->st_ctim.tv_sec &&
	    s->modify_nsec == (uint32_t)st->st_mtim.tv_nsec &&
	    s->change_nsec == (uint32_t)st->st_ctim.tv_nsec;
}

bool
mbox_stamp_grown(const struct mbox_stamp *s, int fd, const struct stat *st)
{
	uint64_t front, tail;

	return s->ino == (uint64_t)st->st_ino &&
	    s->size < (uint64_t)st->st_size &&
	    edges_hash(fd, s->size, &front, &tail) &&
	    front == s->front && tail == s->tail;
}
