/* SPDX-License-Identifier: Apache-2.0 */
#include "job/get.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "format/key_index.h"

enum { MAX_NAMED = 16 }; /* pages that the index may name for a key */

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

static bool is_key(const struct scb_entry *entry, struct scb_bytes key)
{
    return entry->key.size == key.size &&
           (key.size == 0 || memcmp(entry->key.data, key.data, key.size) == 0);
}

/* The next so many entries, or all that are left. */
static enum scb_status search(struct scb_backup_reader *reader, uint64_t entries,
                              struct scb_bytes key, struct scb_get_result *result,
                              struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    bool more = true;
    for (uint64_t i = 0; status == SCB_OK && more && result->memory == NULL && i < entries; i++) {
        struct scb_entry entry;
        status = scb_backup_reader_next(reader, &more, &entry, error);
        if (status == SCB_OK && more && is_key(&entry, key))
            status = keep(result, &entry, error);
    }
    result->page_number = scb_backup_reader_page(reader);
    return status;
}

/* The pages that the index beside the archive names; none where there is no good one. */
static size_t ask_index(const struct scb_store *store, const struct scb_backup_reader *reader,
                        struct scb_bytes key, uint64_t ret_pages[MAX_NAMED])
{
    SCB_AUTO(fd) int fd = -1;
    uint64_t size = 0;
    size_t count = MAX_NAMED;
    struct scb_error none = {0};
    struct scb_backup_dir *dir = NULL;
    struct scb_key_index_head head;
    const struct scb_manifest *manifest = scb_backup_reader_manifest(reader);
    enum scb_status status = scb_backup_dir_open(store, manifest->backup_date, false, &dir, &none);
    if (status == SCB_OK)
        status = scb_backup_dir_read(dir, SCB_KEY_INDEX_NAME, &fd, &size, &none);
    if (status == SCB_OK)
        status = scb_key_index_read_head(fd, size, manifest, &head, &none);
    if (status == SCB_OK)
        status = scb_key_index_find(fd, &head, key, ret_pages, &count, &none);
    scb_backup_dir_close(dir);
    return status == SCB_OK ? count : 0;
}

/* Looks into the pages that the index names. *ret_moved says that the reader has moved. */
static enum scb_status search_named(const struct scb_store *store, struct scb_backup_reader *reader,
                                    struct scb_bytes key, struct scb_get_result *result,
                                    bool *ret_moved, struct scb_error *error)
{
    uint64_t pages[MAX_NAMED];
    size_t count = ask_index(store, reader, key, pages);
    enum scb_status status = SCB_OK;
    for (size_t i = 0; status == SCB_OK && i < count && result->memory == NULL; i++) {
        if (pages[i] >= scb_backup_reader_manifest(reader)->total_pages)
            break;
        *ret_moved = true;
        status = scb_backup_reader_skip_to(reader, pages[i], error);
        if (status == SCB_OK)
            status = search(reader, scb_backup_reader_page_keys(reader), key, result, error);
    }
    return status;
}

/* The index is only a hint: where it leads nowhere, the whole archive is looked through. */
static enum scb_status find(const struct scb_store *store, struct scb_catalog *catalog,
                            const struct scb_backup_reader_settings *settings, struct scb_bytes key,
                            struct scb_get_result *result, struct scb_error *error)
{
    struct scb_backup_reader *reader = NULL;
    bool moved = false;
    enum scb_status status = scb_backup_reader_open(store, catalog, settings, &reader, error);
    if (status != SCB_OK)
        return status;
    (void)snprintf(result->backup_date, sizeof(result->backup_date), "%s",
                   scb_backup_reader_record(reader)->backup_date);
    status = search_named(store, reader, key, result, &moved, error);
    if (status == SCB_OK && result->memory == NULL && moved) {
        struct scb_backup_reader_settings again = *settings;
        again.backup_date = result->backup_date;
        scb_backup_reader_close(reader);
        reader = NULL;
        status = scb_backup_reader_open(store, catalog, &again, &reader, error);
    }
    if (status == SCB_OK && result->memory == NULL)
        status = search(reader, UINT64_MAX, key, result, error);
    scb_backup_reader_close(reader);
    return status;
}

enum scb_status scb_get(const struct scb_store *store, struct scb_catalog *catalog,
                        const struct scb_backup_reader_settings *settings, struct scb_bytes key,
                        struct scb_get_result *ret_result, struct scb_error *error)
{
    struct scb_get_result result = {0};
    enum scb_status status = find(store, catalog, settings, key, &result, error);
    if (status == SCB_OK && result.memory == NULL) {
        char printable[128];
        status = scb_error_set(error, SCB_ERROR_NOT_FOUND, "no key '%s' in backup %s",
                               scb_text_printable(key, printable, sizeof(printable)),
                               result.backup_date);
    }
    if (status == SCB_OK)
        *ret_result = result;
    else
        scb_get_result_free(&result);
    return status;
}

void scb_get_result_free(struct scb_get_result *result)
{
    free(result->memory);
    *result = (struct scb_get_result){0};
}
