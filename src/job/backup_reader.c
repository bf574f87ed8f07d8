/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: a page is inflated into memory, hashed there and then parsed; one too large for that is
 * inflated twice, first for its checksum, then for its entries.
 */
#include "job/backup_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "crypto/digest.h"
#include "format/zip.h"

enum {
    MAX_MANIFEST = 1 << 30, /* some 8 million pages */
    MAX_WHOLE = 8 << 20,    /* the largest page that is held in memory */
    CHUNK = 64 * 1024,
};

struct scb_backup_reader {
    struct scb_page_limits limits;
    struct scb_backup_record record;
    struct scb_manifest manifest;
    struct scb_manifest_page *pages;
    struct scb_store_lock *lock;
    struct scb_zip_reader *zip;
    struct scb_digest digest;
    struct scb_buffer page;          /* the page in memory */
    size_t page_at;                  /* how much of it has been parsed */
    struct scb_page_reader *entries; /* of the page; NULL between pages */
    uint64_t next_page;
    uint64_t count; /* entries given of the page */
};

/* The pages' checksums, so that the archive's one entry at a time can then be a page. */
static enum scb_status read_pages(struct scb_backup_reader *reader, struct scb_error *error)
{
    struct scb_input input;
    struct scb_manifest_reader *manifest = NULL;
    enum scb_status status =
        scb_zip_reader_open(reader->zip, SCB_MANIFEST_NAME, MAX_MANIFEST, &input, error);
    if (status == SCB_OK)
        status = scb_manifest_reader_new(input, &reader->manifest, &manifest, error);
    size_t room = 0, count = 0;
    bool more = status == SCB_OK;
    while (status == SCB_OK && more) {
        if (count == room) {
            room = room == 0 ? 64 : room * 2;
            struct scb_manifest_page *grown =
                scb_realloc(reader->pages, room, sizeof(*reader->pages), error);
            status = grown == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
            reader->pages = grown == NULL ? reader->pages : grown;
        }
        if (status == SCB_OK)
            status = scb_manifest_reader_next(manifest, &more, &reader->pages[count], error);
        count += status == SCB_OK && more;
    }
    scb_manifest_reader_free(manifest);
    return status;
}

enum scb_status scb_backup_find(struct scb_catalog *catalog, const char *backup_date,
                                struct scb_backup_record *ret_backup, struct scb_error *error)
{
    if (backup_date == NULL)
        return scb_catalog_newest(catalog, true, ret_backup, error);
    enum scb_status status = scb_backup_date_parse(backup_date, NULL, error);
    if (status == SCB_OK)
        status = scb_catalog_get(catalog, backup_date, ret_backup, error);
    if (status == SCB_OK && ret_backup->state != SCB_BACKUP_COMPLETED) {
        scb_error_set(error, SCB_ERROR_NOT_FOUND, "backup %s is %s", backup_date,
                      scb_backup_state_name(ret_backup->state));
        return scb_error_hint(error, "only completed backups can be read");
    }
    return status;
}

static enum scb_status open_archive(struct scb_backup_reader *reader, const struct scb_store *store,
                                    struct scb_error *error)
{
    const char *backup_date = reader->record.backup_date;
    char name[SCB_ARCHIVE_NAME_SIZE];
    scb_archive_name(backup_date, name);
    SCB_AUTO(fd) int fd = -1;
    uint64_t size = 0;
    struct scb_backup_dir *dir = NULL;
    enum scb_status status = scb_store_lock_shared(store, backup_date, &reader->lock, error);
    if (status == SCB_OK)
        status = scb_backup_dir_open(store, backup_date, false, &dir, error);
    if (status == SCB_OK)
        status = scb_backup_dir_read(dir, name, &fd, &size, error);
    scb_backup_dir_close(dir);
    if (status == SCB_OK)
        status = scb_zip_reader_new(fd, &reader->zip, error);
    if (status == SCB_OK)
        status = read_pages(reader, error);
    if (status == SCB_OK && strcmp(reader->manifest.backup_date, backup_date) != 0)
        status = scb_error_set(error, SCB_ERROR_INTEGRITY, "its manifest is that of backup %s",
                               reader->manifest.backup_date);
    return status;
}

enum scb_status scb_backup_reader_open(const struct scb_store *store, struct scb_catalog *catalog,
                                       const struct scb_backup_reader_settings *settings,
                                       struct scb_backup_reader **ret_reader,
                                       struct scb_error *error)
{
    struct scb_backup_reader *reader = scb_alloc(1, sizeof(*reader), error);
    if (reader == NULL)
        return SCB_ERROR_RESOURCE;
    reader->limits = settings->limits;
    reader->page.max = MAX_WHOLE;
    enum scb_status status =
        scb_backup_find(catalog, settings->backup_date, &reader->record, error);
    if (status == SCB_OK && open_archive(reader, store, error) != SCB_OK)
        status = scb_error_wrap(error, "backup %s", reader->record.backup_date);
    if (status != SCB_OK) {
        scb_backup_reader_close(reader);
        return status;
    }
    *ret_reader = reader;
    return SCB_OK;
}

void scb_backup_reader_close(struct scb_backup_reader *reader)
{
    if (reader == NULL)
        return;
    scb_page_reader_free(reader->entries);
    scb_buffer_free(&reader->page);
    scb_digest_free(&reader->digest);
    scb_zip_reader_free(reader->zip);
    scb_store_unlock(reader->lock);
    free(reader->pages);
    free(reader);
}

const struct scb_backup_record *scb_backup_reader_record(const struct scb_backup_reader *reader)
{
    return &reader->record;
}

const struct scb_manifest *scb_backup_reader_manifest(const struct scb_backup_reader *reader)
{
    return &reader->manifest;
}

uint64_t scb_backup_reader_page(const struct scb_backup_reader *reader)
{
    return reader->next_page == 0 ? 0 : reader->next_page - 1;
}

/* Hashes all that input gives; keeps it too where the page is small enough. */
static enum scb_status hash_page(struct scb_backup_reader *reader, struct scb_input input,
                                 bool whole, struct scb_error *error)
{
    uint8_t chunk[CHUNK];
    size_t size = 1;
    scb_buffer_clear(&reader->page);
    enum scb_status status = scb_digest_begin(&reader->digest, error);
    while (status == SCB_OK && size > 0) {
        status = input.read(input.state, chunk, sizeof(chunk), &size, error);
        if (status == SCB_OK)
            status = scb_digest_update(&reader->digest, chunk, size, error);
        if (status == SCB_OK && whole)
            status = scb_buffer_append(&reader->page, chunk, size, error);
    }
    return status;
}

static enum scb_status check_page(struct scb_backup_reader *reader, struct scb_input input,
                                  const struct scb_manifest_page *page, struct scb_error *error)
{
    uint8_t sha256[SCB_SHA256_SIZE];
    enum scb_status status = hash_page(reader, input, page->size <= MAX_WHOLE, error);
    if (status == SCB_OK)
        status = scb_digest_end(&reader->digest, sha256, error);
    if (status == SCB_OK && memcmp(sha256, page->sha256, sizeof(sha256)) != 0)
        status = scb_error_set(error, SCB_ERROR_INTEGRITY, "not the checksum of the manifest");
    return status;
}

static enum scb_status read_held(void *state, void *data, size_t size, size_t *ret_size,
                                 struct scb_error *error)
{
    (void)error;
    struct scb_backup_reader *reader = state;
    size_t left = reader->page.size - reader->page_at;
    *ret_size = size < left ? size : left;
    if (*ret_size > 0)
        memcpy(data, reader->page.data + reader->page_at, *ret_size);
    reader->page_at += *ret_size;
    return SCB_OK;
}

/* Opens the next page, checked. */
static enum scb_status begin_page(struct scb_backup_reader *reader, struct scb_error *error)
{
    const struct scb_manifest_page *page = &reader->pages[reader->next_page++];
    char name[SCB_PAGE_NAME_SIZE];
    scb_page_file_name(page->number, name);
    struct scb_input input;
    enum scb_status status = scb_zip_reader_open(reader->zip, name, page->size, &input, error);
    if (status == SCB_OK)
        status = check_page(reader, input, page, error);
    if (status == SCB_OK && page->size > MAX_WHOLE)
        status = scb_zip_reader_open(reader->zip, name, page->size, &input, error);
    else
        input = (struct scb_input){read_held, reader};
    reader->page_at = 0;
    reader->count = 0;
    return status == SCB_OK ? scb_page_reader_new(input, reader->limits, &reader->entries, error)
                            : status;
}

static enum scb_status end_page(struct scb_backup_reader *reader, struct scb_error *error)
{
    const struct scb_manifest_page *page = &reader->pages[reader->next_page - 1];
    scb_page_reader_free(reader->entries);
    reader->entries = NULL;
    if (reader->count == page->keys)
        return SCB_OK;
    return scb_error_set(error, SCB_ERROR_INTEGRITY,
                         "%" PRIu64 " entries, the manifest says %" PRIu64, reader->count,
                         page->keys);
}

/* Names the page that is at fault. */
static enum scb_status blame(const struct scb_backup_reader *reader, struct scb_error *error)
{
    char name[SCB_PAGE_NAME_SIZE];
    scb_page_file_name(scb_backup_reader_page(reader), name);
    enum scb_status status =
        scb_error_wrap(error, "backup %s: %s", reader->record.backup_date, name);
    if (status == SCB_ERROR_INTEGRITY)
        scb_error_hint(error, "the archive is damaged; take another backup's");
    return status;
}

enum scb_status scb_backup_reader_next(struct scb_backup_reader *reader, bool *ret_more,
                                       struct scb_entry *ret_entry, struct scb_error *error)
{
    for (;;) {
        enum scb_status status = SCB_OK;
        bool more = false;
        if (reader->entries == NULL && reader->next_page == reader->manifest.total_pages) {
            *ret_more = false;
            return SCB_OK;
        }
        if (reader->entries == NULL)
            status = begin_page(reader, error);
        if (status == SCB_OK)
            status = scb_page_reader_next(reader->entries, &more, ret_entry, error);
        if (status == SCB_OK && !more)
            status = end_page(reader, error);
        if (status != SCB_OK)
            return blame(reader, error);
        if (more) {
            reader->count++;
            *ret_more = true;
            return SCB_OK;
        }
    }
}
