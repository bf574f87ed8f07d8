/* SPDX-License-Identifier: Apache-2.0 */
#include "job/get.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

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

static enum scb_status search(struct scb_backup_reader *reader, struct scb_bytes key,
                              struct scb_get_result *result, struct scb_error *error)
{
    bool more = true;
    enum scb_status status = SCB_OK;
    while (status == SCB_OK && more && result->memory == NULL) {
        struct scb_entry entry;
        status = scb_backup_reader_next(reader, &more, &entry, error);
        if (status == SCB_OK && more && entry.key.size == key.size &&
            memcmp(entry.key.data, key.data, key.size) == 0)
            status = keep(result, &entry, error);
    }
    result->page_number = scb_backup_reader_page(reader);
    return status;
}

enum scb_status scb_get(const struct scb_store *store, struct scb_catalog *catalog,
                        const struct scb_backup_reader_settings *settings, struct scb_bytes key,
                        struct scb_get_result *ret_result, struct scb_error *error)
{
    struct scb_get_result result = {0};
    struct scb_backup_reader *reader = NULL;
    enum scb_status status = scb_backup_reader_open(store, catalog, settings, &reader, error);
    if (status != SCB_OK)
        return status;
    (void)snprintf(result.backup_date, sizeof(result.backup_date), "%s",
                   scb_backup_reader_record(reader)->backup_date);
    status = search(reader, key, &result, error);
    scb_backup_reader_close(reader);
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
