/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The redo file.  Its head is one sector, so that it is there as it was or as
 * it is to be; behind it are the hashes of the blocks that the piece replaces,
 * and the piece.  What it says is checked against the mailbox before anything
 * is written: each block must be the old one or the new one, and what stands
 * around the gap must be what stood there.
 */
#include "c-client/formats/mbox_redo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "c-client/base/bounds.h"
#include "c-client/base/buf.h"
#include "c-client/base/clock.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "c-client/base/trip.h"
#include "c-client/formats/mbox.h"
#include "c-client/formats/mbox_format.h"
#include "c-client/formats/mbox_rewrite.h"
#include "c-client/store/account.h"
#include "c-client/store/box.h"
#include "c-client/store/index.h"
#include "c-client/store/place.h"

#include "c-client/base/banned.h"

#define MAGIC		UINT64_C(0x6f64657278626d69)
#define FORMAT		1u

/* Blocks by which old and new are told apart: no disk tears a smaller one. */
#define BLOCK		512u
#define BLOCKS_MAX	(MBOX_REDO_PIECE / BLOCK + 2)

/* What stands before and behind a gap is looked at so far. */
#define EDGE		MBOX_REDO_MARK

#define DIRECTORY	".imapredo"

/* A gap, and hashes of what is around it. */
struct state {
	uint64_t from, to;
	uint64_t before_n, behind_n;	/* octets that are hashed */
	uint64_t before, behind;
	uint64_t head_n, head;	/* of the gap itself, where nothing is behind
				 * it */
};

struct head {
	uint64_t magic;
	uint64_t format;
	uint64_t dev, ino;
	struct state now, after;	/* without the piece, and with it */
	uint64_t target, length;	/* of the piece; 0: none */
	uint64_t blocks;		/* that it touches */
	uint64_t cut_at, cut;		/* octets that are cut out; 0: none */
	uint64_t size;			/* of the file before that */
	uint64_t data_sum;		/* of the hashes and the piece */
	uint64_t sum;			/* of all above */
};
_Static_assert(sizeof(struct head) <= BLOCK, "the head is one sector");

#define DATA_AT		4096u

static uint64_t
head_sum(const struct head *h)
{
	return XXH3_64bits(h, offsetof(struct head, sum));
}

/* --- Where it is --------------------------------------------------------- */

static int
box_directory(const struct mbox *m, const char **last)
{
	const struct box *box = m->box;
	char *path, *slash;
	int dir;

	if (!box->name.inbox)
		return place_parent(box->account, &box->name, last);
	slash = strrchr(m->path, '/');
	if (slash == NULL)
		return -1;
	*last = slash + 1;
	path = memory_string(m->path);
	path[slash - m->path] = '\0';
	dir = open(path[0] == '\0' ? "/" : path, O_PATH | O_DIRECTORY |
	    O_CLOEXEC);
	free(path);
	return dir;
}

/* ~/.imapredo, for mailboxes in directories where nothing can be made. */
static int
home_directory(const struct mbox *m, bool make)
{
	const char *home = m->box->account->home;
	int top = open(home, O_PATH | O_DIRECTORY | O_CLOEXEC), dir;

	if (top == -1)
		return -1;
	if (make && mkdirat(top, DIRECTORY, 0700) == -1 && errno != EEXIST) {
		close(top);
		return -1;
	}
	dir = openat(top, DIRECTORY, O_PATH | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	close(top);
	return dir;
}

/* The directory of the first place (0) or the second (1), and the file's name
 * in it, to be freed. */
static int
spot_open(const struct mbox *m, int which, bool make, char **name)
{
	struct buf b;
	const char *last = NULL;
	int dir = which == 0 ? box_directory(m, &last) :
	    home_directory(m, make);

	if (dir == -1)
		return -1;
	buf_init(&b, 0);
	if (which == 0)
		buf_addf(&b, ".%s.redo", last);
	else {
		index_file_name(&b, m->box->name.path);
		buf_adds(&b, ".redo");
	}
	*name = memory_string(buf_string(&b));
	buf_clear(&b);
	return dir;
}

bool
mbox_redo_is_there(const struct mbox *m)
{
	bool found = false;

	for (int which = 0; which < 2 && !found; which++) {
		struct stat st;
		char *name;
		int dir = spot_open(m, which, false, &name);

		if (dir == -1)
			continue;
		found = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_uid == geteuid();
		free(name);
		close(dir);
	}
	return found;
}

/* --- Writing it ---------------------------------------------------------- */

static int
fill_out(struct mbox_redo *r, uint64_t piece, struct fault *why)
{
	uint64_t blocks = piece / BLOCK + 2;
	uint64_t size = DATA_AT + (piece == 0 ? 0 :
	    blocks * sizeof(uint64_t) + piece);

	if ((TRIP("mbox_redo.allocate") ||
	    fallocate(r->fd, 0, 0, (off_t)size) == -1) && errno != EOPNOTSUPP)
		return fault_errno(why, "room for a redo file");
	if (TRIP("mbox_redo.sync_new") || fsync(r->fd) == -1 ||
	    file_sync_directory(r->dir) == -1)
		return fault_errno(why, "sync a redo file");
	return 0;
}

int
mbox_redo_open(struct mbox *m, uint64_t piece, struct mbox_redo *r,
    struct fault *why)
{
	*r = (struct mbox_redo){ .fd = -1, .dir = -1, .box = m->fd,
	    .dev = (uint64_t)m->dev, .ino = (uint64_t)m->ino };
	if (piece > MBOX_REDO_PIECE)
		piece = MBOX_REDO_PIECE;
	for (int which = 0; which < 2 && r->fd == -1; which++) {
		r->dir = spot_open(m, which, true, &r->name);
		if (r->dir == -1) {
			fault_errno(why, "directory for a redo file");
			continue;
		}
		r->fd = TRIP("mbox_redo.create") ? -1 : openat(r->dir,
		    r->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW |
		    O_CLOEXEC, 0600);
		if (r->fd != -1)
			break;
		fault_errno(why, "make %s", r->name);
		mbox_redo_close(r);
	}
	if (r->fd == -1)
		return -1;
	if (fill_out(r, piece, why) == 0)
		return 0;
	mbox_redo_remove(r);
	return -1;
}

void
mbox_redo_close(struct mbox_redo *r)
{
	if (r->fd != -1)
		close(r->fd);
	if (r->dir != -1)
		close(r->dir);
	free(r->name);
	r->fd = r->dir = -1;
	r->name = NULL;
}

void
mbox_redo_remove(struct mbox_redo *r)
{
	if (r->fd != -1 && (TRIP("mbox_redo.unlink") ||
	    unlinkat(r->dir, r->name, 0) == -1) && errno != ENOENT)
		log_line(LOG_WARNING, "remove %s: %s", r->name,
		    strerror(errno));
	mbox_redo_close(r);
}

/* Hash [off, off+n) of the file, as it is when `piece` stands at `target`;
 * what is behind the file's end counts as zeros.  False where that is so. */
static bool
hash_with(int fd, uint64_t off, uint64_t n, uint64_t target,
    struct span piece, uint64_t *out)
{
	char edge[EDGE];
	uint64_t from = target > off ? target : off;
	uint64_t to = target + piece.n < off + n ? target + piece.n : off + n;
	ssize_t got;

	memset(edge, 0, sizeof edge);
	got = file_pread_full(fd, edge, (size_t)n, (off_t)off);
	if (got == -1)
		return false;
	if (from < to) {
		memcpy(edge + (from - off), piece.p + (from - target),
		    (size_t)(to - from));
		if (off + (uint64_t)got < to)
			got = (ssize_t)(to - off);
	}
	*out = XXH3_64bits(edge, (size_t)n);
	return (uint64_t)got == n;
}

static bool
state_take(int fd, struct mbox_gap gap, uint64_t target, struct span piece,
    struct state *s)
{
	struct stat st;
	uint64_t size;

	if (fstat(fd, &st) == -1)
		return false;
	size = (uint64_t)st.st_size;
	if (size < target + piece.n)
		size = target + piece.n;
	*s = (struct state){ .from = gap.from, .to = gap.to };
	s->before_n = gap.from < EDGE ? gap.from : EDGE;
	s->behind_n = gap.to >= size ? 0 : size - gap.to < EDGE ?
	    size - gap.to : EDGE;
	if (s->behind_n == 0) {
		s->head_n = gap.to - gap.from < EDGE ? gap.to - gap.from :
		    EDGE;
		hash_with(fd, gap.from, s->head_n, target, piece, &s->head);
	}
	return hash_with(fd, gap.from - s->before_n, s->before_n, target,
	    piece, &s->before) && hash_with(fd, gap.to, s->behind_n, target,
	    piece, &s->behind);
}

static bool
state_holds(int fd, const struct state *s)
{
	uint64_t before, behind;

	return s->before_n <= EDGE && s->behind_n <= EDGE &&
	    s->from >= s->before_n && s->from <= s->to &&
	    s->to <= INT64_MAX && hash_with(fd, s->from - s->before_n,
	    s->before_n, 0, SPAN(""), &before) && before == s->before &&
	    hash_with(fd, s->to, s->behind_n, 0, SPAN(""), &behind) &&
	    behind == s->behind;
}

/* The i-th block that [target, target+length) touches, as a part of that. */
static struct mbox_gap
block_of(uint64_t target, uint64_t length, uint64_t i)
{
	uint64_t at = (target / BLOCK + i) * BLOCK;

	return (struct mbox_gap){ at < target ? target : at,
	    at + BLOCK < target + length ? at + BLOCK : target + length };
}

/* Hashes of the blocks in the mailbox now, added to `out`; what is behind the
 * end of the file counts as zeros. */
static int
blocks_hash(int fd, uint64_t target, uint64_t length, struct buf *out,
    struct fault *why)
{
	char *old = memory_zalloc((size_t)length + 1);
	uint64_t blocks = (target + length - 1) / BLOCK - target / BLOCK + 1;
	int status = 0;

	if (file_pread_full(fd, old, (size_t)length, (off_t)target) == -1)
		status = fault_errno(why, "read mailbox");
	for (uint64_t i = 0; i < blocks && status == 0; i++) {
		struct mbox_gap b = block_of(target, length, i);
		uint64_t hash = XXH3_64bits(old + (b.from - target),
		    (size_t)(b.to - b.from));

		buf_add(out, &hash, sizeof hash);
	}
	free(old);
	return status;
}

static int
head_write(struct mbox_redo *r, struct head *h, struct fault *why)
{
	h->sum = head_sum(h);
	if (file_pwrite_full(r->fd, h, sizeof *h, 0) == -1 ||
	    TRIP("mbox_redo.sync") || fdatasync(r->fd) == -1)
		return fault_errno(why, "write a redo file");
	return 0;
}

int
mbox_redo_note(struct mbox_redo *r, struct mbox_gap before,
    struct mbox_gap after, uint64_t target, struct span piece,
    struct fault *why)
{
	struct head h = { .magic = MAGIC, .format = FORMAT, .dev = r->dev,
	    .ino = r->ino, .target = target, .length = piece.n };
	struct buf data;
	int status = -1;

	buf_init(&data, 0);
	if (!state_take(r->box, before, 0, SPAN(""), &h.now) ||
	    !state_take(r->box, after, target, piece, &h.after)) {
		fault_errno(why, "read mailbox");
		goto out;
	}
	if (piece.n > 0) {
		if (blocks_hash(r->box, target, piece.n, &data, why) == -1)
			goto out;
		h.blocks = data.n / sizeof(uint64_t);
		h.data_sum = XXH3_64bits_withSeed(piece.p, piece.n,
		    XXH3_64bits(data.p, data.n));
		if (file_pwrite_full(r->fd, data.p, data.n, DATA_AT) == -1 ||
		    file_pwrite_ahead(r->fd, piece.p, piece.n,
		    DATA_AT + data.n) == -1) {
			fault_errno(why, "write a redo file");
			goto out;
		}
	}
	status = head_write(r, &h, why);
out:
	buf_clear(&data);
	return status;
}

int
mbox_redo_note_cut(struct mbox_redo *r, struct mbox_gap before, uint64_t at,
    uint64_t n, struct fault *why)
{
	struct head h = { .magic = MAGIC, .format = FORMAT, .dev = r->dev,
	    .ino = r->ino, .cut_at = at, .cut = n };
	struct stat st;

	if (fstat(r->box, &st) == -1 ||
	    !state_take(r->box, before, 0, SPAN(""), &h.now))
		return fault_errno(why, "read mailbox");
	h.size = (uint64_t)st.st_size;
	/* What is behind the gap comes nearer. */
	h.after = h.now;
	h.after.to -= n;
	return head_write(r, &h, why);
}

/* --- After a crash ------------------------------------------------------- */

struct recovery {
	struct mbox *m;
	struct mbox_redo redo;
	struct head h;
	struct buf data;	/* hashes and piece; empty: none is whole */
	struct fault *why;
};

static struct span
piece_of(const struct recovery *v)
{
	size_t hashes = (size_t)v->h.blocks * sizeof(uint64_t);

	return span_slice(buf_span(&v->data), hashes, v->data.n - hashes);
}

/* False where it is no redo file, or one that was never finished. */
static bool
head_read(struct recovery *v)
{
	struct head *h = &v->h;

	return file_pread_full(v->redo.fd, h, sizeof *h, 0) ==
	    (ssize_t)sizeof *h && h->magic == MAGIC && h->format == FORMAT &&
	    h->sum == head_sum(h) && h->length <= MBOX_REDO_PIECE &&
	    h->blocks <= BLOCKS_MAX && h->target <= INT64_MAX &&
	    h->blocks == (h->length == 0 ? 0 : (h->target + h->length - 1) /
	    BLOCK - h->target / BLOCK + 1);
}

/* The piece, if it is whole. */
static int
data_read(struct recovery *v)
{
	size_t hashes = (size_t)v->h.blocks * sizeof(uint64_t);
	size_t n = hashes + (size_t)v->h.length;
	char *room = buf_room(&v->data, n);
	ssize_t got;

	if (v->h.length == 0)
		return 0;
	got = file_pread_full(v->redo.fd, room, n, DATA_AT);
	if (got == -1)
		return fault_errno(v->why, "read a redo file");
	if ((size_t)got == n && v->h.data_sum == XXH3_64bits_withSeed(
	    room + hashes, (size_t)v->h.length, XXH3_64bits(room, hashes)))
		v->data.n = n;
	return 0;
}

/* Is each block of the target the old one or the new one?  *olds counts. */
static bool
blocks_check(struct recovery *v, size_t *olds)
{
	struct span piece = piece_of(v);
	struct buf now;
	bool good;

	*olds = 0;
	buf_init(&now, 0);
	good = blocks_hash(v->m->fd, v->h.target, v->h.length, &now,
	    v->why) == 0;
	for (uint64_t i = 0; i < v->h.blocks && good; i++) {
		struct mbox_gap b = block_of(v->h.target, v->h.length, i);
		uint64_t is, old, new = XXH3_64bits(piece.p +
		    (b.from - v->h.target), (size_t)(b.to - b.from));

		memcpy(&is, now.p + i * sizeof is, sizeof is);
		memcpy(&old, v->data.p + i * sizeof old, sizeof old);
		good = is == new || is == old;
		*olds += is != new;
	}
	buf_clear(&now);
	return good;
}

static int
piece_replay(struct recovery *v)
{
	struct span piece = piece_of(v);

	if (file_pwrite_full(v->m->fd, piece.p, piece.n,
	    (off_t)v->h.target) == -1 ||
	    TRIP("mbox_redo.replay_sync") || fdatasync(v->m->fd) == -1)
		return fault_errno(v->why, "write %s", v->m->path);
	return 0;
}

/* Is a gap that has nothing behind it still there?  The file may have been cut
 * off, or not yet been made longer, and then it may have got mail of others in
 * its place. */
static bool
is_open_end(const struct recovery *v, const struct state *s)
{
	uint64_t head;

	return s->head_n <= EDGE && hash_with(v->m->fd, s->from, s->head_n,
	    0, SPAN(""), &head) && head == s->head;
}

/* Move what is behind the gap to its beginning. */
static int
gap_close(struct recovery *v, const struct state *s)
{
	struct mbox_plan plan = { .start = s->from };
	struct stat st;
	uint64_t size;
	int status;

	if (fstat(v->m->fd, &st) == -1)
		return fault_errno(v->why, "stat %s", v->m->path);
	size = (uint64_t)st.st_size;
	if (size <= s->from || s->from == s->to)
		return 0;
	plan.old_end = size;
	if (s->to < size)
		mbox_plan_copy(&plan, s->to, size - s->to);
	plan.new_end = size - ((s->to < size ? s->to : size) - s->from);
	status = mbox_rewrite(v->m->fd, &v->redo, &plan, v->why);
	mbox_plan_clear(&plan);
	return status;
}

/* A mailbox of `text` by a name that none has; other rescues may be of the same
 * second. */
static int
rescue_into(char *name, size_t size, time_t now, struct span text,
    struct recovery *v)
{
	int root = v->m->box->account->root_fd, status;
	struct tm tm;
	size_t n;

	gmtime_r(&now, &tm);
	n = strftime(name, size, "Recovered-%Y%m%dT%H%M%SZ", &tm);
	status = file_create(root, name, text, v->why);
	for (unsigned i = 2; status == -1 && v->why->code == FAULT_EXISTS &&
	    i <= BOUND_RECOVERED; i++) {
		snprintf(name + n, size - n, "-%u", i);
		status = file_create(root, name, text, v->why);
	}
	return status;
}

/* The mailbox is another one by now: nothing of it may be touched, and what
 * the redo file has is put where its user finds it. */
static int
rescue(struct recovery *v)
{
	struct span piece = piece_of(v);
	char name[64];
	time_t now = (time_t)clock_now();
	struct buf text;
	int status = 0;

	buf_init(&text, 0);
	buf_adds(&text, "From MAILER-DAEMON ");
	mbox_format_date(&text, now, 0);
	buf_addf(&text, "\nSubject: piece of the mailbox %s at octet %llu\n\n"
	    , v->m->box->name.path, (unsigned long long)v->h.target);
	buf_addspan(&text, piece);
	buf_adds(&text, "\n\n");
	if (piece.n > 0)
		status = rescue_into(name, sizeof name, now, buf_span(&text),
		    v);
	buf_clear(&text);
	if (status == 0)
		log_line(LOG_ERR, "%s: a rewrite was cut short, and another "
		    "program has changed the file since%s%s", v->m->path,
		    piece.n > 0 ? "; the piece that was being moved is in "
		    "the mailbox " : "", piece.n > 0 ? name : "");
	return status;
}

/*
 * A file system that moves one extent after the other may have stopped in the
 * middle: what was cut out is a hole of just that length then, somewhere, and
 * is taken out from there.
 */
static bool
cut_finish(struct recovery *v)
{
	off_t hole = (off_t)v->h.cut_at, data;

	while ((hole = lseek(v->m->fd, hole, SEEK_HOLE)) != -1 &&
	    (data = lseek(v->m->fd, hole, SEEK_DATA)) != -1) {
		if ((uint64_t)(data - hole) == v->h.cut)
			return fallocate(v->m->fd, FALLOC_FL_COLLAPSE_RANGE,
			    hole, (off_t)v->h.cut) == 0;
		hole = data;
	}
	return false;
}

/* Was a part of the gap cut out of the file? */
static const struct state *
state_of_cut(struct recovery *v)
{
	struct stat st;

	if (fstat(v->m->fd, &st) == -1)
		return NULL;
	if ((uint64_t)st.st_size == v->h.size &&
	    state_holds(v->m->fd, &v->h.now))
		return &v->h.now;
	if (state_holds(v->m->fd, &v->h.after))
		return &v->h.after;
	if (state_holds(v->m->fd, &v->h.now))
		return &v->h.now;
	return cut_finish(v) && state_holds(v->m->fd, &v->h.after) ?
	    &v->h.after : NULL;
}

/* Which of the two states is it in?  NULL: in neither. */
static const struct state *
state_find(struct recovery *v, bool *replay)
{
	size_t olds = 0;

	*replay = false;
	if (v->data.n > 0) {
		if (!blocks_check(v, &olds))
			return NULL;
		*replay = true;
		return &v->h.after;
	}
	if (v->h.cut > 0)
		return state_of_cut(v);
	/* The next piece was being written down over this one, or this one
	 * never was. */
	if (state_holds(v->m->fd, &v->h.after))
		return &v->h.after;
	return state_holds(v->m->fd, &v->h.now) ? &v->h.now : NULL;
}

static int
recover(struct recovery *v)
{
	const struct state *s;
	bool replay;

	if (!head_read(v) || (v->h.length == 0 &&
	    v->h.after.from == v->h.after.to))
		return 0;
	if (v->h.dev != (uint64_t)v->m->dev || v->h.ino !=
	    (uint64_t)v->m->ino)
		return data_read(v) == -1 ? -1 : rescue(v);
	if (data_read(v) == -1)
		return -1;
	s = state_find(v, &replay);
	if (s == NULL)
		return rescue(v);
	if (replay && piece_replay(v) == -1)
		return -1;
	if (replay && !state_holds(v->m->fd, s))
		return rescue(v);
	if (!replay && s->behind_n == 0 && !is_open_end(v, s))
		return 0;
	log_line(LOG_NOTICE, "%s: a rewrite that was cut short is mended",
	    v->m->path);
	return gap_close(v, s);
}

int
mbox_redo_recover(struct mbox *m, struct fault *why)
{
	int status = 0;

	for (int which = 0; which < 2 && status == 0; which++) {
		struct recovery v = { .m = m, .why = why };
		struct stat st;

		v.redo = (struct mbox_redo){ .fd = -1, .box = m->fd,
		    .dev = (uint64_t)m->dev, .ino = (uint64_t)m->ino };
		v.redo.dir = spot_open(m, which, false, &v.redo.name);
		if (v.redo.dir == -1)
			continue;
		v.redo.fd = openat(v.redo.dir, v.redo.name, O_RDWR |
		    O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		/* In a directory where everybody makes files it may be
		 * somebody else's. */
		if (v.redo.fd == -1 || fstat(v.redo.fd, &st) == -1 ||
		    !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
		    st.st_nlink != 1) {
			mbox_redo_close(&v.redo);
			continue;
		}
		buf_init(&v.data, 0);
		status = recover(&v);
		buf_clear(&v.data);
		if (status == 0)
			mbox_redo_remove(&v.redo);
		else
			mbox_redo_close(&v.redo);
	}
	return status;
}
