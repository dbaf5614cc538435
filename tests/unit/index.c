/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index: what is committed is what others read, whatever happens to the
 * processes, the file and the disk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/clock.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/store/box.h"
#include "c-client/store/index.h"
#include "c-client/store/index_path.h"
#include "c-client/store/index_private.h"
#include "tests/lib/logged.h"

/* Records of a full group. */
#define GROUP	((size_t)INDEX_GROUP_BLOBS * INDEX_BLOB_RECORDS)

static char dir[64];

/* One session's side of an index. */
struct side {
	struct index *ix;
	struct box_meta m;
	struct index_records all;
	bool changed;
	struct fault why;
};

static uint64_t seed = 20240607;

static uint32_t
chance(uint32_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

static int
side_try_open(struct side *s, const char *name, uint32_t timeout)
{
	memset(s, 0, sizeof *s);
	s->ix = index_open(dir, name, timeout, &s->why);
	if (s->ix == NULL)
		return -1;
	return index_refresh(s->ix, &s->m, &s->all, &s->changed, &s->why);
}

static void
side_open(struct side *s, const char *name)
{
	int status = side_try_open(s, name, 2);

	if (status == -1)
		fail_msg("open %s: %s", name, s->why.text);
}

static void
side_open_lazy(struct side *s, const char *name)
{
	memset(s, 0, sizeof *s);
	s->ix = index_open(dir, name, 2, &s->why);
	assert_non_null(s->ix);
	index_set_lazy(s->ix, true);
	assert_int_equal(index_refresh(s->ix, &s->m, &s->all, &s->changed,
	    &s->why), 0);
}

/* How many groups have their briefs in memory. */
static size_t
groups_read(const struct side *s)
{
	size_t n = 0;

	for (size_t k = 0; k < s->ix->group_count; k++)
		n += s->ix->groups[k].blobs != NULL;
	return n;
}

static void
side_close(struct side *s)
{
	index_close(s->ix);
	free(s->all.p);
	memset(s, 0, sizeof *s);
}

static int
begin(struct side *s)
{
	return index_begin(s->ix, &s->m, &s->all, false, &s->changed, &s->why);
}

static int
commit(struct side *s)
{
	index_note_meta(s->ix);
	s->m.highestmodseq++;
	return index_commit(s->ix, &s->m, &s->all, &s->why);
}

static int
refresh(struct side *s)
{
	return index_refresh(s->ix, &s->m, &s->all, &s->changed, &s->why);
}

/* A record that its UID tells all of. */
static struct record
record_of(uint32_t uid, uint16_t flags)
{
	struct record r = { .uid = uid, .place = (uint64_t)uid * 1000,
	    .disk_size = 900, .wire_size = 910, .wire_header = 300,
	    .disk_header = 290, .separator = 40, .date = 1700000000 + uid,
	    .zone = -60, .flags = flags & (FLAG_ALL_SYSTEM | FLAG_OLD) };

	memset(r.digest, (int)(uid & 255), sizeof r.digest);
	return r;
}

static void
add(struct side *s, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		index_records_grow(&s->all, s->all.count + 1);
		s->all.p[s->all.count++] = record_of(s->m.uidnext++, 0);
		index_note_added(s->ix, s->all.count);
	}
}

static void
drop_at(struct side *s, size_t i)
{
	index_note_removed(s->ix, &s->all, i);
	memmove(s->all.p + i, s->all.p + i + 1,
	    (s->all.count - i - 1) * sizeof *s->all.p);
	s->all.count--;
}

/* A fresh index of `count` messages, open. */
static void
fill(struct side *s, const char *name, size_t count)
{
	side_open(s, name);
	assert_int_equal(begin(s), 0);
	s->m.uidvalidity = 77;
	add(s, count);
	assert_int_equal(commit(s), 0);
}

static bool
same(const struct side *a, const struct side *b)
{
	return a->all.count == b->all.count &&
	    a->m.uidvalidity == b->m.uidvalidity &&
	    a->m.uidnext == b->m.uidnext &&
	    a->m.highestmodseq == b->m.highestmodseq &&
	    a->m.keyword_count == b->m.keyword_count &&
	    (a->all.count == 0 || memcmp(a->all.p, b->all.p,
	    a->all.count * sizeof *a->all.p) == 0);
}

static char *
path_of(const char *name, const char *ending)
{
	static char path[4][512];
	static unsigned turn;
	struct buf b;
	char *p = path[turn++ % 4];

	buf_init(&b, 0);
	index_file_name(&b, name);
	snprintf(p, sizeof path[0], "%s/%s%s", dir, buf_string(&b), ending);
	buf_clear(&b);
	return p;
}

static void
test_sessions(void **state)
{
	struct side a, b;
	struct stat st;

	(void)state;
	fill(&a, "INBOX", 120);
	side_open(&b, "INBOX");
	assert_true(b.changed);
	assert_true(same(&a, &b));
	assert_true(index_is_durable(b.ix));
	assert_int_equal(refresh(&b), 0);
	assert_false(b.changed);

	assert_int_equal(begin(&a), 0);
	a.all.p[60].flags |= FLAG_SEEN;
	index_note_touched(a.ix, 60);
	a.m.keywords[a.m.keyword_count++] = "$Junk";
	a.m.stamp_size = BOX_STAMP_MAX;
	memset(a.m.stamp, 'x', BOX_STAMP_MAX);
	/* Not there for others before the commit. */
	assert_int_equal(refresh(&b), 0);
	assert_false(b.changed);
	assert_int_equal(commit(&a), 0);
	assert_int_equal(refresh(&b), 0);
	assert_true(b.changed);
	assert_true(same(&a, &b));
	assert_string_equal(b.m.keywords[0], "$Junk");
	assert_memory_equal(b.m.stamp, a.m.stamp, BOX_STAMP_MAX);

	/* A rollback leaves nothing, and is read again by its maker. */
	assert_int_equal(begin(&b), 0);
	drop_at(&b, 3);
	index_rollback(b.ix);
	assert_int_equal(refresh(&b), 0);
	assert_true(same(&a, &b));

	assert_int_equal(stat(path_of("INBOX", ""), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(path_of("INBOX", "-wal"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(path_of("INBOX", "-shm"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	side_close(&a);
	side_close(&b);
}

static void
need_all(struct side *s)
{
	assert_int_equal(index_need(s->ix, &s->all, 0, s->all.count), 1);
}

/* Where others have committed since, what is asked for may not be had; what is
 * had is of the moment of the last refresh. */
static void
check_lazy(struct side *s)
{
	for (int i = 0; i < 5 && s->all.count > 0; i++) {
		size_t at = chance((uint32_t)s->all.count);
		int got = index_need(s->ix, &s->all, at, 1);

		assert_true(got >= 0);
		assert_int_equal(index_has(s->ix, at), got);
		if (got == 1)
			assert_int_equal(s->all.p[at].uid,
			    index_uid(s->ix, &s->all, at));
	}
}

/* What is said of records that were not read is what is in them. */
static void
check_briefs(struct side *lazy, const struct side *all)
{
	struct index_walk walk = { .to = 0 };
	uint32_t uids[16];
	uint64_t octets, want_octets = 0;
	size_t unseen, want_unseen = 0, want_unwritten = 0, count = all->all.count, at, next;

	assert_int_equal(lazy->all.count, count);
	for (size_t i = 0; i < count; i++) {
		want_octets += all->all.p[i].wire_size;
		want_unseen += (all->all.p[i].flags & FLAG_SEEN) == 0;
		want_unwritten += all->all.p[i].uid_seen == 0 ||
		    all->all.p[i].flags != 0;
	}
	assert_int_equal(index_unwritten(lazy->ix, &lazy->all),
	    want_unwritten);
	index_sums(lazy->ix, &lazy->all, &unseen, &octets);
	assert_int_equal(unseen, want_unseen);
	assert_int_equal(octets, want_octets);
	for (next = 0; next < count &&
	    (all->all.p[next].flags & FLAG_SEEN) != 0;)
		next++;
	assert_int_equal(index_next_unseen(lazy->ix, &lazy->all, 0), next);
	for (int i = 0; i < 20 && count > 0; i++) {
		size_t n = 1 + chance(16);

		at = chance((uint32_t)count);
		n = n < count - at ? n : count - at;
		for (size_t k = 0; k < n; k++) {
			uids[k] = index_uid(lazy->ix, &lazy->all, at + k);
			assert_int_equal(uids[k], all->all.p[at + k].uid);
		}
		assert_int_equal(index_find(lazy->ix, &lazy->all, uids[0]),
		    at);
		assert_int_equal(index_find(lazy->ix, &lazy->all,
		    uids[0] + 1), at + 1);
	}
	for (size_t i = 0, n; i < count; i += n) {
		uint32_t uid;

		n = index_walk(lazy->ix, &lazy->all, &walk, i, &uid);
		assert_true(n > 0 && n <= count - i);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(uid + k, all->all.p[i + k].uid);
	}
	assert_int_equal(index_find(lazy->ix, &lazy->all, 0), 0);
	assert_int_equal(index_find(lazy->ix, &lazy->all, UINT32_MAX), count);
}

/* Random transactions by three sessions; all must agree after each. */
static void
agree(size_t count, int rounds)
{
	struct side s[3];

	fill(&s[0], "random", count);
	side_open(&s[1], "random");
	side_open(&s[2], "random");
	index_set_lazy(s[1].ix, true);
	for (int round = 0; round < rounds; round++) {
		struct side *w = &s[chance(3)];
		uint32_t what = chance(100);

		assert_int_equal(begin(w), 0);
		if (w == &s[1] && chance(2) == 0)
			index_let_go(w->ix, &w->all);
		if (what < 98)
			need_all(w);
		if (what < 35) {
			add(w, chance(round % 50 == 0 ? 400 : 4));
		} else if (what < 60) {
			for (uint32_t n = chance(20); w->all.count > 0 &&
			    n > 0; n--) {
				size_t i = chance((uint32_t)w->all.count);

				w->all.p[i].flags ^= FLAG_SEEN;
				w->all.p[i].uid_seen = w->all.p[i].uid;
				index_note_touched(w->ix, i);
			}
		} else if (what < 98) {
			for (uint32_t n = chance(30); w->all.count > 0 &&
			    n > 0; n--)
				drop_at(w, chance((uint32_t)w->all.count));
			add(w, chance(3));
		} else {
			index_note_removed_all(w->ix, &w->all, what == 98);
			w->all.count = 0;
			add(w, chance(200));
		}
		if (chance(10) == 0) {
			index_rollback(w->ix);
			assert_int_equal(refresh(w), 0);
		} else {
			assert_int_equal(commit(w), 0);
		}
		for (int i = 0; i < 3; i++)
			if (chance(3) > 0)
				assert_int_equal(refresh(&s[i]), 0);
		if (chance(30) == 0) {
			struct side *o = &s[chance(3)];

			side_close(o);
			side_open(o, "random");
			index_set_lazy(o->ix, o == &s[1]);
		}
		check_lazy(&s[1]);
		if (round % 5 == 0) {
			for (int i = 0; i < 3; i++)
				assert_int_equal(refresh(&s[i]), 0);
			check_briefs(&s[1], &s[0]);
			if (chance(2) == 0)
				index_let_go(s[1].ix, &s[1].all);
			check_briefs(&s[1], &s[0]);
			need_all(&s[1]);
			assert_true(same(&s[0], &s[1]));
			assert_true(same(&s[1], &s[2]));
		}
	}
	for (int i = 0; i < 3; i++)
		side_close(&s[i]);
	assert_int_equal(index_remove(dir, "random", 2, NULL), 0);
}

static void
test_random(void **state)
{
	(void)state;
	agree(0, 600);
}

/* The same with more than one group of blobs, the last one nearly full. */
static void
test_groups(void **state)
{
	(void)state;
	agree(3 * GROUP - 50, 60);
}

/* Who opens it lazily reads a brief only where UIDs have gaps; and UIDs, sums
 * and changes are known all the same. */
static void
test_lazy_groups(void **state)
{
	struct side s, lazy;

	(void)state;
	fill(&s, "groups", 3 * GROUP);
	side_open_lazy(&lazy, "groups");
	assert_int_equal(groups_read(&lazy), 0);
	check_briefs(&lazy, &s);
	assert_int_equal(groups_read(&lazy), 0);
	assert_int_equal(index_need(lazy.ix, &lazy.all, GROUP + 5, 1), 1);
	assert_int_equal(groups_read(&lazy), 1);
	/* A change is taken over with its briefs; records stay where they
	 * are. */
	assert_int_equal(begin(&s), 0);
	add(&s, 1);
	assert_int_equal(commit(&s), 0);
	index_changed_from(lazy.ix);
	assert_int_equal(refresh(&lazy), 0);
	assert_int_equal(index_changed_from(lazy.ix), 3 * GROUP);
	assert_int_equal(groups_read(&lazy), 2);
	assert_true(index_has(lazy.ix, GROUP + 5));
	check_briefs(&lazy, &s);
	/* A gap in the second one, and what is behind it moves. */
	assert_int_equal(begin(&s), 0);
	drop_at(&s, GROUP + 1);
	assert_int_equal(commit(&s), 0);
	assert_int_equal(refresh(&lazy), 0);
	assert_int_equal(index_changed_from(lazy.ix), GROUP + 1);
	check_briefs(&lazy, &s);
	side_close(&lazy);
	side_open_lazy(&lazy, "groups");
	assert_int_equal(groups_read(&lazy), 1);
	check_briefs(&lazy, &s);
	need_all(&lazy);
	assert_true(same(&s, &lazy));
	side_close(&lazy);
	/* Who adds to a last group that is empty needs none of its records. */
	assert_int_equal(begin(&s), 0);
	while (s.all.count > 2 * GROUP - 3)
		drop_at(&s, s.all.count - 1);
	assert_int_equal(commit(&s), 0);
	side_open_lazy(&lazy, "groups");
	assert_int_equal(begin(&lazy), 0);
	assert_int_equal(index_need(lazy.ix, &lazy.all, lazy.all.count - 1,
	    1), 1);
	add(&lazy, 1);
	assert_int_equal(commit(&lazy), 0);
	assert_int_equal(refresh(&s), 0);
	check_briefs(&lazy, &s);
	need_all(&lazy);
	assert_true(same(&s, &lazy));
	side_close(&lazy);
	side_close(&s);
}

static size_t
read_file(const char *path, char **bytes)
{
	int fd = open(path, O_RDONLY);
	struct stat st;

	assert_true(fd != -1 && fstat(fd, &st) == 0);
	*bytes = malloc((size_t)st.st_size + 1);
	assert_int_equal(file_read_full(fd, *bytes, (size_t)st.st_size),
	    st.st_size);
	close(fd);
	return (size_t)st.st_size;
}

static void
write_file(const char *path, const char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd != -1);
	assert_int_equal(file_write_full(fd, bytes, n), n);
	close(fd);
}

/* What a damaged index gives is right, or nothing; and it can be used. */
static void
check_damaged(const struct side *want, const char *name, bool *whole)
{
	struct side s;

	side_open(&s, name);
	*whole = s.m.uidvalidity != 0;
	if (*whole)
		assert_true(same(want, &s));
	else
		assert_int_equal(s.all.count, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(begin(&s), 0);
		if (s.m.uidvalidity == 0)
			s.m.uidvalidity = 99;
		add(&s, 1);
		if (commit(&s) == 0)
			break;
		/* Some damage hinders writing only; then it begins anew. */
		assert_int_equal(i, 0);
		assert_int_equal(s.why.code, FAULT_CORRUPT);
		assert_int_equal(refresh(&s), 0);
		assert_int_equal(s.all.count, 0);
	}
	side_close(&s);
}

/* Damage that is met when a record is asked for: each is right, or there are
 * none, and then it begins anew. */
static void
test_damage_late(void **state)
{
	struct side want, s;
	const char *path;
	char *good, *bad;
	size_t n, met = 0;

	(void)state;
	fill(&want, "late", 1500);
	index_close(want.ix);
	want.ix = NULL;
	path = path_of("late", "");
	n = read_file(path, &good);
	bad = malloc(n);
	for (int round = 0; round < 60; round++) {
		size_t from = chance((uint32_t)n), len = 1 + chance(20000);

		memcpy(bad, good, n);
		for (size_t j = from; j < from + len && j < n; j++)
			bad[j] = (char)chance(256);
		write_file(path, bad, n);
		memset(&s, 0, sizeof s);
		s.ix = index_open(dir, "late", 2, &s.why);
		assert_non_null(s.ix);
		index_set_lazy(s.ix, true);
		assert_int_equal(refresh(&s), 0);
		if (s.m.uidvalidity == 0)
			assert_int_equal(s.all.count, 0);
		for (int i = 0; i < 40 && s.all.count > 0; i++) {
			size_t at = chance((uint32_t)s.all.count);

			assert_int_equal(index_uid(s.ix, &s.all, at), at + 1);
			if (index_need(s.ix, &s.all, at, 1) == 1) {
				assert_memory_equal(&s.all.p[at],
				    &want.all.p[at], sizeof *s.all.p);
				continue;
			}
			met++;
			assert_true(index_is_damaged(s.ix));
			assert_int_equal(refresh(&s), 0);
			assert_int_equal(s.m.uidvalidity, 0);
			assert_int_equal(s.all.count, 0);
			assert_false(index_is_damaged(s.ix));
		}
		side_close(&s);
	}
	assert_true(met > 0);
	free(good);
	free(bad);
	free(want.all.p);
}

/* What was not read can't be written: such a transaction fails, and nothing is
 * lost by it. */
static void
test_broken(void **state)
{
	struct side s, other;

	(void)state;
	fill(&s, "broken", 500);
	side_open(&other, "broken");
	index_set_lazy(s.ix, true);
	index_let_go(s.ix, &s.all);
	assert_false(index_has(s.ix, 400));
	assert_int_equal(begin(&s), 0);
	index_note_touched(s.ix, 400);
	assert_int_equal(commit(&s), -1);
	assert_false(index_is_damaged(s.ix));
	assert_int_equal(refresh(&s), 0);
	need_all(&s);
	assert_int_equal(refresh(&other), 0);
	assert_true(same(&s, &other));
	/* Next to those that are asked for others are read. */
	index_let_go(s.ix, &s.all);
	for (size_t i = 0; i < s.all.count; i++)
		assert_int_equal(index_need(s.ix, &s.all, i, 1), 1);
	assert_true(same(&s, &other));
	side_close(&s);
	side_close(&other);
}

static void
test_damage(void **state)
{
	struct side s;
	const char *path;
	char *good, *bad;
	size_t n, kept = 0, lost = 0;
	bool whole;

	(void)state;
	fill(&s, "damage", 300);
	index_close(s.ix);
	s.ix = NULL;
	path = path_of("damage", "");
	n = read_file(path, &good);
	bad = malloc(n * 2);
	/* Cut short at every page and beside, and at odd places. */
	for (size_t cut = 0; cut < n; cut += chance(1500) + 1) {
		write_file(path, good, cut);
		check_damaged(&s, "damage", &whole);
		lost += !whole;
	}
	assert_true(lost > 0);
	lost = 0;
	for (int i = 0; i < 400; i++) {
		memcpy(bad, good, n);
		for (uint32_t k = chance(8) + 1; k > 0; k--) {
			size_t at = chance(3) == 0 ? chance(100) :
			    chance((uint32_t)n);
			size_t len = chance(2) == 0 ? 1 : chance(64) + 1;

			for (size_t j = at; j < at + len && j < n; j++)
				bad[j] = (char)chance(256);
		}
		write_file(path, bad, n);
		check_damaged(&s, "damage", &whole);
		kept += whole;
		lost += !whole;
	}
	assert_true(kept > 0 && lost > 0);
	/* Nothing but noise. */
	for (int i = 0; i < 50; i++) {
		size_t len = chance(20000);

		for (size_t j = 0; j < len && j < n; j++)
			bad[j] = (char)chance(256);
		if (i % 2 == 0)
			memcpy(bad, good, 100);
		write_file(path, bad, len < n ? len : n);
		check_damaged(&s, "damage", &whole);
	}
	free(good);
	free(bad);
	free(s.all.p);
}

/* The same under an open session, which may not even notice. */
static void
test_damage_open(void **state)
{
	(void)state;
	for (int i = 0; i < 150; i++) {
		struct side a, b;
		const char *path = path_of("under", "");
		int fd;

		fill(&a, "under", 200);
		side_open(&b, "under");
		fd = open(path_of("under", i % 3 == 0 ? "-wal" : ""),
		    O_WRONLY);
		assert_true(fd != -1);
		if (i % 5 == 1) {
			assert_int_equal(ftruncate(fd,
			    (off_t)chance(30000)), 0);
		} else {
			for (int k = 0; k < 20; k++) {
				uint32_t noise[16];

				for (int j = 0; j < 16; j++)
					noise[j] = chance(UINT32_MAX);
				pwrite(fd, noise, sizeof noise,
				    chance(40000));
			}
		}
		/* Closing it drops SQLite's locks in this process; in the
		 * field this is another one. */
		for (int k = 0; k < 4; k++) {
			struct side *w = k % 2 == 0 ? &a : &b;

			refresh(w);
			if (begin(w) == 0) {
				if (w->m.uidvalidity == 0)
					w->m.uidvalidity = 5;
				add(w, 1);
				if (w->all.count > 60)
					index_note_touched(w->ix, 55);
				if (commit(w) == -1)
					refresh(w);
			}
			for (size_t j = 1; j < w->all.count; j++)
				assert_true(w->all.p[j].uid >
				    w->all.p[j - 1].uid);
		}
		close(fd);
		side_close(&a);
		side_close(&b);
		index_remove(dir, "under", 2, NULL);
		assert_int_equal(access(path, F_OK), -1);
	}
}

static void
test_deleted(void **state)
{
	struct side a, b;

	(void)state;
	fill(&a, "deleted", 10);
	side_open(&b, "deleted");
	assert_int_equal(unlink(path_of("deleted", "")), 0);
	unlink(path_of("deleted", "-wal"));
	unlink(path_of("deleted", "-shm"));
	assert_int_equal(refresh(&b), 0);
	assert_int_equal(b.m.uidvalidity, 0);
	assert_int_equal(b.all.count, 0);
	assert_int_equal(begin(&b), 0);
	b.m.uidvalidity = 78;
	add(&b, 3);
	assert_int_equal(commit(&b), 0);
	/* The other comes to the new one too, also by way of its lock. */
	assert_int_equal(begin(&a), 0);
	assert_true(same(&a, &b));
	index_rollback(a.ix);
	/* By us, with others having it open. */
	assert_int_equal(index_remove(dir, "deleted", 2, NULL), 0);
	assert_int_equal(refresh(&a), 0);
	assert_int_equal(a.all.count, 0);
	side_close(&a);
	assert_int_equal(refresh(&b), 0);
	assert_int_equal(b.all.count, 0);
	side_close(&b);
}

/* Odd things under the name of the database or its log. */
static void
test_odd_files(void **state)
{
	static const char *const endings[] = { "", "-wal", "-shm",
	    "-journal" };
	char target[128];

	(void)state;
	snprintf(target, sizeof target, "%s/.target", dir);
	for (size_t i = 0; i < 4; i++) {
		for (int kind = 0; kind < 2; kind++) {
			struct side s;
			struct stat st;
			char *path = path_of("odd", endings[i]);

			fill(&s, "odd", 5);
			side_close(&s);
			unlink(path);
			write_file(target, "precious", 8);
			if (kind == 0)
				assert_int_equal(symlink(target, path), 0);
			else
				assert_int_equal(mkfifo(path, 0600), 0);
			side_open(&s, "odd");
			assert_true(index_is_durable(s.ix));
			assert_int_equal(begin(&s), 0);
			s.m.uidvalidity = 1;
			add(&s, 1);
			assert_int_equal(commit(&s), 0);
			side_close(&s);
			assert_int_equal(stat(target, &st), 0);
			assert_int_equal(st.st_size, 8);
			index_remove(dir, "odd", 2, NULL);
		}
	}
	unlink(target);
	/* A directory can't be put away: memory then. */
	{
		struct side s;

		assert_int_equal(mkdir(path_of("odd", ""), 0700), 0);
		side_open(&s, "odd");
		assert_false(index_is_durable(s.ix));
		assert_int_equal(begin(&s), 0);
		s.m.uidvalidity = 1;
		add(&s, 1);
		assert_int_equal(commit(&s), 0);
		side_close(&s);
		rmdir(path_of("odd", ""));
	}
}

/* In a process of its own: nothing may be written any more. */
static void
disk_full_child(void)
{
	struct rlimit none = { 0, 0 };
	struct side s;

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &none);
	if (side_try_open(&s, "full", 2) == -1)
		_exit(10);
	if (index_is_durable(s.ix) || s.all.count != 200 ||
	    s.m.uidvalidity != 77)
		_exit(11);
	if (begin(&s) == -1)
		_exit(12);
	add(&s, 1);
	if (commit(&s) == -1)
		_exit(13);
	/* No such index yet. */
	side_close(&s);
	if (side_try_open(&s, "full2", 2) == -1 || s.all.count != 0)
		_exit(14);
	side_close(&s);
	_exit(0);
}

static void
disk_fills_child(void)
{
	struct rlimit some = { 0, 0 };
	struct side s;
	struct stat st;

	signal(SIGXFSZ, SIG_IGN);
	if (side_try_open(&s, "full", 2) == -1)
		_exit(10);
	if (stat(path_of("full", "-wal"), &st) == -1)
		_exit(11);
	some.rlim_cur = some.rlim_max = (rlim_t)st.st_size + 20000;
	setrlimit(RLIMIT_FSIZE, &some);
	for (int i = 0; i < 10; i++) {
		if (begin(&s) == -1)
			_exit(12);
		add(&s, 1000);
		if (commit(&s) == -1) {
			if (s.why.code != FAULT_QUOTA) {
				print_message("# %s\n", s.why.text);
				_exit(13);
			}
			if (refresh(&s) == -1)
				_exit(14);
			_exit(s.all.count == 200 ? 0 : 15);
		}
	}
	_exit(16);
}

static int
run_child(void (*body)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid != -1);
	if (pid == 0) {
		body();
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    1000 + WTERMSIG(status);
}

static void
test_full(void **state)
{
	struct side s;

	(void)state;
	fill(&s, "full", 200);
	side_close(&s);
	assert_int_equal(run_child(disk_full_child), 0);
	assert_int_equal(run_child(disk_fills_child), 0);
	side_open(&s, "full");
	assert_int_equal(s.all.count, 200);
	side_close(&s);
}

/* An open session goes on in memory, others having the database open. */
static void
test_leave(void **state)
{
	struct side s, other;

	(void)state;
	fill(&s, "leave", 200);
	side_open(&other, "leave");
	assert_int_equal(begin(&other), 0);
	other.all.p[7].flags = FLAG_SEEN;
	index_note_touched(other.ix, 7);
	assert_int_equal(commit(&other), 0);
	assert_int_equal(index_leave_disk(s.ix, &s.why), 0);
	assert_false(index_is_durable(s.ix));
	assert_null(index_watch_path(s.ix));
	assert_int_equal(refresh(&s), 0);
	assert_int_equal(s.all.count, 200);
	assert_int_equal(s.all.p[7].flags, FLAG_SEEN);
	assert_int_equal(begin(&s), 0);
	add(&s, 1);
	assert_int_equal(commit(&s), 0);
	assert_int_equal(refresh(&other), 0);
	assert_int_equal(other.all.count, 200);
	side_close(&s);
	side_close(&other);
}

/* Everybody adds and changes; some are killed in the middle of it. */
static void
worker(unsigned number)
{
	struct side s;

	seed = number * 7919u + 1;
	if (side_try_open(&s, "busy", 20) == -1)
		_exit(10);
	for (;;) {
		if (begin(&s) == -1)
			_exit(11);
		/* Each transaction adds a pair with the same date. */
		add(&s, 2);
		s.all.p[s.all.count - 2].date = s.all.p[s.all.count - 1].date;
		for (int k = 0; k < 5; k++) {
			size_t i = chance((uint32_t)s.all.count);

			s.all.p[i].flags ^= FLAG_FLAGGED;
			index_note_touched(s.ix, i);
		}
		if (s.all.count > 400) {
			size_t i = chance(100) * 2;

			drop_at(&s, i + 1);
			drop_at(&s, i);
		}
		if (commit(&s) == -1)
			_exit(12);
		if (chance(20) == 0) {
			side_close(&s);
			if (side_try_open(&s, "busy", 20) == -1)
				_exit(13);
		}
	}
}

static pid_t
start_worker(unsigned number)
{
	pid_t pid = fork();

	assert_true(pid != -1);
	if (pid == 0)
		worker(number);
	return pid;
}

static void
test_kills(void **state)
{
	pid_t pids[8];
	struct side s;
	unsigned started = 0;
	uint32_t uidnext = 0;

	(void)state;
	fill(&s, "busy", 100);
	side_close(&s);
	for (size_t i = 0; i < 8; i++)
		pids[i] = start_worker(++started);
	for (int round = 0; round < 60; round++) {
		size_t i = chance(8);
		int status;

		usleep(chance(30000));
		assert_int_equal(kill(pids[i], SIGKILL), 0);
		waitpid(pids[i], &status, 0);
		/* Not by itself before. */
		assert_true(WIFSIGNALED(status));
		pids[i] = start_worker(++started);
		side_open(&s, "busy");
		assert_int_equal(s.m.uidvalidity, 77);
		assert_true(s.m.uidnext >= uidnext);
		uidnext = s.m.uidnext;
		/* Whole transactions only. */
		assert_int_equal(s.all.count % 2, 0);
		for (size_t k = 0; k + 1 < s.all.count; k += 2)
			if (s.all.p[k].uid > 100)
				assert_true(s.all.p[k].date ==
				    s.all.p[k + 1].date);
		side_close(&s);
	}
	for (size_t i = 0; i < 8; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	side_open(&s, "busy");
	assert_true(s.m.uidnext > 200);
	side_close(&s);
}

/* A stopped process has the lock. */
static void
test_stopped(void **state)
{
	struct side s;
	double start;
	int ready[2];
	pid_t pid;
	char c;

	(void)state;
	fill(&s, "stopped", 10);
	side_close(&s);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct side w;

		if (side_try_open(&w, "stopped", 2) == -1 || begin(&w) == -1)
			_exit(1);
		if (write(ready[1], "x", 1) != 1)
			_exit(2);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	/* Reading is not kept up. */
	assert_int_equal(side_try_open(&s, "stopped", 1), 0);
	assert_int_equal(s.all.count, 10);
	start = clock_steady();
	assert_int_equal(begin(&s), -1);
	assert_int_equal(s.why.code, FAULT_INUSE);
	assert_true(clock_steady() - start < 3);
	assert_int_equal(refresh(&s), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(begin(&s), 0);
	index_rollback(s.ix);
	side_close(&s);
	close(ready[0]);
	close(ready[1]);
}

static void
test_names(void **state)
{
	static const struct {
		const char *path, *file;
	} rows[] = {
		{ "INBOX", "INBOX" },
		{ "a/b", "a%2Fb" },
		{ "a%2Fb", "a%252Fb" },
		{ "a b", "a%20b" },
		{ ".a", "%2Ea" },
		{ "a.b", "a.b" },
		{ "a-wal", "a%2Dwal" },
		{ "a-shm", "a%2Dshm" },
		{ "a-journal", "a%2Djournal" },
		{ "a-walt", "a-walt" },
		{ "-wal", "%2Dwal" },
	};
	char longer[601];
	struct buf b, back;

	(void)state;
	buf_init(&b, 0);
	buf_init(&back, 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_reset(&b);
		buf_reset(&back);
		index_file_name(&b, rows[i].path);
		assert_string_equal(buf_string(&b), rows[i].file);
		assert_true(index_path_unescape(&back, buf_span(&b)));
		assert_string_equal(buf_string(&back), rows[i].path);
	}
	memset(longer, 'x', sizeof longer - 1);
	for (size_t n = 199; n <= 600; n += 401 / 4) {
		longer[n] = '\0';
		buf_reset(&b);
		index_file_name(&b, longer);
		assert_true(b.n <= 200);
		assert_true((n <= 200) == index_path_unescape(&back,
		    buf_span(&b)));
		longer[n] = 'x';
	}
	assert_false(index_path_unescape(&back, SPAN("a%2")));
	assert_false(index_path_unescape(&back, SPAN("a%zz")));
	assert_false(index_path_unescape(&back, SPAN("a%00")));
	assert_false(index_path_unescape(&back, SPAN("a-wal")));
	buf_clear(&b);
	buf_clear(&back);
}

static void
test_move(void **state)
{
	struct side a, b;

	(void)state;
	fill(&a, "from", 70);
	fill(&b, "to", 3);
	side_close(&b);
	assert_int_equal(index_move(dir, "from", "to", 2, NULL), 0);
	side_open(&b, "to");
	assert_true(same(&a, &b));
	/* Whoever had it open under the old name gets that name's. */
	assert_int_equal(refresh(&a), 0);
	assert_int_equal(a.m.uidvalidity, 0);
	side_close(&a);
	assert_int_equal(begin(&b), 0);
	add(&b, 1);
	assert_int_equal(commit(&b), 0);
	side_close(&b);
	/* Nothing there is no fault. */
	assert_int_equal(index_move(dir, "nothing", "nowhere", 2, NULL), 0);

	fill(&a, "d/x", 1);
	side_close(&a);
	fill(&a, "d/e/y z", 2);
	side_close(&a);
	fill(&a, "dd/x", 3);
	side_close(&a);
	assert_int_equal(index_move_below(dir, "d", "n/m", 2, NULL), 0);
	side_open(&a, "n/m/x");
	assert_int_equal(a.all.count, 1);
	side_close(&a);
	side_open(&a, "n/m/e/y z");
	assert_int_equal(a.all.count, 2);
	side_close(&a);
	side_open(&a, "dd/x");
	assert_int_equal(a.all.count, 3);
	side_close(&a);
	assert_int_equal(access(path_of("d/x", ""), F_OK), -1);
}

static struct span
text_for(uint32_t uid, unsigned kind, char *room)
{
	int n = snprintf(room, 64, "%u/%u %.*s", kind, uid,
	    (int)(uid % 40), "........................................");

	return (struct span){ room, (size_t)n };
}

/* Put texts for the UIDs in [first, last] by `step`. */
static void
put_range(struct side *s, unsigned kind, uint32_t first, uint32_t last,
    uint32_t step)
{
	size_t n = (last - first) / step + 1;
	uint32_t *uids = calloc(n, sizeof *uids);
	struct span *texts = calloc(n, sizeof *texts);
	char *room = malloc(n * 64);

	for (size_t i = 0; i < n; i++) {
		uids[i] = first + (uint32_t)i * step;
		texts[i] = text_for(uids[i], kind, room + i * 64);
	}
	assert_int_equal(index_parsed_put(s->ix, kind, s->m.uidvalidity,
	    &s->all, uids, texts, n, &s->why), 0);
	free(uids);
	free(texts);
	free(room);
}

static size_t
count_parsed(struct side *s, unsigned kind, uint32_t last, size_t *chunks)
{
	struct index_chunk c = { 0 };
	size_t found = 0, at;

	*chunks = 0;
	for (uint32_t uid = 1; uid <= last; uid++) {
		char room[64];

		if (!index_parsed_get(s->ix, uid, kind, &c, &at))
			continue;
		assert_int_equal(c.uids[at], uid);
		assert_true(span_eq(index_chunk_text(&c, at),
		    text_for(uid, kind, room)));
		*chunks += at == 0;
		found++;
	}
	index_chunk_clear(&c);
	return found;
}

static void
test_parsed(void **state)
{
	struct side s, other;
	struct index_chunk c = { 0 };
	size_t chunks, at;
	char *large;

	(void)state;
	fill(&s, "parsed", 1000);
	put_range(&s, 1, 1, 1000, 1);
	assert_int_equal(count_parsed(&s, 1, 1001, &chunks), 1000);
	assert_true(chunks <= 1000 / INDEX_CHUNK_MESSAGES + 1);
	assert_int_equal(count_parsed(&s, 0, 1001, &chunks), 0);
	assert_int_equal(count_parsed(&s, 2, 1001, &chunks), 0);
	/* In bits and pieces, backwards, and twice. */
	for (uint32_t uid = 999; uid < 1000; uid -= 2)
		put_range(&s, 2, uid, uid, 1);
	put_range(&s, 2, 2, 1000, 2);
	put_range(&s, 2, 100, 300, 7);
	assert_int_equal(count_parsed(&s, 2, 1001, &chunks), 1000);
	assert_true(chunks <= 1000 / INDEX_CHUNK_MESSAGES * 2 + 2);
	/* Single deliveries don't leave a row each. */
	for (uint32_t uid = 1; uid <= 200; uid++)
		put_range(&s, 0, uid, uid, 1);
	assert_int_equal(count_parsed(&s, 0, 1001, &chunks), 200);
	assert_true(chunks <= 4);

	/* Not for UIDs that are gone, or another mailbox's. */
	side_open(&other, "parsed");
	assert_int_equal(begin(&s), 0);
	for (int i = 0; i < 500; i++)
		drop_at(&s, 100);
	assert_int_equal(commit(&s), 0);
	put_range(&s, 0, 400, 500, 1);
	assert_int_equal(index_parsed_get(s.ix, 450, 0, &c, &at), 0);
	assert_int_equal(index_parsed_get(s.ix, 99, 1, &c, &at), 1);
	assert_int_equal(index_parsed_get(s.ix, 601, 1, &c, &at), 1);
	assert_int_equal(index_parsed_put(s.ix, 0, 76, &s.all,
	    &(uint32_t){ 601 }, &SPAN("x"), 1, &s.why), -1);

	/* Renumbered: a session that does not know yet gets no text of
	 * another message. */
	assert_int_equal(begin(&s), 0);
	index_note_removed_all(s.ix, &s.all, true);
	s.all.count = 0;
	s.m.uidvalidity++;
	s.m.uidnext = 1;
	add(&s, 50);
	assert_int_equal(commit(&s), 0);
	put_range(&s, 1, 1, 50, 1);
	assert_int_equal(index_parsed_get(other.ix, 5, 1, &c, &at), 0);
	assert_int_equal(refresh(&other), 0);
	assert_int_equal(index_parsed_get(other.ix, 5, 1, &c, &at), 1);

	/* Long ones and empty ones. */
	large = malloc(INDEX_TEXT_MAX + 1);
	memset(large, 'l', INDEX_TEXT_MAX + 1);
	for (uint32_t uid = 10; uid < 14; uid++) {
		struct span text = { large, uid == 10 ? INDEX_TEXT_MAX :
		    uid == 11 ? INDEX_TEXT_MAX + 1 : uid == 12 ? 0 : 10 };
		bool kept = text.n <= INDEX_TEXT_MAX;

		assert_int_equal(index_parsed_put(s.ix, 3, s.m.uidvalidity,
		    &s.all, &uid, &text, 1, &s.why), 0);
		assert_int_equal(index_parsed_get(s.ix, uid, 3, &c, &at),
		    kept);
		if (kept)
			assert_true(span_eq(index_chunk_text(&c, at), text));
	}
	free(large);
	index_chunk_clear(&c);
	side_close(&s);
	side_close(&other);
}

/* Keys of other kinds and ends of the number range. */
static void
test_parsed_ends(void **state)
{
	static const uint32_t uids[] = { 1, 2, UINT32_MAX - 1, UINT32_MAX };
	struct index_chunk c = { 0 };
	struct side s;
	size_t at;

	(void)state;
	fill(&s, "ends", 0);
	for (unsigned kind = 0; kind < INDEX_KINDS; kind++) {
		const struct span texts[] = { SPAN("a"), SPAN("b"),
		    SPAN("c"), SPAN("d") };

		assert_int_equal(index_parsed_put(s.ix, kind, 77, NULL, uids,
		    texts, 4, &s.why), 0);
	}
	for (unsigned kind = 0; kind < INDEX_KINDS; kind++) {
		assert_int_equal(index_parsed_get(s.ix, UINT32_MAX, kind, &c,
		    &at), 1);
		assert_int_equal(index_parsed_get(s.ix, 3, kind, &c, &at), 0);
	}
	index_chunk_clear(&c);
	side_close(&s);
}

static void
test_gone(void **state)
{
	struct side s;
	uint64_t floor;

	(void)state;
	fill(&s, "gone", 25000);
	/* Every second one: 12,500 ranges, of which 10,000 stay. */
	assert_int_equal(begin(&s), 0);
	s.m.highestmodseq = 500;
	for (size_t i = 24999; i < 25000; i -= 2)
		drop_at(&s, i);
	assert_int_equal(commit(&s), 0);
	floor = s.m.modseq_floor;
	assert_true(floor == 501);
	/* Now all: the gaps are gone as well, so it is one range. */
	assert_int_equal(begin(&s), 0);
	index_note_removed_all(s.ix, &s.all, false);
	s.all.count = 0;
	assert_int_equal(commit(&s), 0);
	assert_int_equal(refresh(&s), 0);
	assert_int_equal(s.all.count, 0);
	side_close(&s);
}

static int
setup(void **state)
{
	(void)state;
	logged_start();
	snprintf(dir, sizeof dir, "/tmp/imap-index-XXXXXX");
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	struct dirent *e;
	DIR *d = opendir(dir);

	(void)state;
	while (d != NULL && (e = readdir(d)) != NULL)
		unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_lazy_groups),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_damage_late),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_damage_open),
		cmocka_unit_test(test_deleted),
		cmocka_unit_test(test_odd_files),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_leave),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_kills),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_parsed),
		cmocka_unit_test(test_parsed_ends),
		cmocka_unit_test(test_gone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
