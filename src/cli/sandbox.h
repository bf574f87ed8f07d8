/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walls around the service, as its configuration needs them (backup.sandbox).
 */
#ifndef SCB_CLI_SANDBOX_H
#define SCB_CLI_SANDBOX_H

#include "cli/command.h"

/*
 * From here on the process writes only below backup_dir, the directories of the database, the log
 * and temporary files, and reads only the system and what the configuration names. Called before
 * there are threads. What the kernel has not is logged, or an error with "require".
 */
SCB_MUST_CHECK enum scb_status scb_sandbox_service(const struct scb_command_context *context,
                                                   struct scb_error *error);

#endif
