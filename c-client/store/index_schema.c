/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of an index, every statement that is run on them, and the test
 * that an opened database is one of ours to the letter.
 */
#include <string.h>
#include <time.h>

#include "c-client/base/clock.h"
#include "c-client/base/trip.h"
#include "c-client/store/index_private.h"

#include "c-client/base/banned.h"

/* "IMAP" */
#define APPLICATION_ID	0x494d4150

#define TEXT_OF(x)	#x
#define NUMBER(x)	TEXT_OF(x)

/* As sqlite_schema has them, in this order. */
static const char *const tables[] = {
	/* id: 1, or the number of a move (index_transit.c) */
	"CREATE TABLE box(id INTEGER PRIMARY KEY, sum INTEGER, data BLOB)",
	/* key: of a group (index_group.h) */
	"CREATE TABLE briefs(key INTEGER PRIMARY KEY, data BLOB)",
	/* key: of a part of a blob, index_need_key() */
	"CREATE TABLE records(key INTEGER PRIMARY KEY, data BLOB)",
	/* key: kind * 2^32 + first UID */
	"CREATE TABLE parsed(key INTEGER PRIMARY KEY, last INTEGER, "
	    "sum INTEGER, data BLOB)",
	"CREATE TABLE gone(n INTEGER PRIMARY KEY, first INTEGER, "
	    "last INTEGER, modseq INTEGER)",
};
#define TABLES	(sizeof tables / sizeof tables[0])

/* A row of the same size is written over in its place, and its page's
 * neighbours are left alone; REPLACE takes it out first. */
#define PUT(table)	"INSERT INTO " table "(key, data) VALUES(?1, ?2) " \
	"ON CONFLICT(key) DO UPDATE SET data = excluded.data"

/* Two of them, which are read side by side. */
#define READ	"SELECT key, data FROM records WHERE key BETWEEN ?1 AND ?2 " \
	"ORDER BY key"

const char *const index_schema_statements[INDEX_STATEMENTS] = {
	[INDEX_DATA_VERSION] = "PRAGMA data_version",
	[INDEX_BEGIN] = "BEGIN",
	[INDEX_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[INDEX_COMMIT] = "COMMIT",
	[INDEX_ROLLBACK] = "ROLLBACK",
	[INDEX_BOX_GET] = "SELECT sum, data FROM box WHERE id = 1",
	[INDEX_BOX_PUT] = "INSERT INTO box(id, sum, data) "
	    "VALUES(1, ?1, ?2) ON CONFLICT(id) DO UPDATE SET "
	    "sum = excluded.sum, data = excluded.data",
	[INDEX_TRANSIT_LIST] = "SELECT id, sum, data FROM box WHERE id > 1 "
	    "ORDER BY id LIMIT " NUMBER(INDEX_TRANSITS),
	[INDEX_TRANSIT_PUT] = "INSERT OR REPLACE INTO box(id, sum, data) "
	    "SELECT ?1, ?2, ?3 WHERE (SELECT count(*) FROM (SELECT 1 FROM "
	    "box WHERE id > 1 AND id <> ?1 LIMIT " NUMBER(INDEX_TRANSITS)
	    ")) < " NUMBER(INDEX_TRANSITS),
	[INDEX_TRANSIT_DROP] = "DELETE FROM box WHERE id = ?1",
	[INDEX_TRANSIT_ANY] = "SELECT 1 FROM box WHERE id > 1 LIMIT 1",
	[INDEX_BRIEFS_GET] = "SELECT data FROM briefs WHERE key = ?1",
	[INDEX_BRIEFS_PUT] = PUT("briefs"),
	[INDEX_BRIEFS_CLEAR] = "DELETE FROM briefs",
	[INDEX_RECORDS_READ] = READ,
	[INDEX_FLAGS_READ] = READ,
	[INDEX_RECORDS_PUT] = PUT("records"),
	[INDEX_RECORDS_CLEAR] = "DELETE FROM records",
	[INDEX_GONE_ADD] = "INSERT INTO gone(first, last, modseq) "
	    "VALUES(?1, ?2, ?3)",
	[INDEX_GONE_FLOOR] = "SELECT max(modseq) FROM gone WHERE "
	    "n <= (SELECT max(n) FROM gone) - ?1",
	[INDEX_GONE_TRIM] = "DELETE FROM gone WHERE "
	    "n <= (SELECT max(n) FROM gone) - ?1",
	[INDEX_GONE_CLEAR] = "DELETE FROM gone",
	[INDEX_PARSED_AT] = "SELECT key, sum, data FROM parsed "
	    "WHERE key <= ?1 ORDER BY key DESC LIMIT 1",
	[INDEX_PARSED_AFTER] = "SELECT key FROM parsed WHERE key > ?1 "
	    "ORDER BY key LIMIT 1",
	[INDEX_PARSED_PUT] = "INSERT OR REPLACE INTO "
	    "parsed(key, last, sum, data) VALUES(?1, ?2, ?3, ?4)",
	[INDEX_PARSED_DROP] = "DELETE FROM parsed WHERE key = ?1",
	[INDEX_PARSED_DROP_RANGE] = "DELETE FROM parsed "
	    "WHERE key BETWEEN ?1 AND ?2 AND last <= ?3",
	[INDEX_PARSED_KEYS] = "SELECT key, last FROM parsed",
	[INDEX_PARSED_CLEAR] = "DELETE FROM parsed",
};

static int
busy(void *arg, int count)
{
	struct index *ix = arg;
	double left = ix->deadline - clock_steady();
	struct timespec ts = { .tv_nsec = 1000000L * (count < 10 ? count + 1 :
	    10) };

	if (left <= 0)
		return 0;
	nanosleep(&ts, NULL);
	return 1;
}

static int
note_log(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct index *ix = arg;

	(void)db;
	(void)name;
	ix->wal_pages = pages;
	return SQLITE_OK;
}

/* For every connection, before anything is read. */
int
index_schema_settings(struct index *ix)
{
	static const struct { int option, on; } options[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
		{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
		{ SQLITE_DBCONFIG_DQS_DML, 0 },
		{ SQLITE_DBCONFIG_DQS_DDL, 0 },
	};

	ix->soft = false;
	sqlite3_extended_result_codes(ix->db, 1);
	sqlite3_busy_handler(ix->db, busy, ix);
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		sqlite3_db_config(ix->db, options[i].option, options[i].on,
		    (int *)NULL);
	sqlite3_limit(ix->db, SQLITE_LIMIT_LENGTH, 16 * 1024 * 1024);
	sqlite3_limit(ix->db, SQLITE_LIMIT_ATTACHED, 0);
	/* Takes the place of checkpoints inside of commits. */
	sqlite3_wal_hook(ix->db, note_log, ix);
	/* The first of all: some of the others read the database. */
	if (ix->alone)
		sqlite3_exec(ix->db, "PRAGMA locking_mode = EXCLUSIVE", NULL,
		    NULL, NULL);
	return sqlite3_exec(ix->db,
	    "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
	    "PRAGMA temp_store = MEMORY; PRAGMA synchronous = FULL;"
	    "PRAGMA cache_size = -512; PRAGMA journal_size_limit = 4194304",
	    NULL, NULL, NULL);
}

/* Never as a kept statement: this pragma does its work while it is compiled. */
int
index_schema_sync(struct index *ix, bool soft)
{
	int rc;

	if (ix->soft == soft)
		return SQLITE_OK;
	rc = sqlite3_exec(ix->db, soft ? "PRAGMA synchronous = NORMAL" :
	    "PRAGMA synchronous = FULL", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		ix->soft = soft;
	return rc;
}

int
index_schema_make(struct index *ix)
{
	int rc;

	rc = TRIP("index_schema.make") ? SQLITE_IOERR :
	    sqlite3_exec(ix->db, "PRAGMA page_size = 8192;"
	    "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE;"
	    "PRAGMA application_id = " NUMBER(APPLICATION_ID) ";"
	    "PRAGMA user_version = " NUMBER(INDEX_FORMAT),
	    NULL, NULL, NULL);
	for (size_t i = 0; rc == SQLITE_OK && i < TABLES; i++)
		rc = sqlite3_exec(ix->db, tables[i], NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = TRIP("index_schema.commit") ? SQLITE_IOERR :
		    sqlite3_exec(ix->db, "COMMIT", NULL, NULL, NULL);
	else
		sqlite3_exec(ix->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

/* One number that a pragma says. */
static int
pragma_number(struct index *ix, const char *sql, int64_t want)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(ix->db, sql, -1, &s, NULL);

	if (rc == SQLITE_OK) {
		rc = sqlite3_step(s);
		if (rc == SQLITE_ROW)
			rc = sqlite3_column_int64(s, 0) == want ?
			    SQLITE_OK : SQLITE_CORRUPT;
	}
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

static int
check_text(struct index *ix, const char *sql, const char *const *want,
    size_t count)
{
	sqlite3_stmt *s = NULL;
	size_t i = 0;
	int rc = sqlite3_prepare_v2(ix->db, sql, -1, &s, NULL);

	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		const char *text;

		rc = sqlite3_step(s);
		if (rc != SQLITE_ROW)
			break;
		text = (const char *)sqlite3_column_text(s, 0);
		if (i >= count || text == NULL || strcmp(text, want[i]) != 0)
			rc = SQLITE_CORRUPT;
		i++;
	}
	sqlite3_finalize(s);
	if (rc == SQLITE_DONE)
		rc = i == count ? SQLITE_OK : SQLITE_CORRUPT;
	return rc;
}

int
index_schema_check(struct index *ix)
{
	static const char *const wal[] = { "wal" };
	int rc;

	rc = pragma_number(ix, "PRAGMA application_id", APPLICATION_ID);
	if (rc == SQLITE_OK)
		rc = pragma_number(ix, "PRAGMA user_version", INDEX_FORMAT);
	if (rc == SQLITE_OK && !ix->alone)
		rc = check_text(ix, "PRAGMA journal_mode", wal, 1);
	if (rc == SQLITE_OK)
		rc = check_text(ix, "SELECT sql FROM sqlite_schema "
		    "ORDER BY rowid", tables, TABLES);
	return rc;
}
