/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a restore is shown: its plan, what came of it.
 */
#ifndef SCB_CLI_RESTORE_VIEW_H
#define SCB_CLI_RESTORE_VIEW_H

#include <stdio.h>

#include "base/json.h"
#include "cli/command.h"
#include "scb/restore.h"

/* The plan, for a person who is to agree to it. */
void scb_view_plan(FILE *out, const struct scb_restore_plan *plan);

/* The members of the open object that tell of a restore. */
void scb_view_restore_members(struct scb_json *json, const struct scb_restore_result *result,
                              bool dry_run);
/* The whole result, as --json and --quiet say. */
SCB_MUST_CHECK enum scb_status scb_view_restore(const struct scb_command_context *context,
                                                bool dry_run,
                                                const struct scb_restore_result *result,
                                                struct scb_error *error);

#endif
