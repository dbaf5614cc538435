/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of somebody who means harm: a database file with octets changed,
 * or rows with right checksums and any contents.  What comes out is sane, or a
 * new index; and it can be written to.
 *
 * Input: one octet that chooses, then the contents of a row, the summary of a
 * group and its row of briefs, or edits of four octets each: place (24 bits,
 * little end first), new octet.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/fault.h"
#include "c-client/base/file.h"
#include "c-client/base/log.h"
#include "c-client/store/box.h"
#include "c-client/store/index_pack.h"
#include "c-client/store/index_private.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static char dir[64], file[80];
static char *good;
static size_t good_size;

static void
quiet(void *arg, int level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

static void
leave(void)
{
	index_remove(dir, "x", 1, NULL);
	snprintf(file, sizeof file, "%s/.lock", dir);
	unlink(file);
	rmdir(dir);
}

/* An index with some of everything. */
static void
prepare(void)
{
	struct box_meta m = { .uidnext = 1 };
	struct index_records all = { 0 };
	struct index *ix;
	struct stat st;
	bool changed;
	int fd;

	log_to_sink(quiet, NULL);
	snprintf(dir, sizeof dir, "/tmp/imap-fuzz-XXXXXX");
	must(mkdtemp(dir) != NULL);
	atexit(leave);
	snprintf(file, sizeof file, "%s/x", dir);
	ix = index_open(dir, "x", 1, NULL);
	must(ix != NULL);
	must(index_begin(ix, &m, &all, false, &changed, NULL) == 0);
	m.uidvalidity = 7;
	m.keywords[m.keyword_count++] = "$Forwarded";
	for (int i = 0; i < 150; i++) {
		index_records_grow(&all, all.count + 1);
		all.p[all.count++] = (struct record){ .uid = m.uidnext++ };
		index_note_added(ix, all.count);
	}
	index_note_meta(ix);
	must(index_commit(ix, &m, &all, NULL) == 0);
	must(index_parsed_put(ix, 1, 7, &all, &all.p[3].uid, &SPAN("text"), 1,
	    NULL) == 0);
	index_close(ix);
	free(all.p);
	fd = open(file, O_RDONLY);
	must(fd != -1 && fstat(fd, &st) == 0);
	good_size = (size_t)st.st_size;
	good = malloc(good_size);
	must(good != NULL && file_read_full(fd, good, good_size) ==
	    (ssize_t)good_size);
	close(fd);
}

static void
write_edited(const uint8_t *data, size_t size)
{
	char *copy = malloc(good_size);
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	must(copy != NULL && fd != -1);
	memcpy(copy, good, good_size);
	for (; size >= 4; data += 4, size -= 4)
		copy[(data[0] | (size_t)data[1] << 8 |
		    (size_t)data[2] << 16) % good_size] = (char)data[3];
	must(file_write_full(fd, copy, good_size) == (ssize_t)good_size);
	close(fd);
	free(copy);
}

/* One row, of box or parsed. */
static void
write_row(bool parsed, const uint8_t *data, size_t size)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;
	uint64_t seed = parsed ? UINT64_C(4294967300) : 0;

	must(sqlite3_open(file, &db) == SQLITE_OK);
	must(sqlite3_prepare_v2(db, parsed ?
	    "INSERT OR REPLACE INTO parsed VALUES(4294967300, 0, ?1, ?2)" :
	    "INSERT OR REPLACE INTO box VALUES(1, ?1, ?2)", -1, &s, NULL) ==
	    SQLITE_OK);
	sqlite3_bind_int64(s, 1, (int64_t)index_sum(data, size, seed));
	sqlite3_bind_blob(s, 2, data, (int)size, SQLITE_STATIC);
	must(sqlite3_step(s) == SQLITE_DONE);
	sqlite3_finalize(s);
	sqlite3_close(db);
}

static void
put(struct index *ix, enum index_statement which, int64_t key,
    const void *data, size_t size)
{
	sqlite3_stmt *s = index_statement(ix, which);

	must(s != NULL);
	sqlite3_bind_int64(s, 1, key);
	sqlite3_bind_blob(s, 2, data, (int)size, SQLITE_STATIC);
	must(index_run(ix, which) == SQLITE_OK);
}

/* A part of a blob, with the brief and the sums that fit it, if it is one. */
static void
put_blob(struct index *ix, enum index_part part, const uint8_t *data,
    size_t size)
{
	struct index_group *g = &ix->groups[0];
	struct index_blob *b = &g->blobs[1];
	struct span packed = { (const char *)data, size };
	struct record r[INDEX_BLOB_RECORDS] = { { 0 } };
	struct buf row;
	size_t count = 0;

	for (uint32_t i = 0; i < b->count; i++)
		r[i].uid = INDEX_BLOB_RECORDS + 1 + i;
	put(ix, INDEX_RECORDS_PUT, index_need_key(part, 0, 1), data, size);
	if (index_pack_count(packed, part, INDEX_BLOB_RECORDS, &count))
		index_pack_read(packed, part, 0, r);
	b->count = (uint32_t)count;
	index_brief_make(b, r);
	b->place = 0;
	b->sums[part] = index_sum(data, size,
	    (uint64_t)index_need_key(part, 0, 1));
	buf_init(&row, 0);
	index_group_write(g, 0, 1, &row);
	put(ix, INDEX_BRIEFS_PUT, 0, row.p, row.n);
	buf_clear(&row);
}

/* A summary that says anything, and the row of briefs that it is of. */
static void
put_briefs(struct index *ix, const uint8_t *data, size_t size)
{
	struct index_group *g = &ix->groups[0];
	struct span row;

	if (size < INDEX_GROUP_PACKED)
		return;
	index_group_clear(g);
	index_group_unpack((const char *)data, 2, g);
	row = (struct span){ (const char *)data + INDEX_GROUP_PACKED,
	    size - INDEX_GROUP_PACKED };
	g->sum = index_group_sum(0, g->change, row);
	put(ix, INDEX_BRIEFS_PUT, 0, row.p, row.n);
}

static void
write_records(unsigned what, const uint8_t *data, size_t size)
{
	struct box_meta m = { .uidnext = 1 };
	struct index_records all = { 0 };
	struct index *ix = index_open(dir, "x", 1, NULL);
	bool changed;

	must(ix != NULL);
	must(index_begin(ix, &m, &all, false, &changed, NULL) == 0);
	must(ix->group_count == 1);
	if (what == 4)
		put_briefs(ix, data, size);
	else
		put_blob(ix, what == 2 ? INDEX_PART_MAIL : INDEX_PART_FLAGS,
		    data, size);
	must(index_meta_put(ix, &m, ix->change + 1, ix->layout,
	    ix->groups[0].count) == SQLITE_OK);
	must(index_run(ix, INDEX_COMMIT) == SQLITE_OK);
	index_close(ix);
	free(all.p);
}

static void
check(const struct box_meta *m, const struct index_records *all)
{
	must(m->uidnext > 0 && m->stamp_size <= BOX_STAMP_MAX &&
	    m->note_size <= BOX_STAMP_MAX);
	must(m->keyword_count <= BOUND_KEYWORDS);
	for (size_t i = 0; i < m->keyword_count; i++)
		must(index_keyword_is_valid(span_of(m->keywords[i])));
	for (size_t i = 0; i < all->count; i++) {
		const struct record *r = &all->p[i];

		must(r->uid > (i == 0 ? 0 : r[-1].uid));
		must(r->uid < m->uidnext);
		must(r->wire_header <= r->wire_size);
		must(r->modseq <= m->highestmodseq);
	}
}

/* What is said of records that may not have been read. */
static void
check_lazy(struct index *ix, const struct box_meta *m,
    const struct index_records *all)
{
	struct index_walk walk = { .to = 0 };
	uint64_t octets, above = 0;
	uint32_t uid;
	size_t unseen;

	for (size_t i = 0, n; i < all->count; i += n) {
		n = index_walk(ix, all, &walk, i, &uid);
		must(n > 0 && n <= all->count - i && uid > above);
		must(index_uid(ix, all, i) == uid);
		must(index_find(ix, all, uid) == i);
		above = (uint64_t)uid + n - 1;
		must(above < m->uidnext);
		if (i > 1000)
			break;
	}
	must(index_next_unseen(ix, all, 0) <= all->count);
	index_sums(ix, all, &unseen, &octets);
	must(unseen <= all->count);
	must(index_unwritten(ix, all) <= all->count);
}

static void
check_transits(struct index *ix)
{
	struct arena *arena = arena_new(0);
	struct index_transit all[INDEX_TRANSITS];
	size_t n = index_transit_list(ix, arena, all);

	for (size_t i = 0; i < n; i++)
		must(all[i].id > 1 && all[i].data.n <= INDEX_TRANSIT_MAX);
	arena_free(arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct box_meta m = { .uidnext = 1 };
	struct index_records all = { 0 };
	struct index_chunk chunk = { 0 };
	struct index *ix;
	unsigned what;
	bool changed;
	size_t at;

	if (size == 0)
		return 0;
	if (good == NULL)
		prepare();
	what = data[0] % 6;
	write_edited(data + 1, what == 0 ? size - 1 : 0);
	if (what == 1 || what == 3)
		write_row(what == 3, data + 1, size - 1);
	else if (what != 0)
		write_records(what, data + 1, size - 1);
	ix = index_open(dir, "x", 1, NULL);
	must(ix != NULL);
	index_set_lazy(ix, true);
	must(index_refresh(ix, &m, &all, &changed, NULL) == 0);
	check_lazy(ix, &m, &all);
	if (all.count > 0 && index_need(ix, &all, all.count - 1, 1) == 1)
		check_lazy(ix, &m, &all);
	index_set_lazy(ix, false);
	/* What is damaged turns out now at the latest. */
	if (index_need(ix, &all, 0, all.count) != 1)
		must(index_refresh(ix, &m, &all, &changed, NULL) == 0);
	check(&m, &all);
	for (uint32_t uid = 1; uid < 8; uid++)
		if (index_parsed_get(ix, uid, 1, &chunk, &at))
			must(index_chunk_text(&chunk, at).n <=
			    INDEX_TEXT_MAX);
	check_transits(ix);
	if (index_begin(ix, &m, &all, false, &changed, NULL) == 0) {
		if (m.uidvalidity == 0)
			m.uidvalidity = 8;
		if (m.uidnext < UINT32_MAX) {
			index_records_grow(&all, all.count + 1);
			all.p[all.count++] = (struct record){
			    .uid = m.uidnext++ };
			index_note_added(ix, all.count);
		}
		index_transit_put(ix, 9, SPAN("note"));
		index_commit(ix, &m, &all, NULL);
		if (index_refresh(ix, &m, &all, &changed, NULL) == 0)
			check(&m, &all);
		index_parsed_put(ix, 1, m.uidvalidity, NULL,
		    &(uint32_t){ 3 }, &SPAN("new"), 1, NULL);
	}
	index_chunk_clear(&chunk);
	index_close(ix);
	free(all.p);
	/* The next one begins anew. */
	index_remove(dir, "x", 1, NULL);
	return 0;
}
