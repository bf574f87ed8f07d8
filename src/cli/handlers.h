/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions behind the commands, one for each entry of command.def.
 */
#ifndef SCB_CLI_HANDLERS_H
#define SCB_CLI_HANDLERS_H

#include "cli/command.h"

#define SCB_COMMAND(name, ...)                                                                     \
    SCB_MUST_CHECK enum scb_status scb_command_##name(const struct scb_command_context *context,   \
                                                      struct scb_error *error);
#include "cli/command.def"
#undef SCB_COMMAND

#endif
