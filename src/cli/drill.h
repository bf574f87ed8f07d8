/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup test-restore --rpc-url: the drill on a scratch chain.
 */
#ifndef SCB_CLI_DRILL_H
#define SCB_CLI_DRILL_H

#include "cli/command.h"

/* Runs it with the context's options --backup-date, --keystore and --password-file, and shows
 * what came of it. */
SCB_MUST_CHECK enum scb_status scb_drill_on_chain(const struct scb_command_context *context,
                                                  const char *rpc_url, struct scb_error *error);

#endif
