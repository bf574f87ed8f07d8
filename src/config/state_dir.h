/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a deployment keeps what is not a backup: database, audit log, tokens, restore journals.
 */
#ifndef SCB_CONFIG_STATE_DIR_H
#define SCB_CONFIG_STATE_DIR_H

#include "scb/config.h"

/* The directory of the status database, for what stands beside it; to be freed. NULL with error:
 * ValidationError where the database is none on this machine's disk. */
char *scb_config_state_dir(const struct scb_config *config, struct scb_error *error);

#endif
