/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the contract that is restored into holds at one block. For job/restore.
 */
#ifndef SCB_JOB_RESTORE_TARGET_H
#define SCB_JOB_RESTORE_TARGET_H

#include "job/fingerprints.h"
#include "job/restore.h"

/* {0} is one that is not open. */
struct scb_restore_target {
    struct scb_source *source;
    struct scb_pin pin;
    struct scb_fingerprints *keys; /* all of them; NULL where only pinned */
};

/* Finds the block ("latest" or a number); what was open is closed first. */
SCB_MUST_CHECK enum scb_status scb_restore_target_pin(const struct scb_restore_parts *parts,
                                                      const char *block,
                                                      struct scb_restore_target *target,
                                                      struct scb_error *error);
/* And reads all that the contract holds there. */
SCB_MUST_CHECK enum scb_status scb_restore_target_read(const struct scb_restore_parts *parts,
                                                       const struct scb_restore_settings *settings,
                                                       const char *block,
                                                       struct scb_restore_target *target,
                                                       struct scb_error *error);
void scb_restore_target_close(struct scb_restore_target *target);

#endif
