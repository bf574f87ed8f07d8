/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The claim to a backup while it is made: backup_dir's lock, then the backup's own.
 */
#ifndef SCB_JOB_CLAIM_H
#define SCB_JOB_CLAIM_H

#include "job/backup.h"
#include "scb/error.h"
#include "store/store.h"

/* {0} is none. */
struct scb_claim {
    struct scb_store_lock *writer, *backup;
};

/* Waits settings->lock_wait_ms for others to be done; BusyError says who is not. */
SCB_MUST_CHECK enum scb_status scb_claim_take(const struct scb_backup_parts *parts,
                                              const struct scb_backup_settings *settings,
                                              struct scb_claim *ret_claim, struct scb_error *error);
void scb_claim_release(struct scb_claim *claim);

#endif
