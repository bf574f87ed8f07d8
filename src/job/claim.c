/* SPDX-License-Identifier: Apache-2.0 */
#include "job/claim.h"

enum { POLL_MS = 200 };

void scb_claim_release(struct scb_claim *claim)
{
    scb_store_unlock(claim->backup);
    scb_store_unlock(claim->writer);
    *claim = (struct scb_claim){0};
}

enum scb_status scb_claim_take(const struct scb_backup_parts *parts,
                               const struct scb_backup_settings *settings,
                               struct scb_claim *ret_claim, struct scb_error *error)
{
    int64_t end_ms = scb_clock_monotonic_ms(parts->clock) + settings->lock_wait_ms;
    *ret_claim = (struct scb_claim){0};
    for (;;) {
        enum scb_status status =
            scb_store_lock_writer(parts->store, parts->clock, &ret_claim->writer, error);
        if (status == SCB_OK)
            status = scb_store_lock(parts->store, settings->backup_date, parts->clock,
                                    &ret_claim->backup, error);
        if (status == SCB_OK)
            return SCB_OK;
        scb_claim_release(ret_claim);
        if (status != SCB_ERROR_BUSY || scb_clock_monotonic_ms(parts->clock) >= end_ms)
            return status;
        if (scb_cancel_sleep(parts->cancel, POLL_MS))
            return scb_error_set(error, SCB_ERROR_CANCELED, "interrupted");
    }
}
