/* SPDX-License-Identifier: Apache-2.0 */
#include "service/slot.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };
static const int64_t day_ms = 24 * (int64_t)HOUR_MS;

struct scb_slot scb_slot_at(int64_t real_ms, int64_t interval_ms)
{
    /* A name has whole seconds, so has a slot. */
    int64_t whole_ms = (interval_ms + SECOND_MS - 1) / SECOND_MS * SECOND_MS;
    struct scb_slot slot = {.start_ms = real_ms - real_ms % whole_ms};
    slot.end_ms = slot.start_ms + whole_ms;
    scb_backup_date_format(slot.start_ms, whole_ms < day_ms, slot.backup_date);
    return slot;
}

int64_t scb_slot_begin_ms(const struct scb_slot *slot, int64_t jitter_ms, uint32_t random)
{
    int64_t half_ms = (slot->end_ms - slot->start_ms) / 2;
    int64_t most_ms = jitter_ms < half_ms ? jitter_ms : half_ms; /* half a year at most: 35 bits */
    return slot->start_ms + ((most_ms * (int64_t)(random >> 8)) >> 24);
}

int64_t scb_slot_retry_delay_ms(int64_t failures)
{
    int64_t delay_ms = MINUTE_MS;
    for (int64_t i = 1; i < failures && delay_ms < HOUR_MS; i++)
        delay_ms *= 2;
    return delay_ms < HOUR_MS ? delay_ms : HOUR_MS;
}

/* Whether such trouble may have gone in a minute. */
static bool passes(const struct scb_error *error)
{
    switch (error->status) {
    case SCB_ERROR_CONTRACT:
    case SCB_ERROR_FILE:
    case SCB_ERROR_DATABASE:
    case SCB_ERROR_RESOURCE:
    case SCB_ERROR_BUSY:
        return !error->permanent;
    case SCB_OK:
    case SCB_ERROR_INTERNAL:
    case SCB_ERROR_USAGE:
    case SCB_ERROR_VALIDATION:
    case SCB_ERROR_INTEGRITY:
    case SCB_ERROR_ACCESS:
    case SCB_ERROR_NOT_FOUND:
    case SCB_ERROR_DIFFERENT:
    case SCB_ERROR_CANCELED:
        return false;
    }
    return false;
}

int64_t scb_slot_again_ms(const struct scb_slot *slot, const struct scb_error *error,
                          int64_t failures, int64_t now_ms)
{
    int64_t again_ms = now_ms + scb_slot_retry_delay_ms(failures);
    return passes(error) && again_ms < slot->end_ms ? again_ms : slot->end_ms;
}
