/* SPDX-License-Identifier: Apache-2.0 */
#include "job/get.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "format/manifest.h"
#include "format/zip.h"

enum { MAX_MANIFEST = 1 << 30 }; /* some 8 million pages */

/* A page on its way through the digest to its reader. */
struct hashed_input {
    struct scb_input input;
    struct scb_digest *digest;
};

static enum scb_status read_hashed(void *state, void *data, size_t size, size_t *ret_size,
                                   struct scb_error *error)
{
    struct hashed_input *hashed = state;
    enum scb_status status = hashed->input.read(hashed->input.state, data, size, ret_size, error);
    return status != SCB_OK ? status : scb_digest_update(hashed->digest, data, *ret_size, error);
}

static struct scb_bytes put(uint8_t **at, struct scb_bytes bytes)
{
    struct scb_bytes copy = {*at, bytes.size};
    if (bytes.size > 0)
        memcpy(*at, bytes.data, bytes.size);
    *at += bytes.size;
    return copy;
}

static enum scb_status keep(struct scb_get_result *result, const struct scb_entry *entry,
                            struct scb_error *error)
{
    size_t size = entry->key.size + entry->value.size + entry->version_id.size;
    result->memory = scb_alloc(size + 1, 1, error);
    if (result->memory == NULL)
        return SCB_ERROR_RESOURCE;
    uint8_t *at = result->memory;
    result->entry.key = put(&at, entry->key);
    result->entry.value = put(&at, entry->value);
    result->entry.version_id = put(&at, entry->version_id);
    return SCB_OK;
}

/* Reads a page to its end, so that its checksum is known before anything of it is given out. */
static enum scb_status search_entries(struct scb_page_reader *reader, struct scb_bytes key,
                                      struct scb_get_result *result, struct scb_error *error)
{
    bool more = true;
    enum scb_status status = SCB_OK;
    while (status == SCB_OK && more) {
        struct scb_entry entry;
        status = scb_page_reader_next(reader, &more, &entry, error);
        if (status == SCB_OK && more && result->memory == NULL && entry.key.size == key.size &&
            memcmp(entry.key.data, key.data, key.size) == 0)
            status = keep(result, &entry, error);
    }
    return status;
}

static enum scb_status search_page(struct scb_zip_reader *zip, const struct scb_manifest_page *page,
                                   const struct scb_get_settings *settings, struct scb_bytes key,
                                   struct scb_get_result *result, struct scb_error *error)
{
    char name[SCB_PAGE_NAME_SIZE];
    scb_page_file_name(page->number, name);
    SCB_AUTO(digest) struct scb_digest digest = {0};
    struct hashed_input hashed = {.digest = &digest};
    struct scb_page_reader *reader = NULL;
    enum scb_status status = scb_zip_reader_open(zip, name, page->size, &hashed.input, error);
    if (status == SCB_OK)
        status = scb_digest_begin(&digest, error);
    if (status == SCB_OK)
        status = scb_page_reader_new((struct scb_input){read_hashed, &hashed}, settings->limits,
                                     &reader, error);
    if (status == SCB_OK)
        status = search_entries(reader, key, result, error);
    scb_page_reader_free(reader);
    uint8_t sha256[SCB_SHA256_SIZE];
    if (status == SCB_OK)
        status = scb_digest_end(&digest, sha256, error);
    if (status == SCB_OK && memcmp(sha256, page->sha256, sizeof(sha256)) != 0)
        status = scb_error_set(error, SCB_ERROR_INTEGRITY, "not the checksum of the manifest");
    if (status != SCB_OK) {
        scb_error_wrap(error, "%s", name);
        return status != SCB_ERROR_INTEGRITY
                   ? status
                   : scb_error_hint(error, "the archive is damaged; take another backup's");
    }
    return SCB_OK;
}

/* The pages' checksums, so that the archive's one entry at a time can then be a page. */
static enum scb_status read_pages(struct scb_zip_reader *zip, struct scb_manifest *manifest,
                                  struct scb_manifest_page **ret_pages, struct scb_error *error)
{
    struct scb_input input;
    struct scb_manifest_reader *reader = NULL;
    enum scb_status status =
        scb_zip_reader_open(zip, SCB_MANIFEST_NAME, MAX_MANIFEST, &input, error);
    if (status == SCB_OK)
        status = scb_manifest_reader_new(input, manifest, &reader, error);
    struct scb_manifest_page *pages = NULL;
    size_t room = 0, count = 0;
    bool more = status == SCB_OK;
    while (status == SCB_OK && more) {
        if (count == room) {
            room = room == 0 ? 64 : room * 2;
            struct scb_manifest_page *grown = scb_realloc(pages, room, sizeof(*pages), error);
            status = grown == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
            pages = grown == NULL ? pages : grown;
        }
        if (status == SCB_OK)
            status = scb_manifest_reader_next(reader, &more, &pages[count], error);
        count += status == SCB_OK && more;
    }
    scb_manifest_reader_free(reader);
    if (status != SCB_OK) {
        free(pages);
        return status;
    }
    *ret_pages = pages;
    return SCB_OK;
}

static enum scb_status search(struct scb_zip_reader *zip, const struct scb_get_settings *settings,
                              struct scb_bytes key, struct scb_get_result *result,
                              struct scb_error *error)
{
    struct scb_manifest manifest;
    struct scb_manifest_page *pages = NULL;
    enum scb_status status = read_pages(zip, &manifest, &pages, error);
    if (status != SCB_OK)
        return status;
    for (uint64_t i = 0; i < manifest.total_pages && status == SCB_OK && result->memory == NULL;
         i++) {
        result->page_number = i;
        status = search_page(zip, &pages[i], settings, key, result, error);
    }
    free(pages);
    return status;
}

static enum scb_status find_backup(struct scb_catalog *catalog, const char *backup_date,
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

enum scb_status scb_get(const struct scb_store *store, struct scb_catalog *catalog,
                        const struct scb_get_settings *settings, struct scb_bytes key,
                        struct scb_get_result *ret_result, struct scb_error *error)
{
    struct scb_get_result result = {0};
    struct scb_backup_record backup;
    enum scb_status status = find_backup(catalog, settings->backup_date, &backup, error);
    if (status != SCB_OK)
        return status;
    (void)snprintf(result.backup_date, sizeof(result.backup_date), "%s", backup.backup_date);
    char name[SCB_ARCHIVE_NAME_SIZE];
    scb_archive_name(backup.backup_date, name);
    SCB_AUTO(fd) int fd = -1;
    uint64_t size = 0;
    struct scb_backup_dir *dir = NULL;
    struct scb_zip_reader *zip = NULL;
    struct scb_store_lock *lock = NULL;
    status = scb_store_lock_shared(store, backup.backup_date, &lock, error);
    if (status == SCB_OK)
        status = scb_backup_dir_open(store, backup.backup_date, false, &dir, error);
    if (status == SCB_OK)
        status = scb_backup_dir_read(dir, name, &fd, &size, error);
    if (status == SCB_OK)
        status = scb_zip_reader_new(fd, &zip, error);
    if (status == SCB_OK)
        status = search(zip, settings, key, &result, error);
    scb_zip_reader_free(zip);
    scb_backup_dir_close(dir);
    scb_store_unlock(lock);
    if (status != SCB_OK) {
        scb_get_result_free(&result);
        return scb_error_wrap(error, "backup %s", backup.backup_date);
    }
    if (result.memory == NULL) {
        char printable[128];
        return scb_error_set(error, SCB_ERROR_NOT_FOUND, "no key '%s' in backup %s",
                             scb_text_printable(key, printable, sizeof(printable)),
                             backup.backup_date);
    }
    *ret_result = result;
    return SCB_OK;
}

void scb_get_result_free(struct scb_get_result *result)
{
    free(result->memory);
    *result = (struct scb_get_result){0};
}
