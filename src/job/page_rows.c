/* SPDX-License-Identifier: Apache-2.0 */
#include "job/page_rows.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum {
    BATCH = 256,    /* in one transaction, as long as all goes well */
    BATCH_MS = 200, /* a row waits no longer for its transaction */
};

enum scb_status scb_page_rows_init(struct scb_page_rows *rows,
                                   const struct scb_page_rows_settings *settings,
                                   struct scb_error *error)
{
    *rows = (struct scb_page_rows){.settings = *settings};
    rows->records = scb_alloc(BATCH + settings->most_under_way, sizeof(*rows->records), error);
    return rows->records == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
}

void scb_page_rows_free(struct scb_page_rows *rows)
{
    free(rows->records);
}

static struct scb_page_record *next_row(struct scb_page_rows *rows, uint64_t number,
                                        enum scb_backup_state state)
{
    const struct scb_clock *clock = rows->settings.clock;
    assert(rows->count < BATCH + rows->settings.most_under_way);
    if (rows->count == 0)
        rows->since_ms = scb_clock_monotonic_ms(clock);
    struct scb_page_record *record = &rows->records[rows->count++];
    *record = (struct scb_page_record){
        .page_number = number, .state = state, .completed_at_ms = scb_clock_real_ms(clock)};
    return record;
}

void scb_page_rows_completed(struct scb_page_rows *rows, const struct scb_page_work *page)
{
    struct scb_page_record *record = next_row(rows, page->number, SCB_BACKUP_COMPLETED);
    record->keys_count = page->keys;
    record->file_size = page->size;
    record->empty_keys = page->check.warnings.empty_keys;
    record->empty_versions = page->check.warnings.empty_versions;
    record->duplicate_keys = page->check.warnings.duplicate_keys;
    memcpy(record->sha256, page->sha256, SCB_SHA256_SIZE);
    (void)snprintf(record->file_path, sizeof(record->file_path), "%s/%s",
                   rows->settings.backup_date, page->name);
}

void scb_page_rows_failed(struct scb_page_rows *rows, uint64_t number,
                          const struct scb_error *failure)
{
    struct scb_page_record *record = next_row(rows, number, SCB_BACKUP_FAILED);
    (void)snprintf(record->error_message, sizeof(record->error_message), "%s: %.480s",
                   scb_status_name(failure->status), failure->message);
}

bool scb_page_rows_are_due(const struct scb_page_rows *rows)
{
    int64_t age_ms = scb_clock_monotonic_ms(rows->settings.clock) - rows->since_ms;
    return rows->count >= BATCH || (rows->count > 0 && age_ms >= BATCH_MS);
}

enum scb_status scb_page_rows_record(struct scb_page_rows *rows, struct scb_error *error)
{
    const struct scb_page_rows_settings *settings = &rows->settings;
    enum scb_status status = SCB_OK;
    if (rows->count == 0)
        return SCB_OK;
    do
        status = scb_catalog_record_pages(settings->catalog, settings->backup_date, rows->records,
                                          rows->count, error);
    while (scb_patience_again(settings->patience, &status, error));
    if (status == SCB_OK)
        rows->count = 0;
    return status;
}
