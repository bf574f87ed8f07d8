/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When backups are due (SPEC 4): time is cut into slots of chore_interval since the epoch, in UTC,
 * and a slot without a completed backup is due. So nothing drifts, doubles or is left out.
 */
#ifndef SCB_SERVICE_SLOT_H
#define SCB_SERVICE_SLOT_H

#include <stdint.h>

#include "base/clock.h"
#include "scb/error.h"

struct scb_slot {
    int64_t start_ms;
    int64_t end_ms;
    char backup_date[SCB_BACKUP_DATE_SIZE]; /* of the start: a day, or a time where slots are
                                               shorter */
};

struct scb_slot scb_slot_at(int64_t real_ms, int64_t interval_ms);

/*
 * When to begin with the slot's backup: random (32 random bits) of jitter_ms after its start, but
 * in its first half, so that there is time left for the backup.
 */
int64_t scb_slot_begin_ms(const struct scb_slot *slot, int64_t jitter_ms, uint32_t random);

/* How long to wait after the failed attempt number failures (1 = first): 1 minute, doubling to 1
 * hour. */
int64_t scb_slot_retry_delay_ms(int64_t failures);

/*
 * When to try the slot again after its attempt number failures failed at now_ms: after the delay,
 * or at its end where waiting does not mend that.
 */
int64_t scb_slot_again_ms(const struct scb_slot *slot, const struct scb_error *error,
                          int64_t failures, int64_t now_ms);

#endif
