/* SPDX-License-Identifier: Apache-2.0 */
#include "job/reading.h"

enum { CHECK_EVERY = 256, OBSERVE_MS = 200 };

/* Now and then; true when it is to end. */
static bool look_up(const struct scb_backup_reader *reader,
                    const struct scb_reading_progress *progress, uint64_t keys, int64_t *shown_ms)
{
    int64_t now_ms = scb_clock_monotonic_ms(progress->clock);
    if (progress->observe != NULL && now_ms - *shown_ms >= OBSERVE_MS) {
        const struct scb_manifest *manifest = scb_backup_reader_manifest(reader);
        const struct scb_run_progress shown = {.activity = progress->activity,
                                               .backup_date = manifest->backup_date,
                                               .pages = scb_backup_reader_page(reader),
                                               .total_pages = manifest->total_pages,
                                               .keys = keys,
                                               .total_keys = manifest->total_keys,
                                               .elapsed_ms = now_ms - progress->started_ms};
        progress->observe(progress->observe_state, &shown);
        *shown_ms = now_ms;
    }
    return scb_cancel_requested(progress->cancel);
}

enum scb_status scb_read_entries(struct scb_backup_reader *reader,
                                 struct scb_reading_progress *progress, scb_entry_taker take,
                                 void *state, struct scb_error *error)
{
    if (progress->started_ms == 0)
        progress->started_ms = scb_clock_monotonic_ms(progress->clock);
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
