/* SPDX-License-Identifier: Apache-2.0 */
#include "job/storage.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "store/inventory.h"

enum { LAST = 10, MAX_DAYS = 100000, DAY_MS = 86400000 };

static int64_t instant_of(const struct scb_storage_backup *backup)
{
    int64_t real_ms = 0;
    (void)!scb_backup_date_parse(backup->backup_date, &real_ms, NULL); /* it is valid */
    return real_ms;
}

void scb_storage_forecast(const struct scb_storage_backup *backups, size_t count,
                          uint64_t min_free_bytes, struct scb_storage_status *status)
{
    const struct scb_storage_backup *last[LAST];
    size_t found = 0;
    double bytes = 0;
    status->bytes_per_backup = status->days_until_full = -1;
    for (size_t i = 0; i < count && found < LAST; i++)
        if (backups[i].known && backups[i].state == SCB_BACKUP_COMPLETED && backups[i].bytes > 0)
            last[found++] = &backups[i];
    for (size_t i = 0; i < found; i++)
        bytes += (double)last[i]->bytes;
    if (found == 0)
        return;
    double each = bytes / (double)found;
    status->bytes_per_backup = (int64_t)each;
    int64_t span_ms = instant_of(last[0]) - instant_of(last[found - 1]);
    if (span_ms <= 0)
        return;
    double per_day = each * (double)(found - 1) * DAY_MS / (double)span_ms;
    uint64_t room = status->free_bytes > min_free_bytes ? status->free_bytes - min_free_bytes : 0;
    double days = (double)room / per_day;
    status->days_until_full = days < MAX_DAYS ? (int64_t)days : MAX_DAYS;
}

/* The rows and the directories, merged. */
struct merged {
    const struct scb_inventory *inventory;
    size_t next; /* directory not yet taken; both are newest first */
    struct scb_storage_backup *backups;
    size_t count, room;
};

static enum scb_status add(struct merged *merged, const struct scb_storage_backup *backup,
                           struct scb_error *error)
{
    if (merged->count == merged->room) {
        merged->room = merged->room == 0 ? 64 : merged->room * 2;
        void *grown = scb_realloc(merged->backups, merged->room, sizeof(*backup), error);
        if (grown == NULL)
            return SCB_ERROR_RESOURCE;
        merged->backups = grown;
    }
    merged->backups[merged->count++] = *backup;
    return SCB_OK;
}

/* Adds the directories without a row that are newer than date (all that are left for ""). */
static enum scb_status add_unknown(struct merged *merged, const char *date, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    while (status == SCB_OK && merged->next < merged->inventory->count) {
        const struct scb_inventory_entry *files = &merged->inventory->entries[merged->next];
        if (strcmp(files->backup_date, date) <= 0)
            break;
        struct scb_storage_backup backup = {.bytes = files->bytes, .total_keys = -1};
        memcpy(backup.backup_date, files->backup_date, sizeof(backup.backup_date));
        status = add(merged, &backup, error);
        merged->next++;
    }
    return status;
}

static enum scb_status add_known(void *state, const struct scb_backup_record *record,
                                 struct scb_error *error)
{
    struct merged *merged = state;
    enum scb_status status = add_unknown(merged, record->backup_date, error);
    if (status != SCB_OK)
        return status;
    struct scb_storage_backup backup = {.known = true,
                                        .held = record->held,
                                        .state = record->state,
                                        .total_keys = record->total_keys};
    memcpy(backup.backup_date, record->backup_date, sizeof(backup.backup_date));
    if (merged->next < merged->inventory->count) {
        const struct scb_inventory_entry *files = &merged->inventory->entries[merged->next];
        if (strcmp(files->backup_date, record->backup_date) == 0) {
            backup.bytes = files->bytes;
            merged->next++;
        }
    }
    return add(merged, &backup, error);
}

enum scb_status scb_storage_run(const struct scb_store *store, struct scb_catalog *catalog,
                                uint64_t min_free_bytes, scb_storage_visitor visit, void *state,
                                struct scb_storage_status *ret_status, struct scb_error *error)
{
    SCB_AUTO(inventory) struct scb_inventory inventory = {0};
    struct merged merged = {.inventory = &inventory};
    uint64_t others_too = 0;
    *ret_status = (struct scb_storage_status){0};
    enum scb_status status = scb_inventory_load(store, &inventory, error);
    if (status == SCB_OK)
        status = scb_store_space(store, &others_too, &ret_status->free_bytes, error);
    if (status == SCB_OK && catalog != NULL)
        status = scb_catalog_list(catalog, 0, add_known, &merged, error);
    if (status == SCB_OK)
        status = add_unknown(&merged, "", error);
    ret_status->backups = merged.count;
    ret_status->used_bytes = inventory.other_bytes;
    for (size_t i = 0; i < merged.count && status == SCB_OK; i++) {
        ret_status->used_bytes += merged.backups[i].bytes;
        status = visit(state, &merged.backups[i], error);
    }
    if (status == SCB_OK)
        scb_storage_forecast(merged.backups, merged.count, min_free_bytes, ret_status);
    free(merged.backups);
    return status;
}
