/* SPDX-License-Identifier: Apache-2.0 */
#include "job/reading.h"

enum { CHECK_EVERY = 256, OBSERVE_MS = 200 };

enum scb_status scb_reading_open(const struct scb_reading_parts *parts, const char *backup_date,
                                 struct scb_backup_reader **ret_reader, struct scb_error *error)
{
    const struct scb_backup_reader_settings settings = {.backup_date = backup_date,
                                                        .limits = parts->limits,
                                                        .check_sha256 = true,
                                                        .keys = parts->keys,
                                                        .cancel = parts->cancel};
    return scb_backup_reader_open(parts->store, parts->catalog, &settings, ret_reader, error);
}

/* Now and then; true when it is to end. */
static bool look_up(const struct scb_backup_reader *reader,
                    const struct scb_reading_progress *progress, uint64_t keys, int64_t *shown_ms)
{
    int64_t now_ms = scb_clock_monotonic_ms(progress->parts->clock);
    if (progress->parts->observe != NULL && now_ms - *shown_ms >= OBSERVE_MS) {
        const struct scb_manifest *manifest = scb_backup_reader_manifest(reader);
        const struct scb_run_progress shown = {.activity = progress->activity,
                                               .backup_date = manifest->backup_date,
                                               .pages = scb_backup_reader_page(reader),
                                               .total_pages = manifest->total_pages,
                                               .keys = keys,
                                               .total_keys = manifest->total_keys,
                                               .elapsed_ms = now_ms - progress->started_ms};
        progress->parts->observe(progress->parts->observe_state, &shown);
        *shown_ms = now_ms;
    }
    return scb_cancel_requested(progress->parts->cancel);
}

enum scb_status scb_read_entries(struct scb_backup_reader *reader,
                                 struct scb_reading_progress *progress, scb_entry_taker take,
                                 void *state, struct scb_error *error)
{
    if (progress->started_ms == 0)
        progress->started_ms = scb_clock_monotonic_ms(progress->parts->clock);
    int64_t shown_ms = progress->started_ms;
    for (uint64_t keys = 0;; keys++) {
        bool more = false;
        struct scb_entry entry;
        if (keys % CHECK_EVERY == 0 && look_up(reader, progress, keys, &shown_ms))
            return scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
        enum scb_status status = scb_backup_reader_next(reader, &more, &entry, error);
        if (status == SCB_OK && more)
            status = take(state, &entry, error);
        if (status != SCB_OK || !more)
            return status;
    }
}
