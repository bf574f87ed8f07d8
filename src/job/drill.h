/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A drill on a scratch chain: deploys a KeyValueStore there, restores into it and reads it back.
 */
#ifndef SCB_JOB_DRILL_H
#define SCB_JOB_DRILL_H

#include "job/restore.h"

/* Makes a contract with the account of settings (its signer's, or the node's own). */
SCB_MUST_CHECK enum scb_status scb_drill_deploy(const struct scb_restore_parts *parts,
                                                const struct scb_restore_settings *settings,
                                                struct scb_address *ret_contract,
                                                struct scb_error *error);

#endif
