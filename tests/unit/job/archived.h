/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of what reads backups: completed ones with real entries, in the house of backups.h.
 */
#ifndef SCB_TESTS_JOB_ARCHIVED_H
#define SCB_TESTS_JOB_ARCHIVED_H

#include <sqlite3.h>

#include "backups.h"
#include "crypto/age_identity_file.h"
#include "format/page.h"
#include "job/backup_keys.h"
#include "job/page_seal.h"

enum { MAX_ARCHIVED_PAGE = 32 << 20, WHOLE_PAGE = 8 << 20 };

/* What the next manifests say of odd entries. */
static struct scb_warnings archived_warnings;
/* Whom the next backups are encrypted to, and who signs them; nobody. */
static struct scb_age_recipients archived_recipients;
static const struct scb_identity *archived_signer;
static const struct scb_age_recipients *said_recipients; /* whom manifests name; NULL: those */

static inline struct scb_bytes bytes_of(const char *text)
{
    return (struct scb_bytes){(const uint8_t *)text, strlen(text)};
}

static inline struct scb_entry entry_of(const char *key, const char *value, const char *version)
{
    return (struct scb_entry){bytes_of(key), bytes_of(value), bytes_of(version)};
}

static inline enum scb_status archived_take(void *state, const void *data, size_t size,
                                            struct scb_error *error)
{
    return scb_buffer_append(state, data, size, error);
}

/* age(gzip(page)), in pieces. */
static inline void archived_encrypt(struct scb_bytes page, struct scb_buffer *file)
{
    struct scb_page_seal *seal = NULL;
    assert_ok(scb_page_seal_new(&archived_recipients, (struct scb_sink){archived_take, file}, &seal,
                                &house.error));
    assert_ok(scb_page_seal_write(seal, page.data, page.size, &house.error));
    assert_ok(scb_page_seal_end(seal, &house.error));
    scb_page_seal_free(seal);
}

/* The page file of these entries, beside the archive and in it. */
static inline void archive_page(struct scb_archive *archive, struct scb_backup_dir *dir,
                                uint64_t number, const struct scb_entry *entries, size_t count,
                                struct scb_page_entry *page)
{
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_ARCHIVED_PAGE};
    SCB_AUTO(buffer) struct scb_buffer file = {.max = MAX_ARCHIVED_PAGE};
    SCB_AUTO(buffer) struct scb_buffer deflated = {.max = MAX_ARCHIVED_PAGE};
    const bool encrypted = archived_recipients.count > 0;
    SCB_AUTO(digest) struct scb_digest digest = {0};
    char name[SCB_PAGE_NAME_SIZE];
    struct scb_page_writer writer;
    struct scb_deflater *deflater = NULL;
    scb_page_writer_begin(&writer, &text, (struct scb_sink){0});
    for (size_t i = 0; i < count; i++)
        assert_ok(scb_page_writer_append(&writer, &entries[i], &house.error));
    assert_ok(scb_page_writer_end(&writer, &house.error));
    if (encrypted)
        archived_encrypt(scb_buffer_bytes(&text), &file);
    struct scb_bytes bytes = scb_buffer_bytes(encrypted ? &file : &text);
    *page = (struct scb_page_entry){.size = bytes.size, .keys = (uint32_t)count};
    assert_ok(scb_digest_sha256(&digest, bytes, page->sha256, &house.error));
    scb_page_file_name(number, encrypted, name);
    assert_ok(scb_backup_dir_write(dir, name, bytes, &house.error));
    assert_ok(scb_deflater_new(&deflater, &house.error));
    if (!encrypted && bytes.size <= WHOLE_PAGE)
        assert_ok(scb_deflater_run(deflater, bytes, &deflated, &page->crc32, &house.error));
    else
        page->crc32 = libdeflate_crc32(0, bytes.data, bytes.size);
    scb_deflater_free(deflater);
    struct scb_bytes packed = scb_buffer_bytes(&deflated);
    if (encrypted && bytes.size <= WHOLE_PAGE)
        packed = bytes;
    assert_ok(scb_archive_add_page(archive, number, page, packed, &house.error));
}

/* A completed backup of these entries, on the disk and in the catalog. */
static inline struct scb_backup_record
archive_entries(const char *date, const struct scb_entry *entries, size_t count, size_t page_size)
{
    struct scb_manifest manifest = sample_manifest(date, count);
    manifest.page_size = page_size;
    manifest.warnings = archived_warnings;
    manifest.recipients = said_recipients == NULL ? archived_recipients : *said_recipients;
    manifest.total_pages = count == 0 ? 1 : (count + page_size - 1) / page_size;
    struct scb_page_entry *pages = calloc(manifest.total_pages, sizeof(*pages));
    struct scb_page_record *rows = calloc(manifest.total_pages, sizeof(*rows));
    struct scb_backup_dir *dir = NULL;
    struct scb_archive archive;
    uint8_t sha256[SCB_SHA256_SIZE];
    uint64_t size = 0;
    assert_true(pages != NULL && rows != NULL);
    assert_ok(scb_backup_dir_open(house.parts.store, date, true, &dir, &house.error));
    const struct scb_archive_settings settings = {.dir = dir,
                                                  .backup_date = date,
                                                  .encrypted = archived_recipients.count > 0,
                                                  .identity = archived_signer};
    assert_ok(scb_archive_open(&archive, &settings, &house.error));
    for (uint64_t i = 0; i < manifest.total_pages; i++) {
        size_t done = i * page_size, left = count - done;
        archive_page(&archive, dir, i, entries + done, left < page_size ? left : page_size,
                     &pages[i]);
        rows[i] = (struct scb_page_record){.page_number = i,
                                           .state = SCB_BACKUP_COMPLETED,
                                           .keys_count = pages[i].keys,
                                           .file_size = pages[i].size};
        memcpy(rows[i].sha256, pages[i].sha256, sizeof(rows[i].sha256));
    }
    assert_ok(scb_archive_finish(&archive, &manifest, pages, sha256, &size, &house.error));
    assert_ok(scb_backup_dir_publish(dir, &house.error));
    scb_backup_dir_close(dir);
    start_backup(date, count);
    assert_ok(scb_catalog_record_pages(house.parts.catalog, date, rows, manifest.total_pages,
                                       &house.error));
    struct scb_backup_record record = {.total_keys = (int64_t)count,
                                       .total_pages = (int64_t)manifest.total_pages,
                                       .completed_at_ms = NOW_MS,
                                       .file_size = (int64_t)size};
    (void)snprintf(record.backup_date, sizeof(record.backup_date), "%s", date);
    (void)snprintf(record.backup_file_path, sizeof(record.backup_file_path),
                   "%.23s/backup_%.23s.zip", date, date);
    scb_text_hex(sha256, sizeof(sha256), record.checksum);
    assert_ok(scb_catalog_complete(house.parts.catalog, &record, &house.error));
    free(pages);
    free(rows);
    return get_backup(date);
}

/* A completed backup of one page whose manifest, right in itself, says another number of keys. */
static inline void archive_said_to_have(const char *date, uint64_t keys,
                                        const struct scb_entry *entries, size_t count)
{
    struct scb_manifest manifest = sample_manifest(date, keys);
    struct scb_backup_record record = {.total_keys = (int64_t)keys, .total_pages = 1};
    struct scb_backup_dir *dir = NULL;
    struct scb_archive archive;
    struct scb_page_entry page;
    uint8_t sha256[SCB_SHA256_SIZE];
    uint64_t size = 0;
    manifest.total_pages = 1;
    manifest.page_size = keys;
    assert_ok(scb_backup_dir_open(house.parts.store, date, true, &dir, &house.error));
    assert_ok(scb_archive_open(
        &archive, &(struct scb_archive_settings){.dir = dir, .backup_date = date}, &house.error));
    archive_page(&archive, dir, 0, entries, count, &page);
    page.keys = (uint32_t)keys;
    assert_ok(scb_archive_finish(&archive, &manifest, &page, sha256, &size, &house.error));
    assert_ok(scb_backup_dir_publish(dir, &house.error));
    scb_backup_dir_close(dir);
    start_backup(date, keys);
    (void)snprintf(record.backup_date, sizeof(record.backup_date), "%s", date);
    scb_text_hex(sha256, sizeof(sha256), record.checksum);
    record.file_size = (int64_t)size;
    assert_ok(scb_catalog_complete(house.parts.catalog, &record, &house.error));
}

/*
 * The next backups are encrypted to a new identity, whose file lies below the test's directory
 * under that name.
 */
static inline void encrypt_from_now_on(const char *name)
{
    char text[SCB_AGE_IDENTITY_FILE_TEXT_SIZE];
    assert_ok(
        scb_age_identity_file_generate(NOW_MS, text, &archived_recipients.items[0], &house.error));
    archived_recipients.count = 1;
    temp_write(name, text);
    assert_int_equal(chmod(temp_path(name), 0600), 0);
}

static inline struct scb_backup_keys *keys_of(const char *name, const char *const *trusted)
{
    static char path[600];
    struct scb_backup_keys *keys = NULL;
    (void)snprintf(path, sizeof(path), "%s", name == NULL ? "" : temp_path(name));
    const struct scb_backup_keys_settings settings = {.identity_file = path, .trusted = trusted};
    assert_ok(scb_backup_keys_new(&settings, &keys, &house.error));
    return keys;
}

/* The archive's path below the test's directory. */
static inline const char *archive_name(const char *date)
{
    static char name[96];
    (void)snprintf(name, sizeof(name), "backups/%s/backup_%s.zip", date, date);
    return name;
}

/* All of a file below the test's directory. */
static inline void read_whole(const char *name, struct scb_buffer *out)
{
    size_t size = (size_t)temp_stat(name).st_size, got = 0;
    int fd = open(temp_path(name), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_ok(scb_buffer_reserve(out, size, &house.error));
    assert_ok(scb_file_read(fd, name, out->data + out->size, size, &got, &house.error));
    assert_int_equal(got, size);
    out->size += size;
    assert_int_equal(syscall(SYS_close, fd), 0);
}

/* Replaces one byte of a file by its exclusive or with mask. */
static inline void flip(const char *name, off_t offset, uint8_t mask)
{
    uint8_t byte = 0;
    int fd = open(temp_path(name), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= mask;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    assert_int_equal(syscall(SYS_close, fd), 0);
}

/* Writes over a file from its begin on, which stays the same file. */
static inline void overwrite(const char *name, struct scb_bytes bytes)
{
    int fd = open(temp_path(name), O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes.data, bytes.size, 0), bytes.size);
    assert_int_equal(syscall(SYS_close, fd), 0);
}

/* What no call of the catalog's does. */
static inline void change_database(const char *sql)
{
    sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open(temp_path("test.db"), &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

#endif
