/* SPDX-License-Identifier: Apache-2.0 */
/* The stamp of a maildir. */
#include "c-client/formats/maildir_stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "c-client/base/fault.h"
#include "c-client/formats/maildir_keywords.h"
#include "c-client/formats/maildir_uidlist.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

_Static_assert(sizeof(struct maildir_stamp) <= BOX_STAMP_MAX,
    "room for a stamp");

/* So old a change time can't be that of a change to come; where times are
 * whole seconds, it takes longer. */
#define DOUBT_NSEC	(20 * INT64_C(1000000))
#define COARSE_NSEC	(2 * INT64_C(1000000000) + DOUBT_NSEC)

bool
maildir_stamp_load(const struct box *box, struct maildir_stamp *s)
{
	if (box->meta.stamp_size != sizeof *s)
		return false;
	memcpy(s, box->meta.stamp, sizeof *s);
	return s->format == MAILDIR_STAMP_FORMAT;
}

void
maildir_stamp_store(struct box *box, const struct maildir_stamp *s)
{
	memcpy(box->meta.stamp, s, sizeof *s);
	box->meta.stamp_size = sizeof *s;
}

/* Is this time so young that another change may get the same? */
static bool
is_young(const struct maildir_mark *m)
{
	int64_t least = m->change_nsec == 0 ? COARSE_NSEC : DOUBT_NSEC;
	struct timespec now;
	int64_t secs;

	clock_gettime(CLOCK_REALTIME, &now);
	secs = now.tv_sec - m->change;
	/* A time to come is that of another clock, which doesn't end. */
	if (secs < -60 || secs > 60)
		return false;
	return secs * 1000000000 + now.tv_nsec - (int64_t)m->change_nsec <
	    least;
}

bool
maildir_stamp_can_settle(const struct maildir_stamp *s)
{
	return !is_young(&s->cur) && !is_young(&s->new) &&
	    !is_young(&s->list) && !is_young(&s->keywords);
}

static int
mark_take(int dir, const char *name, bool directory, struct stat *st,
    struct maildir_mark *m, struct fault *why)
{
	memset(m, 0, sizeof *m);
	if (fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) == -1) {
		if (errno == ENOENT && !directory)
			return 0;
		return errno == ENOENT || errno == ENOTDIR ?
		    fault_set(why, FAULT_NOTFOUND, "no %s", name) :
		    fault_errno(why, "stat %s", name);
	}
	m->ino = (uint64_t)st->st_ino;
	m->change = st->st_ctim.tv_sec;
	m->change_nsec = (uint32_t)st->st_ctim.tv_nsec;
	m->size = directory ? 0 : (uint32_t)st->st_size;
	return 0;
}

int
maildir_stamp_take(int dir, struct maildir_stamp *s, struct fault *why)
{
	struct stat st;

	memset(s, 0, sizeof *s);
	s->format = MAILDIR_STAMP_FORMAT;
	if (mark_take(dir, "new", true, &st, &s->new, why) == -1 ||
	    mark_take(dir, MAILDIR_UIDLIST, false, &st, &s->list, why) ==
	    -1 || mark_take(dir, MAILDIR_KEYWORDS, false, &st,
	    &s->keywords, why) == -1 ||
	    mark_take(dir, "cur", true, &st, &s->cur, why) == -1)
		return -1;
	s->dev = (uint64_t)st.st_dev;
	s->doubtful = !maildir_stamp_can_settle(s);
	return 0;
}

bool
maildir_stamp_mark_is(const struct maildir_mark *a,
    const struct maildir_mark *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

bool
maildir_stamp_holds(const struct maildir_stamp *was,
    const struct maildir_stamp *now)
{
	return was->dev == now->dev &&
	    maildir_stamp_mark_is(&was->cur, &now->cur) &&
	    maildir_stamp_mark_is(&was->new, &now->new) &&
	    maildir_stamp_mark_is(&was->list, &now->list) &&
	    maildir_stamp_mark_is(&was->keywords, &now->keywords);
}
