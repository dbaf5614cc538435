/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of a mailbox: sessions' transactions, and taking over what others
 * committed.  It knows nothing of the mailbox itself.
 */
#include "c-client/store/index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "c-client/base/arena.h"
#include "c-client/base/buf.h"
#include "c-client/base/clock.h"
#include "c-client/base/fault.h"
#include "c-client/base/log.h"
#include "c-client/base/memory.h"
#include "c-client/base/trip.h"
#include "c-client/store/box.h"
#include "c-client/store/index_private.h"

#include "c-client/base/banned.h"

/* The log is put into the database when it has more octets than this, or when
 * the last session leaves. */
#define CHECKPOINT_OCTETS	(32 * 1024 * 1024)

uint64_t
index_sum(const void *p, size_t n, uint64_t seed)
{
	return XXH3_64bits_withSeed(p, n, seed);
}

void
index_start_clock(struct index *ix)
{
	ix->deadline = clock_steady() + ix->lock_timeout;
	ix->system_error = 0;
}

bool
index_is_damage(int rc)
{
	return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB ||
	    (rc & 0xff) == SQLITE_FORMAT || (rc & 0xff) == SQLITE_MISMATCH;
}

/* A fault of SQLite's as one of ours. */
int
index_fault(struct index *ix, int rc, const char *what, struct fault *why)
{
	enum fault_code code = FAULT_IO;
	/* SQLite keeps it, but not that of a COMMIT. */
	int e = ix->system_error != 0 || ix->db == NULL ? ix->system_error :
	    sqlite3_system_errno(ix->db);

	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		code = FAULT_INUSE;
		break;
	case SQLITE_FULL:
		code = FAULT_QUOTA;
		break;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		code = FAULT_PERM;
		break;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		if (e == ENOSPC || e == EDQUOT || e == EFBIG)
			code = FAULT_QUOTA;
		break;
	default:
		if (index_is_damage(rc))
			code = FAULT_CORRUPT;
	}
	return fault_set(why, code, "index %s: %s: %s%s%s",
	    ix->file == NULL ? "in memory" : ix->file, what,
	    sqlite3_errstr(rc), e == 0 || code == FAULT_INUSE ? "" : ": ",
	    e == 0 || code == FAULT_INUSE ? "" : strerror(e));
}

sqlite3_stmt *
index_statement(struct index *ix, enum index_statement which)
{
	sqlite3_stmt **s = &ix->statements[which];

	if (*s == NULL && ix->db != NULL)
		sqlite3_prepare_v3(ix->db, index_schema_statements[which], -1,
		    SQLITE_PREPARE_PERSISTENT, s, NULL);
	return *s;
}

int
index_run(struct index *ix, enum index_statement which)
{
	sqlite3_stmt *s = index_statement(ix, which);
	int rc;

	if (s == NULL)
		return sqlite3_extended_errcode(ix->db);
	do
		rc = sqlite3_step(s);
	while (rc == SQLITE_ROW);
	sqlite3_reset(s);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void
end_transaction(struct index *ix)
{
	if (ix->db != NULL && sqlite3_get_autocommit(ix->db) == 0)
		index_run(ix, INDEX_ROLLBACK);
	ix->writing = ix->meta_dirty = ix->records_dirty = false;
	ix->cleared = ix->forget = ix->broken = false;
	ix->transit = 0;
	ix->removed_count = 0;
}

/*
 * Read what changed; a read or write transaction is open.  On SQLITE_OK meta
 * and records are of one moment.
 */
static int
load(struct index *ix, struct box_meta *m, struct index_records *all,
    bool *changed)
{
	struct box_meta got = *m;
	struct index_state state;
	int rc;

	rc = index_meta_get(ix, &got, &state);
	if (rc != SQLITE_OK || (ix->loaded && state.change == ix->change)) {
		free(state.groups);
		return rc;
	}
	if (ix->loaded && state.layout == ix->layout &&
	    state.change > ix->change)
		rc = index_records_load_changed(ix, all, &state, &got);
	else
		rc = index_records_load(ix, all, &state, &got);
	free(state.groups);
	if (rc != SQLITE_OK)
		return rc;
	*m = got;
	ix->uidvalidity = got.uidvalidity;
	ix->uidnext = got.uidnext;
	ix->highestmodseq = got.highestmodseq;
	ix->change = state.change;
	ix->layout = state.layout;
	ix->loaded = true;
	*changed = true;
	return SQLITE_OK;
}

int
index_data_version(struct index *ix, int64_t *version)
{
	sqlite3_stmt *s = index_statement(ix, INDEX_DATA_VERSION);
	int rc;

	if (s == NULL)
		return sqlite3_extended_errcode(ix->db);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		*version = sqlite3_column_int64(s, 0);
		rc = SQLITE_OK;
	}
	sqlite3_reset(s);
	return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

/* One try at taking over others' changes. */
static int
try_refresh(struct index *ix, struct box_meta *m, struct index_records *all,
    bool *changed)
{
	int64_t version;
	int rc;

	rc = index_data_version(ix, &version);
	if (rc != SQLITE_OK || (ix->loaded && version == ix->data_version))
		return rc;
	rc = index_run(ix, INDEX_BEGIN);
	/* A commit between the two statements is read now, and once more when
	 * the newer version is seen: no harm. */
	if (rc == SQLITE_OK)
		rc = load(ix, m, all, changed);
	if (rc == SQLITE_OK)
		rc = index_run(ix, INDEX_COMMIT);
	if (rc == SQLITE_OK)
		ix->data_version = version;
	else
		end_transaction(ix);
	return rc;
}

/* The same with the write lock taken and kept. */
static int
try_begin(struct index *ix, struct box_meta *m, struct index_records *all,
    bool *changed)
{
	int64_t version;
	int rc;

	rc = index_schema_sync(ix, ix->want_soft);
	if (rc == SQLITE_OK)
		rc = TRIP("index.begin") ? SQLITE_IOERR :
		    index_run(ix, INDEX_BEGIN_WRITE);
	if (rc == SQLITE_OK && index_file_moved(ix)) {
		end_transaction(ix);
		return SQLITE_SCHEMA;
	}
	if (rc == SQLITE_OK)
		rc = index_data_version(ix, &version);
	if (rc == SQLITE_OK && !(ix->loaded && version == ix->data_version))
		rc = load(ix, m, all, changed);
	if (rc == SQLITE_OK)
		ix->data_version = version;
	else
		end_transaction(ix);
	return rc;
}

/*
 * Run one of the above; where the database was taken away or is damaged, go on
 * with the one that has its name now.
 */
static int
with_database(struct index *ix, struct box_meta *m,
    struct index_records *all, bool *changed,
    int (*try)(struct index *, struct box_meta *, struct index_records *,
    bool *), const char *what, struct fault *why)
{
	int rc = SQLITE_OK;

	*changed = false;
	for (int i = 0; i < 4; i++) {
		index_start_clock(ix);
		if (index_file_moved(ix) || rc == SQLITE_SCHEMA) {
			index_file_close(ix, false);
			if (index_file_open(ix, why) == -1)
				return -1;
		}
		rc = ix->damaged ? SQLITE_CORRUPT : try(ix, m, all, changed);
		ix->damaged = false;
		if (rc == SQLITE_OK)
			return 0;
		if (index_is_damage(rc)) {
			if (index_file_replace(ix, why) == -1)
				return -1;
		} else if (rc != SQLITE_SCHEMA) {
			break;
		}
	}
	return index_fault(ix, rc, what, why);
}

int
index_refresh(struct index *ix, struct box_meta *m,
    struct index_records *all, bool *changed, struct fault *why)
{
	return with_database(ix, m, all, changed, try_refresh, "read", why);
}

int
index_begin(struct index *ix, struct box_meta *m, struct index_records *all,
    bool soft, bool *changed, struct fault *why)
{
	ix->want_soft = soft;
	if (with_database(ix, m, all, changed, try_begin, "lock", why) == -1)
		return -1;
	ix->writing = true;
	return 0;
}

void
index_note_meta(struct index *ix)
{
	ix->meta_dirty = true;
}

size_t
index_changed_from(struct index *ix)
{
	size_t from = ix->changed_from;

	ix->changed_from = SIZE_MAX;
	return from;
}

void
index_forget_loaded(struct index *ix)
{
	ix->loaded = false;
}

static int
write_all(struct index *ix, struct box_meta *m, struct index_records *all)
{
	static const enum index_statement clears[] = { INDEX_BRIEFS_CLEAR,
	    INDEX_RECORDS_CLEAR, INDEX_GONE_CLEAR, INDEX_PARSED_CLEAR };
	size_t n;
	int rc = SQLITE_OK;

	if (ix->records_dirty && index_note_must_repack(ix, all)) {
		rc = index_need_rest(ix, all);
		if (rc == SQLITE_OK)
			index_note_repack(ix, all);
	}
	if (rc == SQLITE_OK && ix->broken)
		rc = SQLITE_CORRUPT;
	n = ix->forget ? 4 : ix->cleared ? 2 : 0;
	for (size_t i = 0; rc == SQLITE_OK && i < n; i++)
		rc = index_run(ix, clears[i]);
	if (rc == SQLITE_OK && ix->removed_count > 0)
		rc = index_gone_write(ix, m, all);
	if (rc == SQLITE_OK && ix->records_dirty)
		rc = index_note_write(ix, all, m, ix->change + 1);
	if (rc == SQLITE_OK && ix->transit != 0)
		rc = index_transit_write(ix, m);
	if (rc == SQLITE_OK)
		rc = index_meta_put(ix, m, ix->change + 1,
		    ix->layout + (ix->cleared ? 1 : 0), all->count);
	return rc;
}

static void
checkpoint(struct index *ix)
{
	int pages = 0;

	if (ix->file == NULL)
		return;
	if (ix->page_size == 0) {
		sqlite3_stmt *s = NULL;

		sqlite3_prepare_v2(ix->db, "PRAGMA page_size", -1, &s, NULL);
		if (s != NULL && sqlite3_step(s) == SQLITE_ROW)
			ix->page_size = sqlite3_column_int(s, 0);
		sqlite3_finalize(s);
	}
	pages = ix->page_size == 0 ? 0 : CHECKPOINT_OCTETS / ix->page_size;
	if (ix->wal_pages > pages)
		sqlite3_wal_checkpoint_v2(ix->db, "main",
		    SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

int
index_commit(struct index *ix, struct box_meta *m, struct index_records *all,
    struct fault *why)
{
	bool cleared = ix->cleared, broken = ix->broken;
	int rc;

	if (!ix->meta_dirty && !ix->records_dirty) {
		rc = index_run(ix, INDEX_COMMIT);
		end_transaction(ix);
		return rc == SQLITE_OK ? 0 :
		    index_fault(ix, rc, "unlock", why);
	}
	ix->system_error = errno = 0;
	rc = TRIP("index.write") ? SQLITE_IOERR : write_all(ix, m, all);
	cleared = cleared || ix->cleared;
	if (rc == SQLITE_OK)
		rc = TRIP("index.commit") ? SQLITE_IOERR :
		    index_run(ix, INDEX_COMMIT);
	if (rc != SQLITE_OK)
		ix->system_error = errno;
	TRIP_KILL("index.committed");
	end_transaction(ix);
	if (rc != SQLITE_OK) {
		ix->loaded = false;
		/* One that can be read but not written is of no use. */
		if (index_is_damage(rc) && !broken)
			ix->damaged = true;
		return index_fault(ix, rc, "write", why);
	}
	ix->uidvalidity = m->uidvalidity;
	ix->uidnext = m->uidnext;
	ix->highestmodseq = m->highestmodseq;
	ix->change++;
	ix->layout += cleared ? 1 : 0;
	checkpoint(ix);
	/* Those who wait for changes are woken by the write to the log, which
	 * comes before the commit can be seen; this wakes them after it. */
	if (ix->wal != NULL)
		utimensat(AT_FDCWD, ix->wal, NULL, AT_SYMLINK_NOFOLLOW);
	return 0;
}

void
index_rollback(struct index *ix)
{
	if (ix->meta_dirty || ix->records_dirty)
		ix->loaded = false;
	end_transaction(ix);
}

bool
index_is_soft(const struct index *ix)
{
	return ix->soft_last;
}

bool
index_is_durable(const struct index *ix)
{
	return ix->durable;
}

const char *
index_watch_path(const struct index *ix)
{
	return ix->wal;
}

/*
 * Hold what the open database says in memory, so that UIDs and flags that
 * clients know are still there; nothing, where none is open.
 */
static int
hold_in_memory(struct index *ix)
{
	struct index_records all = { 0 };
	struct box_meta m = { .uidnext = 1, .first_recent = 1 };
	bool changed = false, lazy = ix->lazy, had;
	int rc;

	ix->loaded = ix->lazy = false;
	had = ix->db != NULL &&
	    try_refresh(ix, &m, &all, &changed) == SQLITE_OK;
	index_file_close(ix, false);
	free(ix->file);
	free(ix->wal);
	ix->file = ix->wal = NULL;
	rc = index_file_memory(ix);
	if (rc == SQLITE_OK && had && m.uidvalidity != 0) {
		rc = index_run(ix, INDEX_BEGIN_WRITE);
		index_note_repack(ix, &all);
		m.transits = false;
		if (rc == SQLITE_OK)
			rc = write_all(ix, &m, &all);
		if (rc == SQLITE_OK)
			rc = index_run(ix, INDEX_COMMIT);
		end_transaction(ix);
	}
	ix->loaded = false;
	ix->lazy = lazy;
	free(all.p);
	return rc;
}

int
index_leave_disk(struct index *ix, struct fault *why)
{
	int rc;

	end_transaction(ix);
	log_line(LOG_WARNING, "Index in memory only: no room for %s",
	    ix->file == NULL ? "it" : ix->file);
	index_start_clock(ix);
	rc = hold_in_memory(ix);
	return rc == SQLITE_OK ? 0 :
	    index_fault(ix, rc, "open in memory", why);
}

static void
set_paths(struct index *ix, const char *dir, const char *path)
{
	struct buf b;

	ix->dir = memory_string(dir);
	buf_init(&b, 0);
	buf_addf(&b, "%s/", dir);
	index_file_name(&b, path);
	ix->file = memory_string(buf_string(&b));
	buf_adds(&b, "-wal");
	ix->wal = memory_string(buf_string(&b));
	buf_clear(&b);
}

struct index *
index_open(const char *dir, const char *path, uint32_t lock_timeout,
    struct fault *why)
{
	struct index *ix = memory_zalloc(sizeof *ix);
	struct fault f = { .code = FAULT_NONE };
	int rc;

	ix->lock_timeout = lock_timeout;
	buf_init(&ix->transit_data, 0);
	ix->strings = arena_new(0);
	if (dir != NULL) {
		set_paths(ix, dir, path);
		if (index_file_open(ix, &f) == 0)
			return ix;
		if (f.code == FAULT_INUSE) {
			if (why != NULL)
				*why = f;
			index_close(ix);
			return NULL;
		}
		log_line(LOG_WARNING, "Index in memory only: %s", f.text);
	}
	/* The directory can't be written to, but maybe be read. */
	if (dir != NULL && index_file_open_alone(ix) != SQLITE_OK)
		index_file_close(ix, false);
	rc = hold_in_memory(ix);
	if (rc != SQLITE_OK) {
		index_fault(ix, rc, "open in memory", why);
		index_close(ix);
		return NULL;
	}
	return ix;
}

void
index_close(struct index *ix)
{
	if (ix == NULL)
		return;
	if (ix->db != NULL)
		end_transaction(ix);
	index_file_close(ix, true);
	arena_free(ix->strings);
	index_records_clear_groups(ix);
	free(ix->groups);
	free(ix->removed);
	buf_clear(&ix->transit_data);
	free(ix->dir);
	free(ix->file);
	free(ix->wal);
	free(ix);
}

const char *
index_library(void)
{
	return sqlite3_libversion();
}
