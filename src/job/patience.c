/* SPDX-License-Identifier: Apache-2.0 */
#include "job/patience.h"

/* Short ones: the driver has waited some seconds of its own before each refusal. */
enum { FIRST_PAUSE_MS = 50, LONGEST_PAUSE_MS = 2000 };

int64_t scb_patience_pause(struct scb_patience *patience, enum scb_status status,
                           const struct scb_error *error)
{
    if (status == SCB_OK)
        patience->waiting = false;
    if (status != SCB_ERROR_DATABASE || !error->retryable)
        return -1;
    int64_t now_ms = scb_clock_monotonic_ms(patience->clock);
    if (!patience->waiting) {
        patience->waiting = true;
        patience->since_ms = now_ms;
        patience->pause_ms = FIRST_PAUSE_MS;
    } else if (patience->pause_ms < LONGEST_PAUSE_MS) {
        int64_t doubled_ms = 2 * patience->pause_ms;
        patience->pause_ms = doubled_ms < LONGEST_PAUSE_MS ? doubled_ms : LONGEST_PAUSE_MS;
    }
    bool more = now_ms + patience->pause_ms < patience->since_ms + patience->limit_ms;
    return more ? patience->pause_ms : -1;
}

bool scb_patience_again(struct scb_patience *patience, enum scb_status *status,
                        struct scb_error *error)
{
    bool waited = patience->waiting;
    int64_t pause_ms = scb_patience_pause(patience, *status, error);
    if (*status == SCB_OK && waited)
        *error = (struct scb_error){0};
    if (pause_ms < 0)
        return false;
    if (!waited)
        scb_log_warn(patience->log, "Status database is busy, waiting for it",
                     SCB_TEXT("backup_date", patience->backup_date),
                     SCB_TEXT("error", error->message));
    if (!scb_cancel_sleep(patience->cancel, pause_ms))
        return true;
    *status = scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
    return false;
}
