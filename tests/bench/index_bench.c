/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the index costs: `index_bench DIRECTORY [MESSAGES]` prints one line a
 * figure.  The directory is to be on the disk that is meant; it gets one index
 * file, "bench", which is removed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c-client/base/buf.h"
#include "c-client/base/clock.h"
#include "c-client/base/fault.h"
#include "c-client/store/box.h"
#include "c-client/store/index.h"

struct side {
	struct index *ix;
	struct box_meta m;
	struct index_records all;
	bool changed;
	struct fault why;
};

static uint32_t
chance(uint32_t below)
{
	static uint64_t seed = 1;

	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

static void
must(struct side *s, int status)
{
	if (status == -1) {
		fprintf(stderr, "%s\n", s->why.text);
		exit(1);
	}
}

static void
open_side(struct side *s, const char *dir)
{
	memset(s, 0, sizeof *s);
	s->ix = index_open(dir, "bench", 5, &s->why);
	must(s, s->ix == NULL ? -1 : 0);
	must(s, index_refresh(s->ix, &s->m, &s->all, &s->changed, &s->why));
}

static void
close_side(struct side *s)
{
	index_close(s->ix);
	free(s->all.p);
}

static void
begin(struct side *s)
{
	must(s, index_begin(s->ix, &s->m, &s->all, false, &s->changed, &s->why));
}

static void
commit(struct side *s)
{
	index_note_meta(s->ix);
	must(s, index_commit(s->ix, &s->m, &s->all, &s->why));
}

static void
refresh(struct side *s)
{
	must(s, index_refresh(s->ix, &s->m, &s->all, &s->changed, &s->why));
}

static void
add(struct side *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct record r = { .uid = s->m.uidnext++,
		    .disk_header = chance(1000) + 400,
		    .separator = (uint16_t)(chance(30) + 40),
		    .date = 1600000000 + (int64_t)i * 600 + chance(600),
		    .saved = 1700000000, .modseq = s->m.highestmodseq,
		    .flags = (uint16_t)chance(32), .zone = 60 };

		/* As mail is: what doesn't vary takes no room. */
		r.wire_header = r.disk_header + chance(40);
		r.wire_size = r.wire_header + chance(20000);
		r.disk_size = r.wire_size + r.separator;
		r.place = s->all.count == 0 ? 0 :
		    s->all.p[s->all.count - 1].place +
		    s->all.p[s->all.count - 1].disk_size;
		for (size_t k = 0; k < sizeof r.digest; k++)
			r.digest[k] = (uint8_t)chance(256);
		index_records_grow(&s->all, s->all.count + 1);
		s->all.p[s->all.count++] = r;
		index_note_added(s->ix, s->all.count);
	}
}

/* The best of `times` runs: other programs only make it slower. */
#define BEST(what, times, ...) do {					\
	double best = 1e9, took;					\
									\
	for (int turn = 0; turn < (times); turn++) {			\
		took = clock_steady();					\
		{ __VA_ARGS__ }						\
		took = clock_steady() - took;				\
		best = took < best ? took : best;			\
	}								\
	printf("%-44s %10.3f ms\n", what, best * 1000);		\
} while (0)

static void
parsed(struct side *s, size_t n)
{
	uint32_t *uids = malloc(n * sizeof *uids);
	struct span *texts = malloc(n * sizeof *texts);
	struct index_chunk c = { 0 };
	struct buf out;
	char text[600];
	double fastest = 0;

	memset(text, 'x', sizeof text);
	for (size_t i = 0; i < n; i++) {
		uids[i] = s->all.p[i].uid;
		texts[i] = (struct span){ text, 200 + i % 400 };
	}
	BEST("keep all parsed texts (400 octets each)", 1,
	    must(s, index_parsed_put(s->ix, 1, s->m.uidvalidity, &s->all,
	    uids, texts, n, &s->why)););
	buf_init(&out, 0);
	for (int turn = 0; turn < 10; turn++) {
		double start = clock_steady(), rate;

		for (size_t i = 0; i < n;) {
			size_t at;

			if (index_parsed_get(s->ix, uids[i], 1, &c, &at) != 1)
				exit(2);
			for (; at < c.count; at++, i++)
				buf_addspan(&out, index_chunk_text(&c, at));
			if (out.n > 65536)
				buf_reset(&out);
		}
		rate = (double)n / 1e6 / (clock_steady() - start);
		fastest = rate > fastest ? rate : fastest;
	}
	printf("%-44s %10.2f million/s\n", "read all parsed texts", fastest);
	buf_clear(&out);
	index_chunk_clear(&c);
	free(uids);
	free(texts);
}

int
main(int argc, char **argv)
{
	size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 100000;
	struct side s, other;
	size_t k = 0;

	if (argc < 2 || n == 0) {
		fprintf(stderr, "usage: index_bench DIRECTORY [MESSAGES]\n");
		return 64;
	}
	open_side(&s, argv[1]);
	begin(&s);
	s.m.uidvalidity = 1;
	add(&s, n);
	BEST("write all records", 1, commit(&s););
	BEST("change all flags", 20,
	    begin(&s);
	    for (k = 0; k < n; k++) {
		    s.all.p[k].flags ^= FLAG_SEEN;
		    index_note_touched(s.ix, k);
	    }
	    commit(&s););
	BEST("close after that", 1, close_side(&s););
	BEST("open, read all records, close", 50,
	    open_side(&s, argv[1]);
	    close_side(&s););
	open_side(&s, argv[1]);
	BEST("a second session's open and read", 1,
	    open_side(&other, argv[1]););
	BEST("small durable commit", 1000,
	    k = (size_t)turn * 7919 % n;
	    begin(&s);
	    s.all.p[k].flags ^= FLAG_FLAGGED;
	    index_note_touched(s.ix, k);
	    commit(&s););
	begin(&s);
	add(&s, 1);
	commit(&s);
	BEST("the other session reads that", 1, refresh(&other););
	for (int i = 0; i < 5; i++) {
		begin(&s);
		add(&s, 1);
		commit(&s);
		BEST("the other session reads one more message", 1,
		    refresh(&other););
	}
	BEST("refresh with nothing new", 10000, refresh(&other););
	BEST("take and leave the lock", 10000,
	    begin(&s);
	    index_rollback(s.ix););
	parsed(&s, n);
	close_side(&other);
	BEST("close", 1, close_side(&s););
	BEST("open, read, close, beside parsed texts", 20,
	    open_side(&s, argv[1]);
	    close_side(&s););
	must(&s, index_remove(argv[1], "bench", 5, &s.why));
	return 0;
}
