/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory of its own for each test, with the URL of a database in it, and a second way in:
 * SQL on the file itself, beside the catalog.
 */
#ifndef TEST_CATALOG_FIXTURE_H
#define TEST_CATALOG_FIXTURE_H

#include <ftw.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "scb/catalog.h"

#define DATE   "2024-01-15"
#define NOW_MS INT64_C(1705307400123) /* 2024-01-15T08:30:00.123Z */

struct fixture {
    char directory[200];
    char path[256];
    char url[300];
    struct scb_catalog *catalog; /* closed by the teardown unless NULL */
    struct scb_error error;
};

#define assert_ok(call_)                                                                           \
    do {                                                                                           \
        if ((call_) != SCB_OK)                                                                     \
            fail_msg("%s", fixture->error.message);                                                \
    } while (0)
#define assert_status(status_, call_) assert_int_equal((int)(status_), (int)(call_))

static inline int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    const char *parent = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
    (void)snprintf(fixture->directory, sizeof(fixture->directory), "%s/scb-catalog-XXXXXX", parent);
    assert_non_null(mkdtemp(fixture->directory));
    (void)snprintf(fixture->path, sizeof(fixture->path), "%s/test.db", fixture->directory);
    (void)snprintf(fixture->url, sizeof(fixture->url), "sqlite://%s", fixture->path);
    *state = fixture;
    return 0;
}

static inline int set_up_open(void **state)
{
    (void)set_up(state);
    struct fixture *fixture = *state;
    assert_ok(scb_catalog_open(fixture->url, true, &fixture->catalog, &fixture->error));
    return 0;
}

static inline int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline int tear_down(void **state)
{
    struct fixture *fixture = *state;
    scb_catalog_close(fixture->catalog);
    assert_int_equal(nftw(fixture->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(fixture);
    return 0;
}

static inline void reopen(struct fixture *fixture)
{
    scb_catalog_close(fixture->catalog);
    fixture->catalog = NULL;
    assert_ok(scb_catalog_open(fixture->url, false, &fixture->catalog, &fixture->error));
}

static inline sqlite3 *open_beside(const struct fixture *fixture)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    return db;
}

static inline void run_sql(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
}

static inline void run_sql_beside(const struct fixture *fixture, const char *sql)
{
    sqlite3 *db = open_beside(fixture);
    run_sql(db, sql);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The first value that a query gives, as text, equals wanted. */
static inline void assert_sql(const struct fixture *fixture, const char *sql, const char *wanted)
{
    sqlite3 *db = open_beside(fixture);
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    const char *got = (const char *)sqlite3_column_text(statement, 0);
    assert_string_equal(got != NULL ? got : "NULL", wanted);
    (void)sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static inline struct scb_run_record sample_run(const char *date)
{
    struct scb_run_record run = {.chain_id = 50,
                                 .block_number = 70000001,
                                 .block_time = 1705307390,
                                 .page_size = 100,
                                 .total_keys = 250,
                                 .total_pages = 3,
                                 .page_function = "getPaginatedKeyValues(uint256,uint256)",
                                 .total_function = "getTotalKeys()",
                                 .max_key_size = 65536,
                                 .max_value_size = 16777216,
                                 .quorum = 1,
                                 .run_id = "0123456789abcdef",
                                 .recipients = "age1one,age1two"};
    (void)snprintf(run.backup_date, sizeof(run.backup_date), "%s", date);
    memset(run.contract, 0xab, sizeof(run.contract));
    memset(run.block_hash, 0xcd, sizeof(run.block_hash));
    return run;
}

static inline struct scb_page_record sample_page(uint64_t number)
{
    struct scb_page_record page = {.page_number = number,
                                   .state = SCB_BACKUP_COMPLETED,
                                   .completed_at_ms = NOW_MS + (int64_t)number,
                                   .keys_count = 100,
                                   .file_size = 20000 + number};
    memset(page.sha256, (int)(number & 0xff), sizeof(page.sha256));
    (void)snprintf(page.file_path, sizeof(page.file_path), "2024-01-15/page_%d.json", (int)number);
    return page;
}

static inline struct scb_backup_record sample_completed(const char *date)
{
    struct scb_backup_record backup = {.completed_at_ms = NOW_MS + 150000,
                                       .total_pages = 3,
                                       .total_keys = 250,
                                       .file_size = 1048576};
    (void)snprintf(backup.backup_date, sizeof(backup.backup_date), "%s", date);
    (void)snprintf(backup.backup_file_path, sizeof(backup.backup_file_path), "%s/backup_%s.zip",
                   backup.backup_date, backup.backup_date);
    memset(backup.checksum, 'e', 64);
    return backup;
}

static inline void start(struct fixture *fixture, const char *date)
{
    struct scb_run_record run = sample_run(date);
    assert_ok(scb_catalog_start(fixture->catalog, &run, NOW_MS, &fixture->error));
}

static inline void record(struct fixture *fixture, const char *date, uint64_t number)
{
    struct scb_page_record page = sample_page(number);
    assert_ok(scb_catalog_record_pages(fixture->catalog, date, &page, 1, &fixture->error));
}

static inline void complete(struct fixture *fixture, const char *date)
{
    struct scb_backup_record backup = sample_completed(date);
    assert_ok(scb_catalog_complete(fixture->catalog, &backup, &fixture->error));
}

/* Member by member, since structs have padding. */
#define assert_same(member_) assert_true(a->member_ == b->member_)

static inline void assert_same_run(const struct scb_run_record *a, const struct scb_run_record *b)
{
    assert_string_equal(a->backup_date, b->backup_date);
    assert_same(chain_id);
    assert_memory_equal(a->contract, b->contract, sizeof(a->contract));
    assert_same(block_number);
    assert_memory_equal(a->block_hash, b->block_hash, sizeof(a->block_hash));
    assert_same(block_time);
    assert_same(page_size);
    assert_same(total_keys);
    assert_same(total_pages);
    assert_same(generation);
    assert_string_equal(a->page_function, b->page_function);
    assert_string_equal(a->total_function, b->total_function);
    assert_same(max_key_size);
    assert_same(max_value_size);
    assert_same(quorum);
    assert_string_equal(a->run_id, b->run_id);
    assert_string_equal(a->recipients, b->recipients);
}

static inline void assert_same_backup(const struct scb_backup_record *a,
                                      const struct scb_backup_record *b)
{
    assert_string_equal(a->backup_date, b->backup_date);
    assert_same(state);
    assert_same(created_at_ms);
    assert_same(completed_at_ms);
    assert_same(total_pages);
    assert_same(total_keys);
    assert_string_equal(a->backup_file_path, b->backup_file_path);
    assert_string_equal(a->error_message, b->error_message);
    assert_string_equal(a->checksum, b->checksum);
    assert_same(file_size);
    assert_same(pages_completed);
    assert_same(pages_failed);
    assert_same(block_number);
    assert_string_equal(a->block_hash, b->block_hash);
    assert_string_equal(a->run_id, b->run_id);
}

static inline void assert_same_page(const struct scb_page_record *a,
                                    const struct scb_page_record *b)
{
    assert_same(page_number);
    assert_same(state);
    assert_same(completed_at_ms);
    assert_same(keys_count);
    assert_same(file_size);
    assert_memory_equal(a->sha256, b->sha256, sizeof(a->sha256));
    assert_string_equal(a->file_path, b->file_path);
    assert_same(empty_keys);
    assert_same(empty_versions);
    assert_same(duplicate_keys);
    assert_string_equal(a->error_message, b->error_message);
}

/* Visitors that keep what they are shown. */
enum { KEPT_MAX = 8 };

struct kept_pages {
    size_t count;
    struct scb_page_record pages[KEPT_MAX];
};

static inline enum scb_status keep_page(void *state, const struct scb_page_record *page,
                                        struct scb_error *error)
{
    (void)error;
    struct kept_pages *kept = state;
    assert_true(kept->count < KEPT_MAX);
    kept->pages[kept->count++] = *page;
    return SCB_OK;
}

struct kept_backups {
    size_t count;
    struct scb_backup_record backups[KEPT_MAX];
};

static inline enum scb_status keep_backup(void *state, const struct scb_backup_record *backup,
                                          struct scb_error *error)
{
    (void)error;
    struct kept_backups *kept = state;
    assert_true(kept->count < KEPT_MAX);
    kept->backups[kept->count++] = *backup;
    return SCB_OK;
}

static inline void write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

#define CLOSED(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)
#define OPEN(test_)   cmocka_unit_test_setup_teardown(test_, set_up_open, tear_down)

#endif
