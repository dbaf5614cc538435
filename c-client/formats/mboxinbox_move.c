/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving the spool's mail to the end of ~/mbox.
 *
 * What will be copied is noted in a file in the home: durable before the first
 * octet is written, it outlives the index.  Then it is copied, and synced; only
 * when the copy has been read again and is the same is the spool's file made
 * empty.  Killed anywhere in between, the next one finds the note, and sees by
 * the octets themselves how far it got.
 */
#include "c-client/formats/mboxinbox_move.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "c-client/base/trip.h"
#include "c-client/formats/mbox.h"
#include "c-client/formats/mbox_append.h"
#include "c-client/formats/mbox_note.h"
#include "c-client/formats/mbox_separator.h"
#include "c-client/formats/mbox_sync.h"
#include "c-client/store/account.h"
#include "c-client/store/box.h"

#include "c-client/base/banned.h"

#define PIECE		(256u * 1024)

/* Mail that comes while it is moved, from programs without locks, is moved
 * too, so often. */
#define TRIES		5

struct move {
	struct mbox *m;
	int spool;
	int home;
	char *piece;
	bool torn;		/* a part of a copy may be in ~/mbox */
	struct fault *why;
};

uint64_t
mboxinbox_note_sum(const struct mboxinbox_note *n)
{
	return XXH3_64bits(n, offsetof(struct mboxinbox_note, sum));
}

/* 1, or 0 if there is none that means anything. */
static int
note_read(struct move *v, struct mboxinbox_note *n)
{
	struct fault f = { .code = FAULT_NONE };
	struct buf text;
	bool good;

	buf_init(&text, 0);
	if (file_read_small(v->home, MBOXINBOX_NOTE, sizeof *n, &text,
	    &f) == -1) {
		buf_clear(&text);
		if (f.code == FAULT_NOTFOUND)
			return 0;
		return fault_set(v->why, f.code, "%s", f.text);
	}
	good = text.n == sizeof *n;
	if (good)
		memcpy(n, text.p, sizeof *n);
	buf_clear(&text);
	return good && n->format == MBOXINBOX_NOTE_FORMAT &&
	    n->sum == mboxinbox_note_sum(n) &&
	    n->end <= n->offset && n->from <= n->to && n->to <= INT64_MAX &&
	    n->offset <= INT64_MAX - (n->to - n->from);
}

static int
note_write(struct move *v, struct mboxinbox_note *n)
{
	struct stat st;

	if (fstat(v->m->fd, &st) == -1)
		return fault_errno(v->why, "stat %s", v->m->path);
	n->format = MBOXINBOX_NOTE_FORMAT;
	n->zero = 0;
	n->dev = (uint64_t)st.st_dev;
	n->ino = (uint64_t)st.st_ino;
	n->sum = mboxinbox_note_sum(n);
	return file_replace(v->home, MBOXINBOX_NOTE,
	    (struct span){ (const char *)n, sizeof *n }, v->why);
}

/* XXH3 of octets of a file: 1, or 0 if they are not all there. */
static int
hash_of(struct move *v, int fd, uint64_t from, uint64_t to, uint64_t out[2])
{
	XXH3_state_t *state = XXH3_createState();
	XXH128_hash_t hash;
	ssize_t got = 1;

	if (state == NULL)
		memory_exhausted(sizeof *state);
	XXH3_128bits_reset(state);
	while (from < to && got > 0) {
		size_t n = to - from < PIECE ? (size_t)(to - from) : PIECE;

		got = file_pread_full(fd, v->piece, n, (off_t)from);
		if (got > 0)
			XXH3_128bits_update(state, v->piece, (size_t)got);
		from += got > 0 ? (uint64_t)got : 0;
	}
	hash = XXH3_128bits_digest(state);
	XXH3_freeState(state);
	if (got == -1)
		return fault_errno(v->why, "read mail that is moved");
	out[0] = hash.low64;
	out[1] = hash.high64;
	return from == to;
}

static int
has_hash(struct move *v, int fd, uint64_t from, uint64_t to,
    const uint64_t want[2])
{
	uint64_t hash[2];
	int there = hash_of(v, fd, from, to, hash);

	return there != 1 ? there : hash[0] == want[0] && hash[1] == want[1];
}

/* How many octets of ~/mbox, from the copy's beginning on, are those of the
 * spool's file? */
static int
same_octets(struct move *v, const struct mboxinbox_note *n, uint64_t *same)
{
	char *other = memory_alloc(PIECE);
	uint64_t all = n->to - n->from;
	int status = 0;

	*same = 0;
	while (*same < all) {
		size_t want = all - *same < PIECE ? (size_t)(all - *same) :
		    PIECE, k = 0;
		ssize_t a = file_pread_full(v->spool, v->piece, want,
		    (off_t)(n->from + *same));
		ssize_t b = file_pread_full(v->m->fd, other, want,
		    (off_t)(n->offset + *same));

		if (a == -1 || b == -1) {
			status = fault_errno(v->why, "read mail that is "
			    "moved");
			break;
		}
		while (k < (size_t)a && k < (size_t)b && v->piece[k] ==
		    other[k])
			k++;
		*same += k;
		if (k < want)
			break;
	}
	free(other);
	return status;
}

static bool
is_separator(const char *p, const char *end)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));
	struct mbox_separator sep;

	return lf != NULL && mbox_separator_parse((struct span){ p,
	    (size_t)(lf - p) }, true, &sep);
}

/*
 * Others have added mail behind a copy that was cut short, and as far as `at`
 * its octets are those of the spool.  Mostly theirs begins there; but their
 * first lines may have been the same too, and then it is the last separator
 * before.
 */
static int
others_begin(struct move *v, const struct mboxinbox_note *n, uint64_t *at)
{
	size_t back = *at - n->offset < PIECE / 2 ?
	    (size_t)(*at - n->offset) : PIECE / 2;
	ssize_t got = file_pread_full(v->m->fd, v->piece, back +
	    MBOX_SEPARATOR_MAX, (off_t)(*at - back));
	const char *here = v->piece + back, *end = v->piece + got, *p = here;

	if (got < (ssize_t)back)
		return fault_set(v->why, FAULT_CHANGED, "%s became shorter",
		    v->m->path);
	while (p < end && p < here + 2 && *p == '\n')
		p++;
	if (is_separator(p, end))
		return 0;
	for (p = here; p > v->piece; p--)
		if (p[-1] == '\n' && is_separator(p, end))
			break;
	*at -= (size_t)(here - p);
	return 0;
}

/* A copy that was cut short is taken out of ~/mbox again. */
static int
copy_undo(struct move *v, struct mboxinbox_note *n)
{
	struct mbox *m = v->m;
	struct stat st;
	uint64_t size, same;

	if (fstat(m->fd, &st) == -1)
		return fault_errno(v->why, "stat %s", m->path);
	size = (uint64_t)st.st_size;
	if ((uint64_t)st.st_dev == n->dev && (uint64_t)st.st_ino == n->ino &&
	    size > n->end) {
		if (same_octets(v, n, &same) == -1)
			return -1;
		same += n->offset;
		if (size <= same || size <= n->offset) {
			if (TRIP("mboxinbox_move.undo") ||
			    ftruncate(m->fd, (off_t)n->end) == -1)
				return fault_errno(v->why, "truncate %s",
				    m->path);
		} else if (others_begin(v, n, &same) == -1 ||
		    (same > n->offset && mbox_note_cut(m, n->offset, same,
		    size, v->why) == -1))
			return -1;
		m->distrust = true;
	}
	v->torn = false;
	n->to = n->from;
	return note_write(v, n);
}

/* How much of the spool's file, from its beginning on, is in ~/mbox: what the
 * note says, and the files bear out. */
static int
settle(struct move *v, struct mboxinbox_note *n, uint64_t *done)
{
	struct mbox *m = v->m;
	struct stat st;
	int there = note_read(v, n), same, whole;

	*done = 0;
	v->torn = there != 0;
	if (there != 1) {
		*n = (struct mboxinbox_note){ .from = 0 };
		return there;
	}
	same = has_hash(v, v->spool, 0, n->from, n->before);
	if (same == 1)
		same = has_hash(v, v->spool, n->from, n->to, n->copied);
	if (same == -1)
		return -1;
	/* It was made empty, or is another one by now. */
	if (same == 0) {
		*n = (struct mboxinbox_note){ .from = 0 };
		v->torn = false;
		return 0;
	}
	if (fstat(m->fd, &st) == -1)
		return fault_errno(v->why, "stat %s", m->path);
	whole = (uint64_t)st.st_dev == n->dev &&
	    (uint64_t)st.st_ino == n->ino ? has_hash(v, m->fd, n->offset,
	    n->offset + (n->to - n->from), n->copied) : 0;
	if (whole == -1 || (whole == 0 && copy_undo(v, n) == -1))
		return -1;
	v->torn = false;
	*done = n->to;
	return 0;
}

static int
copy_octets(struct move *v, const struct mboxinbox_note *n, const char *gap)
{
	uint64_t from = n->from, at = n->offset;

	if (file_pwrite_full(v->m->fd, gap, strlen(gap), (off_t)n->end) == -1)
		return fault_errno(v->why, "write %s", v->m->path);
	while (from < n->to) {
		size_t want = n->to - from < PIECE ? (size_t)(n->to - from) :
		    PIECE;
		ssize_t got = file_pread_full(v->spool, v->piece, want,
		    (off_t)from);

		if (got <= 0)
			return got == -1 ? fault_errno(v->why, "read the "
			    "spool") : fault_set(v->why, FAULT_CHANGED,
			    "the spool's file became shorter");
		if (TRIP("mboxinbox_move.write") ||
		    file_pwrite_full(v->m->fd, v->piece, (size_t)got,
		    (off_t)at) == -1)
			return fault_errno(v->why, "write %s", v->m->path);
		from += (uint64_t)got;
		at += (uint64_t)got;
	}
	if (TRIP("mboxinbox_move.sync") || fdatasync(v->m->fd) == -1)
		return fault_errno(v->why, "sync %s", v->m->path);
	TRIP_KILL("mboxinbox_move.copied");
	return 0;
}

/* Copy [done, size) of the spool's file; `n` is the note of what is before. */
static int
copy(struct move *v, struct mboxinbox_note *n, uint64_t done, uint64_t size)
{
	struct fault ignored = { .code = FAULT_NONE };
	struct stat st;
	const char *gap = "";
	struct move undo = *v;

	if (fstat(v->m->fd, &st) == -1)
		return fault_errno(v->why, "stat %s", v->m->path);
	if (mbox_append_gap(v->m, (uint64_t)st.st_size, &gap, v->why) == -1)
		return -1;
	n->end = (uint64_t)st.st_size;
	n->offset = n->end + strlen(gap);
	n->from = done;
	n->to = size;
	if (hash_of(v, v->spool, 0, done, n->before) != 1 ||
	    hash_of(v, v->spool, done, size, n->copied) != 1)
		return fault_set(v->why, FAULT_CHANGED,
		    "the spool's file became shorter");
	if (note_write(v, n) == -1)
		return -1;
	TRIP_KILL("mboxinbox_move.noted");
	v->torn = true;
	if (copy_octets(v, n, gap) == 0)
		return 0;
	undo.why = &ignored;
	v->torn = copy_undo(&undo, n) == -1;
	return -1;
}

/* Does mail begin there? */
static int
check_separator(struct move *v, uint64_t at)
{
	char head[MBOX_SEPARATOR_MAX];
	ssize_t got = file_pread_full(v->spool, head, sizeof head, (off_t)at);
	ptrdiff_t first;

	if (got == -1)
		return fault_errno(v->why, "read the spool");
	first = mbox_separator_first((struct span){ head, (size_t)got });
	if (first == -1 || first == got)
		return fault_set(v->why, FAULT_CANNOT, "the spool's file is "
		    "no mailbox");
	return 0;
}

static int
empty(struct move *v, uint64_t octets)
{
	const struct account *account = v->m->box->account;

	if (TRIP("mboxinbox_move.empty") || ftruncate(v->spool, 0) == -1)
		return fault_errno(v->why, "empty the spool's file");
	TRIP_KILL("mboxinbox_move.emptied");
	if (TRIP("mboxinbox_move.sync_spool") || fsync(v->spool) == -1)
		return fault_errno(v->why, "sync the spool's file");
	log_line(LOG_INFO, "Moved %llu bytes of new mail to mbox from spool "
	    "host= %s", (unsigned long long)octets,
	    account->client != NULL ? account->client : "");
	return 0;
}

static int
move_all(struct move *v)
{
	struct mboxinbox_note n;
	uint64_t done;

	for (int i = 0; i < TRIES; i++) {
		struct stat st;

		if (settle(v, &n, &done) == -1)
			return -1;
		if (fstat(v->spool, &st) == -1)
			return fault_errno(v->why, "stat the spool");
		if (st.st_size == 0)
			return 0;
		if ((uint64_t)st.st_size == done)
			return empty(v, done);
		/* What is in ~/mbox has its UIDs before more comes. */
		if (check_separator(v, done) == -1 ||
		    mbox_sync_locked(v->m, false, v->why) == -1 ||
		    copy(v, &n, done, (uint64_t)st.st_size) == -1)
			return -1;
	}
	return fault_set(v->why, FAULT_INUSE, "mail comes without a lock");
}

static int
home_open(const struct account *account)
{
	return open(account->home, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

bool
mboxinbox_move_is_begun(const struct account *account)
{
	int home = home_open(account);
	struct stat st;
	bool begun;

	if (home == -1)
		return false;
	begun = fstatat(home, MBOXINBOX_NOTE, &st, AT_SYMLINK_NOFOLLOW) == 0;
	close(home);
	return begun;
}

/* That the note goes need not be durable: it says what is seen in the files. */
void
mboxinbox_move_end(const struct account *account)
{
	int home = home_open(account);

	if (home == -1)
		return;
	if (unlinkat(home, MBOXINBOX_NOTE, 0) == -1 && errno != ENOENT)
		log_line(LOG_WARNING, "remove %s: %s", MBOXINBOX_NOTE,
		    strerror(errno));
	close(home);
}

int
mboxinbox_move(struct mbox *m, int spool, bool *torn, struct fault *why)
{
	struct move v = { .m = m, .spool = spool, .why = why };
	int status;

	v.home = home_open(m->box->account);
	*torn = false;
	if (v.home == -1)
		return fault_errno(why, "home %s", m->box->account->home);
	v.piece = memory_alloc(PIECE);
	status = move_all(&v);
	*torn = v.torn;
	free(v.piece);
	close(v.home);
	return status;
}
