/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of what keeps house in job/: a store, a catalog and completed backups in both, made
 * without a chain. Every test also shows that no descriptor is left open.
 */
#ifndef SCB_TESTS_JOB_BACKUPS_H
#define SCB_TESTS_JOB_BACKUPS_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <libdeflate.h>

#include "../failing_calls.h"
#include "../temp_dir.h"
#include "base/memory.h"
#include "base/text.h"
#include "job/archive.h"
#include "job/cleanup.h"

#define NOW_MS INT64_C(1709251200000) /* 2024-03-01 */

static int64_t now_ms(void *state)
{
    (void)state;
    return NOW_MS;
}

static const struct scb_clock clock_2024 = {now_ms, now_ms, NULL};

static struct {
    int descriptors;
    char url[600];
    struct scb_cleanup_parts parts;
    struct scb_error error;
} house;

#define assert_ok(call_)                                                                           \
    do {                                                                                           \
        if ((call_) != SCB_OK)                                                                     \
            fail_msg("%s", house.error.message);                                                   \
    } while (0)

static inline void open_catalog(void)
{
    assert_ok(scb_catalog_open(house.url, true, &house.parts.catalog, &house.error));
}

static inline int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

static inline int set_up(void **state)
{
    assert_int_equal(temp_set_up(state), 0);
    calls_reset();
    house.descriptors = count_descriptors();
    house.parts = (struct scb_cleanup_parts){.clock = &clock_2024};
    house.error = (struct scb_error){0};
    struct scb_store_settings settings = {.dir = temp_path("backups"), .group = ""};
    assert_ok(scb_store_open(&settings, true, &house.parts.store, &house.error));
    (void)snprintf(house.url, sizeof(house.url), "sqlite://%s", temp_path("test.db"));
    open_catalog();
    return 0;
}

static inline int tear_down(void **state)
{
    calls_reset();
    scb_catalog_close(house.parts.catalog);
    scb_store_close(house.parts.store);
    assert_int_equal(count_descriptors(), house.descriptors);
    return temp_tear_down(state);
}

/* The database is lost. */
static inline void drop_database(void)
{
    scb_catalog_close(house.parts.catalog);
    static const char *const names[] = {"test.db", "test.db-wal", "test.db-shm"};
    for (size_t i = 0; i < SCB_LENGTH(names); i++)
        (void)unlink(temp_path(names[i]));
    open_catalog();
}

static inline struct scb_manifest sample_manifest(const char *date, uint64_t count)
{
    struct scb_manifest manifest = {.chain_id = 50,
                                    .block_number = 1900,
                                    .block_time = 1705307400,
                                    .total_keys = count,
                                    .total_pages = count,
                                    .page_size = 1,
                                    .program = "satellite test"};
    (void)snprintf(manifest.backup_date, sizeof(manifest.backup_date), "%s", date);
    memset(manifest.contract, 0xab, sizeof(manifest.contract));
    memset(manifest.block_hash, 0xcd, sizeof(manifest.block_hash));
    return manifest;
}

/* Set, the checksums of the pages made below are not those of their content. */
static bool wrong_checksums;

/* The archive of manifest in date's directory: as many pages as it says, of one key each. */
static inline struct scb_backup_record make_archive(const char *date, struct scb_manifest manifest)
{
    static const uint8_t empty_list[] = {0x01, 2, 0, 0xfd, 0xff, '[', ']'}; /* "[]", stored */
    struct scb_backup_dir *dir = NULL;
    struct scb_archive archive;
    struct scb_backup_record record = {.total_keys = (int64_t)manifest.total_keys,
                                       .total_pages = (int64_t)manifest.total_pages,
                                       .completed_at_ms = NOW_MS};
    struct scb_page_entry *pages = calloc(manifest.total_pages, sizeof(*pages));
    uint8_t sha256[SCB_SHA256_SIZE];
    SCB_AUTO(digest) struct scb_digest digest = {0};
    uint64_t size = 0;
    assert_non_null(pages);
    assert_ok(scb_backup_dir_open(house.parts.store, date, true, &dir, &house.error));
    assert_ok(scb_archive_open(
        &archive, &(struct scb_archive_settings){.dir = dir, .backup_date = date}, &house.error));
    for (uint64_t i = 0; i < manifest.total_pages; i++) {
        pages[i] =
            (struct scb_page_entry){.size = 2, .crc32 = libdeflate_crc32(0, "[]", 2), .keys = 1};
        assert_ok(scb_digest_sha256(&digest, (struct scb_bytes){(const uint8_t *)"[]", 2},
                                    pages[i].sha256, &house.error));
        pages[i].sha256[0] ^= wrong_checksums;
        struct scb_bytes deflated = {empty_list, sizeof(empty_list)};
        assert_ok(scb_archive_add_page(&archive, i, &pages[i], deflated, &house.error));
    }
    assert_ok(scb_archive_finish(&archive, &manifest, pages, sha256, &size, &house.error));
    scb_backup_dir_close(dir);
    free(pages);
    (void)snprintf(record.backup_date, sizeof(record.backup_date), "%s", date);
    (void)snprintf(record.backup_file_path, sizeof(record.backup_file_path),
                   "%.23s/backup_%.23s.zip", date, date);
    scb_text_hex(sha256, sizeof(sha256), record.checksum);
    record.file_size = (int64_t)size;
    return record;
}

/* The row of a run that has begun. */
static inline void start_backup(const char *date, uint64_t keys)
{
    struct scb_manifest manifest = sample_manifest(date, keys);
    struct scb_run_record run = {.chain_id = manifest.chain_id,
                                 .block_number = manifest.block_number,
                                 .block_time = manifest.block_time,
                                 .page_size = manifest.page_size,
                                 .total_keys = keys,
                                 .total_pages = keys};
    memcpy(run.backup_date, manifest.backup_date, sizeof(run.backup_date));
    memcpy(run.contract, manifest.contract, sizeof(run.contract));
    memcpy(run.block_hash, manifest.block_hash, sizeof(run.block_hash));
    assert_ok(scb_catalog_start(house.parts.catalog, &run, NOW_MS, &house.error));
}

/* A completed backup, on the disk and in the catalog. */
static inline struct scb_backup_record make_backup(const char *date, uint64_t keys)
{
    struct scb_backup_record record = make_archive(date, sample_manifest(date, keys));
    start_backup(date, keys);
    assert_ok(scb_catalog_complete(house.parts.catalog, &record, &house.error));
    return record;
}

static inline struct scb_backup_record get_backup(const char *date)
{
    struct scb_backup_record record;
    assert_ok(scb_catalog_get(house.parts.catalog, date, &record, &house.error));
    return record;
}

static inline bool is_known(const char *date)
{
    struct scb_backup_record record;
    enum scb_status status = scb_catalog_get(house.parts.catalog, date, &record, NULL);
    assert_true(status == SCB_OK || status == SCB_ERROR_NOT_FOUND);
    return status == SCB_OK;
}

#define IN_HOUSE(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)

#endif
