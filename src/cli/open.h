/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command's way to the library's front door.
 */
#ifndef SCB_CLI_OPEN_H
#define SCB_CLI_OPEN_H

#include "cli/command.h"
#include "cli/progress.h"
#include "scb/service.h"

/*
 * A service of the context's configuration, log and cancellation; scb_service_free is the caller's.
 * A hanging disk ends the process, with the error said as the command's own would be.
 */
SCB_MUST_CHECK enum scb_status scb_command_service(const struct scb_command_context *context,
                                                   struct scb_service **ret_service,
                                                   struct scb_error *error);
/* The same with its progress shown on a line, which is begun; closed by the second. */
SCB_MUST_CHECK enum scb_status scb_command_open(const struct scb_command_context *context,
                                                struct scb_progress_line *line,
                                                struct scb_service **ret_service,
                                                struct scb_error *error);
/* The same with parts of the caller's: parts, its reload members set, gets the others. */
SCB_MUST_CHECK enum scb_status scb_command_open_with(const struct scb_command_context *context,
                                                     struct scb_service_parts *parts,
                                                     struct scb_progress_line *line,
                                                     struct scb_service **ret_service,
                                                     struct scb_error *error);
void scb_command_close(struct scb_progress_line *line, struct scb_service *service);

#endif
